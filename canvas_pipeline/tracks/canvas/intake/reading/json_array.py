"""The elements of a JSON array as if each stood on a line of its own, streaming.

In: a file of which a ``[`` was read. Out: (line number, bytes) of each element, as yet unread JSON. What must hold: an element that
no reader would take whole (over the limit, never closed) is not held; a bracket or comma in a string is text; time is linear in
the length.
"""

from __future__ import annotations

import re
from collections.abc import Generator

from canvas_pipeline.tracks.canvas.intake.reading.raw_file import Readable

_PIECE = 1 << 16
_TOKEN = re.compile(rb'["\[\]{},]')
_IN_STRING = re.compile(rb'["\\]')


def elements(
    file: Readable, number: int, begun: bytes, max_line: int
) -> Generator[tuple[int, bytes | str], None, tuple[int, bytes]]:
    """``begun`` is what was read of line ``number`` from behind the bracket. An element over ``max_line`` bytes is the reason code
    ``line_too_long``, and an array without an end ends with ``cut_off``. Returns the line of the closing bracket, and what was
    read behind it."""
    element = _Element(max_line)
    depth, in_string, at = 1, False, 0
    piece = begun
    while piece:
        begin = 0
        while token := (_IN_STRING if in_string else _TOKEN).search(piece, at):
            at = token.end()
            sign = token.group()
            if sign == b'"':
                in_string = not in_string
            elif in_string:
                at += 1  # what the backslash escapes
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
    """What was read of an element."""

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
        """The element, and begin the next one; behind the last comma there may be none."""
        if self._too_long or self._text or not last:
            yield self._line, "line_too_long" if self._too_long else bytes(self._text.rstrip())
        self._text.clear()
        self._too_long = False
