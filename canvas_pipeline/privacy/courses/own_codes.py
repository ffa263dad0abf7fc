"""Find course codes of unknown forms by the codes and names in one contributor's own file.

``CodeToken`` is the part of a code that names the course. Tokens are compared by their atoms, runs of letters and runs of digits:
``27-314`` is ("27", "314"). Its *shape* is "99-999". If several codes of a contributor share a shape, or a shape is distinctive,
other texts of that shape are courses too. Years, terms, dates and page ranges are not tokens. Time is linear in the length of the
text, regardless of the number of codes.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from canvas_pipeline.privacy.courses import forms

_CHUNK = re.compile(r"[A-Za-z0-9]+(?:[-:._][A-Za-z0-9]+)*(?: [0-9]{3,4}(?![A-Za-z0-9]))?")
_PLAIN_ATOM = re.compile(r"[A-Za-z]+|[0-9]+")
_CAMEL_ATOM = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+")
_CAMEL = re.compile(r"[a-z][A-Z]")
_PART = re.compile(r"[^-:._ ]+")
# The parts of a code that do not name the course: terms, sections, types of teaching.
_NOT_NAMING = re.compile(
    r"(?:19|20)[0-9]{2}|(?:19|20)[0-9]{4}|(?:19|20)[0-9]{2}[A-Z]{1,2}[0-9]?|[0-9][A-Z](?:19|20)[0-9]{2}"
    r"|(?:SP|FA|SU|WI|AU|FS|SS|WS|SM|SEM|TT|HT|MT|LT|TRI|[SFWTQPB])-?[0-9]{1,4}|[A-Z]{1,2}|0[0-9]{1,3}|LEC|LAB|DIS|TUT|ONL|WEB|HON|XLS|MAIN",
    re.I,
)
_TERM_FIRST = re.compile(r"(?:19|20)[0-9]{2}(?:[0-9]{2}|[A-Z]{1,2}[0-9]?)?|(?:SP|FA|SU|WI|[SFW])[0-9]{2,4}", re.I)
_DATES = re.compile(
    r"(?:19|20)[0-9]{2}(?:[-._:/ ](?:(?:19|20)?[0-9]{2}|[0-9]{1,2}[-._/][0-9]{1,2}))?|[0-9]{1,2}[-._][0-9]{1,2}[-._](?:19|"
    r"20)?[0-9]{2}"
    r"|[0-9]{1,2}:[0-9]{2}(?::[0-9]{2})?"
)
_CLOCK = re.compile(r"(?<![0-9])(?:[01]?[0-9]|2[0-3]):[0-5][0-9](?![0-9])")
_DOTTED = re.compile(r"[0-9]{1,2}\.[0-9]{2,4}")
_NUMBERS_ONLY = re.compile(r"[0-9]+(?:[-:._][0-9]+)*")
_GAP = re.compile(r"[-:._/ ]{0,2}")
# A number after one of these words counts or numbers something else.
_COUNTED = re.compile(
    r"(?<![A-Za-z])(?:p|pp|pgs?|pages?|ch|chap|chapters?|prob(?:lem)?s?|ex|exercises?|q|questions?|nos?|numbers?|lines?|verses?|rows?|figs?|"
    r"figures?|tables?|vol|volumes?|scores?|points?|grades?|years?|weeks?|days?|items?|steps?|slides?|versions?|v|ratio|odds|isbn|"
    r"from|between|sections?|sec|sect|units?|lessons?|modules?|hw|homework|psalms?|luke|john|mark|genesis|romans)[\s.#:]{0,3}$",
    re.I,
)
_YEARLIKE = re.compile(r"(?:19|20)[0-9]{2}")


class CodeToken(NamedTuple):
    """The part of a code that names the course, with its code and term. As private as the file."""

    token: str
    code: str
    term: str | None


class Spotted(NamedTuple):
    """``text[start:end]`` is the code ``token`` (folded) or a code of its shape."""

    start: int
    end: int
    token: str


def codes_in(code: str) -> list[str]:
    """Return the naming parts of a course code: each chunk without its terms and sections, and the whole chunk."""
    return list(
        dict.fromkeys(core for chunk in _chunks(code) for core in (_core(chunk), chunk) if _is_distinctive(core))
    )


def numbers_in(code: str) -> list[str]:
    """Return the registration numbers in a code: chunks that are five digits apart from terms and sections."""
    cores = (_core(chunk) for chunk in _chunks(code))
    return list(dict.fromkeys(core for core in cores if re.fullmatch(r"[1-9][0-9]{4}", core)))


def codes_in_name(name: str) -> list[str]:
    """Return the codes in a course's name: at its start, in brackets, or after a dash or bar at its end."""
    found = []
    for match in _CHUNK.finditer(name):
        before, after = name[: match.start()].rstrip(), name[match.end() :].lstrip()
        placed = not before or before[-1] in "([|" or (not after and before[-1] in "-:/")
        if placed and any(c.isdigit() for c in match.group()):
            token = _core(_without_number(match.group()))
            if _is_distinctive(token) and (_NUMBERS_ONLY.fullmatch(token) or token.upper() == token):
                found.append(token)
    return found


def atoms(token: str) -> tuple[str, ...]:
    """Split a token into runs of letters and runs of digits, with case folded."""
    return tuple(atom.casefold() for atom in _PLAIN_ATOM.findall(token))


def shape(token: str) -> str:
    """Return the shape of a token: ``EN.715.309`` → ``AA.999.999``."""
    return re.sub(r"[0-9]", "9", re.sub(r"[A-Za-z]", "A", token))


class OwnCodes:
    """Finds one contributor's codes, and other codes of their shapes, in folded texts."""

    def __init__(self, tokens: Iterable[str]) -> None:
        self._tokens = {atoms(token): token for token in sorted(tokens)}
        for words, token in list(self._tokens.items()):
            run = "".join(words)  # "27-314" is also written 27314
            if len(words) > 1 and len(run) >= 5 and run.isdigit():
                self._tokens.setdefault((run,), token)
            rest = "".join(words[1:])  # "EN.715.309" is also written 715.309, "WIDG90015" also 90015
            if len(rest) >= 5 and rest.isdigit() and (len(words) > 2 or words[0].isalpha()):
                self._tokens.setdefault(words[1:], token)
        self._lengths: dict[str, tuple[int, ...]] = {}
        for words in sorted(self._tokens, key=len, reverse=True):
            self._lengths[words[0]] = tuple(dict.fromkeys((*self._lengths.get(words[0], ()), len(words))))
        counts = Counter(shape(token) for token in set(self._tokens.values()))
        self._shapes = frozenset(
            s for s, count in counts.items() if _is_distinctive_shape(s) or (count > 1 and _may_recur(s))
        )

    def find(self, text: str) -> Iterator[Spotted]:
        """Yield every code in a text, with overlaps."""
        if not self._tokens:
            return
        yield from self._known(text, _PLAIN_ATOM)
        if _CAMEL.search(text):
            yield from self._known(text, _CAMEL_ATOM)
        if self._shapes:
            for chunk in _CHUNK.finditer(text):
                yield from self._shaped(text, chunk)

    def _known(self, text: str, pattern: re.Pattern[str]) -> Iterator[Spotted]:
        found = [(match.group().casefold(), match.start(), match.end()) for match in pattern.finditer(text)]
        for at, (atom, start, _) in enumerate(found):
            for length in self._lengths.get(atom, ()):
                span = found[at : at + length]
                token = self._tokens.get(tuple(a for a, _, _ in span))
                if token is None or len(span) != length:
                    continue
                end = span[-1][2]
                if all(
                    _may_separate(token, text[a[2] : b[1]]) for a, b in zip(span, span[1:], strict=False)
                ) and _is_separate(text, start, end):
                    yield Spotted(start, end, token)

    def _shaped(self, text: str, chunk: re.Match[str]) -> Iterator[Spotted]:
        whole = chunk.group()
        ends = [match.end() for match in _PLAIN_ATOM.finditer(whole)]
        for end in reversed(ends):
            token = whole[:end]
            if shape(token) in self._shapes and not (whole[end : end + 1].isalnum()):
                if _is_free(text, chunk.start(), chunk.start() + end, token):
                    yield Spotted(chunk.start(), chunk.start() + end, token)
                return


def is_counted(text: str, start: int, end: int) -> bool:
    """Return whether a number counts or numbers something else, such as a page, a problem or an amount."""
    before = text[max(0, start - 24) : start]
    return bool(_COUNTED.search(before) or forms.THING.search(before) or forms.UNIT.match(text, end))


def _is_free(text: str, start: int, end: int, token: str) -> bool:
    letters = "".join(c for c in token if c.isalpha())
    if letters and (letters != letters.upper() or _PLAIN_ATOM.findall(token)[0] in forms.NO_SUBJECT):
        return False
    if letters and _YEARLIKE.fullmatch("".join(c for c in token if c.isdigit())):
        return False
    return not (_DATES.fullmatch(token) or is_counted(text, start, end)) and _is_separate(text, start, end)


def _is_separate(text: str, start: int, end: int) -> bool:
    """Return whether a code is not part of a longer number, a placeholder or a handle."""
    before, after = text[max(0, start - 2) : start], text[end : end + 2]
    if before.endswith("@") or re.search(r"[0-9][.,:]$|[0-9A-Za-z]$" if text[start].isdigit() else r"@$", before):
        return False
    return (
        re.match(
            r"[.,][0-9]" if text[end - 1].isdigit() and text[start].isdigit() and end - start < 6 else r"(?!)", after
        )
        is None
    )


def _may_separate(token: str, gap: str) -> bool:
    if not _GAP.fullmatch(gap):
        return False
    if _NUMBERS_ONLY.fullmatch(token):
        return gap != "" and set(gap) <= (set(token) - set("0123456789")) | {"-", "_"}
    return True


def _chunks(code: str) -> list[str]:
    return [piece for match in _CHUNK.finditer(code) for piece in (match.group(), _without_number(match.group()))]


def _without_number(chunk: str) -> str:
    """Return a chunk without the number after its blank, unless hyphenated letters precede it ("CSCI-GA 2000")."""
    head, blank, _ = chunk.partition(" ")
    return chunk if not blank or re.fullmatch(r"[A-Z]{2,5}-[A-Z]{2}", head) else head


def _core(chunk: str) -> str:
    parts = list(_PART.finditer(chunk))
    first, last = 0, len(parts) - 1
    while last > first and _TERM_FIRST.fullmatch(parts[first].group()):
        first += 1
    while last > first:
        part, left = parts[last].group(), chunk[parts[first].start() : parts[last - 1].end()]
        enough = _is_distinctive(left) or re.fullmatch("[1-9][0-9]{4}", left) is not None
        if not enough or not (_NOT_NAMING.fullmatch(part) or (part.isdigit() and (len(part) == 2 or left.isdigit()))):
            break
        last -= 1
    return chunk[parts[first].start() : parts[last].end()] if parts else chunk


def _is_distinctive(token: str) -> bool:
    """Return whether a token can only be a code: letters and three digits, or four digits in parts; no term, date or word."""
    letters, digits = sum(c.isalpha() for c in token), sum(c.isdigit() for c in token)
    words = [word.upper() for word in _PLAIN_ATOM.findall(token) if word.isalpha()]
    if _DATES.fullmatch(token) or (
        words and len(words) == len(atoms(token)) - 1 and forms.NO_SUBJECT.issuperset(words)
    ):
        return False
    if _CLOCK.search(token):
        return False
    if words and all(_NOT_NAMING.fullmatch(part) for part in _PART.findall(token)):
        return False
    if _DOTTED.fullmatch(token):
        return True
    if not letters:
        return digits >= 4 and not token.isdigit()
    if letters == 1 and digits >= 6 and "." in token:  # "T81.8594"
        return len(token) <= 12
    return letters >= 2 and digits >= 3 and len(token) <= 24 and max(map(len, words)) <= 6


def _is_distinctive_shape(form: str) -> bool:
    """Return whether only codes have this shape: capitals and four digits, or three groups of digits."""
    return (form.count("A") in range(2, 7) and form.count("9") >= 4 and len(form) <= 14) or (
        form.count("9") >= 7 and len(re.findall("[-:.]", form)) >= 2 and "A" not in form
    )


def _may_recur(form: str) -> bool:
    """Return whether this shape is a course's if two codes of one contributor have it: no time, decimal or small range."""
    return form.count("9") >= 4 and re.fullmatch(r"9{1,2}:99|9+\.9{1,2}", form) is None
