"""The stages of a command's runs, as their event log tells of them: state, progress, time, one figure."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import dagster as dg

WAITS, MEMORY, RUNNING = "waits", "waits for memory", "running"
REUSED, MADE, FAILED, BLOCKED, STOPPED = "reused", "made", "failed", "blocked", "stopped"
ENDED = (REUSED, MADE, FAILED, BLOCKED, STOPPED)
"""States of a stage that will not change any more."""


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
    """What its own processes said when they failed; checks and the step's error are in the run's result."""

    @property
    def over(self) -> bool:
        return self.state in ENDED

    def seconds(self, now: float) -> float | None:
        """How long it has worked, or worked; None where it has not begun."""
        return None if self.began is None else max(0.0, (self.ended or now) - self.began)


class Stages:
    """Stages in the order in which they appear; fed with the events of one run after the other."""

    def __init__(self) -> None:
        self.all: list[Stage] = []
        self._now: dict[str, Stage] = {}
        self._reused: dict[str, list[bool]] = {}
        self.stopping = False
        """The command was told to end: what breaks off now has not failed."""

    def begin(self, steps: list[str], label: str = "") -> None:
        """A run of these steps begins; ``label`` stands behind their names (a contributor)."""
        self._now = {step: Stage(f"{step.rpartition('__')[2]} {label}".strip()) for step in steps}
        self._reused = {step: [] for step in steps}
        self.all += self._now.values()

    def read(self, entry: dg.EventLogEntry) -> Stage | None:
        """Take one event in; returns the stage that it ended, if any."""
        stage = self._now.get((entry.dagster_event.step_key if entry.dagster_event else entry.step_key) or "")
        event = entry.dagster_event
        if stage is not None and event is not None and event.event_type is dg.DagsterEventType.ENGINE_EVENT:
            _engine(stage, {name: value.value for name, value in event.engine_event_data.metadata.items()})
        if stage is None or stage.over:
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
        """The run is over: what has not ended was kept from it. Returns the stages of which that is news."""
        left = [stage for stage in self._now.values() if not stage.over and not (self.stopping and stage.began is None)]
        for stage in left:
            stage.ended = at
            stage.state = STOPPED if self.stopping else BLOCKED if stage.began is None else FAILED
        return left

    def peak_gib(self) -> float:
        """What the largest stage took, as its guard measured it."""
        return max((stage.peak_gib for stage in self.all), default=0.0)

    def count(self, *states: str) -> int:
        return sum(stage.state in states for stage in self.all)


def _engine(stage: Stage, facts: Mapping[str, Any]) -> None:
    """What the executor says: that a step waits for memory, and what it took (after it has ended)."""
    if "waits_for" in facts and stage.state == WAITS:
        stage.state = MEMORY
    stage.peak_gib = max(stage.peak_gib, float(facts.get("peak_gib", 0.0)))


def _progress(stage: Stage, message: str) -> None:
    """A line of a training or generation process: ``{"event": …, "done": 3, "total": 9, "loss": 0.4}``."""
    try:
        said = json.loads(message) if message.startswith("{") else None
    except ValueError:
        return
    if isinstance(said, dict) and said.get("event") == "error":
        stage.errors.append(str(said.get("text")))
    if not isinstance(said, dict) or not isinstance(said.get("total"), int) or not isinstance(said.get("done"), int):
        return
    stage.done, stage.total = said["done"], said["total"]
    loss = said.get("loss")
    stage.figure = f"loss {loss:.3g}" if isinstance(loss, (int, float)) else f"{stage.done:,} of {stage.total:,}"


def figure_of(facts: Mapping[str, Any]) -> str:
    """The one figure of a finished stage: the model's loss or tool selection, else what was counted or chosen."""
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
