"""Define the notation of tool calls and results in Canvas rows: that of the profiles' base models."""

from __future__ import annotations

from canvas_pipeline.models.family import ToolCallFormat
from canvas_pipeline.models.gemma4.calls import GEMMA4_CALLS

CALLS: ToolCallFormat = GEMMA4_CALLS


def faithful(text: str) -> bool:
    """Tell whether parsing an assistant turn loses nothing: its serialised calls are in it, in order, and the rest is its text.

    This detects a stop marker in the middle, or a string in plain quotes."""
    turn = CALLS.parse(text)
    if turn.malformed:
        return False
    rest, position = [], 0
    for call in turn.well_formed:
        block = CALLS.serialise(call)
        at = text.find(block, position)
        if at < 0 or CALLS.parse(block).calls != (call,):
            return False
        rest.append(text[position:at])
        position = at + len(block)
    rest.append(text[position:])
    return "".join(rest).strip() == turn.text
