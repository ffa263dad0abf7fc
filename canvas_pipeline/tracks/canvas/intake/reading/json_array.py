"""Split a JSON array into its elements while streaming, as if each were on a line of its own.

An element over the size limit is not held in memory. Brackets and commas inside strings are text. Time is linear in the length.
"""

from __future__ import annotations

import re
from collections.abc import Generator

from canvas_pipeline.tracks.canvas.intake.reading.raw_file import Readable

_PIECE = 1 << 16
_TOKEN = re.compile(rb'["\[\]{},]')
_IN_STRING = re.compile(rb'["\\]')


def elements(
    file: Readable, number: int, start: bytes, max_line: int
) -> Generator[tuple[int, bytes | str], None, tuple[int, bytes]]:
    """Yield (line number, undecoded JSON) for each element of an array.

    ``start`` holds the bytes of line ``number`` after the opening bracket. An element over ``max_line`` bytes yields the reason
    code ``line_too_long``; an array without a closing bracket ends with ``cut_off``. Returns the line number of the closing
    bracket and the bytes read after it."""
    element = _Element(max_line)
    depth, in_string, at = 1, False, 0
    piece = start
    while piece:
        begin = 0
        while token := (_IN_STRING if in_string else _TOKEN).search(piece, at):
            at = token.end()
            sign = token.group()
            if sign == b'"':
                in_string = not in_string
            elif in_string:
                at += 1  # skip the escaped character
            elif sign in b"[{":
                depth += 1
            elif sign in b"]}":
                depth -= 1
            if depth == 0 or (depth == 1 and sign == b","):
                element.add(piece[begin : token.start()], number)
                yield from element.take(last=depth == 0)
                begin = at
            if depth == 0:
                return number, piece[at:]
        element.add(piece[begin:], number)
        number += piece.endswith(b"\n")
        at = max(0, at - len(piece))
        piece = file.readline(_PIECE)
    yield from element.take(last=True)
    yield number, "cut_off"
    return number, b""


class _Element:
    """Collects the bytes of the current element."""

    def __init__(self, max_line: int) -> None:
        self._max = max_line
        self._text = bytearray()
        self._line = 0
        self._too_long = False

    def add(self, part: bytes, number: int) -> None:
        if not self._text:
            part, self._line = part.lstrip(), number
        self._too_long = self._too_long or len(self._text) + len(part) > self._max
        if not self._too_long:
            self._text += part

    def take(self, last: bool) -> Generator[tuple[int, bytes | str]]:
        """Yield the element and start the next one. A trailing comma yields nothing."""
        if self._too_long or self._text or not last:
            yield self._line, "line_too_long" if self._too_long else bytes(self._text.rstrip())
        self._text.clear()
        self._too_long = False
