"""Find and end runs whose worker has died, without a daemon.

A running daemon finds them through ``dagster_instance.launcher`` instead; both check the run's lock.
"""

from __future__ import annotations

import time
from pathlib import Path

import dagster as dg

from canvas_pipeline.gb10.run_worker import LOCK, run_is_locked

UNDER_WAY = [
    dg.DagsterRunStatus.NOT_STARTED,
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED,
    dg.DagsterRunStatus.CANCELING,
]
"""Statuses of a run that has a worker, had one or is about to get one. A queued run has none yet."""
START_S = 60.0
"""Seconds within which a worker starts. A slower worker does nothing, since its run has ended by then."""


def end_dead_runs(instance: dg.DagsterInstance) -> list[str]:
    """End every run whose worker has died, as run monitoring does; returns their ids."""
    ended = []
    for record in instance.get_run_records(dg.RunsFilter(statuses=UNDER_WAY)):
        run = record.dagster_run
        reason = reason_dead(instance, record)
        # Read the status again: a worker releases its lock after the last event of its run.
        now = instance.get_run_by_id(run.run_id) if reason else None
        if now is None or now.is_finished:
            continue
        if run.status is dg.DagsterRunStatus.CANCELING:
            instance.report_run_canceled(run, f"Canceled: {reason}.")
        else:
            instance.report_run_failed(run, f"This run is dead: {reason}. Start it again: finished stages are reused.")
        ended.append(run.run_id)
    return ended


def reason_dead(instance: dg.DagsterInstance, record: dg.RunRecord) -> str | None:
    """Return why a run is certainly dead; None if it may be alive."""
    run = record.dagster_run
    held = run_is_locked(Path(instance.storage_directory()), run.run_id)
    if held is False:
        return f"its worker is gone, no process holds {LOCK}"
    started = run.status not in (dg.DagsterRunStatus.NOT_STARTED, dg.DagsterRunStatus.STARTING)
    if held or started or time.time() - record.update_timestamp.timestamp() < START_S:
        return None
    return f"no worker has started it within {START_S:.0f} s"
