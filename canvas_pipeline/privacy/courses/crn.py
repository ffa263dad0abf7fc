"""Find course identities in codes, names, titles and free text.

A form such as ``CS_3704_21936_202601`` is found in any context. ``CS 3704``, ``CS3704`` and ``cs-3704`` are the same course.
Similar texts that name no course (``FALL 2023``, ``ISO 8601``) and placeholders are not found. Time is linear in the length of the
text. The forms and words are in ``courses.forms``; ``courses.masker`` assigns the handles.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Iterable
from functools import cache
from typing import NamedTuple

from canvas_pipeline.privacy.courses import forms
from canvas_pipeline.privacy.courses.foreign_codes import foreign

_DIGITS = re.compile(r"[0-9]{3}|[0-9][A-CE-Z]|[0-9]\.[0-9]{2}")  # required by every form: "3704", "61A", "18.06"
_ANY_DIGIT = re.compile("[\\d\u2460-\u2473\u24ea]")
# Invisible characters: zero-width characters, joiners, direction marks, soft hyphens, variation selectors.
_INVISIBLE = re.compile("[\u00ad\u034f\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufe00-\ufe0f\ufeff]")
_DASHES = "\u2010\u2011\u2012\u2013\u2014\u2015\u2043\u207b\u2212\ufe58\ufe63\uff0d"
_FOLDED_RANGES = ((0x2460, 0x24EB), (0xFF01, 0xFF5F), (0x1D400, 0x1D800))
_GAP_FOR_UNKNOWN = 2
# A time of day, which follows a course and not a year: "TTKG 1939 at 3:15".
_HOUR = r"[0-9]{1,2}(?:[:.h][0-5][0-9]|(?::[0-5][0-9])?\s?[AaPp](?:\.?[Mm])?\b)"
_AT_AN_HOUR = re.compile(rf"[^0-9\n]{{1,28}}(?:[0-9]{{1,2}}\s?-\s?)?{_HOUR}")
_AN_HOUR_BEFORE = re.compile(rf"{_HOUR}[^0-9\n]{{1,20}}$")
_CONTEXT_SPAN = 28
_YEARS = r"(?:19|20)[0-9]{2}(?:[0-9]{2})?"


class CourseId(NamedTuple):
    """The known parts of a course, each canonical (upper case, term as YYYYMM) or None. Its ``repr`` shows no part."""

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
        """Return whether both can be the same course: no part differs, and they share the CRN or subject and number."""
        if any(a is not None and b is not None and a != b for a, b in zip(self, other, strict=True)):
            return False
        same_number = self.number is not None and self.number == other.number and self.subject == other.subject
        return same_number or (self.crn is not None and self.crn == other.crn)


class Mention(NamedTuple):
    """A course named by ``text[start:end]``."""

    start: int
    end: int
    course: CourseId


class View(NamedTuple):
    """A folded text. ``source[i]`` is the offset of ``text[i]`` in the original text; None if all offsets are equal."""

    text: str
    source: tuple[int, ...] | None

    def in_source(self, start: int, end: int) -> tuple[int, int]:
        """Convert a span of the folded text to one of the original text."""
        if self.source is None or start >= end:
            return start, end
        return self.source[start], self.source[end - 1] + 1


def find(text: str, subjects: Collection[str] = frozenset()) -> list[Mention]:
    """Find all course identities in a text, without overlaps; the longest wins.

    ``subjects`` (in capitals) are accepted like known ones."""
    if not _ANY_DIGIT.search(text) if not text.isascii() else not _DIGITS.search(text):
        return []
    view = folded(text)
    if not _DIGITS.search(view.text):
        return []
    return without_overlaps(candidates(view, subjects), text, view)


def folded(text: str) -> View:
    """Convert digits, blanks, dashes and stylised letters to ASCII, and remove invisible characters."""
    if text.isascii():
        return View(text, None)
    if not _INVISIBLE.search(text):
        return View(text.translate(_plain()), None)
    source = tuple(i for i, character in enumerate(text) if not _INVISIBLE.match(character))
    return View("".join(map(text.__getitem__, source)).translate(_plain()), source)


def candidates(view: View, subjects: Collection[str] = frozenset()) -> list[Mention]:
    """Return all possible course identities in a folded text, with overlaps and its offsets."""
    text = view.text
    found = [
        Mention(
            match.start() + skip, match.end(), CourseId(subject, match["number"].upper(), match["crn2"], match["term2"])
        )
        for match in forms.WHOLE.finditer(text)
        for subject, skip in (_known_end(match["subject"], subjects),)
    ]
    all_caps: bool | None = None
    position = 0
    while match := forms.CORE.search(text, position):
        if all_caps is None:
            all_caps = _is_all_caps(text)
        parts = match.groupdict()
        if _is_course(match, parts, subjects, all_caps):
            found.append(Mention(match.start(), _past_digits(text, match.end()), _course(parts)))
            position = match.end()
        else:  # another mention may begin inside this match
            position = match.start("subject") + 1
    found += _bare(text)
    found += _beside_terms(text)
    found += [Mention(start, end, CourseId(subject, number)) for start, end, subject, number in foreign(text)]
    return found


def without_overlaps(found: Iterable[Mention], text: str, view: View) -> list[Mention]:
    """Convert mentions of a folded text to mentions of the text, in order and without overlaps.

    The longest mention at each place is kept. None is inside a placeholder. A mention in an e-mail or web address covers the whole
    address."""
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
    """Convert ``2026 Spring`` or ``Spring 2026`` to ``202601``; None without a season and year ("Default Term")."""
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


def _is_course(match: re.Match[str], parts: dict[str, str], subjects: Collection[str], all_caps: bool) -> bool:
    subject, number, text = parts["subject"], parts["number"], match.string
    upper = subject.upper()
    if upper in forms.NO_SUBJECT and upper not in subjects:
        return False
    known = upper in forms.KNOWN_SUBJECTS or upper in subjects
    ambiguous = upper in forms.AMBIGUOUS
    if match["glued"] is not None or match["broken"] is not None:  # "cs3704exam" is a course, "phys100mL" is not
        if forms.HEX_ID.match(text, match.start("subject")):  # "ee4779cdc944"
            return False
        return known and match["glued"] is not None and len(number) == 4 and (not ambiguous or subject.isupper())
    if any(parts[name] for name in ("term0", "term1", "term2", "crn1", "crn2", "crn3")):
        machine = not match["gap"] or match["gap"] in "_-"
        return known or (len(subject) <= forms.MAX_UNKNOWN and (subject.isupper() or machine))
    digits = number.rstrip("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz")
    plain = digits == number
    year_like = plain and 1900 <= int(digits) <= 2049
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
        if year_like and upper in forms.BESIDE_YEARS:
            return (dated or in_context()) and (subject.isupper() or upper in forms.WRITTEN_OUT)
        if upper in forms.WRITTEN_OUT:
            return True
        if upper in forms.FUNCTION_WORDS and all_caps:
            return in_context()
        # "art 1404" is a painting's year, "art1404" is written like a code; so is "me_1383", where "Is2048" may be a title.
        written = len(digits) == 4 and not (upper in forms.FUNCTION_WORDS and year_like)
        if subject == "Me" and written:  # no sentence begins so, unlike "Is 1413" or "At 1400"
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
    return not (len(subject) == 2 or all_caps) or dated or bool(match["section"]) or in_context()


def _bare(text: str) -> Iterable[Mention]:
    for match in forms.BARE.finditer(text):
        group = str(match.lastgroup)[0]
        parts = match.groupdict()
        crn = parts.get(f"{group}_crn") or match[group][:5]
        term = parts.get(f"{group}_term") or term_code(match[group].replace("_", " "))
        yield Mention(*match.span(group), CourseId(crn=crn, term=term))


def _beside_terms(text: str) -> Iterable[Mention]:
    """Yield section numbers beside a term, without the term.

    Five digits are enough; four or six need a sign between number and term. A possible year or a registrar's term is not one."""
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
    """Return the subject at the end of joined letters ("siteCS"), and the number of letters before it."""
    upper = letters.upper()
    ends = (upper[at:] for at in range(len(upper) - 1))
    known = next((end for end in ends if end in forms.KNOWN_SUBJECTS or end in subjects), upper)
    return known, len(upper) - len(known)


def _past_digits(text: str, end: int) -> int:
    """Extend a mention over directly following digits, which would be read as part of the handle."""
    while end < len(text) and text[end].isdigit():
        end += 1
    return end


def _is_all_caps(text: str) -> bool:
    """Return whether a text is a sentence in capitals, of three or more words."""
    return text.isupper() and len(re.findall(r"[A-Z]{2,}", text[:400])) >= 3


def _in_addresses(mentions: list[Mention], text: str, covered: bytearray) -> list[Mention]:
    """Extend each mention in an e-mail or web address over the address, unless it contains a placeholder too."""
    addresses = [m.span() for m in forms.ADDRESS.finditer(text) if covered.find(1, *m.span()) < 0]
    inside = bytearray(len(text))
    for start, end in addresses:
        inside[start:end] = b"\1" * (end - start)
    first: dict[int, tuple[int, int]] = {}
    extended = []
    for mention in mentions:
        if inside.find(1, mention.start, mention.end) < 0:
            extended.append(mention)
            continue
        if not first:
            first = {at: span for span in addresses for at in range(*span)}
        starts = [first[at] for at in (mention.start, mention.end - 1) if at in first]
        start = min([mention.start, *(s for s, _ in starts)])
        extended.append(Mention(start, max([mention.end, *(e for _, e in starts)]), mention.course))
    return extended


@cache
def _plain() -> dict[int, str]:
    """Return the table of characters to fold. Each becomes one character, so that offsets do not change."""
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
