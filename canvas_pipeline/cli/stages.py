"""Read the stages of a command's runs from the event log: state, progress, time, one figure."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import dagster as dg

WAITS, MEMORY, RUNNING = "waits", "waits for memory", "running"
REUSED, MADE, FAILED, BLOCKED, STOPPED = "reused", "made", "failed", "blocked", "stopped"
ENDED = (REUSED, MADE, FAILED, BLOCKED, STOPPED)
"""Final states of a stage."""


@dataclass
class Stage:
    """One step of a run. Times are those of its events, in seconds since the epoch."""

    name: str
    state: str = WAITS
    began: float | None = None
    ended: float | None = None
    done: int = 0
    total: int = 0
    figure: str = ""
    peak_gib: float = 0.0
    errors: list[str] = field(default_factory=list)
    """Errors that its own processes logged. Checks and the step's error are in the run's result."""

    @property
    def is_final(self) -> bool:
        """Whether the state is final."""
        return self.state in ENDED

    def seconds(self, now: float) -> float | None:
        """Return how long it has run so far, or ran; None where it has not started."""
        return None if self.began is None else max(0.0, (self.ended or now) - self.began)


class Stages:
    """Collects stages in order of appearance, from the events of one run after the other."""

    def __init__(self) -> None:
        self.all: list[Stage] = []
        self._current: dict[str, Stage] = {}
        self._reused: dict[str, list[bool]] = {}
        self.stopping = False
        """True once the command was interrupted: a stage that ends then was stopped and has not failed."""

    def begin(self, steps: list[str], label: str = "") -> None:
        """Start a run of these steps. ``label`` (a contributor) follows their names."""
        self._current = {step: Stage(f"{step.rpartition('__')[2]} {label}".strip()) for step in steps}
        self._reused = {step: [] for step in steps}
        self.all += self._current.values()

    def read(self, entry: dg.EventLogEntry) -> Stage | None:
        """Read one event. Returns the stage that it ended, if any."""
        stage = self._current.get((entry.dagster_event.step_key if entry.dagster_event else entry.step_key) or "")
        event = entry.dagster_event
        if stage is not None and event is not None and event.event_type is dg.DagsterEventType.ENGINE_EVENT:
            _engine(stage, {name: value.value for name, value in event.engine_event_data.metadata.items()})
        if stage is None or stage.is_final:
            return None
        if event is None:
            _progress(stage, entry.user_message)
        elif event.event_type is dg.DagsterEventType.STEP_START:
            stage.state, stage.began = RUNNING, stage.began or entry.timestamp
        elif event.event_type is dg.DagsterEventType.STEP_UP_FOR_RETRY:
            stage.state = WAITS
        elif event.is_step_materialization:
            metadata = event.step_materialization_data.materialization.metadata
            self._reused[event.step_key or ""].append("reused" in metadata and metadata["reused"].value is True)
            stage.figure = figure_of({name: value.value for name, value in metadata.items()}) or stage.figure
        elif event.is_step_success or event.is_step_failure or event.is_step_skipped:
            reused = self._reused[event.step_key or ""]
            good, bad = REUSED if reused and all(reused) else MADE, STOPPED if self.stopping else FAILED
            stage.state = good if event.is_step_success else bad if event.is_step_failure else BLOCKED
            stage.ended = entry.timestamp
            return stage
        return None

    def end(self, at: float) -> list[Stage]:
        """End the run. Returns the stages that had not ended and are now blocked, failed or stopped."""
        left = [
            stage
            for stage in self._current.values()
            if not stage.is_final and not (self.stopping and stage.began is None)
        ]
        for stage in left:
            stage.ended = at
            stage.state = STOPPED if self.stopping else BLOCKED if stage.began is None else FAILED
        return left

    def peak_gib(self) -> float:
        """Return the largest stage's memory peak, as its guard measured it."""
        return max((stage.peak_gib for stage in self.all), default=0.0)

    def count(self, *states: str) -> int:
        """Count the stages in these states."""
        return sum(stage.state in states for stage in self.all)


def _engine(stage: Stage, facts: Mapping[str, Any]) -> None:
    """Read the executor's event: a step waits for memory, or (after its end) its peak."""
    if "waits_for" in facts and stage.state == WAITS:
        stage.state = MEMORY
    stage.peak_gib = max(stage.peak_gib, float(facts.get("peak_gib", 0.0)))


def _progress(stage: Stage, message: str) -> None:
    """Read a line of a training or generation process: ``{"event": …, "done": 3, "total": 9, "loss": 0.4}``."""
    try:
        line = json.loads(message) if message.startswith("{") else None
    except ValueError:
        return
    if isinstance(line, dict) and line.get("event") == "error":
        stage.errors.append(str(line.get("text")))
    if not isinstance(line, dict) or not isinstance(line.get("total"), int) or not isinstance(line.get("done"), int):
        return
    stage.done, stage.total = line["done"], line["total"]
    loss = line.get("loss")
    stage.figure = f"loss {loss:.3g}" if isinstance(loss, (int, float)) else f"{stage.done:,} of {stage.total:,}"


def figure_of(facts: Mapping[str, Any]) -> str:
    """Return the one figure of a finished stage: the model's loss or tool selection, else what was counted or chosen."""
    if isinstance(loss := facts.get("last loss"), (int, float)):
        return f"loss {loss:.3g}"
    if isinstance(selection := facts.get("tool selection (%)"), (int, float)):
        return f"tools {selection:.1f} %"
    if isinstance(chosen := facts.get("chosen"), str):
        return chosen
    if "passed" in facts and "of" in facts:
        return f"{facts['passed']} of {facts['of']} passed"
    if isinstance(rows := facts.get("dagster/row_count"), int):
        return f"{rows:,} rows"
    return ""
