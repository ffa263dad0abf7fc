"""Which runs run monitoring may call dead: by locks of processes that really live or were killed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import dagster as dg
import pytest
from dagster._core.launcher import WorkerStatus

from canvas_pipeline.dagster_instance.launcher import WatchedRunLauncher
from canvas_pipeline.gb10.owner import started
from canvas_pipeline.gb10.run_worker import LOCK, lock_run, run_is_locked
from canvas_pipeline_tests.dagster_instance.homes import ROOT, chain, instance_at

WORKER = """
import sys
from pathlib import Path
from canvas_pipeline.gb10.run_worker import lock_run
lock_run(Path(sys.argv[1]), sys.argv[2])
print(flush=True)
input()
"""


@pytest.fixture
def instance(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[dg.DagsterInstance]:
    with instance_at(tmp_path / "home", monkeypatch) as found:
        yield found


@contextmanager
def worker(folder: Path, run_id: str) -> Iterator[subprocess.Popen[bytes]]:
    """A process that works on a run."""
    command = [sys.executable, "-c", WORKER, str(folder), run_id]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None and process.stdout.readline()
        yield process
        process.kill()


def status(instance: dg.DagsterInstance, run_id: str) -> WorkerStatus:
    launcher, run = instance.run_launcher, instance.get_run_by_id(run_id)
    assert isinstance(launcher, WatchedRunLauncher) and launcher.supports_check_run_worker_health and run is not None
    return launcher.check_run_worker_health(run).status


def create_run(instance: dg.DagsterInstance) -> str:
    run_id = str(uuid.uuid4())
    instance.create_run_for_job(chain(1), run_id=run_id)
    return run_id


def test_a_run_lives_as_long_as_its_worker_and_is_dead_when_that_was_killed(instance: dg.DagsterInstance) -> None:
    run_id = create_run(instance)
    with worker(Path(instance.storage_directory()), run_id):
        assert status(instance, run_id) is WorkerStatus.RUNNING
    assert status(instance, run_id) is WorkerStatus.NOT_FOUND


def test_a_run_whose_worker_has_not_begun_or_is_of_another_executor_is_left_alone(
    instance: dg.DagsterInstance,
) -> None:
    assert status(instance, create_run(instance)) is WorkerStatus.RUNNING


def test_a_run_that_was_killed_and_taken_up_by_another_worker_lives(instance: dg.DagsterInstance) -> None:
    run_id = create_run(instance)
    with worker(Path(instance.storage_directory()), run_id):
        pass
    with worker(Path(instance.storage_directory()), run_id):
        assert status(instance, run_id) is WorkerStatus.RUNNING


def test_a_process_that_a_worker_has_started_does_not_keep_its_run_alive(tmp_path: Path) -> None:
    code = WORKER.replace("print(", "import subprocess; print(subprocess.Popen(['sleep', '600']).pid, ")
    command = [sys.executable, "-c", code, str(tmp_path), "a run"]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        left = int(process.stdout.readline())
        try:
            assert run_is_locked(tmp_path, "a run") is True
            process.kill()
            process.wait()
            assert started(left) is not None and run_is_locked(tmp_path, "a run") is False
        finally:
            os.kill(left, signal.SIGKILL)


def test_a_folder_that_cannot_be_written_to_stops_no_run_and_is_logged(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "a run").write_text("a file where the folder should be")
    lock_run(tmp_path, "a run")
    assert run_is_locked(tmp_path, "a run") is None
    assert LOCK in caplog.text and "will not be noticed" in caplog.text
