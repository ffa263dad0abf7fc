"""Fold texts for the recognisers: one form for every digit, dash, blank and apostrophe, with the way back.

``Folded.back`` turns a span of the folded text into one of the source that covers the same characters, and the invisible ones
between them. Folding is linear. "５４０\u2013５５５\u20130143", written with full-width digits and en dashes, is read as a
telephone number.
"""

from __future__ import annotations

import re
import sys
import unicodedata
from collections.abc import Sequence
from functools import cache
from typing import NamedTuple

LETTERS = re.compile(r"[^\W\d_]+")
"""A run of letters of any script."""
# Invisible characters, which only serve to split a word.
_INVISIBLE = dict.fromkeys(map(ord, "\u00ad\u200b\u200c\u200d\u2060\ufeff\u200e\u200f\u202a\u202b\u202c\u202d\u202e"))
_DASHES = "\u2010\u2011\u2012\u2013\u2014\u2015\u2043\u2212\ufe58\ufe63\uff0d"
_APOSTROPHES = "\u2018\u2019\u02bc\u2032\u00b4\u201b"
_BLANKS = "\u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u202f\u205f\u3000"
_POINTS = "\u00b7\u2022\u2024\u2027\u22c5\u3002\uff61"


class Folded(NamedTuple):
    """A folded text. ``places[i]`` is the source offset of ``text[i]``; None where no character moved."""

    text: str
    places: Sequence[int] | None = None

    def back(self, start: int, end: int) -> tuple[int, int]:
        """Return the source span of a non-empty span of ``text``."""
        if self.places is None:
            return start, end
        return self.places[start], self.places[end - 1] + 1


def fold(text: str) -> Folded:
    """Fold a text. Each visible character becomes exactly one."""
    if text.isascii():
        return Folded(text)
    table = _table()
    if not any(ord(character) in _INVISIBLE for character in text):
        return Folded(text.translate(table))
    places = [at for at, character in enumerate(text) if ord(character) not in _INVISIBLE]
    return Folded("".join(text[at] for at in places).translate(table), places)


@cache
def _table() -> dict[int, str]:
    table = {code: chr(code - 0xFEE0) for code in range(0xFF01, 0xFF5F)}  # full-width forms of ASCII
    digits = filter(str.isdecimal, map(chr, range(128, sys.maxunicode + 1)))
    table.update({ord(digit): str(unicodedata.digit(digit)) for digit in digits})
    for characters, plain in ((_DASHES, "-"), (_APOSTROPHES, "'"), (_BLANKS, " "), (_POINTS, ".")):
        table.update({ord(character): plain for character in characters})
    return table
