"""Who holds how much, for people: a table and a bar, in a terminal and as Markdown and a picture.

In: the cap, the room there is, the ledger's entries. Out: rows and PNG bytes. What must hold: what is shown adds up to the total:
held, standing, free for steps, kept free or others'; a run is named by its first eight characters, a step by its key.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import Any

import msgspec

from canvas_pipeline.gb10.admission import Cap, Room
from canvas_pipeline.gb10.host import GIB, gib
from canvas_pipeline.gb10.ledger import Entry

COLUMNS = ("step", "run", "state", "reserved", "uses", "peak", "for")
# Okabe & Ito's colours, told apart by colour-blind readers too.
COLOURS = ("#0072B2", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#F0E442")
STANDING, FREE, KEPT = "#999999", "#EEEEEE", "#D55E00"


class Share(msgspec.Struct, frozen=True, kw_only=True):
    """One piece of the bar, in bytes."""

    name: str
    size: int
    colour: str


class Status(msgspec.Struct, frozen=True, kw_only=True):
    """A moment of the machine."""

    cap: Cap
    room: Room
    entries: Sequence[Entry]
    now: float

    @property
    def held(self) -> int:
        return sum(entry.size for entry in self.entries if entry.state != "waiting")

    @property
    def free(self) -> int:
        return max(0, self.cap.budget - self.room.standing - self.held)

    def rows(self) -> list[tuple[str, ...]]:
        """One row an entry, in the order of ``COLUMNS``."""
        return [
            (
                e.step, e.run[:8], e.state, gib(e.size), gib(e.used) if e.used else "-", gib(e.peak) if e.peak else "-",
                f"{self.now - (e.since if e.state == 'waiting' else e.started):.0f} s",
            )
            for e in self.entries
        ]  # fmt: skip

    def shares(self) -> list[Share]:
        """The bar from left to right: each reservation, what stands, what is free for steps, what always stays free."""
        holding = [entry for entry in self.entries if entry.state != "waiting"]
        shares = [Share(name=e.step, size=e.size, colour=COLOURS[i % len(COLOURS)]) for i, e in enumerate(holding)]
        if self.room.standing:
            shares.append(Share(name=self.room.standing_name, size=self.room.standing, colour=STANDING))
        shares.append(Share(name="free for steps", size=self.free, colour=FREE))
        rest = self.cap.total - self.held - self.room.standing - self.free
        return [*shares, Share(name="not for steps", size=max(0, rest), colour=KEPT)]

    def sentence(self) -> str:
        waiting = sum(entry.state == "waiting" for entry in self.entries)
        return (
            f"{gib(self.held + self.room.standing)} of the {gib(self.cap.budget)} budget reserved, {gib(self.free)} free, "
            f"{waiting} waiting; "
            f"{gib(self.room.available)} of {gib(self.cap.total)} available ({self.cap.limit}), {gib(self.cap.floor)} stay free"
        )

    def facts(self) -> dict[str, Any]:
        """Plain numbers, for ``--json`` and metadata."""
        return {
            "total_gib": _gib(self.cap.total), "budget_gib": _gib(self.cap.budget), "floor_gib": _gib(self.cap.floor),
            "available_gib": _gib(self.room.available), "standing_gib": _gib(self.room.standing), "reserved_gib": _gib(self.held),
            "free_gib": _gib(self.free), "limit": self.cap.limit,
        }  # fmt: skip


def markdown(status: Status) -> str:
    """The table for Dagster."""
    lines = ["| " + " | ".join(COLUMNS) + " |", "|" + "---|" * len(COLUMNS)]
    lines += ["| " + " | ".join(row) + " |" for row in status.rows()]
    return (
        "\n".join([status.sentence(), "", *lines])
        if status.entries
        else f"{status.sentence()}\n\nNo step holds or waits for memory."
    )


def bar_png(status: Status) -> bytes:
    """The bar as a picture; the same moment gives the same bytes."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8.5, 1.9), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    left = 0.0
    for share in status.shares():
        width = share.size / GIB
        axes.barh(0, width, left=left, color=share.colour, edgecolor="white", label=f"{share.name} {gib(share.size)}")
        left += width
    axes.set_yticks([])
    axes.set_xlim(0, max(left, 1e-9))
    axes.set_xlabel("GiB", fontsize=8)
    axes.legend(fontsize=7, ncols=3, loc="upper center", bbox_to_anchor=(0.5, -0.45), frameon=False)
    out = io.BytesIO()
    figure.savefig(out, format="png", dpi=110, metadata={"Software": None})
    return out.getvalue()


def _gib(size: int) -> float:
    return round(size / GIB, 3)
