"""Find course identities in codes, names, titles and free text.

In: any text. Out: ``Mention``s, where and which course, left to right. What must hold: a form such as ``CS_3704_21936_202601`` is
found wherever it stands and whatever stands beside it; ``CS 3704``, ``CS3704`` and ``cs-3704`` are the same course; what looks
alike and names none (``FALL 2023``, ``ISO 8601``) is not found; placeholders are left alone; work is linear in the text's length.

The forms and words are in ``courses.forms``; which handle a mention gets is ``courses.masker``'s.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Iterable
from functools import cache
from typing import NamedTuple

from canvas_pipeline.privacy.courses import forms
from canvas_pipeline.privacy.courses.foreign_codes import foreign

_DIGITS = re.compile(r"[0-9]{3}|[0-9][A-CE-Z]|[0-9]\.[0-9]{2}")  # what any form needs: "3704", "61A", "18.06"
_ANY_DIGIT = re.compile("[\\d\u2460-\u2473\u24ea]")
# Zero-width characters, joiners, marks of direction, soft hyphens, variation selectors: seen by no reader.
_INVISIBLE = re.compile("[\u00ad\u034f\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufe00-\ufe0f\ufeff]")
_DASHES = "\u2010\u2011\u2012\u2013\u2014\u2015\u2043\u207b\u2212\ufe58\ufe63\uff0d"
_FOLDED_RANGES = ((0x2460, 0x24EB), (0xFF01, 0xFF5F), (0x1D400, 0x1D800))
_GAP_FOR_UNKNOWN = 2
# What follows a course that meets then, and no year: "TTKG 1939 at 3:15".
_HOUR = r"[0-9]{1,2}(?:[:.h][0-5][0-9]|(?::[0-5][0-9])?\s?[AaPp](?:\.?[Mm])?\b)"
_AT_AN_HOUR = re.compile(rf"[^0-9\n]{{1,28}}(?:[0-9]{{1,2}}\s?-\s?)?{_HOUR}")
_AN_HOUR_BEFORE = re.compile(rf"{_HOUR}[^0-9\n]{{1,20}}$")
_CONTEXT_SPAN = 28
_YEARS = r"(?:19|20)[0-9]{2}(?:[0-9]{2})?"


class CourseId(NamedTuple):
    """What is known of a course: each part canonical (upper case, term as YYYYMM) or None. Its ``repr`` does not tell."""

    subject: str | None = None
    number: str | None = None
    crn: str | None = None
    term: str | None = None

    def __repr__(self) -> str:
        return f"CourseId({self.known_parts} parts withheld)"

    @property
    def known_parts(self) -> int:
        return sum(part is not None for part in self)

    def agrees(self, other: CourseId) -> bool:
        """Whether both can be the same course: no part differs, and the CRN or subject and number are shared."""
        if any(a is not None and b is not None and a != b for a, b in zip(self, other, strict=True)):
            return False
        same_number = self.number is not None and self.number == other.number and self.subject == other.subject
        return same_number or (self.crn is not None and self.crn == other.crn)


class Mention(NamedTuple):
    """Where a text names a course: ``text[start:end]``."""

    start: int
    end: int
    course: CourseId


class View(NamedTuple):
    """A text as the expressions read it. ``source[i]`` is where ``text[i]`` stands in the text itself; None where that is ``i``."""

    text: str
    source: tuple[int, ...] | None

    def in_source(self, start: int, end: int) -> tuple[int, int]:
        if self.source is None or start >= end:
            return start, end
        return self.source[start], self.source[end - 1] + 1


def find(text: str, subjects: Collection[str] = frozenset()) -> list[Mention]:
    """All course identities in a text, not overlapping; the longest wins. ``subjects`` (capitals) are believed like known ones."""
    if not _ANY_DIGIT.search(text) if not text.isascii() else not _DIGITS.search(text):
        return []
    view = folded(text)
    if not _DIGITS.search(view.text):
        return []
    return apart(candidates(view, subjects), text, view)


def folded(text: str) -> View:
    """Every digit, blank, dash and stylised letter in its plain ASCII form, invisible characters left out."""
    if text.isascii():
        return View(text, None)
    if not _INVISIBLE.search(text):
        return View(text.translate(_plain()), None)
    source = tuple(i for i, character in enumerate(text) if not _INVISIBLE.match(character))
    return View("".join(map(text.__getitem__, source)).translate(_plain()), source)


def candidates(view: View, subjects: Collection[str] = frozenset()) -> list[Mention]:
    """What may be a course identity in a view, overlaps and all; offsets are those of the view."""
    text = view.text
    found = [
        Mention(
            match.start() + skip, match.end(), CourseId(subject, match["number"].upper(), match["crn2"], match["term2"])
        )
        for match in forms.WHOLE.finditer(text)
        for subject, skip in (_known_end(match["subject"], subjects),)
    ]
    shouted: bool | None = None
    position = 0
    while match := forms.CORE.search(text, position):
        if shouted is None:
            shouted = _is_shouted(text)
        parts = match.groupdict()
        if _believed(match, parts, subjects, shouted):
            found.append(Mention(match.start(), _past_digits(text, match.end()), _course(parts)))
            position = match.end()
        else:  # in what was caught, letters and all, another one may begin
            position = match.start("subject") + 1
    found += _bare(text)
    found += _beside_terms(text)
    found += [Mention(start, end, CourseId(subject, number)) for start, end, subject, number in foreign(text)]
    return found


def apart(found: Iterable[Mention], text: str, view: View) -> list[Mention]:
    """Mentions of a view as mentions of the text, in order: the longest first at each place, never inside a placeholder; one that
    stands in a mail or web address covers the address."""
    mentions = [Mention(*view.in_source(m.start, m.end), m.course) for m in found]
    if not mentions:
        return []
    covered = bytearray(len(text))
    for match in forms.PLACEHOLDER.finditer(text):
        covered[match.start() : match.end()] = b"\1" * (match.end() - match.start())
    if "@" in text or "://" in text or "www." in text:
        mentions = _in_addresses(mentions, text, covered)
    kept: list[Mention] = []
    for mention in sorted(mentions, key=lambda m: (m.start - m.end, -m.course.known_parts, m.start)):
        if covered.find(1, mention.start, mention.end) < 0:
            covered[mention.start : mention.end] = b"\1" * (mention.end - mention.start)
            kept.append(mention)
    return sorted(kept, key=lambda m: m.start)


def term_code(text: str | None) -> str | None:
    """``2026 Spring`` and ``Spring 2026`` → ``202601``; None where no season and year stand ("Default Term")."""
    for pattern in forms.TERM_TEXT:
        if text and (match := pattern.search(text)):
            return match.group("year") + forms.SEASONS[match.group("season").lower()]
    return None


def _course(parts: dict[str, str]) -> CourseId:
    term = parts["term2"] or parts["term1"] or parts["term0"]
    for n in "12340" if term is None else "":
        if season := parts.get(f"season{n}"):
            year = parts[f"year{n}"]
            term = ("20" + year if len(year) == 2 else year) + forms.SEASONS[season.lower()]
    crn = parts["crn2"] or parts["crn3"] or parts["crn1"] or parts["crn0"]
    return CourseId(parts["subject"].upper(), parts["number"].upper(), crn, term)


def _believed(match: re.Match[str], parts: dict[str, str], subjects: Collection[str], shouted: bool) -> bool:
    subject, number, text = parts["subject"], parts["number"], match.string
    upper = subject.upper()
    if upper in forms.NO_SUBJECT and upper not in subjects:
        return False
    known = upper in forms.KNOWN_SUBJECTS or upper in subjects
    ambiguous = upper in forms.AMBIGUOUS
    if match["glued"] is not None or match["broken"] is not None:  # "cs3704exam" is one, "phys100mL" is none
        if forms.HEX_ID.match(text, match.start("subject")):  # "ee4779cdc944"
            return False
        return known and match["glued"] is not None and len(number) == 4 and (not ambiguous or subject.isupper())
    if any(parts[name] for name in ("term0", "term1", "term2", "crn1", "crn2", "crn3")):
        machine = not match["gap"] or match["gap"] in "_-"
        return known or (len(subject) <= forms.MAX_UNKNOWN and (subject.isupper() or machine))
    digits = number.rstrip("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz")
    plain = digits == number
    yearlike = plain and 1900 <= int(digits) <= 2049
    dated = any(parts[f"season{n}"] for n in "01234")
    if match["gap"] in (":", "#", "*", "+", " #") and not (known and len(digits) == 4):
        return False
    if (ambiguous or not known or len(digits) == 3) and forms.UNIT.match(text, match.end()):
        return False
    if plain and len(digits) == 3 and re.match(r"[.,:][0-9]", text[match.end() : match.end() + 2]):
        return False
    if known and not ambiguous:
        return True

    def in_context() -> bool:
        start, end = match.start("subject"), match.end()
        return bool(
            forms.CONTEXT.search(text[max(0, start - _CONTEXT_SPAN) : start])
            or forms.CONTEXT.search(text[end : end + _CONTEXT_SPAN])
        )

    if ambiguous:
        if yearlike and upper in forms.BESIDE_YEARS:
            return (dated or in_context()) and (subject.isupper() or upper in forms.WRITTEN_OUT)
        if upper in forms.WRITTEN_OUT:
            return True
        if upper in forms.FUNCTION_WORDS and shouted:
            return in_context()
        # "art 1404" is a painting's year, "art1404" is written like a code; so is "me_1383", where "Is2048" may be a title.
        written = len(digits) == 4 and not (upper in forms.FUNCTION_WORDS and yearlike)
        if subject == "Me" and written:  # no sentence begins so, as one does with "Is 1413" or "At 1400"
            return True
        return subject.isupper() or (match["gap"] in ("", "_") and written)
    if not subject.isupper() or len(subject) > forms.MAX_UNKNOWN or len(match["gap"]) > _GAP_FOR_UNKNOWN:
        return False
    if len(digits) != 4 or digits[0] not in "1234567":
        return False
    if digits[:2] in ("19", "20") and not (
        _AT_AN_HOUR.match(text, match.end())
        or _AN_HOUR_BEFORE.search(text, max(0, match.start() - 28), match.start("subject"))
    ):
        return False
    if forms.THING.search(text[max(0, match.start() - 20) : match.start()]):
        return False
    return not (len(subject) == 2 or shouted) or dated or bool(match["section"]) or in_context()


def _bare(text: str) -> Iterable[Mention]:
    for match in forms.BARE.finditer(text):
        group = str(match.lastgroup)[0]
        parts = match.groupdict()
        crn = parts.get(f"{group}_crn") or match[group][:5]
        term = parts.get(f"{group}_term") or term_code(match[group].replace("_", " "))
        yield Mention(*match.span(group), CourseId(crn=crn, term=term))


def _beside_terms(text: str) -> Iterable[Mention]:
    """Section numbers beside a term, the term left as it is. Five digits are enough; four or six need a sign between, and four
    that may be a year, or six that are a registrar's term, are none."""
    for match in forms.BESIDE_TERM.finditer(text):
        side = "before" if match["before"] else "after"
        number, gap = match[side], match["gap"] or match["gap_after"] or ""
        if not gap or (len(number) != 5 and not gap.strip()) or re.fullmatch(_YEARS, number):
            continue
        yield Mention(
            *match.span(side), CourseId(crn=number, term=term_code(match["term_after"] or match["term_before"]))
        )
    for match in forms.NEAR_TERM.finditer(text):
        side = "before" if match["before"] else "after"
        yield Mention(
            *match.span(side), CourseId(crn=match[side], term=term_code(match["term_after"] or match["term_before"]))
        )


def _known_end(letters: str, subjects: Collection[str]) -> tuple[str, int]:
    """A subject at the end of letters that run together ("siteCS"), and how many letters stand before it."""
    upper = letters.upper()
    ends = (upper[at:] for at in range(len(upper) - 1))
    known = next((end for end in ends if end in forms.KNOWN_SUBJECTS or end in subjects), upper)
    return known, len(upper) - len(known)


def _past_digits(text: str, end: int) -> int:
    """Digits that touch a mention's end go with it, or they would be read as the handle's."""
    while end < len(text) and text[end].isdigit():
        end += 1
    return end


def _is_shouted(text: str) -> bool:
    """A sentence in capitals: three words or more, none with a small letter."""
    return text.isupper() and len(re.findall(r"[A-Z]{2,}", text[:400])) >= 3


def _in_addresses(mentions: list[Mention], text: str, covered: bytearray) -> list[Mention]:
    """Each mention in a mail or web address, stretched over it, unless a placeholder stands in it too."""
    addresses = [m.span() for m in forms.ADDRESS.finditer(text) if covered.find(1, *m.span()) < 0]
    inside = bytearray(len(text))
    for start, end in addresses:
        inside[start:end] = b"\1" * (end - start)
    first: dict[int, tuple[int, int]] = {}
    stretched = []
    for mention in mentions:
        if inside.find(1, mention.start, mention.end) < 0:
            stretched.append(mention)
            continue
        if not first:
            first = {at: span for span in addresses for at in range(*span)}
        starts = [first[at] for at in (mention.start, mention.end - 1) if at in first]
        start = min([mention.start, *(s for s, _ in starts)])
        stretched.append(Mention(start, max([mention.end, *(e for _, e in starts)]), mention.course))
    return stretched


@cache
def _plain() -> dict[int, str]:
    """One character for one: offsets stay."""
    table = dict.fromkeys(map(ord, _DASHES), "-")
    for low, high in _FOLDED_RANGES:
        for code in range(low, high):
            form = unicodedata.normalize("NFKC", chr(code))
            if len(form) == 1 and form.isascii():
                table[code] = form
    for code in range(0x80, 0x20000):
        character = chr(code)
        if unicodedata.category(character) == "Nd":
            table[code] = str(unicodedata.decimal(character))
        elif character.isspace() and code not in table:
            table[code] = " "
    return table
