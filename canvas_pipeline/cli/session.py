"""Run a command's jobs in its Dagster instance: a table in the terminal, the log in a file, a clean end when interrupted."""

from __future__ import annotations

import contextlib
import os
import shutil
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import dagster as dg
from rich.console import Console

from canvas_pipeline.cli.stage_table import StageTable
from canvas_pipeline.cli.terminal import StopSignals, logged
from canvas_pipeline.dagster_instance.dead_runs import end_dead_runs
from canvas_pipeline.dagster_instance.local_run import RunResult, local_run, refuse_another, run_error, start_loading
from canvas_pipeline.errors import MissingInput, RunFailed
from canvas_pipeline.pipeline.workspace import SHIPPED
from canvas_pipeline.storage.atomic import whole_file

HOME = "DAGSTER_HOME"
LOGGED = {"loggers": {"console": {"config": {"log_level": "DEBUG"}}}}


@dataclass(frozen=True)
class Session:
    """A command's instance, console, log and table; created by ``session``."""

    name: str
    instance: dg.DagsterInstance
    out: Console
    log: Path
    stops: StopSignals
    table: StageTable

    def run(
        self,
        job: str,
        *,
        assets: Sequence[dg.AssetKey] | None = None,
        config: Mapping[str, Any] | None = None,
        partition: str = "",
    ) -> RunResult:
        """Run a job, or some of its assets; the table shows it. Raises ``KeyboardInterrupt`` where the command was interrupted."""
        with contextlib.ExitStack() as stack:

            def started(run_id: str) -> None:
                self.stops.on_stop = lambda: self._cancel(run_id)
                stack.enter_context(self.table.following(run_id, partition))

            result = local_run(
                self.instance,
                job,
                assets=assets,
                config={**LOGGED, **(config or {})},
                tags={"dagster/partition": partition} if partition else {},
                command=self.name,
                on_start=started,
            )
        if self.stops.number is not None:
            raise KeyboardInterrupt
        return result

    def _cancel(self, run_id: str) -> None:
        """Report that the run is being canceled, so that it counts as canceled and not as failed."""
        self.table.stages.stopping = True
        run = self.instance.get_run_by_id(run_id)
        if run is not None and not run.is_finished:
            self.instance.report_run_canceling(run, "The command was interrupted.")

    def failed(self, result: RunResult, summary: str, more: Iterable[str] = ()) -> RunFailed:
        """Return the error for a run that failed: every reason, and the path of the log."""
        problems = [f"{stage.name}: {text}" for stage in self.table.stages.all for text in stage.errors]
        return run_error(result, summary, [*more, *problems], self.log)


@contextlib.contextmanager
def session(name: str, job: str, home: Path, *, verbose: bool = False) -> Iterator[Session]:
    """Open the instance of ``home`` and end its dead runs; the fork server starts to load ``job``.

    Raises ``AnotherRun`` where a run builds models. On Ctrl-C or SIGTERM the run ends, and the process exits with 130 or 143."""
    log = home / "logs" / f"{name.replace(' ', '-')}-{datetime.now(UTC):%Y%m%dT%H%M%SZ}.log"
    with StopSignals() as stops, logged(log, verbose=verbose) as out:
        try:
            with dg.DagsterInstance.from_config(str(home)) as instance:
                end_dead_runs(instance)
                refuse_another(instance)
                start_loading(job)
                out.print(f"the whole log: {log}", markup=False, soft_wrap=True)
                with StageTable(instance, out, plain=verbose) as table:
                    yield Session(name, instance, out, log, stops, table)
        except KeyboardInterrupt:
            out.print(f"{name}: stopped; finished stages are kept. Start it again to continue", markup=False)
            sys.exit(stops.exit_code)


def home_of(environ: Mapping[str, str], root: Path) -> Path:
    """Return DAGSTER_HOME, or ``.dagster`` beside the data folder, created with the project's dagster.yaml if missing."""
    if environ.get(HOME):
        return Path(environ[HOME]).resolve()
    home = root.resolve().parent / ".dagster"
    if not (home / "dagster.yaml").is_file():
        shipped = SHIPPED / "dagster.yaml"
        if not shipped.is_file():
            raise MissingInput(f"{shipped}: no such file; set {HOME} to a folder that holds the project's dagster.yaml")
        with whole_file(home / "dagster.yaml") as file:
            shutil.copyfile(shipped, file)
    os.environ[HOME] = str(home)  # dagster.yaml and the steps read it
    return home
