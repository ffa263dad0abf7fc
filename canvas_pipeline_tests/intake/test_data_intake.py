"""The intake commands: documented, honest exit codes, whole files or none, and never a word of anybody's text."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner, Result

from canvas_pipeline.cli import data_intake
from canvas_pipeline.errors import BadInput, MissingInput
from canvas_pipeline.intake.synthesize import synthesize


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


def test_validate_exits_0_on_clean_and_1_on_bad_files_and_names_the_place(files: list[Path], tmp_path: Path) -> None:
    assert run("validate", *files).exit_code == 0
    bad = tmp_path / "bad-001.jsonl"
    bad.write_text('{"type": "secret thing"}\nsecret text\n')
    result = run("validate", bad, "--schema-only")
    assert (
        result.exit_code == 1
        and f"{bad}:1:type:" in result.output
        and f"{bad}:2:" in result.output
        and "secret" not in result.output
    )


def test_validate_exits_2_where_the_detector_is_not_available(
    files: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    from canvas_pipeline.errors import MissingTool
    from canvas_pipeline.intake import pii

    pii._engine.cache_clear()
    monkeypatch.setitem(__import__("sys").modules, "presidio_analyzer", None)
    result = run("validate", files[0])
    assert isinstance(result.exception, MissingTool) and result.exception.exit_code == 2
    pii._engine.cache_clear()


def test_merge_writes_the_same_bytes_in_any_order_and_the_audit_is_clean(files: list[Path], tmp_path: Path) -> None:
    a, b, private = tmp_path / "a.jsonl", tmp_path / "b.jsonl", tmp_path / "private"
    assert run("merge", "--inputs", *files, "--out", a, "--private", private).exit_code == 0
    assert run("merge", *reversed(files), "--out", b, "--private", private, "--workers", 2).exit_code == 0
    assert a.read_bytes() == b.read_bytes() and a.stat().st_size > 0
    assert run("audit", a, "--registry", private / "registry.jsonl").exit_code == 0


def test_the_audit_exits_1_on_a_leak(files: list[Path]) -> None:
    result = run("audit", *files)
    assert result.exit_code == 1 and ":course_code: COURSE_CRN" in result.output


def test_a_dry_run_shows_counts_masked_samples_and_a_hash_and_writes_nothing(files: list[Path], tmp_path: Path) -> None:
    result = run("merge", *files, "--dry-run", "--out", tmp_path / "x.jsonl", "--private", tmp_path / "private")
    assert result.exit_code == 0 and "sha256" in result.output and "sample: " in result.output
    assert list(tmp_path.iterdir()) == []


def test_scrub_masks_nested_strings_and_names_the_line_it_cannot_read(tmp_path: Path) -> None:
    source, out = tmp_path / "s.jsonl", tmp_path / "out.jsonl"
    source.write_text(
        json.dumps({"a": [{"b": "CS_3704_21936_202601 by jo@x.edu"}], "n": 5}) + "\n\n" + json.dumps("call 5405550143")
    )
    assert run("scrub", source, "--out", out, "--private", tmp_path / "private").exit_code == 0
    first, second = map(json.loads, out.read_text().splitlines())
    assert first["n"] == 5 and first["a"][0]["b"].endswith(" by @EMAIL1") and second == "call @PHONE1"
    source.write_text('{"a": 1}\n{"secret')
    out.unlink()
    result = run("scrub", source, "--out", out, "--private", tmp_path / "private")
    assert (
        isinstance(result.exception, BadInput)
        and f"{source}:2" in str(result.exception)
        and "secret" not in str(result.exception)
    )
    assert not out.exists()


def test_hopeless_options_are_refused_before_anything_is_read(files: list[Path], tmp_path: Path) -> None:
    for arguments in ([], [files[0], files[0], "--out", "x"], [files[0]], [files[0], "--out", files[0]]):
        result = run("merge", *arguments)
        assert result.exit_code != 0
    assert isinstance(run("merge", tmp_path / "none.jsonl", "--out", tmp_path / "o").exception, MissingInput)
