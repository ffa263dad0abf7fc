"""Run a job of the code location in this process, for ``make demo`` and ``canvas-train``.

The steps run in the code location's executor, and the run is in the instance like any other: the web UI and ``uma status`` show it,
and it is ended as dead if this process is killed. Two runs that build models never run at once.
"""

from __future__ import annotations

import os
import socket
import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import dagster as dg

from canvas_pipeline import errors
from canvas_pipeline.dagster_instance.dead_runs import UNDER_WAY, end_dead_runs
from canvas_pipeline.gb10.dagster_compat import ReconstructableJob, ReconstructableRepository, execute_run
from canvas_pipeline.gb10.fork_server import start_fork_server
from canvas_pipeline.gb10.run_worker import run_is_locked, run_lock
from canvas_pipeline.storage.locks import alone

LANE, MODELS = "canvas/lane", "line"
"""Run tag, and its value for the jobs that build models; dagster.yaml allows one at a time."""
COMMAND = "canvas/command"
"""Run tag that names the executing process, so that a person can end it."""
CODE = ("canvas_pipeline.definitions", "defs")
"""The code location, by name: steps load it by its name too."""


@dataclass(frozen=True)
class Failure:
    """A failed step: its error's class and message, without the traceback."""

    step: str
    kind: str
    message: str

    @property
    def exit_code(self) -> int:
        """The exit code for a command. The error comes from another process, so its class is looked up by name."""
        if self.by_check:
            return errors.GateClosed.exit_code
        kind: Any = getattr(errors, self.kind, None)
        known = isinstance(kind, type) and issubclass(kind, errors.CanvasPipelineError)
        return int(kind.exit_code if known else errors.CanvasPipelineError.exit_code)

    @property
    def by_check(self) -> bool:
        """Whether the step did its work but one of its checks failed."""
        return self.kind == "DagsterAssetCheckFailedError"


@dataclass(frozen=True)
class RunResult:
    """How a run ended."""

    run_id: str
    status: dg.DagsterRunStatus
    events: Sequence[dg.DagsterEvent]

    @property
    def success(self) -> bool:
        return self.status is dg.DagsterRunStatus.SUCCESS

    @property
    def exit_code(self) -> int:
        return 0 if self.success else max((each.exit_code for each in self.failures()), default=1)

    def failures(self) -> list[Failure]:
        """Return the failed steps in the order of their failures."""
        return [failure_of(event) for event in self.events if event.is_step_failure]

    def failed_checks(self) -> list[dg.AssetCheckEvaluation]:
        """Return the checks that did not pass; the description is the reason."""
        kind = dg.DagsterEventType.ASSET_CHECK_EVALUATION
        evaluations = [event.asset_check_evaluation_data for event in self.events if event.event_type is kind]
        return [evaluation for evaluation in evaluations if not evaluation.passed]


def run_error(result: RunResult, what: str, more: Iterable[str] = (), log: Path | None = None) -> errors.RunFailed:
    """Return the error for a failed run: every failed check and every step's error, each with its reason."""
    checks = result.failed_checks()
    # Guards that were not evaluated because another one failed add nothing.
    evaluated = [check for check in checks if check.metadata] or checks
    lines = [f"{check.check_name}: {check.description}" for check in evaluated]
    lines += more
    lines += [f"{each.step.rpartition('__')[2]}: {each.message}" for each in result.failures() if not each.by_check]
    lines = list(dict.fromkeys(lines)) or [f"run {result.run_id[:8]} ended as {result.status.value.lower()}"]
    where = f"\nthe whole log: {log}" if log else ""
    return errors.RunFailed(f"{what}:" + "".join(f"\n  - {line}" for line in lines) + where, result.exit_code, lines)


def failure_of(event: dg.DagsterEvent) -> Failure:
    """Return the root cause of a step's failure event."""
    data = event.step_failure_data
    error = data.error
    while error is not None and error.cause is not None:
        error = error.cause
    if data.user_failure_data is not None and data.user_failure_data.description:
        return Failure(event.step_key or "", "", data.user_failure_data.description)
    if error is None:
        return Failure(event.step_key or "", "", "failed without a reason")
    kind = error.cls_name or ""
    text = error.message.strip()
    return Failure(event.step_key or "", kind, text.partition(f"{kind}: ")[2] or text)


def start_loading(job_name: str) -> None:
    """Start the fork server, so that it loads the code location while this process does; optional."""
    start_fork_server(ReconstructableRepository.for_module(*CODE).get_reconstructable_job(job_name))


def local_run(
    instance: dg.DagsterInstance,
    job_name: str,
    *,
    assets: Sequence[dg.AssetKey] | None = None,
    config: Mapping[str, Any] | None = None,
    tags: Mapping[str, str] | None = None,
    command: str = "a command",
    on_start: Callable[[str], object] = lambda _: None,
) -> RunResult:
    """Execute a job, or some of its assets. ``on_start`` is called with the run's id before the run's first event.

    Dead runs are ended first. Raises ``AnotherRun`` if the job builds models and another run is building some."""
    job, load_data = _reconstructable(job_name)
    run_id = str(uuid.uuid4())
    folder = Path(instance.storage_directory())
    with run_lock(folder, run_id):
        try:
            # Checking for other runs and creating this one must be one step.
            with alone(folder / "commands.lock"):
                end_dead_runs(instance)
                definition = job.get_definition()
                if definition.run_tags.get(LANE) == MODELS:
                    refuse_another(instance)
                run = instance.create_run_for_job(
                    definition,
                    run_id=run_id,
                    run_config=config or {},
                    tags={
                        **definition.run_tags,
                        "dagster/max_retries": "0",
                        COMMAND: _process_label(command),
                        **(tags or {}),
                    },
                    asset_selection=frozenset(assets) if assets else None,
                    job_code_origin=job.get_python_origin(),
                    repository_load_data=load_data,
                )
                # From here on the daemon's queue counts the run too.
                starting = dg.DagsterEvent(dg.DagsterEventType.RUN_STARTING.value, job_name, message=f"By {command}.")
                instance.report_dagster_event(starting, run_id)
            on_start(run_id)
            result = execute_run(job, instance.get_run_by_id(run_id) or run, instance)
        except BaseException:
            unfinished = instance.get_run_by_id(run_id)
            if unfinished is not None and not unfinished.is_finished:
                instance.report_run_failed(unfinished, "This run was interrupted before its first step.")
            raise
    return RunResult(run_id, result.dagster_run.status, result.all_events)


def refuse_another(instance: dg.DagsterInstance) -> None:
    """Raise ``AnotherRun`` if a run is building models: which one, since when, how to see it and how to end it."""
    for record in instance.get_run_records(dg.RunsFilter(statuses=UNDER_WAY, tags={LANE: MODELS})):
        run = record.dagster_run
        since = datetime.fromtimestamp(record.start_time or record.create_timestamp.timestamp())
        raise errors.AnotherRun(
            f"run {run.run_id[:8]} ({run.job_name}) has been making models since {since:%Y-%m-%d %H:%M:%S}. "
            f"See it: make dev, Runs. End it: {_how_to_end(instance, record)}"
        )


def _how_to_end(instance: dg.DagsterInstance, record: dg.RunRecord) -> str:
    run = record.dagster_run
    known = run_is_locked(Path(instance.storage_directory()), run.run_id)
    if known and COMMAND in run.tags:
        return f"kill {run.tags[COMMAND].rpartition(' ')[2]} ({run.tags[COMMAND]})"
    return (
        "Terminate in the web UI" if known else "Terminate in the web UI, with force if no process works on it any more"
    )


def _process_label(command: str) -> str:
    return f"{command} on {socket.gethostname()}, process {os.getpid()}"


def _reconstructable(job_name: str) -> tuple[ReconstructableJob, Any]:
    repository = ReconstructableRepository.for_module(*CODE)
    load_data = repository.get_definition().repository_load_data
    return repository.get_reconstructable_job(job_name).with_repository_load_data(load_data), load_data
