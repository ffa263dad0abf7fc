"""Show a command's runs in one live table, or without a terminal as one plain line per finished stage."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Iterator
from graphlib import TopologicalSorter
from types import TracebackType
from typing import Any

import dagster as dg
from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from canvas_pipeline.cli.stages import BLOCKED, FAILED, MADE, MEMORY, REUSED, RUNNING, STOPPED, WAITS, Stage, Stages

POLL_S = 0.5
STYLES = {
    FAILED: "red",
    BLOCKED: "red",
    STOPPED: "yellow",
    RUNNING: "bold",
    MADE: "green",
    REUSED: "dim",
    WAITS: "dim",
    MEMORY: "yellow",
}
NAME, STATE, BAR, TIME, FIGURE = 24, 16, 12, 7, 16
"""Widths of the columns: 79 with the gaps between them."""
PAGE = 1000


class StageTable:
    """Follows runs in the event log from a thread, while other processes work. Use as a context manager."""

    def __init__(self, instance: dg.DagsterInstance, console: Console, *, plain: bool = False) -> None:
        self.instance, self.console = instance, console
        self.stages = Stages()
        self._live = None if plain or not console.is_terminal else Live(console=console, auto_refresh=False)
        self._cursor: str | None = None

    def __enter__(self) -> StageTable:
        if self._live:
            self._live.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self.close()

    def begin_again(self) -> None:
        """Leave the table as it stands. The runs that follow are shown in an empty one below it."""
        self.close()
        self.stages = Stages()
        if self._live:
            self._live = Live(console=self.console, auto_refresh=False)
            self._live.start()

    def close(self) -> None:
        """Stop updating the table. Later output appears below it."""
        if self._live and self._live.is_started:
            self._live.update(rendered(self.stages, time.time(), self.console.height), refresh=True)
            self._live.stop()

    @contextlib.contextmanager
    def following(self, run_id: str, label: str = "") -> Iterator[None]:
        """Show a run while the block runs."""
        run = self.instance.get_run_by_id(run_id)
        assert run is not None and run.execution_plan_snapshot_id is not None, "a command's run has a plan"
        self.stages.begin(in_order(self.instance.get_execution_plan_snapshot(run.execution_plan_snapshot_id)), label)
        self._cursor = None
        ended = threading.Event()
        follower = threading.Thread(target=self._follow, args=(run_id, ended), name="stages", daemon=True)
        follower.start()
        try:
            yield
        finally:
            ended.set()
            follower.join()
            self._poll(run_id)
            for stage in self.stages.end(time.time()):
                self._print(stage)

    def _follow(self, run_id: str, ended: threading.Event) -> None:
        while not ended.wait(POLL_S):
            self._poll(run_id)

    def _poll(self, run_id: str) -> None:
        more = True
        while more:
            page = self.instance.get_records_for_run(run_id, self._cursor, limit=PAGE)
            self._cursor, more = page.cursor, page.has_more
            for record in page.records:
                stage = self.stages.read(record.event_log_entry)
                if stage is not None:
                    self._print(stage)
        if self._live:
            self._live.update(rendered(self.stages, time.time(), self.console.height), refresh=True)

    def _print(self, stage: Stage) -> None:
        if self._live is None:
            time_text = _clock(stage.seconds(time.time()))
            self.console.print(
                f"{stage.name:<{NAME}} {stage.state:<{STATE}} {time_text:>{TIME}} {stage.figure}".rstrip(), markup=False
            )


def in_order(plan: Any) -> list[str]:
    """Return the steps of a plan (Dagster's snapshot of it), each after those it depends on."""
    before = {
        step.key: {handle.step_key for each in step.inputs for handle in each.upstream_output_handles}
        for step in plan.steps
    }
    return [key for key in TopologicalSorter(before).static_order() if key in before]


def rendered(stages: Stages, now: float, height: int) -> RenderableType:
    """Render the table in at most ``height`` lines: finished stages fold into a count first, then waiting ones."""
    rows = list(stages.all)
    visible = max(4, height - 4)  # the heading, two counts, the cursor's own line
    finished = [stage for stage in rows if stage.state in (MADE, REUSED)]
    waiting = [stage for stage in rows if stage.state in (WAITS, BLOCKED)]
    excess = len(rows) - visible
    folded = finished[: max(0, min(excess, len(finished)))]
    rest = excess - len(folded)
    behind = waiting[len(waiting) - max(0, min(rest, len(waiting))) :]
    hidden = {id(stage) for stage in (*folded, *behind)}
    table = Table(box=None, padding=(0, 1, 0, 0), pad_edge=False, header_style="bold")
    for title, width in (("stage", NAME), ("state", STATE), ("", BAR), ("time", TIME), ("", FIGURE)):
        right = title == "time"
        table.add_column(title, width=width, no_wrap=True, overflow="ellipsis", justify="right" if right else "left")
    for stage in rows:
        if id(stage) not in hidden:
            style = STYLES[stage.state]
            table.add_row(
                Text(stage.name), Text(stage.state, style), _bar(stage), _clock(stage.seconds(now)), Text(stage.figure)
            )
    parts: list[RenderableType] = [table]
    if folded:
        reused = sum(stage.state == REUSED for stage in folded)
        parts.insert(0, Text(f"{len(folded)} more are done: {len(folded) - reused} made, {reused} reused", "dim"))
    if behind:
        parts.append(Text(f"{len(behind)} more wait", "dim"))
    return Group(*parts)


def _bar(stage: Stage) -> RenderableType:
    if stage.total and not stage.is_final:
        return ProgressBar(total=stage.total, completed=stage.done, width=BAR)
    return ""


def _clock(seconds: float | None) -> str:
    if seconds is None:
        return ""
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes}:{rest:02}" if minutes < 60 else f"{minutes // 60}:{minutes % 60:02}:{rest:02}"
