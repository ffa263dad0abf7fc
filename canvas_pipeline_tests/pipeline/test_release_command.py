"""``canvas-release check`` and ``publish``: the evidence comes from the data folder's stages, from nowhere else."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import msgspec
import pytest

from canvas_pipeline.cli.release import main
from canvas_pipeline.pipeline.context import build_stage
from canvas_pipeline.pipeline.workspace import Workspace
from canvas_pipeline.records import read_jsonl
from canvas_pipeline.release.gate import ITEMS
from canvas_pipeline.tracks.canvas.bench.scenarios.run import ScenarioResult
from canvas_pipeline_tests.pipeline.good_line import BASE, SHARES, Workshop, copy_of, rewrite


class Result(NamedTuple):
    exit_code: int
    stdout: str
    stderr: str


Run = Callable[..., Result]


@pytest.fixture
def ws(good_line: Path, tmp_path: Path) -> Workspace:
    return copy_of(good_line, tmp_path / "line")


@pytest.fixture
def run(ws: Workspace, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """The command over the line, with the variables that ``canvas-train`` takes."""
    settings = {"CANVAS_DATA": ws.root, "CANVAS_BASE_MODEL": ws.base_model, "CANVAS_DEPLOY": ws.deploy}
    for name, value in settings.items():
        monkeypatch.setenv(name, str(value))

    def start(*arguments: object) -> Result:
        monkeypatch.setattr(sys, "argv", ["canvas-release", *map(str, arguments)])
        with pytest.raises(SystemExit) as end:
            main()
        return Result(int(end.value.code or 0), *capsys.readouterr())

    return start


def fail_scenarios(ws: Workspace) -> None:
    results = read_jsonl(ws.store.get("scenarios").path("results.jsonl"), ScenarioResult)
    rewrite(ws, "scenarios", {"results.jsonl": [msgspec.structs.replace(one, passed=False) for one in results]})


def test_check_prints_every_item_and_exits_0_when_nothing_stands_against(run: Run) -> None:
    result = run("check")
    assert result.exit_code == 0, result.stderr
    assert result.stdout.count("ok  ") == len(ITEMS) and "no reason against the release" in result.stdout


def test_check_names_what_the_track_asks_and_exits_3(run: Run, ws: Workspace) -> None:
    fail_scenarios(ws)
    result = run("check")
    assert result.exit_code == 3 and "scenarios passed is 0 [0, 0.242], n = 12, must be >= 0.08" in result.stdout
    assert "1 reason(s) against the release" in result.stdout


def test_publish_gives_the_release_of_the_stage_and_it_verifies(run: Run, ws: Workspace, tmp_path: Path) -> None:
    result = run("publish", "--to", tmp_path / "out")
    assert result.exit_code == 0, result.stderr
    folder = Path(result.stdout.strip())
    assert folder.parent == tmp_path / "out" and run("verify", folder).exit_code == 0
    build_stage(ws, "release", Workshop(ws.root / BASE, SHARES["dpo"]))
    assert (ws.root / "releases" / "current").resolve().name == folder.name
    (folder / "README.md").write_text("x")
    damaged = run("verify", folder)
    assert damaged.exit_code == 1 and "README.md is not as listed" in damaged.stderr


def test_publish_with_a_closed_gate_exits_3_and_writes_nothing(run: Run, ws: Workspace, tmp_path: Path) -> None:
    fail_scenarios(ws)
    result = run("publish", "--to", tmp_path / "out")
    assert result.exit_code == 3 and "scenarios passed" in result.stderr and not (tmp_path / "out").exists()


@pytest.mark.parametrize("option", ["--evidence", "--from"])
def test_no_file_that_somebody_hands_in_is_evidence(option: str, run: Run, tmp_path: Path) -> None:
    for command in (("check",), ("publish", "--to", tmp_path / "out")):
        result = run(*command, option, tmp_path)
        assert result.exit_code == 2 and "No such option" in result.stderr and not (tmp_path / "out").exists()


def test_an_edited_evidence_file_changes_nothing(run: Run, ws: Workspace) -> None:
    fail_scenarios(ws)
    stage = ws.store.get("release_log")
    good = json.loads(stage.path("evidence.json").read_bytes())
    rewrite(ws, "release_log", {"evidence.json": {**good, "items": []}})
    assert run("check").exit_code == 3


@pytest.mark.parametrize("option", [("--seed", 8), ("--profile", "gb10"), ("--base-model", "")], ids=str)
def test_another_seed_profile_or_base_than_the_one_trained_with_is_refused(
    option: tuple[str, object], run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("CANVAS_BASE_MODEL")
    result = run("publish", "--to", tmp_path / "out", *option)
    assert result.exit_code == 3 and "materialise" in result.stderr and not (tmp_path / "out").exists()


def test_a_missing_data_folder_exits_1_and_says_what_it_should_hold(run: Run, tmp_path: Path) -> None:
    result = run("check", "--root", tmp_path / "none")
    assert result.exit_code == 1 and "no such data folder" in result.stderr
