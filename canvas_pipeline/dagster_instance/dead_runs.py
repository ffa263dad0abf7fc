"""Runs that nobody works on any more: found and ended by the next command, without a daemon.

A run monitored by a daemon is found by ``instance.launcher`` instead; both ask the run's lock.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path

import dagster as dg

from canvas_pipeline.gb10.run_worker import LOCK, holds

UNDER_WAY = [
    dg.DagsterRunStatus.NOT_STARTED,
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED,
    dg.DagsterRunStatus.CANCELING,
]
"""Statuses of a run that has, had or is getting a worker. One in the queue has none yet: it waits for a daemon."""
START_S = 60.0
"""Seconds within which a worker begins. A slower one that finds its run ended does nothing, see ``execute_run_iterator``."""


def end_dead_runs(instance: dg.DagsterInstance) -> list[str]:
    """End every run whose worker is gone, as run monitoring does; returns their ids."""
    ended = []
    for record in instance.get_run_records(dg.RunsFilter(statuses=UNDER_WAY)):
        run = record.dagster_run
        reason = death_of(instance, record)
        # Looked up again: a worker releases its lock after the last event of its run.
        now = instance.get_run_by_id(run.run_id) if reason else None
        if now is None or now.is_finished:
            continue
        if run.status is dg.DagsterRunStatus.CANCELING:
            instance.report_run_canceled(run, f"Canceled: {reason}.")
        else:
            instance.report_run_failed(run, f"This run is dead: {reason}. Start it again: finished stages are reused.")
        ended.append(run.run_id)
    return ended


def death_of(instance: dg.DagsterInstance, record: dg.RunRecord) -> str | None:
    """Why a run is certainly dead, or None."""
    run = record.dagster_run
    held = holds(Path(instance.storage_directory()), run.run_id)
    if held is False:
        return f"its worker is gone, nobody holds {LOCK}"
    began = run.status not in (dg.DagsterRunStatus.NOT_STARTED, dg.DagsterRunStatus.STARTING)
    if held or began or time.time() - record.update_timestamp.timestamp() < START_S:
        return None
    return f"no worker has begun it within {START_S:.0f} s"


def alive(instance: dg.DagsterInstance, tags: dict[str, str]) -> Sequence[dg.RunRecord]:
    """Runs with some tags that are under way, the newest first; call ``end_dead_runs`` before."""
    return instance.get_run_records(dg.RunsFilter(statuses=UNDER_WAY, tags=tags))
