"""Run the phases of a session and record attempts, wall time and cost in a manifest that a later session can resume from.

Time and cost are recorded here and never in rows, so the same inputs give the same rows.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import msgspec

from canvas_pipeline.errors import BadConfig, CanvasPipelineError, GateClosed
from canvas_pipeline.records import Row

RETRIES = 2
"""Attempts after the first one."""
SECONDS_PER_HOUR = 3600.0

State = Literal["running", "complete", "stopped", "failed"]


class Attempt(Row, frozen=True, kw_only=True):
    """One attempt at a phase. ``started`` is in seconds of the session's clock; ``cost_usd`` is None without a rate."""

    phase: str
    number: int
    started: float
    seconds: float
    success: bool
    error: str = ""
    artifacts: dict[str, str] = {}
    cost_usd: float | None = None


class SessionManifest(Row, frozen=True, kw_only=True):
    """What a session planned and did. The caller supplies ``git`` and ``environment``. A cost of None is unknown, not 0."""

    session_id: str
    git: dict[str, str]
    environment: dict[str, str]
    planned: tuple[str, ...]
    rate_usd_per_hour: float | None
    state: State = "running"
    attempts: tuple[Attempt, ...] = ()
    decisions: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def seconds(self) -> float:
        """Return the wall time of all attempts, in seconds."""
        return sum(attempt.seconds for attempt in self.attempts)

    @property
    def cost_usd(self) -> float | None:
        """Return the cost of all attempts, or None if no rate was given."""
        return None if self.rate_usd_per_hour is None else cost(self.seconds, self.rate_usd_per_hour)

    @property
    def retries(self) -> int:
        """Count the attempts that were not the first of their phase."""
        return sum(attempt.number > 1 for attempt in self.attempts)

    def by_phase(self) -> dict[str, tuple[float, float | None]]:
        """Return (seconds, cost or None) of each attempted phase, in the planned order."""
        found = {}
        for phase in self.planned:
            seconds = sum(attempt.seconds for attempt in self.attempts if attempt.phase == phase)
            if any(attempt.phase == phase for attempt in self.attempts):
                found[phase] = (
                    seconds,
                    None if self.rate_usd_per_hour is None else cost(seconds, self.rate_usd_per_hour),
                )
        return found


@dataclass(frozen=True, slots=True)
class Phase:
    """One phase. ``run`` makes its artifacts; ``finished`` returns them if they exist already, else None. Both: name → sha256.

    ``estimate`` is in seconds; the phase is not started if it would exceed the budget."""

    name: str
    run: Callable[[], Mapping[str, str]]
    finished: Callable[[], Mapping[str, str] | None]
    estimate: float = 0.0


def cost(seconds: float, rate_usd_per_hour: float) -> float:
    """Return the cost of a time in US dollars."""
    return seconds / SECONDS_PER_HOUR * rate_usd_per_hour


def run_session(
    manifest: SessionManifest,
    phases: Sequence[Phase],
    clock: Callable[[], float],
    save: Callable[[SessionManifest], None],
    budget_usd: float | None = None,
) -> SessionManifest:
    """Run the phases that are not finished, each at most ``1 + RETRIES`` times, and save the manifest after every attempt.

    To resume, pass the manifest of the failed session. After a ``GateClosed``, which is a decision, or before a phase that exceeds
    ``budget_usd``, the state is ``stopped``; after a phase without a successful attempt it is ``failed``. Only this package's
    errors, ``OSError`` and ``MemoryError`` are caught. Raises ``BadConfig`` if the phases are not the planned ones, or a budget is
    given without a rate."""
    if tuple(phase.name for phase in phases) != manifest.planned:
        raise BadConfig("the phases are not those that the session planned; begin a new session")
    if budget_usd is not None and manifest.rate_usd_per_hour is None:
        raise BadConfig("a budget needs a rate; give rate_usd_per_hour")
    manifest = msgspec.structs.replace(manifest, state="running")
    for phase in phases:
        if phase.finished() is not None:
            continue
        if _over(manifest, phase, budget_usd):
            note = f"phase {phase.name} was not started: its estimate of {phase.estimate:.0f} s exceeds the budget"
            return _ended(manifest, "stopped", save, note)
        before = sum(attempt.phase == phase.name for attempt in manifest.attempts)
        for number in range(before + 1, before + 2 + RETRIES):
            manifest, closed = _attempt(manifest, phase, number, clock)
            save(manifest)
            if closed:
                return _ended(manifest, "stopped", save)
            if manifest.attempts[-1].success:
                break
        else:
            return _ended(manifest, "failed", save)
    return _ended(manifest, "complete", save)


def _attempt(
    manifest: SessionManifest, phase: Phase, number: int, clock: Callable[[], float]
) -> tuple[SessionManifest, bool]:
    """Try a phase once; return the manifest with the attempt, and whether a gate was closed."""
    started, artifacts, error, closed = clock(), {}, "", False
    try:
        artifacts = dict(phase.run())
    except GateClosed as gate:
        error, closed = str(gate), True
    except (CanvasPipelineError, OSError, MemoryError) as problem:
        # The text of other errors may contain rows.
        error = str(problem) if isinstance(problem, CanvasPipelineError) else type(problem).__name__
    seconds = clock() - started
    rate = manifest.rate_usd_per_hour
    attempt = Attempt(
        phase=phase.name, number=number, started=started, seconds=seconds, success=not error, error=error, artifacts=artifacts,
        cost_usd=None if rate is None else cost(seconds, rate),
    )  # fmt: skip
    return msgspec.structs.replace(manifest, attempts=(*manifest.attempts, attempt)), closed


def _over(manifest: SessionManifest, phase: Phase, budget_usd: float | None) -> bool:
    if budget_usd is None or manifest.rate_usd_per_hour is None:
        return False
    return cost(manifest.seconds + phase.estimate, manifest.rate_usd_per_hour) > budget_usd


def _ended(
    manifest: SessionManifest, state: State, save: Callable[[SessionManifest], None], note: str = ""
) -> SessionManifest:
    notes = (*manifest.notes, note) if note else manifest.notes
    manifest = msgspec.structs.replace(manifest, state=state, notes=notes)
    save(manifest)
    return manifest
