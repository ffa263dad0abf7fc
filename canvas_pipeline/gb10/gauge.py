"""Show who holds how much memory: a table and a bar, for a terminal, as Markdown and as a PNG.

The segments of the bar add up to the total. A run is shown by the first eight characters of its id.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import msgspec

from canvas_pipeline.figure import (
    BLUE,
    DARK_GREY,
    GREEN,
    LEGEND_COLUMNS,
    LIGHT_GREY,
    ORANGE,
    PURPLE,
    RED,
    SKY,
    YELLOW,
    new_axes,
    png,
)
from canvas_pipeline.gb10.admission import Cap, Headroom
from canvas_pipeline.gb10.host import GIB, gib, in_gib
from canvas_pipeline.gb10.ledger import LedgerEntry

COLUMNS = ("step", "run", "state", "reserved", "uses", "peak", "for")
COLOURS = (BLUE, GREEN, PURPLE, ORANGE, SKY, YELLOW)
STANDING, FREE, UNAVAILABLE = DARK_GREY, LIGHT_GREY, RED


class Segment(msgspec.Struct, frozen=True, kw_only=True):
    """One piece of the bar, in bytes."""

    name: str
    size: int
    colour: str


class Status(msgspec.Struct, frozen=True, kw_only=True):
    """The machine's memory and reservations at one time."""

    cap: Cap
    headroom: Headroom
    entries: Sequence[LedgerEntry]
    now: float

    @property
    def held(self) -> int:
        return sum(entry.size for entry in self.entries if entry.state != "waiting")

    @property
    def free(self) -> int:
        return max(0, self.cap.budget - self.headroom.standing - self.held)

    def rows(self) -> list[tuple[str, ...]]:
        """Return one row per entry, in the order of ``COLUMNS``."""
        return [
            (
                e.step, e.run[:8], e.state, gib(e.size), gib(e.used) if e.used else "-", gib(e.peak) if e.peak else "-",
                f"{self.now - (e.since if e.state == 'waiting' else e.started):.0f} s",
            )
            for e in self.entries
        ]  # fmt: skip

    def segments(self) -> list[Segment]:
        """Return the bar from left to right: reservations, standing reservation, free for steps, not for steps."""
        holding = [entry for entry in self.entries if entry.state != "waiting"]
        segments = [Segment(name=e.step, size=e.size, colour=COLOURS[i % len(COLOURS)]) for i, e in enumerate(holding)]
        if self.headroom.standing:
            segments.append(Segment(name=self.headroom.standing_name, size=self.headroom.standing, colour=STANDING))
        segments.append(Segment(name="free for steps", size=self.free, colour=FREE))
        rest = self.cap.total - self.held - self.headroom.standing - self.free
        return [*segments, Segment(name="not for steps", size=max(0, rest), colour=UNAVAILABLE)]

    def sentence(self) -> str:
        waiting = sum(entry.state == "waiting" for entry in self.entries)
        return (
            f"{gib(self.held + self.headroom.standing)} of the {gib(self.cap.budget)} budget reserved, {gib(self.free)} free, "
            f"{waiting} waiting; "
            f"{gib(self.headroom.available)} of {gib(self.cap.total)} available ({self.cap.limit}), {gib(self.cap.floor)} stay free"
        )

    def facts(self) -> dict[str, Any]:
        """Return plain numbers, for ``--json`` and metadata."""
        return {
            "total_gib": in_gib(self.cap.total), "budget_gib": in_gib(self.cap.budget), "floor_gib": in_gib(self.cap.floor),
            "available_gib": in_gib(self.headroom.available), "standing_gib": in_gib(self.headroom.standing),
            "reserved_gib": in_gib(self.held), "free_gib": in_gib(self.free), "limit": self.cap.limit,
        }  # fmt: skip


def markdown(status: Status) -> str:
    """Return the sentence and the table as Markdown."""
    lines = ["| " + " | ".join(COLUMNS) + " |", "|" + "---|" * len(COLUMNS)]
    lines += ["| " + " | ".join(row) + " |" for row in status.rows()]
    return (
        "\n".join([status.sentence(), "", *lines])
        if status.entries
        else f"{status.sentence()}\n\nNo step holds or waits for memory."
    )


def bar_png(status: Status) -> bytes:
    """Draw the bar as PNG; the same status gives the same bytes."""
    segments = status.segments()
    axes = new_axes(8.5, 1.4 + 0.2 * math.ceil(len(segments) / LEGEND_COLUMNS), xlabel="GiB")
    left = 0.0
    for segment in segments:
        width = segment.size / GIB
        axes.barh(
            0, width, left=left, color=segment.colour, edgecolor="white", label=f"{segment.name} {gib(segment.size)}"
        )
        left += width
    axes.set_yticks([])
    axes.set_xlim(0, max(left, 1e-9))
    return png(axes)
