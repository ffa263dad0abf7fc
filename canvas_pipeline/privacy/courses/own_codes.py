"""Course codes that no list of forms knows, by what one contributor's whole file shows.

In: codes and names of courses, then texts. Out: ``CodeToken``s, the part of each code that names the course, and where a text has
one. What must hold: work is linear in the text, however many codes are known; plain years, terms, dates and page ranges are none.

A token is compared by its atoms, runs of letters and runs of digits: ``27-314`` is ("27", "314"). Its *shape* is "99-999". Where a
contributor's codes share a shape, or a shape is unlike anything else, other texts of that shape are courses too.
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
# What a code says beside the course: terms, sections, kinds of teaching.
_ASIDE = re.compile(
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
# A number after one of these is theirs.
_COUNTED = re.compile(
    r"(?<![A-Za-z])(?:p|pp|pgs?|pages?|ch|chap|chapters?|prob(?:lem)?s?|ex|exercises?|q|questions?|nos?|numbers?|lines?|verses?|rows?|figs?|"
    r"figures?|tables?|vol|volumes?|scores?|points?|grades?|years?|weeks?|days?|items?|steps?|slides?|versions?|v|ratio|odds|isbn|"
    r"from|between|sections?|sec|sect|units?|lessons?|modules?|hw|homework|psalms?|luke|john|mark|genesis|romans)[\s.#:]{0,3}$",
    re.I,
)
_YEARLIKE = re.compile(r"(?:19|20)[0-9]{2}")


class CodeToken(NamedTuple):
    """The naming part of a code, as it is written, and the code and term it belongs to. As private as the file."""

    token: str
    code: str
    term: str | None


class Spotted(NamedTuple):
    """``text[start:end]`` is the code ``token`` (folded) or one of its shape."""

    start: int
    end: int
    token: str


def codes_in(code: str) -> list[str]:
    """The naming parts of a course's code: each chunk without its terms and sections, and the whole chunk."""
    return list(dict.fromkeys(core for chunk in _chunks(code) for core in (_core(chunk), chunk) if _tells(core)))


def numbers_in(code: str) -> list[str]:
    """Registration numbers of a code: five digits that are all that is left of a chunk."""
    cores = (_core(chunk) for chunk in _chunks(code))
    return list(dict.fromkeys(core for core in cores if re.fullmatch(r"[1-9][0-9]{4}", core)))


def codes_in_name(name: str) -> list[str]:
    """Codes where a course's name has them: at its head, in brackets, or behind a dash or bar at its end."""
    found = []
    for match in _CHUNK.finditer(name):
        before, after = name[: match.start()].rstrip(), name[match.end() :].lstrip()
        placed = not before or before[-1] in "([|" or (not after and before[-1] in "-:/")
        if placed and any(c.isdigit() for c in match.group()):
            token = _core(_without_number(match.group()))
            if _tells(token) and (_NUMBERS_ONLY.fullmatch(token) or token.upper() == token):
                found.append(token)
    return found


def atoms(token: str) -> tuple[str, ...]:
    return tuple(atom.casefold() for atom in _PLAIN_ATOM.findall(token))


def shape(token: str) -> str:
    """``EN.715.309`` → ``AA.999.999``."""
    return re.sub(r"[0-9]", "9", re.sub(r"[A-Za-z]", "A", token))


class OwnCodes:
    """Finds one contributor's codes in folded texts, and codes of the shapes that theirs have."""

    def __init__(self, tokens: Iterable[str]) -> None:
        self._tokens = {atoms(token): token for token in sorted(tokens)}
        for words, token in list(self._tokens.items()):
            run = "".join(words)  # "27-314" is also written 27314
            if len(words) > 1 and len(run) >= 5 and run.isdigit():
                self._tokens.setdefault((run,), token)
            rest = "".join(words[1:])  # of "EN.715.309" also 715.309, of "WIDG90015" also 90015
            if len(rest) >= 5 and rest.isdigit() and (len(words) > 2 or words[0].isalpha()):
                self._tokens.setdefault(words[1:], token)
        self._lengths: dict[str, tuple[int, ...]] = {}
        for words in sorted(self._tokens, key=len, reverse=True):
            self._lengths[words[0]] = tuple(dict.fromkeys((*self._lengths.get(words[0], ()), len(words))))
        counts = Counter(shape(token) for token in set(self._tokens.values()))
        self._shapes = frozenset(s for s, count in counts.items() if _is_telling(s) or (count > 1 and _may_recur(s)))

    def __bool__(self) -> bool:
        return bool(self._tokens)

    def find(self, text: str) -> Iterator[Spotted]:
        """Every place, overlaps and all."""
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
                if all(_may_part(token, text[a[2] : b[1]]) for a, b in zip(span, span[1:], strict=False)) and _is_apart(
                    text, start, end
                ):
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
    """Whether a number is a page's, a problem's or an amount of something."""
    before = text[max(0, start - 24) : start]
    return bool(_COUNTED.search(before) or forms.THING.search(before) or forms.UNIT.match(text, end))


def _is_free(text: str, start: int, end: int, token: str) -> bool:
    letters = "".join(c for c in token if c.isalpha())
    if letters and (letters != letters.upper() or _PLAIN_ATOM.findall(token)[0] in forms.NO_SUBJECT):
        return False
    if letters and _YEARLIKE.fullmatch("".join(c for c in token if c.isdigit())):
        return False
    return not (_DATES.fullmatch(token) or is_counted(text, start, end)) and _is_apart(text, start, end)


def _is_apart(text: str, start: int, end: int) -> bool:
    """Not within a longer number, a placeholder or a handle."""
    before, after = text[max(0, start - 2) : start], text[end : end + 2]
    if before.endswith("@") or re.search(r"[0-9][.,:]$|[0-9A-Za-z]$" if text[start].isdigit() else r"@$", before):
        return False
    return (
        re.match(
            r"[.,][0-9]" if text[end - 1].isdigit() and text[start].isdigit() and end - start < 6 else r"(?!)", after
        )
        is None
    )


def _may_part(token: str, gap: str) -> bool:
    if not _GAP.fullmatch(gap):
        return False
    if _NUMBERS_ONLY.fullmatch(token):
        return gap != "" and set(gap) <= (set(token) - set("0123456789")) | {"-", "_"}
    return True


def _chunks(code: str) -> list[str]:
    return [piece for match in _CHUNK.finditer(code) for piece in (match.group(), _without_number(match.group()))]


def _without_number(chunk: str) -> str:
    """A chunk without the number behind its blank, unless letters joined by a sign stand before it ("CSCI-GA 2000")."""
    head, blank, _ = chunk.partition(" ")
    return chunk if not blank or re.fullmatch(r"[A-Z]{2,5}-[A-Z]{2}", head) else head


def _core(chunk: str) -> str:
    parts = list(_PART.finditer(chunk))
    first, last = 0, len(parts) - 1
    while last > first and _TERM_FIRST.fullmatch(parts[first].group()):
        first += 1
    while last > first:
        part, left = parts[last].group(), chunk[parts[first].start() : parts[last - 1].end()]
        enough = _tells(left) or re.fullmatch("[1-9][0-9]{4}", left) is not None
        if not enough or not (_ASIDE.fullmatch(part) or (part.isdigit() and (len(part) == 2 or left.isdigit()))):
            break
        last -= 1
    return chunk[parts[first].start() : parts[last].end()] if parts else chunk


def _tells(token: str) -> bool:
    """Whether a token can only be a code: letters and three digits, or four digits in parts; no term, date or everyday word."""
    letters, digits = sum(c.isalpha() for c in token), sum(c.isdigit() for c in token)
    words = [word.upper() for word in _PLAIN_ATOM.findall(token) if word.isalpha()]
    if _DATES.fullmatch(token) or (
        words and len(words) == len(atoms(token)) - 1 and forms.NO_SUBJECT.issuperset(words)
    ):
        return False
    if _CLOCK.search(token):
        return False
    if words and all(_ASIDE.fullmatch(part) for part in _PART.findall(token)):
        return False
    if _DOTTED.fullmatch(token):
        return True
    if not letters:
        return digits >= 4 and not token.isdigit()
    if letters == 1 and digits >= 6 and "." in token:  # "T81.8594"
        return len(token) <= 12
    return letters >= 2 and digits >= 3 and len(token) <= 24 and max(map(len, words)) <= 6


def _is_telling(form: str) -> bool:
    """A shape that nothing else has: capitals and four digits, or three groups of digits."""
    return (form.count("A") in range(2, 7) and form.count("9") >= 4 and len(form) <= 14) or (
        form.count("9") >= 7 and len(re.findall("[-:.]", form)) >= 2 and "A" not in form
    )


def _may_recur(form: str) -> bool:
    """A shape that names courses where two of one contributor's have it; not a time, a decimal or a small range."""
    return form.count("9") >= 4 and re.fullmatch(r"9{1,2}:99|9+\.9{1,2}", form) is None
