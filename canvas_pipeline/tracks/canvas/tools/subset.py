"""Choose the tools that a training row declares.

With a catalogue every row has all 18. With native declarations, which take nine tenths of a row's tokens, a third of the rows
declare all of them, and the others what the conversation needs among a few more: a model learns to choose among the tools that a
request declares, and an update costs less. The order is always the table's, so that declarations have a common beginning.
"""

from __future__ import annotations

import random
from collections.abc import Iterable

from canvas_pipeline.records import Message
from canvas_pipeline.tracks.canvas.tools.prompt import ALL_TOOLS, Declaration
from canvas_pipeline.tracks.canvas.tools.tool_table import TOOLS

WHOLE = 1 / 3
"""The share of rows that declare all tools."""
FEWEST, MOST = 2, 8
"""How many tools a row declares that its conversation does not name."""


def tools_for(row_id: str, messages: Iterable[Message], declaration: Declaration) -> tuple[str, ...]:
    """Draw the declared tools by the row's id: those that the messages name, and others, of the same families first."""
    if declaration == "catalogue":
        return ALL_TOOLS
    rng = random.Random(f"tools/{row_id}")
    if rng.random() < WHOLE:
        return ALL_TOOLS
    needed = named(messages)
    families = {TOOLS[name].family for name in needed}
    others = [name for name in ALL_TOOLS if name not in needed]
    rng.shuffle(others)
    others.sort(key=lambda name: TOOLS[name].family not in families)
    return _in_order({*needed, *others[: rng.randint(FEWEST, MOST)]})


def with_named(tools: tuple[str, ...], messages: Iterable[Message]) -> tuple[str, ...]:
    """Return declared tools together with those that the messages name: a wrong call is never wrong for being undeclared."""
    return _in_order({*tools, *named(messages)})


def named(messages: Iterable[Message]) -> set[str]:
    """Return the tools that assistant and tool turns name, in calls that cannot be read too. Names that do not exist are left
    out."""
    texts = [message.name or "" if message.role == "tool" else message.content for message in messages
             if message.role in ("assistant", "tool")]  # fmt: skip
    return {name for name in TOOLS if any(name in text for text in texts)}


def _in_order(names: set[str]) -> tuple[str, ...]:
    return tuple(name for name in ALL_TOOLS if name in names)
