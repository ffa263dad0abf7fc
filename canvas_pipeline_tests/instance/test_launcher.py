"""Which runs run monitoring may call dead: processes that are really there or gone, a real code server that knows a run or not."""

from __future__ import annotations

import json
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator, Mapping
from pathlib import Path

import dagster as dg
import msgspec
import pytest
from dagster._core.launcher import WorkerStatus
from dagster._core.storage.tags import GRPC_INFO_TAG
from dagster._grpc.client import DagsterGrpcClient

from canvas_pipeline.gb10 import run_worker
from canvas_pipeline.gb10.owner import Owner, owner
from canvas_pipeline.instance.launcher import WatchedRunLauncher
from canvas_pipeline_tests.instance.daemon import program
from canvas_pipeline_tests.instance.homes import ROOT, chain, instance_at

RUNNING, NOT_FOUND = WorkerStatus.RUNNING, WorkerStatus.NOT_FOUND


@pytest.fixture
def instance(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[dg.DagsterInstance]:
    with instance_at(tmp_path / "home", monkeypatch) as found:
        yield found


@pytest.fixture(scope="module")
def socket(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A code server that has started no run."""
    path = str(tmp_path_factory.mktemp("s") / "s")
    command = [program("dagster"), "api", "grpc", "--socket", path, "--module-name", "canvas_pipeline_tests.gb10.jobs"]
    with subprocess.Popen([*command, "--attribute", "killable"], cwd=ROOT, stderr=subprocess.DEVNULL) as server:
        client = DagsterGrpcClient(socket=path)
        while not Path(path).exists() or not answers(client):
            assert server.poll() is None
            time.sleep(0.1)
        yield path
        server.terminate()


def answers(client: DagsterGrpcClient) -> bool:
    try:
        return bool(client.ping("is anybody there"))
    except dg.DagsterError:
        return False


def status(instance: dg.DagsterInstance, worker: Owner | None, tags: Mapping[str, str], run: str = "") -> WorkerStatus:
    """What the launcher of the instance says of a run whose tags name such a worker."""
    run_id = str(uuid.uuid4())
    named = {} if worker is None else named_for(run or run_id, worker)
    made = instance.create_run_for_job(chain(1), run_id=run_id, tags={**named, **tags})
    launcher = instance.run_launcher
    assert isinstance(launcher, WatchedRunLauncher) and launcher.supports_check_run_worker_health
    return launcher.check_run_worker_health(made).status


def named_for(run_id: str, worker: Owner) -> dict[str, str]:
    return {run_worker.TAG: msgspec.json.encode(run_worker.RunWorker(run=run_id, process=worker)).decode()}


def server_at(path: str | Path) -> dict[str, str]:
    return {GRPC_INFO_TAG: json.dumps({"host": "localhost", "socket": str(path)})}


def gone() -> Owner:
    """A process that was there."""
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process:
        return owner(process.pid)


def test_a_worker_of_this_machine_is_looked_up_by_its_process(instance: dg.DagsterInstance, socket: str) -> None:
    assert status(instance, owner(), {}) is RUNNING
    assert status(instance, gone(), {}) is NOT_FOUND
    # Its process counts: the code server that started it may have been replaced, and the run goes on.
    assert status(instance, owner(), server_at(socket)) is RUNNING


def test_a_process_id_that_somebody_else_was_given_is_not_the_worker(instance: dg.DagsterInstance) -> None:
    assert status(instance, msgspec.structs.replace(owner(), start=owner().start - 1), {}) is NOT_FOUND


def test_a_run_that_retries_another_does_not_die_of_that_ones_worker(instance: dg.DagsterInstance) -> None:
    assert status(instance, gone(), {}, run="the run before") is RUNNING
    assert status(instance, None, {run_worker.TAG: "written by hand"}) is RUNNING


def test_a_worker_in_another_container_is_asked_for_at_its_code_server(
    instance: dg.DagsterInstance, socket: str, tmp_path: Path
) -> None:
    elsewhere = msgspec.structs.replace(owner(), namespace="pid:[1]")
    assert status(instance, elsewhere, server_at(socket)) is NOT_FOUND
    assert status(instance, elsewhere, server_at(tmp_path / "nobody")) is RUNNING  # it may be starting
    assert status(instance, None, server_at(tmp_path / "nobody")) is RUNNING


def test_after_the_machine_was_started_anew_a_run_whose_server_is_gone_is_dead(
    instance: dg.DagsterInstance, socket: str, tmp_path: Path
) -> None:
    before = msgspec.structs.replace(owner(), boot="another boot")
    assert status(instance, before, server_at(tmp_path / "nobody")) is NOT_FOUND
    assert status(instance, before, server_at(socket)) is NOT_FOUND


def test_a_run_of_another_machine_is_not_dead_because_its_server_is_out_of_reach(
    instance: dg.DagsterInstance,
) -> None:
    there = msgspec.structs.replace(owner(), boot="another machine's boot")
    assert status(instance, there, {GRPC_INFO_TAG: json.dumps({"host": "spark.invalid", "port": 1})}) is RUNNING
    assert status(instance, there, {}) is RUNNING  # started by hand there: no server would tell


def test_who_holds_the_lock_lives_whatever_a_server_says_that_was_reloaded_since(
    instance: dg.DagsterInstance, socket: str, tmp_path: Path
) -> None:
    elsewhere = msgspec.structs.replace(owner(), namespace="pid:[1]")
    before = msgspec.structs.replace(owner(), boot="another boot")
    folder = Path(instance.storage_directory())
    for worker, server in (
        (elsewhere, server_at(socket)),
        (elsewhere, server_at(tmp_path / "nobody")),
        (before, {}),
    ):
        run_id = str(uuid.uuid4())
        hold = f"from canvas_pipeline.gb10.run_worker import hold; hold(Path({str(folder)!r}), {run_id!r}); print(); input()"
        with subprocess.Popen(
            [sys.executable, "-c", f"from pathlib import Path; {hold}"],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        ) as holder:
            assert holder.stdout is not None and holder.stdout.readline()
            made = instance.create_run_for_job(chain(1), run_id=run_id, tags={**named_for(run_id, worker), **server})
            assert instance.run_launcher.check_run_worker_health(made).status is RUNNING
            holder.kill()
        assert instance.run_launcher.check_run_worker_health(made).status is NOT_FOUND


def test_the_executor_writes_down_who_works_on_a_run() -> None:
    tags = run_worker.tags("a run")
    assert run_worker.worker_of("a run", tags) == owner()
    assert run_worker.worker_of("another run", tags) is None
