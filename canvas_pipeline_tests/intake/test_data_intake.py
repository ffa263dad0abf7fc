"""The intake commands: documented, honest exit codes, whole files or none, and never a word of anybody's text."""

from __future__ import annotations

from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner, Result

from canvas_pipeline.cli import data_intake
from canvas_pipeline.errors import MissingInput
from canvas_pipeline.intake.audit.auditor import audit
from canvas_pipeline.intake.synthetic.synthesize import synthesize


@pytest.fixture(autouse=True)
def key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CANVAS_REGISTRY_KEY", "a key for tests only")


def run(*arguments: object) -> Result:
    app = typer.Typer()
    data_intake.register(app)
    return CliRunner().invoke(app, [str(a) for a in arguments])


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    return synthesize(2, 4, 20, 3, tmp_path_factory.mktemp("in"))


def test_every_command_has_an_example_and_documented_exit_codes() -> None:
    for function, example, _ in data_intake.COMMANDS:
        text = run(function.__name__, "--help").output
        assert "Example" in text and "Exit codes" in text and example.startswith(f"canvas-data {function.__name__}")


def test_merge_writes_the_same_bytes_in_any_order_and_the_audit_is_clean(files: list[Path], tmp_path: Path) -> None:
    a, b, private = tmp_path / "a.jsonl", tmp_path / "b.jsonl", tmp_path / "private"
    assert run("merge", "--inputs", *files, "--out", a, "--private", private).exit_code == 0
    assert run("merge", *reversed(files), "--out", b, "--private", private, "--workers", 2).exit_code == 0
    assert a.read_bytes() == b.read_bytes() and a.stat().st_size > 0
    assert audit([a], private / "registry.jsonl") == []


def test_a_dry_run_shows_counts_masked_samples_and_a_hash_and_writes_nothing(files: list[Path], tmp_path: Path) -> None:
    result = run("merge", *files, "--dry-run", "--out", tmp_path / "x.jsonl", "--private", tmp_path / "private")
    assert result.exit_code == 0 and "sha256" in result.output and "sample: " in result.output
    assert list(tmp_path.iterdir()) == []


def test_hopeless_options_are_refused_before_anything_is_read(files: list[Path], tmp_path: Path) -> None:
    for arguments in ([], [files[0], files[0], "--out", "x"], [files[0]], [files[0], "--out", files[0]]):
        result = run("merge", *arguments)
        assert result.exit_code != 0
    assert isinstance(run("merge", tmp_path / "none.jsonl", "--out", tmp_path / "o").exception, MissingInput)
