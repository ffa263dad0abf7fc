"""Import Dagster's private names in one place, and run Dagster's executor loop with three of them replaced.

Other modules import these names from here. A contract test fails for each one that a new Dagster has changed, and ``verify``
refuses to start a run on such a Dagster.

``stock_loop`` runs the code of ``MultiprocessExecutor.execute`` with a copy of its globals, so no code of Dagster is copied and no
other user of Dagster is affected. Retries, cancellation, subsets, pools and tag limits are the stock loop's. The replaced names:

- ``ActiveExecution`` decides which steps may start; ours reserves memory first;
- ``execute_step_out_of_process`` starts a step; ours starts it below a watchdog;
- ``get_run_crash_explanation`` explains why a step ended; ours adds the memory rules.
"""

from __future__ import annotations

import inspect
import time
import types
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Protocol

from dagster import DagsterEvent
from dagster._core.definitions.reconstruct import ReconstructableJob, ReconstructableRepository
from dagster._core.errors import DagsterPipesExecutionError
from dagster._core.events import EngineEventData
from dagster._core.execution.api import execute_run
from dagster._core.execution.plan.active import ActiveExecution
from dagster._core.execution.plan.objects import StepFailureData, StepRetryData, UserFailureData
from dagster._core.execution.plan.step import ExecutionStep
from dagster._core.execution.retries import RetryMode
from dagster._core.execution.step_dependency_config import StepDependencyConfig
from dagster._core.executor import multiprocess
from dagster._core.executor.child_process_executor import ChildProcessCrashException
from dagster._core.executor.multiprocess import MultiprocessExecutor
from dagster._core.launcher import CheckRunHealthResult, WorkerStatus
from dagster._utils import get_run_crash_explanation
from dagster._utils.tags import TagConcurrencyLimitsCounter

from canvas_pipeline.errors import MissingTool

__all__ = [
    "AdmissionController", "AdmittedExecution", "CheckRunHealthResult", "ChildProcessCrashException", "DagsterPipesExecutionError",
    "EngineEventData", "ExecutionStep", "MultiprocessExecutor", "ReconstructableJob", "ReconstructableRepository",
    "RetryMode", "StepDependencyConfig", "StepFailureData", "StepRetryData", "UserFailureData", "WorkerStatus", "execute_run",
    "incompatibilities", "stock_explanation", "stock_loop", "stock_step", "verify",
]  # fmt: skip

NAMES = ("ActiveExecution", "execute_step_out_of_process", "get_run_crash_explanation")
STEP_ARGUMENTS = (
    "multiproc_ctx", "recon_job", "step_context", "step", "errors", "processes", "term_events", "retries", "known_state",
    "repository_load_data",
)  # fmt: skip
STATE = ("_executable", "_in_flight", "_waiting_to_retry", "_max_concurrent", "_tag_concurrency_limits", "_sort_key_fn")
IDLE_S = 0.05


class AdmissionController(Protocol):
    """Decides whether a step may start, and collects the messages about steps that wait."""

    def may_start(self, step: ExecutionStep) -> bool: ...

    def release(self, step: ExecutionStep) -> None: ...

    def waiting_since(self, step_key: str) -> float | None: ...

    def starved(self, step_key: str) -> bool: ...

    def messages(self) -> Sequence[tuple[str, str, Mapping[str, Any]]]: ...


class AdmittedExecution(ActiveExecution):
    """Dagster's state machine of a run, but a step starts only when the admission controller admits it."""

    _frozen = False

    def __init__(self, controller: AdmissionController, *arguments: Any, **named: Any) -> None:
        self._controller = controller
        super().__init__(*arguments, **named)

    def _update(self) -> None:
        if not self._frozen:
            super()._update()

    def get_steps_to_execute(self, limit: int | None = None) -> Sequence[ExecutionStep]:
        """Return the steps to start now: memory is reserved for each first, then Dagster's own rules are applied to it alone."""
        self._update()
        batch: list[ExecutionStep] = []
        for key in self._ready_in_order():
            if limit is not None and len(batch) >= limit:
                break
            if self._max_concurrent is not None and len(self._in_flight) >= self._max_concurrent:
                break
            step = self.get_step_by_key(key)
            if self._tag_blocked(step) or not self._controller.may_start(step):
                continue
            started = self._start_one(key)
            if not started:  # its pool is full
                self._controller.release(step)
            batch += started
        if not batch and not self._in_flight and (self._executable or self._waiting_to_retry):
            time.sleep(IDLE_S)
        return batch

    def _ready_in_order(self) -> list[str]:
        """WatchSpec the ready steps: starved ones first, then by priority, then by waiting time."""
        ready = list(self._executable)

        def order(key: str) -> tuple[bool, float, float]:
            since = self._controller.waiting_since(key)
            starved = self._controller.starved(key)
            priority = 0.0 if starved else self._sort_key_fn(self.get_step_by_key(key))
            return (not starved, priority, float("inf") if since is None else since)

        return sorted(ready, key=order)

    def _tag_blocked(self, step: ExecutionStep) -> bool:
        if not self._tag_concurrency_limits:
            return False
        in_flight = [self.get_step_by_key(key) for key in self._in_flight]
        return bool(TagConcurrencyLimitsCounter(self._tag_concurrency_limits, in_flight).is_blocked(step))

    def _start_one(self, key: str) -> Sequence[ExecutionStep]:
        """Apply Dagster's own rules with this step as the only ready one."""
        ready = list(self._executable)
        self._executable, self._frozen = [key], True
        try:
            return super().get_steps_to_execute(limit=1)
        finally:
            left = set(self._executable)
            self._executable = [other for other in ready if other != key or key in left]
            self._frozen = False

    def concurrency_event_iterator(self, plan_context: Any) -> Iterator[DagsterEvent]:
        """Yield the stock events about pools, then ours about memory."""
        yield from super().concurrency_event_iterator(plan_context)
        for step_key, text, metadata in self._controller.messages():
            step_context = plan_context.for_step(self.get_step_by_key(step_key))
            yield DagsterEvent.engine_event(step_context, text, EngineEventData(metadata=metadata))


def stock_loop(**replacements: Any) -> Callable[..., Iterator[DagsterEvent]]:
    """Return Dagster's executor loop with the names in ``replacements`` replaced."""
    stock = MultiprocessExecutor.execute
    loop = types.FunctionType(
        stock.__code__, {**stock.__globals__, **replacements}, stock.__name__, stock.__defaults__, stock.__closure__
    )
    loop.__kwdefaults__ = stock.__kwdefaults__
    return loop


def stock_step(
    context: Any,
    job: Any,
    step_context: Any,
    step: ExecutionStep,
    errors: Any,
    processes: Any,
    term_events: dict[str, Any],
    *rest: Any,
) -> Iterator[DagsterEvent | None]:
    """Run one step as Dagster does, but let ``context`` create the process and the termination event."""
    term_events[step.key] = context.Event()
    return multiprocess.execute_step_out_of_process(
        context, job, step_context, step, errors, processes, term_events, *rest
    )


def stock_explanation(prefix: str, exit_code: int) -> str:
    """Return Dagster's own explanation of a crash."""
    return get_run_crash_explanation(prefix=prefix, exit_code=exit_code)


def incompatibilities() -> list[str]:
    """List where the installed Dagster differs from what this module expects; empty if it fits."""
    differences = [
        f"MultiprocessExecutor.execute does not use {name}" for name in NAMES if name not in _names_of_the_loop()
    ]
    arguments = tuple(inspect.signature(multiprocess.execute_step_out_of_process).parameters)
    if arguments != STEP_ARGUMENTS:
        differences.append(f"execute_step_out_of_process takes {', '.join(arguments)}")
    if "limit" not in inspect.signature(ActiveExecution.get_steps_to_execute).parameters:
        differences.append("ActiveExecution.get_steps_to_execute has no limit")
    used = set(ActiveExecution.__init__.__code__.co_names)
    differences += [f"ActiveExecution has no attribute {name}" for name in STATE if name not in used]
    differences += [
        f"ActiveExecution has no {name}"
        for name in ("_update", "concurrency_event_iterator")
        if not hasattr(ActiveExecution, name)
    ]
    return differences


def verify() -> None:
    """Raise ``MissingTool`` if the installed Dagster does not fit: without admission, memory could run out."""
    differences = incompatibilities()
    if differences:
        raise MissingTool(
            f"this Dagster's multiprocess executor differs from the one gb10_executor is built on: {'; '.join(differences)}. "
            "Install the version that uv.lock names, or adapt canvas_pipeline/gb10/dagster_compat.py and its contract test"
        )


def _names_of_the_loop() -> set[str]:
    return set(MultiprocessExecutor.execute.__code__.co_names)
