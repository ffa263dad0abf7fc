"""The contract with Dagster: these tests fail, with what to read, when a new Dagster no longer fits ``gb10.dagster_compat``."""

from __future__ import annotations

import inspect
import re
import tomllib
from collections.abc import Callable
from pathlib import Path

import dagster as dg
import pytest
from dagster._core.executor import multiprocess
from dagster._utils import get_run_crash_explanation
from dagster._utils.tags import TagConcurrencyLimitsCounter

from canvas_pipeline.errors import MissingTool
from canvas_pipeline.gb10 import dagster_compat

ROOT = Path(__file__).resolve().parents[2]
READ = (
    "Dagster changed where gb10_executor is joined to it: read canvas_pipeline/gb10/dagster_compat.py, then adapt both"
)


def test_dagster_is_as_its_compat_module_expects_it() -> None:
    assert dagster_compat.incompatibilities() == [], READ


def test_the_range_of_dagster_is_pinned_to_one_minor_version() -> None:
    dependencies = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["dependencies"]
    (pinned,) = [line for line in dependencies if line.startswith("dagster>")]
    major, minor = dg.__version__.split(".")[:2]
    assert f",<{major}.{int(minor) + 1}" in pinned, READ


def test_a_dagster_without_the_names_is_refused_before_a_run(monkeypatch: pytest.MonkeyPatch) -> None:
    def execute(self: object) -> None:
        """A loop that asks nobody."""

    monkeypatch.setattr(multiprocess.MultiprocessExecutor, "execute", execute)
    with pytest.raises(MissingTool, match=r"does not use ActiveExecution.*dagster_compat\.py"):
        dagster_compat.verify()


def test_dagsters_private_names_are_imported_in_one_module() -> None:
    imports = [
        (path.name, line)
        for path in (ROOT / "canvas_pipeline").rglob("*.py")
        for line in path.read_text().splitlines()
        if re.match(r"\s*(from|import) dagster\._", line)
    ]
    assert {name for name, _ in imports} == {"dagster_compat.py"} and len(imports) <= 16


PARAMETERS: list[tuple[Callable[..., object], set[str]]] = [
    (dagster_compat.execute_run, {"job", "dagster_run", "instance"}),
    (dagster_compat.ReconstructableRepository.for_module, {"module", "fn_name"}),
    (dagster_compat.ReconstructableRepository.get_reconstructable_job, {"name"}),
    (dagster_compat.ReconstructableJob.with_repository_load_data, {"metadata"}),
    (dagster_compat.EngineEventData, {"metadata"}),
    (dagster_compat.ChildProcessCrashException, {"pid", "exit_code"}),
    (dagster_compat.StepFailureData, {"error", "user_failure_data"}),
    (dagster_compat.StepRetryData, {"error", "seconds_to_wait"}),
    (dagster_compat.UserFailureData, {"label", "description", "metadata"}),
    (dagster_compat.RetryMode.from_config, {"config_value"}),
    (dagster_compat.StepDependencyConfig.from_config, {"config_value"}),
    (get_run_crash_explanation, {"prefix", "exit_code"}),
    (TagConcurrencyLimitsCounter, {"tag_concurrency_limits", "in_progress_tagged_items"}),
    (
        dagster_compat.MultiprocessExecutor,
        {
            "retries",
            "max_concurrent",
            "tag_concurrency_limits",
            "start_method",
            "explicit_forkserver_preload",
            "step_dependency_config",
        },
    ),
]
"""What of Dagster is called from where: each with the arguments that we give it."""


@pytest.mark.parametrize("called, given", PARAMETERS, ids=lambda each: getattr(each, "__qualname__", ""))
def test_what_is_called_takes_the_arguments_that_it_is_given(called: Callable[..., object], given: set[str]) -> None:
    assert given <= set(inspect.signature(called).parameters), READ


def test_a_run_is_known_to_be_healthy_or_gone_as_run_monitoring_reports_it() -> None:
    found = dagster_compat.CheckRunHealthResult(dagster_compat.WorkerStatus.NOT_FOUND, "gone")
    assert (found.status, found.msg) == (dagster_compat.WorkerStatus.NOT_FOUND, "gone")
    assert dagster_compat.WorkerStatus.RUNNING is not dagster_compat.WorkerStatus.NOT_FOUND
    assert issubclass(dagster_compat.DagsterPipesExecutionError, Exception)
