"""``gb10_executor``: Dagster's multiprocess executor, except that a step starts only when its memory is available.

Everything but the start of a step is Dagster's own code, see ``dagster_compat``. A small machine admits fewer steps at once.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import dagster as dg
from dagster import DagsterEvent, Executor

from canvas_pipeline.gb10 import dagster_compat
from canvas_pipeline.gb10.admission_controller import RunAdmissionController, explanation
from canvas_pipeline.gb10.dagster_compat import (
    ExecutionStep,
    MultiprocessExecutor,
    RetryMode,
    StepDependencyConfig,
    StepFailureData,
    StepRetryData,
    UserFailureData,
)
from canvas_pipeline.gb10.demand import THREADS, declared
from canvas_pipeline.gb10.fork_server import MODULES, start_fork_server
from canvas_pipeline.gb10.peaks import Key, size_class
from canvas_pipeline.gb10.run_worker import lock_run, run_is_locked
from canvas_pipeline.gb10.uma import UmaCap

CORES_EACH, AT_ONCE = 8, 2
"""Steps that use every core may run at once: one per ``CORES_EACH`` cores, but ``AT_ONCE`` if there are as many cores.
A second thread speeds up a small model little; a core each speeds up two models much."""


class Gb10Executor(MultiprocessExecutor):
    """The stock executor with an admission controller. ``configured`` is GiB by step key, from the run's configuration."""

    def __init__(self, cap: UmaCap, configured: Mapping[str, float], **stock: Any) -> None:
        super().__init__(**stock)
        self.cap, self.configured = cap, dict(configured)
        self._controller: RunAdmissionController | None = None

    def execute(self, plan_context: Any, execution_plan: Any) -> Iterator[DagsterEvent]:
        """Run Dagster's loop with our admission, step processes and crash explanations.

        The run is locked until this process ends, so that its death is noticed; ``local_run`` has locked its runs already."""
        runs = Path(plan_context.instance.storage_directory())
        if not run_is_locked(runs, plan_context.run_id):
            lock_run(runs, plan_context.run_id)
        profile = profile_of(plan_context.run_config)

        def declares(step: ExecutionStep) -> tuple[int, str]:
            return declared(step.key, step.tags, profile, self.cap.default_gib, self.configured)

        controller = RunAdmissionController(plan_context.run_id, self.cap, declares, partial(key_of, plan_context))
        self._controller = controller
        loop = dagster_compat.stock_loop(
            ActiveExecution=partial(dagster_compat.AdmittedExecution, controller),
            execute_step_out_of_process=controller.execute_step,
            get_run_crash_explanation=partial(explanation, controller.stops),
        )
        try:
            if self._start_method == "forkserver":
                start_fork_server(plan_context.reconstructable_job, self._explicit_forkserver_preload or ())
            yield from loop(self, plan_context, execution_plan)
        finally:
            controller.close()

    def log_failure_or_retry_event_after_error(
        self, step_context: Any, err_info: Any, known_state: Any
    ) -> DagsterEvent:
        """Retry a step that was ended for its memory once, with a larger reservation if that fits; else fail with the reason."""
        stop, wanted = (None, None) if self._controller is None else self._controller.stop_of(step_context.step.key)
        if stop is None:
            return super().log_failure_or_retry_event_after_error(step_context, err_info, known_state)
        if wanted is not None and self.retries.enabled:
            return DagsterEvent.step_retry_event(step_context, StepRetryData(error=err_info, seconds_to_wait=None))
        if stop.started:
            event = super().log_failure_or_retry_event_after_error
            policy = step_context.op_retry_policy
            attempts = known_state.get_retry_state().get_attempt_count(step_context.step.key)
            if policy and not step_context.retry_mode.disabled and attempts < policy.max_retries:
                return event(step_context, err_info, known_state)
        reason = UserFailureData(label="memory", description=stop.text, metadata=stop.facts)
        return DagsterEvent.step_failure_event(step_context, StepFailureData(error=err_info, user_failure_data=reason))


def profile_of(run_config: Mapping[str, Any]) -> str:
    """Return the profile that a run's resources name, else the environment's, else ``embedded``."""
    for resource in (run_config.get("resources") or {}).values():
        profile = (resource.get("config") or {}).get("profile") if isinstance(resource, Mapping) else None
        if isinstance(profile, str) and profile:
            return profile
    return os.environ.get("CANVAS_PROFILE") or "embedded"


def key_of(plan_context: Any, step: ExecutionStep) -> Key:
    """Return the key of a step's peaks: its step key, its assets' code versions, the row count of its inputs."""
    layer = plan_context.job.get_definition().asset_layer
    keys = [output.properties.asset_key for output in step.step_outputs if output.properties.asset_key]
    nodes = [layer.get(key) for key in keys if layer.has(key)]
    version = " ".join(sorted({node.code_version for node in nodes if node.code_version}))
    parents = {parent for node in nodes for parent in node.parent_keys} - set(keys)
    return Key(step=step.key, version=version, size_class=size_class(_rows(plan_context.instance, parents)))


def _rows(instance: dg.DagsterInstance, keys: set[dg.AssetKey]) -> int:
    if not keys:
        return 0
    rows = 0
    for record in instance.get_asset_records(list(keys)):
        entry = record.asset_entry.last_materialization
        materialization = entry.asset_materialization if entry else None
        count = materialization.metadata.get("dagster/row_count") if materialization else None
        rows += count.value if count is not None and isinstance(count.value, int) else 0
    return rows


def _thread_limits() -> list[dict[str, Any]]:
    cores = len(os.sched_getaffinity(0))
    return [{"key": THREADS, "value": "all", "limit": min(cores, max(AT_ONCE, cores // CORES_EACH))}]


def _config() -> dict[str, Any]:
    stock: Mapping[str, dg.Field] = getattr(dg.multiprocess_executor.config_schema.config_type, "fields")  # noqa: B009
    limits = stock["tag_concurrency_limits"]
    return {
        **stock,
        "tag_concurrency_limits": dg.Field(
            limits.config_type, default_value=_thread_limits(), description=limits.description
        ),
        "uma": UmaCap.to_config_schema().as_field(),
        "uma_gib": dg.Field(
            dg.Permissive(),
            default_value={},
            description="GiB by step key, instead of what the step declares: {canvas__dpo_checkpoint: 6}",
        ),
    }


@dg.executor(name="gb10", config_schema=_config(), requirements=dg.multiprocess_executor.get_requirements({}))
def gb10_executor(context: dg.InitExecutorContext) -> Executor:
    """Run steps in processes of their own, admitted by memory. Across all runs of this machine the sum of reservations stays within
    the budget; a step is stopped at its reservation; its peak is learned for the next run."""
    dagster_compat.verify()
    config: Mapping[str, Any] = context.executor_config
    method, settings = next(iter((config.get("start_method") or {"forkserver": {}}).items()))
    return Gb10Executor(
        UmaCap(**config.get("uma", {})),
        config.get("uma_gib", {}),
        max_concurrent=config.get("max_concurrent"),
        tag_concurrency_limits=config.get("tag_concurrency_limits"),
        retries=RetryMode.from_config(config["retries"]),
        start_method=method,
        explicit_forkserver_preload=[*MODULES, *settings.get("preload_modules", [])],
        step_dependency_config=StepDependencyConfig.from_config(config.get("step_dependency_config")),
    )
