"""The two entry points of a Dagster instance are gated: the web UI's launch mutation and an asset backfill, against a real code
server, with runs in workers of their own. A broken pipeline trains nothing and the run names the guard; the good pipeline trains.
``test_gate_in_process`` shows that each guard blocks.
"""

from __future__ import annotations

import asyncio
import logging
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
from dagster import DagsterRun, DagsterRunStatus
from dagster._core.test_utils import environ
from dagster._core.workspace.context import WorkspaceProcessContext
from dagster._core.workspace.load_target import GrpcServerTarget
from dagster._daemon.backfill import execute_backfill_iteration
from dagster._grpc.client import DagsterGrpcClient
from dagster._grpc.server import wait_for_grpc_server
from dagster_graphql.schema import create_schema

from canvas_pipeline.pipeline.workspace import Workspace
from canvas_pipeline.tracks.canvas.guards import TABLE
from canvas_pipeline_tests.pipeline.breaks import BREAKS
from canvas_pipeline_tests.pipeline.entries import CHECKPOINT, SPEC, config, events_say, nothing_was_trained, untrained
from canvas_pipeline_tests.pipeline.good_line import copy_of

ROOT = Path(__file__).resolve().parents[2]
# A queue would wait for a daemon of its own; here every run starts at once.
INSTANCE = """
telemetry: {enabled: false}
run_coordinator: {module: dagster._core.run_coordinator, class: DefaultRunCoordinator}
run_launcher: {module: dagster._core.launcher, class: DefaultRunLauncher}
"""
ENTRIES = ("ui", "backfill")
LIMIT_S = 1800
LAUNCH_RUN = """mutation($p: ExecutionParams!) { launchRun(executionParams: $p) {
  __typename
  ... on LaunchRunSuccess { run { runId } }
  ... on PythonError { message }
  ... on RunConfigValidationInvalid { errors { message } } } }"""
LAUNCH_BACKFILL = """mutation($p: LaunchBackfillParams!) { launchPartitionBackfill(backfillParams: $p) {
  __typename
  ... on LaunchBackfillSuccess { backfillId }
  ... on PythonError { message } } }"""


@dataclass(frozen=True)
class House:
    """A Dagster instance and its code server."""

    context: WorkspaceProcessContext
    schema: Any

    @property
    def instance(self) -> dg.DagsterInstance:
        return self.context.instance

    def ask(self, text: str, params: Mapping[str, Any]) -> dict[str, Any]:
        """Send one GraphQL request, as the browser does."""
        with self.context.create_request_context() as request:
            answer = asyncio.run(self.schema.execute_async(text, context_value=request, variable_values={"p": params}))
        assert answer.errors is None, answer.errors
        (found,) = answer.data.values()
        assert found["__typename"].endswith("Success"), found
        return dict(found)

    def launch(self, ws: Workspace, *keys: dg.AssetKey, checks: list[Any] | None = None) -> str:
        selector = {"repositoryName": "__repository__", "repositoryLocationName": "canvas_pipeline", "jobName": "__ASSET_JOB",
                    "assetSelection": [{"path": key.path} for key in keys], "assetCheckSelection": checks}  # fmt: skip
        return str(self.ask(LAUNCH_RUN, {"selector": selector, "runConfigData": config(ws)})["run"]["runId"])

    def backfill(self, ws: Workspace, *keys: dg.AssetKey) -> str:
        """Request a backfill and let the daemon's own iteration submit its run; returns the run's id."""
        asked = {
            "assetSelection": [{"path": key.path} for key in keys],
            "allPartitions": True,
            "runConfigData": config(ws),
        }
        backfill_id = self.ask(LAUNCH_BACKFILL, asked)["backfillId"]
        deadline = time.monotonic() + LIMIT_S
        while time.monotonic() < deadline:
            errors = [
                e for e in execute_backfill_iteration(self.context, logging.getLogger("backfill")) if e is not None
            ]
            assert not errors, errors
            runs = self.instance.get_runs(dg.RunsFilter(tags={"dagster/backfill": backfill_id}))
            if runs:
                return runs[0].run_id
        raise AssertionError(f"the backfill {backfill_id} launched no run in {LIMIT_S} s")

    def ended(self, run_id: str) -> DagsterRun:
        deadline = time.monotonic() + LIMIT_S
        while time.monotonic() < deadline:
            run = self.instance.get_run_by_id(run_id)
            assert run is not None
            if run.is_finished:
                return run
            time.sleep(0.2)
        raise AssertionError(f"run {run_id} did not end in {LIMIT_S} s")

    def why(self, run_id: str) -> str:
        return events_say(entry.dagster_event for entry in self.instance.all_logs(run_id) if entry.dagster_event)


@pytest.fixture(scope="module")
def code_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Start a code server on a socket as ``dagster dev`` does, but without a heartbeat, so that a busy machine does not end it."""
    socket = str(tmp_path_factory.mktemp("socket") / "grpc")
    command = [
        sys.executable,
        "-m",
        "dagster",
        "api",
        "grpc",
        "--module-name",
        "canvas_pipeline.definitions",
        "--socket",
        socket,
    ]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as server:
        client = DagsterGrpcClient(socket=socket)
        try:
            wait_for_grpc_server(server, client, command, timeout=LIMIT_S)
            yield socket
        finally:
            # Not SIGTERM: Dagster maps it to SIGINT, which a process started in the background ignores.
            client.shutdown_server()
            server.kill()


@pytest.fixture(scope="module")
def house(code_server: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    home = tmp_path_factory.mktemp("dagster-home")
    (home / "dagster.yaml").write_text(INSTANCE)
    target = GrpcServerTarget(host="localhost", port=None, socket=code_server, location_name="canvas_pipeline")
    with (
        environ({"DAGSTER_HOME": str(home)}),
        dg.DagsterInstance.get() as instance,
        WorkspaceProcessContext(instance, target) as context,
    ):
        yield House(context, create_schema())


@pytest.mark.parametrize(("entry", "guard"), [("ui", "g1"), ("backfill", "g9")])
def test_a_run_on_a_broken_pipeline_fails_names_the_guard_and_trains_nothing(
    entry: str, guard: str, house: House, good_line: Path, tmp_path: Path
) -> None:
    ws = untrained(good_line, tmp_path / "line")
    BREAKS[guard](ws)
    run_id = (house.launch if entry == "ui" else house.backfill)(ws, SPEC, CHECKPOINT)
    assert house.ended(run_id).status is DagsterRunStatus.FAILURE
    assert TABLE.guards[guard].name in house.why(run_id) and nothing_was_trained(ws)


def test_checks_cannot_be_deselected_in_the_ui(house: House, good_line: Path, tmp_path: Path) -> None:
    """A run that would build the spec without its checks is not even planned."""
    ws = untrained(good_line, tmp_path / "line")
    BREAKS["g3"](ws)
    with pytest.raises(AssertionError, match="InvalidSubsetError"):
        house.launch(ws, SPEC, CHECKPOINT, checks=[])
    assert nothing_was_trained(ws)


@pytest.mark.parametrize("entry", ENTRIES)
def test_the_good_pipeline_trains(entry: str, house: House, good_line: Path, tmp_path: Path) -> None:
    ws = copy_of(good_line, tmp_path / "line")
    run_id = (house.launch if entry == "ui" else house.backfill)(ws, SPEC, CHECKPOINT)
    assert house.ended(run_id).status is DagsterRunStatus.SUCCESS, house.why(run_id)
