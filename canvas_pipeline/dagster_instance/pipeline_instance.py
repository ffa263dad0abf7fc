"""A Dagster instance that locks each run in the process that executes it.

The process that executes a run, whatever the executor, stores the run's start event. The run's lock (``gb10.run_worker``) is taken
before that event and released after the run's last one, so a run that counts as started and whose lock is free is dead.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import dagster as dg

from canvas_pipeline.gb10.dagster_compat import InstanceRef
from canvas_pipeline.gb10.run_worker import hold

ENDS = {dg.DagsterEventType.RUN_SUCCESS, dg.DagsterEventType.RUN_FAILURE, dg.DagsterEventType.RUN_CANCELED}


class PipelineInstance(dg.DagsterInstance):
    """The ``instance_class`` of ``dagster.yaml``."""

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._locks: dict[str, int] = {}

    @classmethod
    def config_schema(cls) -> Mapping[str, Any]:
        """Return no settings: the class has none."""
        return {}

    @classmethod
    def config_defaults(cls, base_dir: str) -> Mapping[str, Any]:
        """Return Dagster's defaults for what dagster.yaml leaves out."""
        return InstanceRef.config_defaults(base_dir)

    def handle_new_event(self, event: dg.EventLogEntry, **batch: Any) -> None:
        """Store an event; lock its run before the start event, release it after the last one."""
        kind = event.dagster_event.event_type if event.dagster_event else None
        if kind is dg.DagsterEventType.RUN_START and event.run_id not in self._locks:
            held = hold(Path(self.storage_directory()), event.run_id)
            if held is not None:
                self._locks[event.run_id] = held
        super().handle_new_event(event, **batch)
        if kind in ENDS and event.run_id in self._locks:
            os.close(self._locks.pop(event.run_id))
