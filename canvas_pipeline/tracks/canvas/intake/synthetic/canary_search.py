"""Find planted canaries in a text, in time linear in the text: its words, digits and codes are looked up in a table.

A needle is found regardless of case, separators and full-width letters. No ``repr`` shows a needle."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from canvas_pipeline.tracks.canvas.intake.synthetic.canaries import Canary, fold

# The digits of a placeholder ("@COURSE65640208") or of a row's id ("3f9a…", 12 digits or more) are not a needle.
_PLACEHOLDER = re.compile(r"@[a-z_]{4,}\d{6,8}(?!\d)")
_HEX_ID = re.compile(r"(?<![a-z0-9])(?=\d*[a-f])(?=[a-f]*\d)[0-9a-f]{12,64}(?![a-z0-9@])")
_WORD = re.compile(r"[^\W\d_]{4,}")
_WORD_AND_NUMBER = re.compile(r"[^\W\d_]{4,}\d{2}")
_HANDLE = re.compile(r"(?<!\w)@?([a-z][a-z._]*[a-z0-9]+)")
_MAIL_USER = re.compile(r"(?<![\w.+])([a-z0-9][\w.+]*)(?=@[a-z])")
_DIGITS = re.compile(r"\d(?:[ .()–-]{0,2}\d){6,}")
_CODE = re.compile(r"(?<![a-z0-9@])([a-z]{2,6})[ _./\u00a0-]{0,2}(\d{4})(?=\D|$)")
_ROOM = re.compile(r"(?<!\w)(room|rm)\.? (\d{4})(?!\d)")
_CRN = re.compile(r"crn\W{0,3}(\d{5})(?!\d)|\((\d{5})\)|(?<=[_-])(\d{5})(?=[_-]\d{6}|\b)|(?<=_)(\d{5})(?!\d)")


class Search:
    """Finds the canaries that a text contains."""

    def __init__(self, planted: Sequence[Canary]) -> None:
        self._by_needle = {needle: c.number for c in planted for needle in c.needles}

    def __repr__(self) -> str:
        return f"Search({len(self._by_needle)} needles withheld)"

    def found(self, text: str) -> set[int]:
        """Return the numbers of the canaries of which the text contains a part."""
        known = self._by_needle
        return {known[part] for part in _parts(fold(text)) if part in known}


def _parts(text: str) -> Iterator[str]:
    text = _PLACEHOLDER.sub(" ", _HEX_ID.sub(" ", text))
    yield from _WORD.findall(text)
    if not any(char.isdigit() for char in text) and "@" not in text:
        return
    yield from _WORD_AND_NUMBER.findall(text)
    yield from (match[1] for match in _HANDLE.finditer(text))
    yield from (f"@{match[1]}" for match in _MAIL_USER.finditer(text))
    for match in _DIGITS.finditer(text):
        digits = re.sub(r"\D", "", match.group())
        yield from (f"#{digits[i : i + 7]}" for i in range(len(digits) - 6))
    yield from (f"course {match[1]}{match[2]}" for match in _CODE.finditer(text))
    yield from (f"{match[1]} {match[2]}" for match in _ROOM.finditer(text))
    yield from (f"crn {number}" for match in _CRN.finditer(text) for number in match.groups() if number)
