"""Erase what a Dagster instance has stored about a contributor: runs, logs, check results, ticks, backfills, a sensor's cursor.

Dagster deletes a run with its tags and events, and leaves the rest. Its tables are read and changed with their documented names, in
SQLite and PostgreSQL alike. What is under way is left alone, because its worker still writes."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Collection, Iterable
from typing import Any

import dagster as dg
import sqlalchemy as sa

PARTITION_TAG = "dagster/partition"
PARTITION_TAGS = (PARTITION_TAG, "dagster/asset_partition_range_start", "dagster/asset_partition_range_end")
OVER = [dg.DagsterRunStatus.SUCCESS, dg.DagsterRunStatus.FAILURE, dg.DagsterRunStatus.CANCELED]
_BACKFILL_OVER = ("COMPLETED", "COMPLETED_SUCCESS", "COMPLETED_FAILED", "FAILED", "CANCELED")
_TICK_OVER = ("SUCCESS", "FAILURE", "SKIPPED")

_RUNS = sa.table("runs", sa.column("run_id"), sa.column("run_body"))
_RUN_TAGS = sa.table("run_tags", sa.column("run_id"), sa.column("value"))
_BACKFILLS = sa.table("bulk_actions", sa.column("id"), sa.column("key"), sa.column("status"), sa.column("body"))
_BACKFILL_TAGS = sa.table("backfill_tags", sa.column("backfill_id"))
_CHECKS = sa.table("asset_check_executions", sa.column("run_id"))
_ASSETS = sa.table(
    "asset_keys",
    *map(sa.column, ("asset_key", "last_materialization", "last_run_id", "last_materialization_timestamp")),
)
_TICKS = sa.table("job_ticks", sa.column("id"), sa.column("status"), sa.column("tick_body"))


def runs_about(instance: dg.DagsterInstance, contributor: str) -> list[str]:
    """List the finished runs of a contributor's partition, and those that name them in their configuration."""
    runs = instance.get_runs(dg.RunsFilter(statuses=OVER))
    return [run.run_id for run in runs if _is_about(run, contributor)]


def _is_about(run: dg.DagsterRun, contributor: str) -> bool:
    ops = run.run_config.get("ops", {}).values() if isinstance(run.run_config, dict) else ()
    configured = [op.get("config", {}) for op in ops if isinstance(op, dict)]
    named = [config.get("contributor") for config in configured if isinstance(config, dict)]
    return contributor in (*(run.tags.get(tag) for tag in PARTITION_TAGS), *named)


def erase_runs(instance: dg.DagsterInstance, run_ids: Collection[str]) -> None:
    """Delete runs with their tags, events, captured output and check results; assets show the latest run that is left."""
    for run_id in run_ids:
        instance.delete_run(run_id)
        instance.compute_log_manager.delete_logs(prefix=[run_id, "compute_logs"])
    events: Any = instance.event_log_storage
    for part in _parts(list(run_ids)):
        with events.index_connection() as connection:
            connection.execute(sa.delete(_CHECKS).where(_CHECKS.c.run_id.in_(part)))
            last = _ASSETS.c.last_run_id.in_(part)
            shown = connection.execute(sa.select(_ASSETS.c.asset_key).where(last)).scalars().all()
            empty = {"last_materialization": None, "last_run_id": None, "last_materialization_timestamp": None}
            connection.execute(sa.update(_ASSETS).where(last).values(**empty))
        for key in (dg.AssetKey(json.loads(text)) for text in shown):
            events.wipe_asset_cached_status(key)
            for record in instance.fetch_materializations(key, limit=1).records:
                events.store_asset_event(record.event_log_entry, record.storage_id)


def _parts(run_ids: list[str], size: int = 500) -> Iterable[list[str]]:
    return (run_ids[at : at + size] for at in range(0, len(run_ids), size))


def rename_in_run(instance: dg.DagsterInstance, run_id: str, contributor: str, pseudonym: str) -> None:
    """Replace a contributor's id in the tags and the configuration of one run, such as the one that removes them."""
    storage: Any = instance.run_storage
    with storage.connect() as connection:
        of_run = _RUNS.c.run_id == run_id
        body = connection.execute(sa.select(_RUNS.c.run_body).where(of_run)).scalar()
        if body:
            renamed = json.dumps(_renamed(json.loads(body), contributor, pseudonym))
            connection.execute(sa.update(_RUNS).where(of_run).values(run_body=renamed))
        tagged = (_RUN_TAGS.c.run_id == run_id) & (_RUN_TAGS.c.value == contributor)
        connection.execute(sa.update(_RUN_TAGS).where(tagged).values(value=pseudonym))


def _renamed(value: Any, old: str, new: str) -> Any:
    if isinstance(value, dict):
        return {key: _renamed(inner, old, new) for key, inner in value.items()}
    if isinstance(value, list):
        return [_renamed(inner, old, new) for inner in value]
    return new if value == old else value


def erase_ticks_and_backfills(instance: dg.DagsterInstance, contributor: str) -> None:
    """Delete the finished ticks and backfills that name a contributor as a partition."""
    named = re.compile(rf'"{re.escape(json.dumps(contributor)[1:-1])}\\*"')
    if not instance.is_ephemeral:  # one in memory has no ticks
        schedules: Any = instance.schedule_storage
        with schedules.connect() as connection:
            found = _matching(connection, _TICKS.c.id, _TICKS.c.tick_body, _TICKS.c.status.in_(_TICK_OVER), named)
            connection.execute(sa.delete(_TICKS).where(_TICKS.c.id.in_(found)))
    runs: Any = instance.run_storage
    with runs.connect() as connection:
        over = _BACKFILLS.c.status.in_(_BACKFILL_OVER)
        keys = _matching(connection, _BACKFILLS.c.key, _BACKFILLS.c.body, over, named)
        connection.execute(sa.delete(_BACKFILL_TAGS).where(_BACKFILL_TAGS.c.backfill_id.in_(keys)))
        connection.execute(sa.delete(_BACKFILLS).where(_BACKFILLS.c.key.in_(keys)))


def _matching(connection: Any, key: Any, text: Any, over: Any, named: re.Pattern[str]) -> list[Any]:
    rows = connection.execute(sa.select(key, text).where(over))
    return [found for found, body in rows if body and named.search(body)]


def erase_from_cursor(instance: dg.DagsterInstance, sensor: str, without: Callable[[str], str]) -> None:
    """Rewrite a sensor's cursor with ``without``, where the instance knows the sensor."""
    for state in () if instance.is_ephemeral else instance.all_instigator_state():
        data: Any = state.instigator_data
        if state.instigator_name == sensor and getattr(data, "cursor", None):
            instance.update_instigator_state(state.with_data(data._replace(cursor=without(data.cursor))))
