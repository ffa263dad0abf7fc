"""``canvas-train`` as a person meets it: what it refuses, what it prints, how it ends."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from canvas_pipeline.tracks.canvas.guards import TABLE
from canvas_pipeline_tests.pipeline.breaks import BREAKS
from canvas_pipeline_tests.pipeline.entries import canvas_train, nothing_was_trained, untrained
from canvas_pipeline_tests.pipeline.good_line import BASE, copy_of


def run(root: Path, *arguments: str, base: str | None = None) -> int:
    """The command in this process; returns its exit code."""
    where = ("--root", str(root), "--base-model", base or str(root / BASE), "--deploy", str(root / "deploy"))
    return canvas_train(*arguments, *where)


def test_an_unknown_method_names_the_nine_there_are(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(tmp_path, "--method", "ppo") == 1
    assert "there is no method 'ppo'" in (output := capsys.readouterr().err) and "sft, lora, qlora, dpo" in output


def test_an_unknown_profile_names_those_there_are(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(tmp_path, "--profile", "laptop") == 1 and "embedded, gb10" in capsys.readouterr().err


def test_a_missing_data_folder_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(tmp_path / "no", "--method", "sft") == 1
    assert f"{tmp_path / 'no'}: no such data folder" in capsys.readouterr().err


def test_a_base_that_is_not_there_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(tmp_path, "--method", "sft", base="/no/such/base") == 1
    assert "/no/such/base: no such folder" in capsys.readouterr().err


def test_a_line_without_splits_says_what_to_materialise(
    good_line: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ws = copy_of(good_line, tmp_path / "line")
    ws.store.home("trajectory_split").rename(tmp_path / "elsewhere")
    assert run(ws.root, "--method", "dpo") == 1
    assert "stage trajectory_split has not been made yet" in capsys.readouterr().err


def test_check_passes_on_the_good_line_and_shows_every_guard(
    good_line: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ws = copy_of(good_line, tmp_path / "line")
    assert run(ws.root, "--check", "--method", "dpo") == 0
    output = capsys.readouterr().out
    assert (
        all(guard.name in output for guard in TABLE.guards.values())
        and "FAILED" not in output
        and "NOT EVALUATED" not in output
    )


def test_check_reports_every_failure_at_once_and_trains_nothing(
    good_line: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ws = untrained(good_line, tmp_path / "line")
    broken = ("g3", "g6", "g9", "g10", "g11")
    for guard in broken:
        BREAKS[guard](ws)
    assert run(ws.root, "--check", "--method", "dpo") == 3
    failed = {line.split()[1] for line in capsys.readouterr().out.splitlines() if "FAILED" in line}
    assert failed == {TABLE.guards[guard].name for guard in broken} and nothing_was_trained(ws)


def test_the_installed_command_ends_with_exit_code_3_and_one_sentence(good_line: Path, tmp_path: Path) -> None:
    ws = untrained(good_line, tmp_path / "line")
    BREAKS["g5"](ws)
    program = Path(sys.executable).with_name("canvas-train")
    arguments = [
        "--method",
        "dpo",
        "--root",
        str(ws.root),
        "--base-model",
        str(ws.root / BASE),
        "--deploy",
        str(ws.deploy),
    ]
    done = subprocess.run([str(program), *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 3 and "canvas-train: dpo may not train:" in done.stderr and "g5_dry_run" in done.stderr
    assert "Traceback" not in done.stderr and nothing_was_trained(ws)


def test_help_shows_examples_and_the_exit_codes(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert run(tmp_path, "--help") == 0
    output = capsys.readouterr().out
    assert "canvas-train --method dpo" in output and "Exit codes" in output and "--check" in output
