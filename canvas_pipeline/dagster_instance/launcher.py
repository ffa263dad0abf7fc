"""Launch runs as Dagster does by default, and report to run monitoring whether the worker of a run is alive.

Without it, a run whose worker died together with its code server (power cut, restarted service, out of memory) would count as
running forever. The run's lock is checked, not the code server: a reloaded one does not list the runs that go on. A run counts as
dead only if that is certain.
"""

from __future__ import annotations

from pathlib import Path

import dagster as dg

from canvas_pipeline.gb10.dagster_compat import CheckRunHealthResult, WorkerStatus
from canvas_pipeline.gb10.run_worker import LOCK, run_is_locked


class WatchedRunLauncher(dg.DefaultRunLauncher):
    """The ``run_launcher`` of ``dagster.yaml``."""

    @property
    def supports_check_run_worker_health(self) -> bool:
        return True

    def check_run_worker_health(self, run: dg.DagsterRun) -> CheckRunHealthResult:
        """Return ``RUNNING`` unless the run's worker has started and ended."""
        if run_is_locked(Path(self._instance.storage_directory()), run.run_id) is False:
            return CheckRunHealthResult(WorkerStatus.NOT_FOUND, f"its worker is gone: no process holds {LOCK}")
        return CheckRunHealthResult(WorkerStatus.RUNNING)
