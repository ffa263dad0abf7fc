"""A nightly that a guard stops: yesterday's release is unchanged byte for byte, and a notification is sent."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest

from canvas_pipeline.automation.notification import File
from canvas_pipeline.definitions import defs
from canvas_pipeline.defs import notifications
from canvas_pipeline.orchestration.assets import asset_key
from canvas_pipeline.orchestration.resource import PipelineResource
from canvas_pipeline.pipeline.context import build_stage
from canvas_pipeline.pipeline.workspace import Workspace
from canvas_pipeline_tests.pipeline.breaks import BREAKS
from canvas_pipeline_tests.pipeline.entries import config
from canvas_pipeline_tests.pipeline.good_line import BASE, SHARES, Workshop, copy_of

NIGHT = """preference_split dpo_run_spec dpo_checkpoint dpo_bench method_matrix production_checkpoint scenarios production_gguf
constrained_bench cards release_log release""".split()


@pytest.fixture
def ws(good_line: Path, tmp_path: Path) -> Workspace:
    return copy_of(good_line, tmp_path / "line")


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.ephemeral() as found:
        yield found


def a_night(ws: Workspace, instance: dg.DagsterInstance) -> dg.ExecuteInProcessResult:
    """Run the end of the nightly, from the preference split to the release."""
    keys = [asset_key(name, "canvas") for name in NIGHT]
    job = defs().resolve_job_def("nightly")
    return job.execute_in_process(run_config=config(ws), instance=instance, asset_selection=keys, raise_on_error=False)


def failure(result: dg.ExecuteInProcessResult, instance: dg.DagsterInstance, ws: Workspace) -> None:
    """Evaluate the failure sensor as the daemon does after a failed run."""
    (event,) = [e for e in result.all_events if e.event_type_value == "PIPELINE_FAILURE"]
    context = dg.build_run_status_sensor_context(
        sensor_name="failures",
        dagster_instance=instance,
        dagster_run=result.dagster_run,
        dagster_event=event,
        resources={"pipeline": PipelineResource(root=str(ws.root))},
    )
    notifications.failures(context.for_run_failure())


def published(ws: Workspace) -> dict[str, bytes | str]:
    folder = ws.root / "releases"
    files = {p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob("*") if p.is_file()}
    return {**files, "current": os.readlink(folder / "current")}


def test_a_failed_guard_at_night_leaves_the_release_and_sends_a_notification_without_personal_data(
    ws: Workspace, instance: dg.DagsterInstance, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    build_stage(ws, "release", Workshop(ws.root / BASE, SHARES["dpo"]))
    yesterday = published(ws)
    BREAKS["g6"](ws)
    result = a_night(ws, instance)
    assert not result.success
    assert [event.step_key for event in result.all_events if event.is_step_success] == []
    assert [event.step_key for event in result.all_events if event.is_step_failure] == ["canvas__preference_split"]
    assert published(ws) == yesterday

    places = tmp_path / "notices.jsonl"
    monkeypatch.setattr(notifications, "NOTIFIERS", (File(places),))
    failure(result, instance, ws)
    (line,) = places.read_text().splitlines()
    assert "g6_shrinkage" in line and '"asset":"canvas/preference_split"' in line and '"stages_below":1.0' in line
    assert f"yesterday's release is untouched: {yesterday['current']}" in line
    for contributor in ws.collab.glob("*.jsonl"):
        assert contributor.stem not in line
