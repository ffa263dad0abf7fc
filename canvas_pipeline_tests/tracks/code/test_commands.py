"""The commands say what would be refused, and where, and exit with what a script can act on."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner, Result

from canvas_pipeline.tracks.code.commands import app as commands
from canvas_pipeline.verifiers.sandbox import session
from canvas_pipeline_tests.tracks.code.test_formats import HUMAN_EVAL, OPC, SHIPPED


def invoke(*arguments: str) -> Result:
    app = typer.Typer()
    commands.register(app)
    return CliRunner().invoke(app, ["code", *arguments])


def test_a_clean_file_exits_with_0(tmp_path: Path) -> None:
    path = tmp_path / "tasks.jsonl"
    suite = {
        **HUMAN_EVAL,
        "canonical_solution": "    return 1 + x\n",
        "test": "def check(candidate):\n    assert candidate(1) == 2",
    }
    path.write_text(json.dumps(OPC) + "\n" + json.dumps(suite))
    found = invoke("validate", str(path))
    assert found.exit_code == 0, found.output
    assert "Programs run behind" in found.stderr and found.stdout == ""


def test_a_refused_row_is_named_by_place_and_reason_and_exits_with_1(tmp_path: Path) -> None:
    path = tmp_path / "tasks.jsonl"
    path.write_text(json.dumps(OPC) + json.dumps({**OPC, "instruction": "Add.", "code": "def f(x): return x"}))
    found = invoke("validate", str(path))
    assert found.exit_code == 1
    refusal = json.loads(found.stdout)
    assert (refusal["source"], refusal["line"], refusal["reason"]) == ("tasks.jsonl", 1, "tests_fail")


def test_without_two_barriers_it_runs_nothing_and_asks_for_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(session, "barriers", lambda: ())
    found = invoke("validate", str(SHIPPED / "opc-style.jsonl"))
    assert getattr(found.exception, "exit_code", None) == 2


def test_synthesize_writes_the_file_and_its_truth(tmp_path: Path) -> None:
    found = invoke("synthesize", "--out", str(tmp_path), "--seed", "3")
    assert found.exit_code == 0 and len(found.stdout.splitlines()) == 2
    lines = (tmp_path / "opc-style.jsonl").read_text().splitlines()
    assert all(0 < int(line) <= len(lines) for line in json.loads((tmp_path / "truth" / "opc-style.json").read_bytes()))
