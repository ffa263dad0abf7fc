"""Each guard blocks training, and each entry point that runs in this process is gated: the command line, a single asset, a job.
All start from a good pipeline with one thing broken; nothing may train, and the refusal names the guard.

Every entry point calls the same function, so the guards are shown once (here) and the entry points once each, with one guard:
here, in ``test_gate_in_workers`` and in ``test_gate_of_the_process``.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from canvas_pipeline.definitions import defs
from canvas_pipeline.pipeline.workspace import Workspace
from canvas_pipeline.tracks.canvas.guards import TABLE
from canvas_pipeline.training.spec import read_spec
from canvas_pipeline_tests.pipeline.breaks import BREAKS
from canvas_pipeline_tests.pipeline.entries import (
    CHECKPOINT,
    SPEC,
    canvas_train,
    config,
    events_say,
    nothing_was_trained,
    untrained,
)
from canvas_pipeline_tests.pipeline.good_line import BASE, copy_of

GUARD = "g12"
"""The one that the entry points are shown with."""


@pytest.fixture(scope="module")
def definitions() -> dg.Definitions:
    return defs()


@pytest.fixture(scope="module")
def instance() -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.ephemeral() as found:
        yield found


def spoilt(good_line: Path, root: Path, guard: str) -> tuple[Workspace, str]:
    """Return a pipeline without a trained dpo and with one guard's input broken, and the guard's name."""
    ws = untrained(good_line, root)
    BREAKS[guard](ws)
    return ws, TABLE.guards[guard].name


@pytest.fixture
def broken(good_line: Path, tmp_path: Path) -> tuple[Workspace, str]:
    return spoilt(good_line, tmp_path / "line", GUARD)


def trains(ws: Workspace, *arguments: str) -> int:
    """Run the command on a pipeline in another folder."""
    where = ("--root", str(ws.root), "--base-model", str(ws.root / BASE), "--deploy", str(ws.deploy))
    return canvas_train(*arguments, *where)


def run(
    definitions: dg.Definitions, job: str | None, ws: Workspace, instance: dg.DagsterInstance, *keys: dg.AssetKey
) -> Any:
    chosen = definitions.resolve_job_def(job) if job else definitions.resolve_implicit_global_asset_job_def()
    return chosen.execute_in_process(
        run_config=config(ws), instance=instance, asset_selection=list(keys), raise_on_error=False
    )


def test_the_command_line_refuses(broken: tuple[Workspace, str], capsys: pytest.CaptureFixture[str]) -> None:
    ws, guard = broken
    assert trains(ws, "--method", "dpo") == 3
    assert guard in capsys.readouterr().err
    assert nothing_was_trained(ws)


def test_a_single_asset_refuses(
    broken: tuple[Workspace, str], definitions: dg.Definitions, instance: dg.DagsterInstance
) -> None:
    """``dpo_checkpoint`` alone, where no check of another run can stop it: first with the spec from before the break, then with
    the spec that records the failure."""
    ws, guard = broken
    stale = run(definitions, None, ws, instance, CHECKPOINT)
    assert not stale.success and "GateClosed" in events_say(stale.all_events) and nothing_was_trained(ws)
    assert guard in events_say(run(definitions, None, ws, instance, SPEC).all_events)
    failed = run(definitions, None, ws, instance, CHECKPOINT)
    assert not failed.success and guard in events_say(failed.all_events) and nothing_was_trained(ws)


@pytest.mark.parametrize("guard", BREAKS)
def test_each_guard_fails_its_check_and_the_job_trains_nothing(
    guard: str, good_line: Path, tmp_path: Path, definitions: dg.Definitions, instance: dg.DagsterInstance
) -> None:
    ws, name = spoilt(good_line, tmp_path / "line", guard)
    result = run(definitions, "nightly", ws, instance, SPEC, CHECKPOINT)
    assert not result.success and name in events_say(result.all_events) and nothing_was_trained(ws)
    spec = read_spec(ws.store.get("dpo_run_spec").path("spec.json"))
    assert name in {verdict.name for verdict in spec.verdicts if not verdict.passed}


def test_the_good_pipeline_trains_from_each_of_them(
    good_line: Path, tmp_path: Path, definitions: dg.Definitions, instance: dg.DagsterInstance
) -> None:
    """The checkpoint exists under its recipe, so an open gate reuses it. Shows that no entry point refuses everything."""
    ws = copy_of(good_line, tmp_path / "line")
    assert trains(ws, "--method", "dpo") == 0
    for job, keys in ((None, (CHECKPOINT,)), ("nightly", (SPEC, CHECKPOINT)), ("canvas_demo", (SPEC, CHECKPOINT))):
        assert run(definitions, job, ws, instance, *keys).success
