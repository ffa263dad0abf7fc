"""Runs whose process is gone are ended by the next command; runs that live, wait or have just been created are left alone."""

from __future__ import annotations

import subprocess
import sys
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from canvas_pipeline.dagster_instance import dead_runs
from canvas_pipeline.dagster_instance.dead_runs import end_dead_runs
from canvas_pipeline.gb10.run_worker import LOCK, run_is_locked, run_lock
from canvas_pipeline_tests.dagster_instance.homes import ROOT, chain, instance_at, run
from canvas_pipeline_tests.gb10.runs import open_sandbox

WORKER = """
import os, sys
from pathlib import Path
from canvas_pipeline_tests.gb10.runs import open_sandbox
if __name__ == "__main__":
    os.environ["CANVAS_TEST_WORKER"] = str(os.getpid())
    with open_sandbox(Path(sys.argv[1])) as sandbox:
        sandbox.run("deadly")
"""


@pytest.fixture
def instance(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[dg.DagsterInstance]:
    with instance_at(tmp_path / "home", monkeypatch) as found:
        yield found


def create_run(instance: dg.DagsterInstance, status: dg.DagsterRunStatus = dg.DagsterRunStatus.NOT_STARTED) -> str:
    run_id = str(uuid.uuid4())
    instance.create_run_for_job(chain(1), run_id=run_id, status=status)
    return run_id


def status(instance: dg.DagsterInstance, run_id: str) -> dg.DagsterRunStatus:
    found = instance.get_run_by_id(run_id)
    assert found is not None
    return found.status


def worked_on_once(instance: dg.DagsterInstance, run_id: str) -> None:
    """A lock that somebody held."""
    with run_lock(Path(instance.storage_directory()), run_id):
        pass


def test_the_lock_of_a_run_is_held_until_after_its_last_event(tmp_path: Path) -> None:
    run_id = str(uuid.uuid4())
    with open_sandbox(tmp_path) as sandbox:
        folder = Path(sandbox.instance.storage_directory())
        locked = {}

        def on_event(entry: dg.EventLogEntry) -> None:
            if entry.dagster_event:
                locked[entry.dagster_event.event_type] = run_is_locked(folder, run_id)

        listen: Any = sandbox.instance
        listen.add_event_listener(run_id, on_event)
        assert sandbox.run("deadly", run_id=run_id).success
    assert locked[dg.DagsterEventType.ENGINE_EVENT] is True and locked[dg.DagsterEventType.RUN_SUCCESS] is True


def test_a_run_whose_worker_was_killed_is_ended(tmp_path: Path) -> None:
    script = tmp_path / "worker.py"
    script.write_text(WORKER)
    with open_sandbox(tmp_path) as sandbox:
        subprocess.run([sys.executable, str(script), str(tmp_path)], cwd=ROOT, capture_output=True, check=False)
        (killed,) = sandbox.instance.get_runs()
        assert killed.status is dg.DagsterRunStatus.STARTED
        assert end_dead_runs(sandbox.instance) == [killed.run_id]
        assert status(sandbox.instance, killed.run_id) is dg.DagsterRunStatus.FAILURE
        (failure,) = sandbox.instance.all_logs(killed.run_id, of_type=dg.DagsterEventType.RUN_FAILURE)
        assert failure.dagster_event is not None and LOCK in (failure.dagster_event.message or "")


@pytest.mark.parametrize("when", [dg.DagsterRunStatus.NOT_STARTED, dg.DagsterRunStatus.STARTING])
def test_a_run_whose_command_died_before_it_began_is_ended(
    instance: dg.DagsterInstance, when: dg.DagsterRunStatus
) -> None:
    run_id = create_run(instance, when)
    worked_on_once(instance, run_id)
    assert end_dead_runs(instance) == [run_id] and status(instance, run_id) is dg.DagsterRunStatus.FAILURE


def test_a_run_that_was_to_be_canceled_counts_as_canceled(instance: dg.DagsterInstance) -> None:
    run_id = create_run(instance, dg.DagsterRunStatus.CANCELING)
    worked_on_once(instance, run_id)
    assert end_dead_runs(instance) == [run_id] and status(instance, run_id) is dg.DagsterRunStatus.CANCELED


@pytest.mark.parametrize("when", dead_runs.UNDER_WAY)
def test_a_run_whose_worker_lives_is_left_alone(instance: dg.DagsterInstance, when: dg.DagsterRunStatus) -> None:
    run_id = create_run(instance, when)
    with run_lock(Path(instance.storage_directory()), run_id):
        assert end_dead_runs(instance) == [] and status(instance, run_id) is when


def test_a_run_that_nobody_began_is_ended_only_after_its_time(
    instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun = create_run(instance, dg.DagsterRunStatus.STARTING)
    assert end_dead_runs(instance) == []
    monkeypatch.setattr(dead_runs, "START_S", -1.0)
    assert end_dead_runs(instance) == [begun]


def test_a_finished_run_is_left_alone(instance: dg.DagsterInstance) -> None:
    finished = run(instance)
    assert end_dead_runs(instance) == [] and status(instance, finished) is dg.DagsterRunStatus.SUCCESS
