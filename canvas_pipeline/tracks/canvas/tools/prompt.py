"""Render the system prompt from the tool table, for training, benchmark and agent alike."""

from __future__ import annotations

from datetime import UTC, datetime
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


def system_message(now: str, declaration: Declaration, tools: tuple[str, ...] = ALL_TOOLS) -> Message:
    """Build the first message of every conversation. ``now`` is the reference instant (ISO-8601), never the wall clock.

    ``catalogue`` names the tools, one family after the other, for a model with a short context. ``native`` leaves their
    declaration to the chat template, which gets the schemas (see ``declared``)."""
    instant = datetime.fromisoformat(now)
    # Contributors' instants carry their own offset; without one it is UTC, as everywhere here.
    instant = instant.astimezone(UTC) if instant.tzinfo else instant
    clock = instant.strftime("%Y-%m-%dT%H:%M:%SZ %a")
    if declaration == "native":
        return Message(role="system", content=f"{POLICY}\nNow: {clock}.")
    return Message(role="system", content=f"{OPENING} {catalogue(tools)} Now: {clock}.")


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
