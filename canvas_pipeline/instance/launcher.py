"""Dagster's default run launcher, which also knows whether the worker of a run still lives.

In: a run that counts as started. Out: what run monitoring asks. What must hold: a run whose worker has gone together with the code
server that would have told (the machine was started anew, the service was restarted, memory ran out) does not keep its place in
the queue for ever; a run is called dead only where that is certain: where its worker is looked up on this machine and is not there,
where nobody holds the worker's lock in the instance's folder (which containers share), where the code server that started it does
not know it, or where that server was on this machine and is gone with the boot. A code server that was reloaded is no witness while
there is a lock: ``dagster code-server`` asks its new process, which does not know the runs of the old one.
"""

from __future__ import annotations

import json
from pathlib import Path

from dagster._core.errors import DagsterUserCodeUnreachableError
from dagster._core.launcher import CheckRunHealthResult, DefaultRunLauncher, WorkerStatus
from dagster._core.storage.dagster_run import DagsterRun
from dagster._core.storage.tags import GRPC_INFO_TAG
from dagster._grpc.client import DagsterGrpcClient
from dagster._grpc.types import CanCancelExecutionRequest, CanCancelExecutionResult
from dagster._serdes import deserialize_value

from canvas_pipeline.gb10.owner import alive, boot_id, foreign
from canvas_pipeline.gb10.run_worker import holds, worker_of

ANSWER_S = 5
LOOPBACK = ("localhost", "127.0.0.1", "::1")


class WatchedRunLauncher(DefaultRunLauncher):
    """Named in ``dagster.yaml`` as the instance's ``run_launcher``."""

    @property
    def supports_check_run_worker_health(self) -> bool:
        return True

    def check_run_worker_health(self, run: DagsterRun) -> CheckRunHealthResult:
        """``RUNNING`` unless the run's worker is certainly gone."""
        worker = worker_of(run.run_id, run.tags)
        here = worker is not None and worker.boot == boot_id()
        if worker is not None and here and not foreign(worker):
            return _found(alive(worker), f"its worker, process {worker.pid}, is gone")
        held = None if worker is None else holds(Path(self._instance.storage_directory()), run.run_id)
        if held is not None:
            return _found(held, "nobody holds its worker's lock")
        known = self._known_to_its_server(run.run_id)
        if known is not None:
            return _found(known, "the code server that started it does not know it any more")
        return _found(
            worker is None or here or not _local(run), "the machine was started anew since, and the code server is gone"
        )

    def _known_to_its_server(self, run_id: str) -> bool | None:
        """What the code server that the run was started by says; None where it does not answer, or there is none."""
        client: DagsterGrpcClient | None = self._get_grpc_client_for_termination(run_id)  # type: ignore[no-untyped-call]
        if client is None:
            return None
        try:
            answer = client.can_cancel_execution(CanCancelExecutionRequest(run_id=run_id), timeout=ANSWER_S)
        except DagsterUserCodeUnreachableError:
            return None
        return bool(deserialize_value(answer, CanCancelExecutionResult).can_cancel)


def _local(run: DagsterRun) -> bool:
    """Whether the code server that started a run was on this machine; one of another machine may only be out of reach."""
    server = json.loads(run.tags.get(GRPC_INFO_TAG, "{}"))
    return bool(server.get("socket")) or server.get("host") in LOOPBACK


def _found(lives: bool, otherwise: str) -> CheckRunHealthResult:
    return (
        CheckRunHealthResult(WorkerStatus.RUNNING) if lives else CheckRunHealthResult(WorkerStatus.NOT_FOUND, otherwise)
    )
