"""Make a family's markers inert in text from outside, and undo it exactly."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Escaping:
    """One backslash goes behind the first character of every marker, and one more where some stand there already.

    Nothing else is changed, so ``unescape`` is an exact inverse, and escaped text holds no marker."""

    marker: re.Pattern[str]
    _live: re.Pattern[str]
    _inert: re.Pattern[str]

    def escape(self, text: str) -> str:
        return self._live.sub(r"<\1\\\2", text)

    def unescape(self, text: str) -> str:
        """The inverse of ``escape`` on its image; text without escaped markers is returned unchanged."""
        return self._inert.sub(r"<\1\2", text)

    def without_markers(self, text: str) -> str:
        return self.marker.sub("", text)


def escaping(markers: Iterable[str]) -> Escaping:
    """An ``Escaping`` for markers, each of which starts with ``<``."""
    tails = "|".join(sorted((re.escape(marker[1:]) for marker in markers), key=lambda tail: (-len(tail), tail)))
    return Escaping(re.compile(f"<(?:{tails})"), re.compile(rf"<(\\*)({tails})"), re.compile(rf"<(\\*)\\({tails})"))
