"""Where the Dagster instance keeps runs, events and ticks: SQLite in DAGSTER_HOME, or PostgreSQL by one environment variable.

In: dagster.yaml's ``storage: custom`` entry, ``CANVAS_POSTGRES_URL``. Out: a ``DagsterStorage``. What must hold: the SQLite
databases are Dagster's own, and its stock storage can go on with them; an idle connection to each is held (see ``idle``), and
those who follow a run still hear of its events, which then arrive in the log beside the database; no message and no stored
reference holds the password.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

import dagster as dg
import sqlalchemy as db
from dagster._config import StringSource
from dagster._core.storage.base_storage import DagsterStorage
from dagster._core.storage.event_log.base import EventLogStorage
from dagster._core.storage.event_log.sqlite.sqlite_event_log import (
    INDEX_SHARD_NAME,
    SqliteEventLogStorage,
    SqliteEventLogStorageWatchdog,
)
from dagster._core.storage.runs.sqlite.sqlite_run_storage import SqliteRunStorage
from dagster._core.storage.schedules.sqlite.sqlite_schedule_storage import SqliteScheduleStorage
from dagster._core.storage.sqlite import SQLITE_BUSY_TIMEOUT_SECONDS
from dagster._serdes import ConfigurableClass, ConfigurableClassData
from sqlalchemy.exc import ArgumentError
from watchdog.events import FileSystemEvent
from watchdog.observers import Observer

from canvas_pipeline.dagster_instance.idle import IdleConnections
from canvas_pipeline.errors import BadConfig, MissingInput, MissingTool

POSTGRES_URL, PASSWORD_FILE = "CANVAS_POSTGRES_URL", "CANVAS_POSTGRES_PASSWORD_FILE"
EXAMPLE = "postgresql://canvas@127.0.0.1:5432/canvas"
LOG_SUFFIX = "-wal"


class HeldEventLog(SqliteEventLogStorage):
    """Dagster's event log, one database a run and an index, with an idle connection to each in use."""

    _obs: Any

    def __init__(self, base_dir: str, idle: IdleConnections) -> None:
        self._idle = idle
        super().__init__(base_dir)

    def run_connection(self, run_id: str | None = None) -> Any:
        return self._beside(run_id or INDEX_SHARD_NAME, super().run_connection(run_id))

    def index_connection(self) -> Any:
        return self._beside(INDEX_SHARD_NAME, super().index_connection())

    @contextmanager
    def _beside(self, shard: str, connecting: AbstractContextManager[Any]) -> Iterator[Any]:
        with connecting as connection:
            self._idle.hold(Path(self.path_for_shard(shard)))
            yield connection

    def watch(self, run_id: str, cursor: str | None, callback: Any) -> None:
        if self._obs is None:
            self._obs = Observer()
            self._obs.start()
        follower = _Follower(self, run_id, callback, cursor)
        self._watchers[run_id][callback] = (follower, self._obs.schedule(follower, self._base_dir, recursive=True))

    def dispose(self) -> None:
        super().dispose()
        self._idle.release()


class _Follower(SqliteEventLogStorageWatchdog):
    """Wakes up for the database of a run and for the log beside it: the stock one waits for the database alone, which does not
    change while a connection is held."""

    @property
    def patterns(self) -> list[str]:
        return [self._log_path, self._log_path + LOG_SUFFIX]

    def on_modified(self, event: FileSystemEvent) -> None:
        self._process_log()


class HeldRuns(SqliteRunStorage):
    """Dagster's run storage with an idle connection."""

    idle: IdleConnections | None = None

    @contextmanager
    def connect(self) -> Iterator[Any]:
        with super().connect() as connection:
            _hold(self.idle, connection)
            yield connection


class HeldSchedules(SqliteScheduleStorage):
    """Dagster's storage of ticks with an idle connection."""

    idle: IdleConnections | None = None

    @contextmanager
    def connect(self) -> Iterator[Any]:
        with super().connect() as connection:
            _hold(self.idle, connection)
            yield connection


def _hold(idle: IdleConnections | None, connection: Any) -> None:
    # As long as Dagster's event log waits for another writer; its two other storages give up after five seconds.
    connection.exec_driver_sql(f"PRAGMA busy_timeout = {SQLITE_BUSY_TIMEOUT_SECONDS * 1000}")
    if idle is not None:
        idle.hold(Path(connection.engine.url.database))


class LineStorage(DagsterStorage, ConfigurableClass):
    """What dagster.yaml names: SQLite below ``base_dir``, unless ``CANVAS_POSTGRES_URL`` says where PostgreSQL is."""

    def __init__(self, base_dir: str, inst_data: ConfigurableClassData | None = None) -> None:
        # The same folders as Dagster's own sqlite storage: either can go on where the other stopped.
        home = Path(base_dir)
        idle = IdleConnections()
        self._inst_data = inst_data
        self._events = HeldEventLog(str(home / "history" / "runs"), idle)
        self._runs: Any = HeldRuns.from_local(str(home / "history"))
        schedules: Any = HeldSchedules.from_local(str(home / "schedules"))
        self._runs.idle, schedules.idle = idle, idle
        self._schedules = schedules
        super().__init__()  # type: ignore[no-untyped-call]

    @classmethod
    def config_type(cls) -> Any:
        return {"base_dir": StringSource}

    @classmethod
    def from_config_value(cls, inst_data: ConfigurableClassData | None, config_value: Mapping[str, Any]) -> Any:
        url = postgres_url(os.environ)
        return postgres(url, inst_data) if url else cls(str(config_value["base_dir"]), inst_data)

    @property
    def inst_data(self) -> ConfigurableClassData | None:
        return self._inst_data

    @property
    def event_log_storage(self) -> EventLogStorage[Any]:
        return self._events

    @property
    def run_storage(self) -> Any:
        return self._runs

    @property
    def schedule_storage(self) -> Any:
        return self._schedules

    @property
    def event_storage_data(self) -> ConfigurableClassData | None:
        return None

    @property
    def run_storage_data(self) -> ConfigurableClassData | None:
        return None

    @property
    def schedule_storage_data(self) -> ConfigurableClassData | None:
        return None

    def register_instance(self, instance: dg.DagsterInstance) -> None:
        super().register_instance(instance)
        for storage in (self._runs, self._events, self._schedules):
            if not storage.has_instance:
                storage.register_instance(instance)

    def dispose(self) -> None:
        for storage in (self._events, self._runs, self._schedules):
            storage.dispose()


def postgres_url(environ: Mapping[str, str]) -> str | None:
    """The address with its password, or None where none is given. The password stands in the address, or in the file that
    ``CANVAS_POSTGRES_PASSWORD_FILE`` names. Raises ``BadConfig`` or ``MissingInput``, without quoting either."""
    text = environ.get(POSTGRES_URL, "").strip()
    if not text:
        return None
    try:
        url = db.make_url(text)
    except (ArgumentError, ValueError):
        raise BadConfig(f"{POSTGRES_URL} is no address of a database; it looks like {EXAMPLE}") from None
    if not url.drivername.startswith("postgresql") or not url.database:
        raise BadConfig(f"{POSTGRES_URL} must name a PostgreSQL database; it looks like {EXAMPLE}")
    if (
        url.drivername == "postgresql"
    ):  # which driver that means differs between SQLAlchemy's versions; dagster-postgres brings this
        url = url.set(drivername="postgresql+psycopg2")
    secret = environ.get(PASSWORD_FILE, "").strip()
    if secret:
        if not Path(secret).is_file():
            raise MissingInput(f"{secret}: no such file; {PASSWORD_FILE} names it as the one that holds the password")
        url = url.set(password=Path(secret).read_text(encoding="utf-8").strip())
    return url.render_as_string(hide_password=False)


def postgres(url: str, inst_data: ConfigurableClassData | None) -> DagsterStorage:
    """Dagster's own PostgreSQL storage; raises ``MissingTool`` without the extra ``postgres``."""
    try:
        from dagster_postgres import DagsterPostgresStorage
    except ImportError:
        raise MissingTool(
            f"{POSTGRES_URL} is set, but dagster-postgres is not installed; install the extra: uv sync --extra postgres"
        ) from None
    found: DagsterStorage = DagsterPostgresStorage(url, should_autocreate_tables=True, inst_data=inst_data)
    return found
