"""``UmaCap``: the Dagster resource with the settings of this machine's memory budget, and access to the ledger.

Settings come from the launch pad, else from environment variables, so that every process of the machine reads the same ones. The
teacher's slot is reserved only while its endpoint answers, or always if it is pinned.
"""

from __future__ import annotations

import math
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import dagster as dg
from pydantic import Field

from canvas_pipeline.errors import BadConfig
from canvas_pipeline.gb10 import process_group
from canvas_pipeline.gb10.admission import Cap, Headroom
from canvas_pipeline.gb10.gauge import Status
from canvas_pipeline.gb10.host import GIB, Memory, gib, memory
from canvas_pipeline.gb10.ledger import Ledger, LedgerEntry, since_boot
from canvas_pipeline.gb10.peaks import Peaks
from canvas_pipeline.models import endpoint
from canvas_pipeline.training import allocator

FLOOR_SHARE = 0.12
FLOOR_MOST = 14 * GIB
"""The default floor: 14 GiB on a GB10, which needs 12 to 16 free to stay responsive; on a smaller machine 12 % of its memory."""
PINNED = "pinned"
PROBED_FOR_S = 10.0
ENVIRONMENT: Mapping[str, str] = {
    "total_gib": "CANVAS_UMA_TOTAL_GIB",
    "budget": "CANVAS_UMA_BUDGET",
    "floor_gib": "CANVAS_UMA_FLOOR_GIB",
    "ledger": "CANVAS_UMA_LEDGER",
    "teacher": "CANVAS_UMA_TEACHER",
}
"""Setting → the environment variable that sets it if the launch pad does not."""


class UmaCap(dg.ConfigurableResource[Any]):
    """Cap unified memory: total, budget, floor, standing reservations, and the ledger that all runs share."""

    total_gib: float = Field(
        default=0.0, description="all there is; 0: MemTotal or the cgroup's limit, whichever is smaller"
    )
    budget: float = Field(
        default=0.0, description="for all steps and the teacher: a share up to 1, else GiB; 0: total less floor"
    )
    floor_gib: float = Field(default=-1.0, description="always to stay free; -1: 12 % of the total, 14 GiB at most")
    teacher: str = Field(
        default="", description="the teacher's OpenAI-compatible endpoint, 'pinned', or empty for none"
    )
    teacher_share: float = Field(
        default=0.60, gt=0, le=1, description="of the total, reserved while the endpoint answers or always if pinned"
    )
    default_gib: float = Field(default=1.0, gt=0, allow_inf_nan=False, description="for a step that declares nothing")
    margin: float = Field(
        default=1.15, ge=1, allow_inf_nan=False, description="a learned peak is reserved with this factor"
    )
    patience_s: float = Field(
        default=60.0, ge=0, description="once a step has waited so long, no later one goes before it"
    )
    return_s: float = Field(
        default=60.0, ge=0, description="how long memory of an ended step is held for, until it is back"
    )
    ledger: str = Field(default="", description="the shared file; empty: in the user's state folder")

    def cap(self, measured: Memory | None = None) -> Cap:
        """Return the settings in bytes; raises ``BadConfig`` if one contradicts the machine."""
        measured = memory() if measured is None else measured
        total = min(round(self._number("total_gib") * GIB) or measured.total, measured.total)
        floor_gib = self._number("floor_gib")
        floor = min(FLOOR_MOST, round(total * FLOOR_SHARE)) if floor_gib < 0 else round(floor_gib * GIB)
        wanted = self._number("budget")
        budget = round(wanted * total) if 0 < wanted <= 1 else round(wanted * GIB) or total - floor
        if not 0 < budget <= total:
            raise BadConfig(
                f"the budget for steps is {gib(budget)} of {gib(total)} (floor {gib(floor)}): set {ENVIRONMENT['budget']} to a "
                f"share up to 1 or to GiB, or {ENVIRONMENT['floor_gib']} lower"
            )
        pinned = self._slot(total) if self._teacher() == PINNED else 0
        if pinned >= budget:
            raise BadConfig(
                f"the teacher's pinned slot is {gib(pinned)} and the budget for it and all steps {gib(budget)}: raise "
                f"{ENVIRONMENT['budget']}, lower teacher_share, or give {ENVIRONMENT['teacher']} the endpoint instead of 'pinned'"
            )
        return Cap(total=total, limit=measured.limit, budget=budget, floor=floor, pinned=pinned)

    def headroom(self, ledger: Ledger) -> Headroom:
        """Measure the memory headroom now."""
        measured = memory()
        cap = self.cap(measured)
        standing = self.standing(ledger, cap)
        return Headroom(
            budget=cap.budget,
            available=measured.available,
            floor=cap.floor,
            standing=standing,
            pinned=cap.pinned,
            standing_name="the teacher's slot",
        )

    def standing(self, ledger: Ledger, cap: Cap) -> int:
        """Return the bytes reserved for the teacher now. Processes share the result of a probe for ten seconds."""
        where = self._teacher()
        if not where:
            return 0
        slot = self._slot(cap.total)
        if where == PINNED:
            return slot
        known = ledger.note(f"answers {where}")
        if known is None or known[1] > PROBED_FOR_S:
            known = ("yes" if endpoint.answers(where) else "no", 0.0)
            ledger.store_note(f"answers {where}", known[0])
        return slot if known[0] == "yes" else 0

    def open(self) -> Ledger:
        """Open the ledger of this machine and user."""
        return Ledger(self.path, reaper=self._reap)

    def reports(self, token: str) -> Path:
        """Return the folder in which a step's processes report what CUDA's allocator holds."""
        return self.path.parent / "reports" / token

    def _reap(self, entry: LedgerEntry) -> bool:
        """Kill what is left of a step whose watchdog has ended; returns whether nothing was left.

        Processes of another namespace cannot be killed from here."""
        allocator.remove_reports(self.reports(entry.token))
        return process_group.reap(entry.token, entry.session, entry.start)

    def status(self) -> Status:
        """Return the reservations and the waiting steps now."""
        ledger = self.open()
        try:
            headroom = self.headroom(ledger)
            return Status(cap=self.cap(), headroom=headroom, entries=ledger.entries(headroom), now=since_boot())
        finally:
            ledger.close()

    def peaks(self) -> Peaks:
        return Peaks(self.path)

    @property
    def path(self) -> Path:
        """Path of the ledger's file."""
        return Path(self._text("ledger")).expanduser() if self._text("ledger") else default_ledger(os.environ)

    def _slot(self, total: int) -> int:
        return round(total * self.teacher_share)

    def _teacher(self) -> str:
        """Return the endpoint, ``pinned``, or "". Errors never quote it: an address may hold a password."""
        where = self._text("teacher").strip()
        if where in ("", PINNED):
            return where
        if not endpoint.is_address(where):
            raise BadConfig(
                f"{ENVIRONMENT['teacher']} is no address: write the teacher's endpoint, such as http://127.0.0.1:8000/v1, "
                f"or {PINNED!r}"
            )
        return where

    def _text(self, name: str) -> str:
        return str(getattr(self, name)) or os.environ.get(ENVIRONMENT[name], "")

    def _number(self, name: str) -> float:
        own, default = getattr(self, name), type(self).model_fields[name].default
        text = os.environ.get(ENVIRONMENT[name], "") if own == default else ""
        try:
            number = float(text or own)
        except ValueError:
            number = math.nan
        if not math.isfinite(number) or number < min(0.0, default):
            raise BadConfig(f"{ENVIRONMENT[name]} is {text or own!r}: write a number, {min(0.0, default):g} or more")
        return number


def default_ledger(environ: Mapping[str, str]) -> Path:
    """Return ``$XDG_STATE_HOME/canvas_pipeline/uma.sqlite``: one file per user and machine, whatever the Dagster instance."""
    state = environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state"
    return Path(state) / "canvas_pipeline" / "uma.sqlite"
