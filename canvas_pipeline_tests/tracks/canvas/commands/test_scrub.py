"""``canvas-data scrub`` as somebody meets it: what it writes, what a dry run shows, how it ends."""

from __future__ import annotations

import gzip
import hashlib
import json
import os
import re
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner, Result

from canvas_pipeline.errors import BadInput, MissingInput
from canvas_pipeline.models.gemma4.wire import ToolCall, serialise
from canvas_pipeline.privacy.courses.registry import KEY_VARIABLE
from canvas_pipeline.privacy.quarantine import MAX_LINE
from canvas_pipeline.tracks.canvas.commands import scrub as scrub_commands

ROOT = Path(__file__).parents[4]
CALL = serialise(ToolCall("calendar.create_event", {"title": "Meet Dr. Okonjo", "minutes": 30}))
ROWS: list[Any] = [
    {
        "id": 5405550143,
        "messages": [{"role": "user", "content": "Mail jo@x.example.edu or call (540) 555-0143"}, {"content": CALL}],
    },
    {"contributor_id": "zed-001", "title": "Quiz in Larkspur Hall 273", "points": 12.5, "none": None},
    ["student ID 905123456", "Homework 3: Recursion", "SSN 987-65-4321"],
]
SECRETS = ("jo@x", "555-0143", "Okonjo", "Larkspur", "905123456", "987-65-4321")


def run(*arguments: object) -> Result:
    app = typer.Typer()
    scrub_commands.register(app)
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


@pytest.fixture
def source(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.delenv(KEY_VARIABLE, raising=False)
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "zed-001.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in ROWS), encoding="utf-8")
    return path


def everything(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def shape(value: object) -> object:
    if isinstance(value, dict):
        return {key: shape(child) for key, child in value.items()}
    if isinstance(value, list):
        return [shape(child) for child in value]
    return str if isinstance(value, str) else value


def test_a_dry_run_writes_nothing_and_shows_counts_and_masked_samples(source: Path) -> None:
    before = everything(source.parent)
    result = run(source, "--dry-run")
    assert result.exit_code == 0 and everything(source.parent) == before
    assert re.search(r"sample EMAIL: Mail @EMAIL\d{6} or call @PHONE\d{6}", result.output)
    assert "3 rows, masked: 1 EMAIL, 1 PERSON, 1 PHONE, 1 ROOM, 1 SSN, 1 STUDENT_ID" in result.output
    assert "dry run, nothing written" in result.output
    assert not any(secret in result.output for secret in SECRETS)


def test_what_is_written_keeps_every_row_its_shape_and_markup_and_no_identity(source: Path) -> None:
    out = source.parent / "masked" / "zed.jsonl"
    out.parent.mkdir()
    result = run(source, "--out", out)
    assert result.exit_code == 0, result.output
    text = out.read_text(encoding="utf-8")
    rows = [json.loads(line) for line in text.splitlines()]
    assert [shape(row) for row in rows] == [shape(row) for row in ROWS]
    assert not any(secret in text + result.output for secret in SECRETS)
    assert rows[1]["contributor_id"] == "zed-001" and rows[2][1] == "Homework 3: Recursion"
    assert re.fullmatch(re.escape(CALL).replace("Okonjo", r"@PERSON\d{6}"), rows[0]["messages"][1]["content"])
    assert f"sha256 {hashlib.sha256(out.read_bytes()).hexdigest()}, {out}" in result.output
    assert [path.name for path in out.parent.iterdir()] == ["zed.jsonl"], "no temporary file stays"


def test_the_key_is_private_and_a_second_run_writes_the_same_bytes(source: Path) -> None:
    first, again = source.parent / "a.jsonl", source.parent / "b.jsonl"
    private = source.parent / "private"
    for out in (first, again):
        assert run(source, "--out", out, "--private", private).exit_code == 0
    assert first.read_bytes() == again.read_bytes()
    assert [stat.S_IMODE(path.stat().st_mode) for path in private.iterdir() if path.suffix == ".key"] == [0o600]


def test_a_dry_run_shows_the_sum_that_the_file_gets_or_none(source: Path) -> None:
    """Without a key the placeholders, and so the sum, are not known: the first run makes the key."""
    private, out = source.parent / "private", source.parent / "out.jsonl"
    assert not re.search(r"[0-9a-f]{64}", run(source, "--dry-run", "--private", private).output)
    assert run(source, "--out", source.parent / "first.jsonl", "--private", private).exit_code == 0
    before = everything(source.parent)
    found = re.search(r"sha256 ([0-9a-f]{64})", run(source, "--dry-run", "--private", private).output)
    assert everything(source.parent) == before
    assert run(source, "--out", out, "--private", private).exit_code == 0
    assert found and found[1] == hashlib.sha256(out.read_bytes()).hexdigest()


def test_a_dry_run_with_the_key_names_the_sum_that_the_file_gets(source: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(KEY_VARIABLE, "a key for tests only, and long enough")
    out = source.parent / "out.jsonl"
    promised = re.search(r"sha256 ([0-9a-f]{64})", run(source, "--dry-run").output)
    assert run(source, "--out", out).exit_code == 0
    assert promised and promised[1] == hashlib.sha256(out.read_bytes()).hexdigest()


def test_what_is_masked_comes_out_unchanged_and_another_contributor_shares_no_placeholder(source: Path) -> None:
    once, twice, other = (source.parent / name for name in ("once.jsonl", "twice.jsonl", "other.jsonl"))
    assert run(source, "--out", once, "--contributor", "zed-001").exit_code == 0
    assert run(once, "--out", twice, "--contributor", "zed-001").exit_code == 0
    assert run(source, "--out", other, "--contributor", "ada-001").exit_code == 0
    assert once.read_bytes() == twice.read_bytes()
    marks = [set(re.findall(rb"@[A-Z_]+\d{6}", path.read_bytes())) for path in (once, other)]
    assert marks[0] and not marks[0] & marks[1]


def test_a_bad_line_is_named_without_its_text_and_leaves_the_old_file_alone(source: Path) -> None:
    out = source.parent / "out.jsonl"
    out.write_bytes(b"old\n")
    with source.open("ab") as file:
        file.write(b'{"title": "jo@x.example.edu"\n')
    result = run(source, "--out", out)
    assert isinstance(result.exception, BadInput) and result.exception.exit_code == 1
    assert f"{source}:4: not a JSON line" in str(result.exception) and "jo@x" not in str(result.exception)
    assert out.read_bytes() == b"old\n" and {p.name for p in source.parent.glob("*.jsonl")} == {source.name, out.name}


def test_a_missing_source_no_target_and_the_source_as_target_are_refused(source: Path) -> None:
    before = source.read_bytes()
    assert isinstance(run(source.parent / "none.jsonl", "--dry-run").exception, MissingInput)
    assert "--out" in str(run(source).exception)
    assert "never overwritten" in str(run(source, "--out", source.parent / "." / source.name).exception)
    assert source.read_bytes() == before


@pytest.mark.parametrize(("hidden", "code"), ((("presidio_analyzer",), 2), ((), 0)))
def test_the_installed_program_ends_with_2_where_the_detector_is_missing(
    source: Path, hidden: tuple[str, ...], code: int
) -> None:
    program = (
        f"import sys; sys.modules.update(dict.fromkeys({hidden!r})); from canvas_pipeline.cli.data import main; main()"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, "scrub", str(source), "--dry-run"], capture_output=True, text=True, check=False,
        env=os.environ | {"PYTHONPATH": str(ROOT)}, timeout=600,
    )  # fmt: skip
    assert done.returncode == code
    assert ("--extra pii" in done.stderr) == bool(code) and "Traceback" not in done.stderr


def test_help_has_an_example_and_the_exit_codes() -> None:
    text = " ".join(run("--help").output.split())
    assert (
        "Example: canvas-data scrub" in text.replace("`", "")
        and "--dry-run" in text
        and "2 the detector is not available" in text
    )


def test_a_line_without_end_is_refused_and_not_held(source: Path) -> None:
    with source.open("ab") as file:
        file.write(b'{"x": "' + b"y" * (MAX_LINE + 1) + b'"}\n')
    before = everything(source.parent)
    result = run(source, "--dry-run")
    assert isinstance(result.exception, BadInput) and ":4: the line is longer than" in str(result.exception)
    assert everything(source.parent) == before


def test_an_array_and_an_archive_are_scrubbed_like_lines(source: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(KEY_VARIABLE, "a key for tests only")
    array, packed = source.parent / "a" / "zed-001.json", source.parent / "b" / "zed-001.jsonl.gz"
    for path, data in ((array, json.dumps(ROWS[:2]).encode()), (packed, gzip.compress(source.read_bytes()))):
        path.parent.mkdir()
        path.write_bytes(data)
    results = [run(path, "--out", path.parent / "out.jsonl") for path in (source, array, packed)]
    assert [result.exit_code for result in results] == [0, 0, 0]
    lines = [(path.parent / "out.jsonl").read_bytes().splitlines() for path in (source, array, packed)]
    assert lines[1] == lines[0][:2] and lines[2] == lines[0]


def test_a_file_in_another_language_keeps_its_ordinary_titles(source: Path) -> None:
    """Alone, such a title is masked as a name; the other texts of the file determine its language."""
    titles = ["Entrega del trabajo final", "Cuestionario de la unidad dos", "Lectura para el lunes", "Examen parcial escrito",
              "Ensayo sobre la novela", "Proyecto Integrador"]  # fmt: skip
    masked = {}
    for name, texts in (("alone", titles[-1:]), ("together", titles)):
        path, out = source.with_name(f"{name}.jsonl"), source.with_name(f"{name}.out.jsonl")
        path.write_text("".join(json.dumps({"title": text}) + "\n" for text in texts), encoding="utf-8")
        assert run(path, "--out", out).exit_code == 0
        masked[name] = json.loads(out.read_text(encoding="utf-8").splitlines()[-1])["title"]
    assert "@PERSON" in masked["alone"] and masked["together"] == titles[-1]


def test_a_file_in_utf_16_is_said_to_be_one_and_no_line_is_blamed(source: Path) -> None:
    source.write_bytes('{"title": "Lab"}\n'.encode("utf-16"))
    error = run(source, "--dry-run").exception
    assert isinstance(error, BadInput) and "UTF-16" in str(error)
