"""Run real jobs on a real instance, and read their events and what they left behind."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import dagster as dg
from dagster._core.execution.api import execute_run_iterator

from canvas_pipeline.gb10.ledger import Ledger, LedgerEntry
from canvas_pipeline.gb10.owner import started
from canvas_pipeline_tests.dagster_instance.daemon import settle
from canvas_pipeline_tests.gb10 import jobs

QUIET = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}

LIMIT_S = 600.0
SMALL = "telemetry: {enabled: false}"


def until(what: str, holds: Callable[[], object]) -> None:
    """Wait for something to become true; raises ``AssertionError`` after ten minutes."""
    deadline = time.monotonic() + LIMIT_S
    while not holds():
        assert time.monotonic() < deadline, f"waited in vain: {what}"
        time.sleep(0.01)


class Sandbox:
    """An instance, a ledger and a folder for the steps, all in one folder."""

    def __init__(self, home: Path, *, shipped: bool = False) -> None:
        self.home = home
        self.ledger_path = home / "uma.sqlite"
        if shipped:
            self.instance = settle(home)
        else:
            (home / "dagster.yaml").write_text(SMALL)
            self.instance = dg.DagsterInstance.from_config(str(home))

    def run(
        self,
        job: str,
        *,
        config: Mapping[str, Any] | None = None,
        reexecution: dg.ReexecutionOptions | None = None,
        run_id: str | None = None,
    ) -> Result:
        """Execute a job of ``jobs`` in this process, as a run worker does; ``config`` is the executor's."""
        target = dg.reconstructable(getattr(jobs, job))
        settings = {**QUIET, "execution": {"config": dict(config or {})}}
        if run_id is not None:
            created = self.instance.create_run_for_job(getattr(jobs, job), run_id=run_id, run_config=settings)
            list(execute_run_iterator(target, created, self.instance))
            return Result(run_id, self.instance)
        with dg.execute_job(
            target, self.instance, run_config=settings, raise_on_error=False, reexecution_options=reexecution
        ) as result:
            return Result(result.run_id, self.instance)

    def entries(self) -> list[LedgerEntry]:
        return Ledger(self.ledger_path).entries()

    def pid_of(self, name: str) -> int:
        return int((self.home / f"{name}.pid").read_text())

    def lives(self, name: str) -> bool:
        return started(self.pid_of(name)) is not None


class Result:
    """The events of a run."""

    def __init__(self, run_id: str, instance: dg.DagsterInstance) -> None:
        run = instance.get_run_by_id(run_id)
        self.success, self.run_id = run is not None and run.is_success, run_id
        self.events = [e.dagster_event for e in instance.all_logs(self.run_id) if e.dagster_event is not None]

    def of(self, step: str, kind: str) -> list[dg.DagsterEvent]:
        return [e for e in self.events if e.step_key == step and e.event_type_value == kind]

    def log(self, step: str) -> str:
        """Return the engine's messages about a step, one per line."""
        return "\n".join(str(e.message) for e in self.of(step, "ENGINE_EVENT"))

    def failure(self, step: str) -> Any:
        (event,) = self.of(step, "STEP_FAILURE")
        return event.step_failure_data

    def reserved_mib(self, step: str) -> list[float]:
        """Return the MiB that each attempt of a step reserved."""
        found = re.findall(r"Admitted.*? with ([\d.]+) ([GM]iB)", self.log(step))
        return [float(number) * (1024 if unit == "GiB" else 1) for number, unit in found]


@contextmanager
def open_sandbox(home: Path, *, shipped: bool = False) -> Iterator[Sandbox]:
    """Open a sandbox in an empty folder; ``shipped``: with the shipped dagster.yaml, which a daemon needs."""
    before = {name: os.environ.get(name) for name in ("CANVAS_UMA_LEDGER", "CANVAS_TEST_FOLDER", "DAGSTER_HOME")}
    os.environ.update(CANVAS_UMA_LEDGER=str(home / "uma.sqlite"), CANVAS_TEST_FOLDER=str(home))
    created = Sandbox(home, shipped=shipped)
    try:
        yield created
    finally:
        created.instance.dispose()
        for name, value in before.items():
            os.environ.pop(name, None) if value is None else os.environ.update({name: value})
