"""All that the package uses of Dagster's private parts, and the executor's loop: Dagster's, with three of its names bound to ours.

The other modules import these names from here; a contract test says which of them a new Dagster has changed.

In: Dagster's ``MultiprocessExecutor.execute`` and ``ActiveExecution``. Out: the same loop, in which a step starts only when it was
admitted. What must hold: nothing of Dagster is copied or changed for others (the loop's code runs with a copy of its globals, in
which three names differ); when a new Dagster no longer fits, ``verify`` says so before a run starts, and a contract test before
that. Retries, cancellation, subsets, pools and tag limits are the stock loop's.

The names: ``ActiveExecution`` says which steps may start (ours asks for memory first), ``execute_step_out_of_process`` starts one
(ours starts it under guard), ``get_run_crash_explanation`` says why one ended (ours knows about caps).
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
from dagster._core.instance.ref import InstanceRef
from dagster._core.launcher import CheckRunHealthResult, WorkerStatus
from dagster._utils import get_run_crash_explanation
from dagster._utils.tags import TagConcurrencyLimitsCounter

from canvas_pipeline.errors import MissingTool

__all__ = [
    "AdmittedExecution", "CheckRunHealthResult", "ChildProcessCrashException", "DagsterPipesExecutionError", "EngineEventData",
    "ExecutionStep", "InstanceRef", "Keeper", "MultiprocessExecutor", "ReconstructableJob", "ReconstructableRepository",
    "RetryMode",
    "StepDependencyConfig", "StepFailureData", "StepRetryData", "UserFailureData", "WorkerStatus", "execute_run", "misfits",
    "stock_explanation", "stock_loop", "stock_step", "verify",
]  # fmt: skip

NAMES = ("ActiveExecution", "execute_step_out_of_process", "get_run_crash_explanation")
STEP_ARGUMENTS = (
    "multiproc_ctx", "recon_job", "step_context", "step", "errors", "processes", "term_events", "retries", "known_state",
    "repository_load_data",
)  # fmt: skip
STATE = ("_executable", "_in_flight", "_waiting_to_retry", "_max_concurrent", "_tag_concurrency_limits", "_sort_key_fn")
IDLE_S = 0.05


class Keeper(Protocol):
    """Who decides whether a step may start, and remembers what to say about it."""

    def may_start(self, step: ExecutionStep) -> bool: ...

    def withdraw(self, step: ExecutionStep) -> None: ...

    def waiting_since(self, step_key: str) -> float | None: ...

    def ripe(self, step_key: str) -> bool: ...

    def notes(self) -> Sequence[tuple[str, str, Mapping[str, Any]]]: ...


class AdmittedExecution(ActiveExecution):
    """Dagster's state machine of a run, which hands out a step only when the keeper admits it."""

    _frozen = False

    def __init__(self, keeper: Keeper, *arguments: Any, **named: Any) -> None:
        self._keeper = keeper
        super().__init__(*arguments, **named)

    def _update(self) -> None:
        if not self._frozen:
            super()._update()

    def get_steps_to_execute(self, limit: int | None = None) -> Sequence[ExecutionStep]:
        """Steps that the stock rules and the keeper let start; each is offered to the stock rules alone, memory in hand."""
        self._update()
        batch: list[ExecutionStep] = []
        for key in self._in_turn():
            if limit is not None and len(batch) >= limit:
                break
            if self._max_concurrent is not None and len(self._in_flight) >= self._max_concurrent:
                break
            step = self.get_step_by_key(key)
            if self._tag_blocked(step) or not self._keeper.may_start(step):
                continue
            taken = self._take(key)
            if not taken:  # its pool is full
                self._keeper.withdraw(step)
            batch += taken
        if not batch and not self._in_flight and (self._executable or self._waiting_to_retry):
            time.sleep(IDLE_S)
        return batch

    def _in_turn(self) -> list[str]:
        """Those that have waited too long first, then by priority, then by how long they wait."""
        ready = list(self._executable)

        def turn(key: str) -> tuple[bool, float, float]:
            since = self._keeper.waiting_since(key)
            ripe = self._keeper.ripe(key)
            priority = 0.0 if ripe else self._sort_key_fn(self.get_step_by_key(key))
            return (not ripe, priority, float("inf") if since is None else since)

        return sorted(ready, key=turn)

    def _tag_blocked(self, step: ExecutionStep) -> bool:
        if not self._tag_concurrency_limits:
            return False
        in_flight = [self.get_step_by_key(key) for key in self._in_flight]
        return bool(TagConcurrencyLimitsCounter(self._tag_concurrency_limits, in_flight).is_blocked(step))

    def _take(self, key: str) -> Sequence[ExecutionStep]:
        """Let the stock rules hand out this one step, with nothing else in sight."""
        ready = list(self._executable)
        self._executable, self._frozen = [key], True
        try:
            return super().get_steps_to_execute(limit=1)
        finally:
            left = set(self._executable)
            self._executable = [other for other in ready if other != key or key in left]
            self._frozen = False

    def concurrency_event_iterator(self, plan_context: Any) -> Iterator[DagsterEvent]:
        """Stock events about pools, and ours about memory."""
        yield from super().concurrency_event_iterator(plan_context)
        for step_key, text, metadata in self._keeper.notes():
            step_context = plan_context.for_step(self.get_step_by_key(step_key))
            yield DagsterEvent.engine_event(step_context, text, EngineEventData(metadata=metadata))


def stock_loop(**ours: Any) -> Callable[..., Iterator[DagsterEvent]]:
    """Dagster's loop with our names in place of three of its own."""
    stock = MultiprocessExecutor.execute
    loop = types.FunctionType(
        stock.__code__, {**stock.__globals__, **ours}, stock.__name__, stock.__defaults__, stock.__closure__
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
    """Dagster's own way of running one step in a process of the given context, which makes the event that asks it to end too."""
    term_events[step.key] = context.Event()
    return multiprocess.execute_step_out_of_process(
        context, job, step_context, step, errors, processes, term_events, *rest
    )


def stock_explanation(prefix: str, exit_code: int) -> str:
    """Dagster's own words for a process that ended badly."""
    return get_run_crash_explanation(prefix=prefix, exit_code=exit_code)


def misfits() -> list[str]:
    """What of the installed Dagster is not as this module expects it; empty where all is well."""
    found = [f"MultiprocessExecutor.execute does not use {name}" for name in NAMES if name not in _names_of_the_loop()]
    arguments = tuple(inspect.signature(multiprocess.execute_step_out_of_process).parameters)
    if arguments != STEP_ARGUMENTS:
        found.append(f"execute_step_out_of_process takes {', '.join(arguments)}")
    if "limit" not in inspect.signature(ActiveExecution.get_steps_to_execute).parameters:
        found.append("ActiveExecution.get_steps_to_execute has no limit")
    used = set(ActiveExecution.__init__.__code__.co_names)
    found += [f"ActiveExecution keeps no {name}" for name in STATE if name not in used]
    found += [
        f"ActiveExecution has no {name}"
        for name in ("_update", "concurrency_event_iterator")
        if not hasattr(ActiveExecution, name)
    ]
    return found


def verify() -> None:
    """Refuse to run on a Dagster that this was not made for: without admission, memory could run out."""
    found = misfits()
    if found:
        raise MissingTool(
            f"this Dagster's multiprocess executor differs from the one gb10_executor is built on: {'; '.join(found)}. Install the "
            "version that uv.lock names, or adapt canvas_pipeline/gb10/dagster_compat.py and its contract test"
        )


def _names_of_the_loop() -> set[str]:
    return set(MultiprocessExecutor.execute.__code__.co_names)
