"""Escape a family's markers in text from outside, and undo it exactly."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Escaping:
    """Put one backslash after the first character of every marker, and one more where some are there already.

    Nothing else changes, so ``unescape`` is an exact inverse, and escaped text contains no marker."""

    marker: re.Pattern[str]
    _live: re.Pattern[str]
    _inert: re.Pattern[str]

    def escape(self, text: str) -> str:
        return self._live.sub(r"<\1\\\2", text)

    def unescape(self, text: str) -> str:
        """Invert ``escape``. Text without escaped markers is returned unchanged."""
        return self._inert.sub(r"<\1\2", text)

    def without_markers(self, text: str) -> str:
        return self.marker.sub("", text)


def escaping(markers: Iterable[str]) -> Escaping:
    """Build an ``Escaping`` for markers, each of which starts with ``<``."""
    tails = "|".join(sorted((re.escape(marker[1:]) for marker in markers), key=lambda tail: (-len(tail), tail)))
    return Escaping(re.compile(f"<(?:{tails})"), re.compile(rf"<(\\*)({tails})"), re.compile(rf"<(\\*)\\({tails})"))
