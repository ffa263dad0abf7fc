"""Dagster's default run launcher, which also knows whether the worker of a run still lives.

In: a run that counts as started. Out: what run monitoring asks. What must hold: a run whose worker has gone together with the code
server that would have told (the power went, the service was restarted, memory ran out) does not keep its place in the queue for
ever; a run is called dead only where that is certain. A code server is no witness: one that was reloaded does not know the runs
that go on.
"""

from __future__ import annotations

from pathlib import Path

import dagster as dg

from canvas_pipeline.gb10.dagster_compat import CheckRunHealthResult, WorkerStatus
from canvas_pipeline.gb10.run_worker import LOCK, holds


class WatchedRunLauncher(dg.DefaultRunLauncher):
    """Named in ``dagster.yaml`` as the instance's ``run_launcher``."""

    @property
    def supports_check_run_worker_health(self) -> bool:
        return True

    def check_run_worker_health(self, run: dg.DagsterRun) -> CheckRunHealthResult:
        """``RUNNING`` unless the run's worker has begun and is gone."""
        if holds(Path(self._instance.storage_directory()), run.run_id) is False:
            return CheckRunHealthResult(WorkerStatus.NOT_FOUND, f"its worker is gone: nobody holds {LOCK}")
        return CheckRunHealthResult(WorkerStatus.RUNNING)
