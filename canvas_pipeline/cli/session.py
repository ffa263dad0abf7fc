"""A command's runs in its Dagster instance: their table in the terminal, their log in a file, their end when it is stopped."""

from __future__ import annotations

import contextlib
import os
import shutil
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import dagster as dg
from rich.console import Console

from canvas_pipeline.cli.stage_table import StageTable
from canvas_pipeline.cli.terminal import Stops, logged
from canvas_pipeline.dagster_instance.dead_runs import end_dead_runs
from canvas_pipeline.dagster_instance.local_run import RunResult, explained, local_run, preload, refuse_another
from canvas_pipeline.errors import MissingInput, RunFailed
from canvas_pipeline.orchestration.resource import REPOSITORY

HOME = "DAGSTER_HOME"
LOGGED = {"loggers": {"console": {"config": {"log_level": "DEBUG"}}}}


class Session:
    """What a command works with; made by ``session``."""

    def __init__(
        self, name: str, instance: dg.DagsterInstance, out: Console, log: Path, stops: Stops, table: StageTable
    ):
        self.name, self.instance, self.out, self.log, self.stops, self.table = name, instance, out, log, stops, table

    def run(
        self,
        job: str,
        *,
        assets: Sequence[dg.AssetKey] | None = None,
        config: Mapping[str, Any] | None = None,
        partition: str = "",
    ) -> RunResult:
        """Run a job, or some of its assets; the table shows it. Raises ``KeyboardInterrupt`` where the command was told to end."""
        with contextlib.ExitStack() as while_it_runs:

            def started(run_id: str) -> None:
                self.stops.ask = lambda: self._cancel(run_id)
                while_it_runs.enter_context(self.table.following(run_id, partition))

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
        """Write down that the run was asked to end, so that it counts as canceled and not as failed."""
        self.table.stages.stopping = True
        run = self.instance.get_run_by_id(run_id)
        if run is not None and not run.is_finished:
            self.instance.report_run_canceling(run, "The command was told to end.")

    def failed(self, result: RunResult, what: str, more: Iterable[str] = ()) -> RunFailed:
        """The error to raise for a run that failed: every reason, and where the whole log is."""
        problems = [f"{stage.name}: {text}" for stage in self.table.stages.all for text in stage.errors]
        return explained(result, what, [*more, *problems], self.log)


@contextlib.contextmanager
def session(name: str, job: str, home: Path, *, verbose: bool = False) -> Iterator[Session]:
    """The instance of ``home``, warm for ``job``; its dead runs are ended. Raises ``AnotherRun`` where a run makes models.

    Told to end by Ctrl-C or SIGTERM, the run ends, and the process with 130 or 143."""
    log = home / "logs" / f"{name.replace(' ', '-')}-{datetime.now(UTC):%Y%m%dT%H%M%SZ}.log"
    with Stops() as stops, logged(log, verbose=verbose) as out:
        try:
            with dg.DagsterInstance.from_config(str(home)) as instance:
                end_dead_runs(instance)
                refuse_another(instance)
                preload(job)
                out.print(f"the whole log: {log}", markup=False, soft_wrap=True)
                with StageTable(instance, out, plain=verbose) as table:
                    yield Session(name, instance, out, log, stops, table)
        except KeyboardInterrupt:
            out.print(f"{name}: stopped; what is finished is kept. Start it again to go on", markup=False)
            sys.exit(stops.exit_code)


def home_of(environ: Mapping[str, str], root: Path) -> Path:
    """DAGSTER_HOME, or ``.dagster`` beside the data folder, made with the project's dagster.yaml where it is not there."""
    if environ.get(HOME):
        return Path(environ[HOME]).resolve()
    home = root.resolve().parent / ".dagster"
    if not (home / "dagster.yaml").is_file():
        shipped = REPOSITORY / "dagster.yaml"
        if not shipped.is_file():
            raise MissingInput(f"{shipped}: no such file; set {HOME} to a folder that holds the project's dagster.yaml")
        home.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(shipped, home / "dagster.yaml")
    os.environ[HOME] = str(home)  # dagster.yaml names it, and so do the steps
    return home
