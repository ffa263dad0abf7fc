"""Runs of commands, each in a real process: killed, stopped, refused beside another; what the terminal shows of them."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest

from canvas_pipeline.dagster_instance.local_run import COMMAND, LANE, MODELS, refuse_another
from canvas_pipeline.errors import AnotherRun
from canvas_pipeline.gb10.run_worker import run_lock
from canvas_pipeline.gb10.uma import UmaCap
from canvas_pipeline.privacy.courses.registry import KEY_VARIABLE
from canvas_pipeline.tracks.canvas.track import TRACK
from canvas_pipeline_tests.cli.command_runs import CONTRIBUTOR, SNAPSHOT
from canvas_pipeline_tests.dagster_instance.homes import ROOT, chain, instance_at

HOUR_S = 3600
KEY = "k" * 64
"""The same in every folder, so that the same inputs are the same bytes."""


@pytest.fixture
def instance(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[dg.DagsterInstance]:
    monkeypatch.setenv("CANVAS_UMA_LEDGER", str(tmp_path / "uma.sqlite"))
    monkeypatch.setenv(KEY_VARIABLE, KEY)
    (tmp_path / "data" / "collab").mkdir(parents=True)
    (tmp_path / "data" / "collab" / f"{CONTRIBUTOR}.jsonl").write_text(SNAPSHOT)
    with instance_at(tmp_path / "home", monkeypatch) as found:
        yield found


def command(folder: Path, *ending: str) -> subprocess.CompletedProcess[str]:
    """The small command over ``folder``, to its end."""
    line = [sys.executable, "-m", "canvas_pipeline_tests.cli.command_runs", str(folder / "home"), str(folder / "data")]
    return subprocess.run(
        [*line, *ending], cwd=ROOT, env=dict(os.environ), capture_output=True, text=True, check=False, timeout=HOUR_S
    )


def rows(folder: Path) -> bytes:
    return (folder / "data" / "artifacts" / "canvas" / "corpus" / "current" / "rows.jsonl").read_bytes()


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """The corpus that a command makes which nobody ends."""
    folder = tmp_path_factory.mktemp("undisturbed")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CANVAS_UMA_LEDGER", str(folder / "uma.sqlite"))
        patch.setenv(KEY_VARIABLE, KEY)
        (folder / "data" / "collab").mkdir(parents=True)
        (folder / "data" / "collab" / f"{CONTRIBUTOR}.jsonl").write_text(SNAPSHOT)
        with instance_at(folder / "home", patch):
            done = command(folder)
            assert done.returncode == 0, done.stderr[-3000:]
            return rows(folder)


@pytest.mark.parametrize("event", ["PIPELINE_STARTING", "STEP_START", "ASSET_MATERIALIZATION"])
def test_a_command_that_is_killed_is_found_dead_and_the_next_ends_with_the_same_bytes(
    event: str, instance: dg.DagsterInstance, tmp_path: Path, undisturbed: bytes
) -> None:
    assert command(tmp_path, str(int(signal.SIGKILL)), event).returncode == -signal.SIGKILL
    (dead,) = instance.get_runs(dg.RunsFilter(job_name="canvas_demo"))
    assert not dead.is_finished
    done = command(tmp_path)
    assert done.returncode == 0, done.stderr[-3000:]
    found = {run.run_id: run.status for run in instance.get_runs(dg.RunsFilter(job_name="canvas_demo"))}
    assert found.pop(dead.run_id) is dg.DagsterRunStatus.FAILURE
    assert list(found.values()) == [dg.DagsterRunStatus.SUCCESS] and rows(tmp_path) == undisturbed
    ledger = UmaCap().open()
    assert ledger.entries() == []
    ledger.close()


def test_an_interrupted_command_ends_its_run_and_says_how_to_continue(
    instance: dg.DagsterInstance, tmp_path: Path
) -> None:
    done = command(tmp_path, str(int(signal.SIGTERM)), "STEP_WORKER_STARTED")
    assert done.returncode == 143 and "Start it again to continue" in done.stdout and "Traceback" not in done.stderr
    (ended,) = instance.get_runs(dg.RunsFilter(job_name="canvas_demo"))
    assert ended.status in (dg.DagsterRunStatus.CANCELED, dg.DagsterRunStatus.FAILURE)


def test_without_a_terminal_a_line_a_stage_and_nothing_else(instance: dg.DagsterInstance, tmp_path: Path) -> None:
    done = command(tmp_path)
    assert done.returncode == 0 and done.stderr == "" and "\x1b" not in done.stdout
    first, *stages = done.stdout.splitlines()
    log = Path(first.removeprefix("the whole log: "))
    assert [line.split()[:2] for line in stages] == [["collab", CONTRIBUTOR], ["corpus", "made"]]
    assert log.parent == tmp_path / "home" / "logs" and "Materialized value canvas corpus." in log.read_text()


def test_a_command_beside_a_run_that_makes_models_is_refused_with_one_line(instance: dg.DagsterInstance) -> None:
    tags = {LANE: MODELS, COMMAND: "demo on here, process 4711"}
    living = instance.create_run_for_job(chain(1), tags=tags, status=dg.DagsterRunStatus.STARTED)
    with run_lock(Path(instance.storage_directory()), living.run_id), pytest.raises(AnotherRun) as refused:
        refuse_another(instance)
    output = str(refused.value)
    assert living.run_id[:8] in output and "make dev" in output and "kill 4711" in output and "\n" not in output
    assert refused.value.exit_code == 2


def test_the_demo_takes_its_settings_from_the_environment_and_names_what_failed(
    instance: dg.DagsterInstance, tmp_path: Path
) -> None:
    data = tmp_path / "elsewhere"
    (data / "collab").mkdir(parents=True)
    (data / "collab" / "shrunk.jsonl").write_text("no JSON\n" * 9 + SNAPSHOT.replace("ok-1", "shrunk"))
    done = subprocess.run(
        [sys.executable, "-m", "canvas_pipeline.cli.demo", "--methods", "sft"],
        cwd=ROOT, env={**os.environ, "CANVAS_DATA": str(data)}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 3, done.stderr[-3000:]
    assert "collab shrunk" in done.stdout and "\x1b" not in done.stdout and (data / "artifacts").is_dir()
    assert "g6_shrinkage: " in done.stderr and "the whole log: " in done.stderr and "Traceback" not in done.stderr
    assert instance.get_runs_count(dg.RunsFilter(job_name="canvas_demo")) == 0


def test_a_second_demo_takes_in_only_who_is_new_or_changed(instance: dg.DagsterInstance, tmp_path: Path) -> None:
    from canvas_pipeline.pipeline.workspace import workspace
    from canvas_pipeline.tracks.canvas.data.intake import due_contributors

    ws = workspace(tmp_path / "data", "embedded", TRACK)
    assert due_contributors(ws) == [CONTRIBUTOR]
    assert command(tmp_path).returncode == 0 and due_contributors(ws) == []
    shutil.copy(ws.collab / f"{CONTRIBUTOR}.jsonl", ws.collab / "new.jsonl")
    assert due_contributors(ws) == ["new"]
    (ws.collab / f"{CONTRIBUTOR}.jsonl").write_text(SNAPSHOT.replace("Homework 1", "Homework 2"))
    assert sorted(due_contributors(ws)) == ["new", CONTRIBUTOR]
