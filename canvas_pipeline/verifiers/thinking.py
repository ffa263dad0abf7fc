"""Strip the thinking block with which a completion may begin."""

from __future__ import annotations

OPENING, CLOSING = "<think>", "</think>"


def without_thinking(text: str) -> str | None:
    """Return the text after a leading ``<think>`` block, or the whole text if there is none.

    None if the block is never closed: generation ended before the answer began."""
    start = text.lstrip()
    if not start.startswith(OPENING):
        return text
    _, closed, rest = start.partition(CLOSING)
    return rest if closed else None
