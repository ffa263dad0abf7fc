"""Render the opening of a conversation from the tool table, for training, benchmark and agent alike.

The reference instant stands in the system message with a catalogue, and at the head of each user turn with native
declarations: there the system message and the declarations, nine tenths of a prompt, are the same for all conversations, so
that a cache of their keys and values serves all of them.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Literal

from canvas_pipeline.records import Message
from canvas_pipeline.tracks.canvas.rows import BenchCase
from canvas_pipeline.tracks.canvas.tools.tool_table import TOOLS, schemas

if TYPE_CHECKING:
    from canvas_pipeline.tracks.canvas.profiles import CanvasProfile

Declaration = Literal["catalogue", "native"]
ALL_TOOLS: tuple[str, ...] = tuple(TOOLS)

OPENING = "Canvas assistant."
"""The start of a system message with a catalogue."""

POLICY = (
    "You are a student's Canvas and calendar assistant. Call a tool only when its result is needed, once, with the "
    "arguments the student gave; stop when you know enough and answer in plain words. Nothing is booked between 23:00 "
    "and 07:00; work comes in blocks of 60 to 90 minutes with at least 15 minutes between; personal events are fixed; "
    "nothing is deleted without asking; nothing is invented that a tool did not return."
)


_STATED = re.compile(r"Now: (\d{4}-\d\d-\d\dT\d\d:\d\d(?::\d\d)?Z)")
_HEAD = re.compile(r"Now: (\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ) [A-Z][a-z]{2}\. [^\n]*week: [^\n]*\.\n")


def system_message(now: str, declaration: Declaration, tools: tuple[str, ...] = ALL_TOOLS) -> Message:
    """Build the first message of every conversation. ``now`` is the reference instant (ISO-8601), never the wall clock.

    ``catalogue`` names the tools, one family after the other, for a model with a short context. ``native`` leaves their
    declaration to the chat template, which gets the schemas (see ``declared``), and the instant to ``user_message``."""
    stated = _now(now)
    if declaration == "native":
        return Message(role="system", content=POLICY)
    return Message(role="system", content=f"{OPENING} {catalogue(tools)} {stated}")


def user_message(text: str, now: str, declaration: Declaration) -> Message:
    """Build a user's turn. ``text`` is escaped already. With ``native`` it begins with a line that states the instant."""
    stated = _now(now)
    return Message(role="user", content=f"{stated}\n{text}" if declaration == "native" else text)


def _now(now: str) -> str:
    instant = datetime.fromisoformat(now)
    # Contributors' instants carry their own offset; without one it is UTC, as everywhere here.
    instant = instant.astimezone(UTC) if instant.tzinfo else instant
    return f"{instant:Now: %Y-%m-%dT%H:%M:%SZ %a.} {coming_days(instant)}"


def coming_days(now: datetime) -> str:
    """List the days to the end of next week, so that "next Tuesday" is read and not computed: small models compute it wrongly."""
    left = 6 - now.weekday()
    days = [f"{now + timedelta(days=ahead):%a %m-%d}" for ahead in range(1, left + 8)]
    this_week = f"This week: {' '.join(days[:left])}. " if left else ""
    return f"{this_week}Next week: {' '.join(days[left:])}."


def reference_instant(messages: Sequence[Message]) -> datetime | None:
    """Read the instant of a conversation: from its system message, else from its last user turn that states one."""
    for message in messages:
        if message.role == "system" and (found := _STATED.search(message.content)):
            return datetime.fromisoformat(found.group(1))
    heads = (_HEAD.match(message.content) for message in reversed(messages) if message.role == "user")
    return next((datetime.fromisoformat(head.group(1)) for head in heads if head), None)


def states_instant(message: Message) -> bool:
    """Tell whether a user's turn begins with the line that states the instant."""
    return message.role == "user" and _HEAD.match(message.content) is not None


def said(message: Message) -> str:
    """Return a message's text without the line that states the instant: in a user's turn, what the student wrote."""
    return _HEAD.sub("", message.content, count=1) if states_instant(message) else message.content


def catalogue(tools: tuple[str, ...] = ALL_TOOLS) -> str:
    """List the tool names by family, as short as possible."""
    families: dict[str, list[str]] = {}
    for name in tools:
        family, short = name.split(".", 1)
        families.setdefault(family, []).append(short)
    return " ".join(f"{family}: {' '.join(names)}." for family, names in families.items())


def declared(tools: tuple[str, ...], declaration: Declaration) -> list[dict[str, Any]] | None:
    """Return the schemas the chat template declares: none with ``catalogue``, all with ``native``."""
    return schemas(tools) if declaration == "native" else None


def prompt(case: BenchCase, profile: CanvasProfile) -> tuple[tuple[Message, ...], list[dict[str, Any]] | None]:
    """Return the messages of a benchmark case and the schemas that are declared with them."""
    return case.messages, declared(case.tools, profile.declaration)
