"""``canvas-data validate`` for a contributor: output, written files, exit codes."""

from __future__ import annotations

import gzip
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner, Result

from canvas_pipeline.errors import BadConfig, BadInput, MissingInput
from canvas_pipeline.tracks.canvas.commands import validate as validate_commands
from canvas_pipeline.tracks.canvas.intake.checking.validation import validate
from canvas_pipeline_tests.tracks.canvas.intake.contributions import contribution, course_line, work_line

ROOT = Path(__file__).parents[4]
SHIPPED = ROOT / "data" / "collab" / "ada-001.jsonl"


def run(*arguments: object) -> Result:
    app = typer.Typer()
    validate_commands.register(app)
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def without_presidio(*arguments: object) -> subprocess.CompletedProcess[str]:
    """The installed program on a machine where Presidio is not installed."""
    code = "import sys; sys.modules['presidio_analyzer'] = None; from canvas_pipeline.cli.data import main; main()"
    return subprocess.run(
        [sys.executable, "-c", code, "validate", *map(str, arguments)], capture_output=True, text=True, check=False,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
    )  # fmt: skip


def test_a_clean_file_exits_0_and_its_identities_are_notes_with_places() -> None:
    result = run(SHIPPED)
    assert result.exit_code == 0 and "clean: 7 records, 156 rows in, 156 kept" in result.output
    assert "the intake masks them" in result.output and "EMAIL" in result.output and "course_code" in result.output


def test_the_same_file_is_bad_where_it_claims_to_be_masked() -> None:
    for option in ("--masked", "--strict"):
        result = run(SHIPPED, option)
        assert (
            result.exit_code == 1
            and f"{SHIPPED}:1:course_code: COURSE: an identity stands here unmasked" in result.output
        )


def test_a_bad_file_exits_1_and_every_problem_has_its_place_and_advice_but_no_text(tmp_path: Path) -> None:
    path = contribution(tmp_path, work_line(due_at="secret"), b"secret", b"", course_line(contributor_id="secret"))
    result = run(path, "--schema-only")
    assert result.exit_code == 1 and "secret" not in result.output
    for place in (
        "1:assignments[1].due_at: not an ISO-8601 date",
        "2: the line is not valid JSON",
        "4:contributor_id: not the file's",
    ):
        assert f"{path}:{place}" in result.output
    assert "bad: 1 records, 5 rows in, 1 kept" in result.output and "a note: nothing is lost" in result.output


def test_files_that_differ_in_case_only_are_named(tmp_path: Path) -> None:
    first = contribution(tmp_path, course_line())
    second = tmp_path / "Zed-001.jsonl"
    second.write_bytes(course_line(contributor_id="Zed-001"))
    result = run(first, second, "--schema-only")
    assert result.exit_code == 1 and "Zed-001.jsonl: another file has this name" in result.output


def test_without_the_detector_a_clean_form_exits_2_with_one_sentence_and_a_bad_one_1(tmp_path: Path) -> None:
    path = contribution(tmp_path, course_line())
    done = without_presidio(path)
    assert done.returncode == 2 and "identities were not looked for" in done.stderr and "Traceback" not in done.stderr
    assert "clean: 1 records" in done.stdout
    assert without_presidio(path, "--schema-only").returncode == 0
    assert without_presidio(contribution(tmp_path, b"x")).returncode == 1


def test_json_gives_one_object_a_file(tmp_path: Path) -> None:
    result = run(contribution(tmp_path, b"x", course_line()), SHIPPED, "--schema-only", "--json")
    bad, good = map(json.loads, result.stdout.splitlines())
    assert result.exit_code == 1 and (bad["ok"], bad["refused"], good["ok"], good["rows"]) == (
        False,
        {"malformed_json": 1},
        True,
        156,
    )


def test_fix_writes_a_copy_beside_the_file_that_is_clean(tmp_path: Path) -> None:
    path = contribution(tmp_path, work_line(points_possible=-1), b"")
    before = path.read_bytes()
    result = run(path, "--fix")
    assert result.exit_code == 0 and path.read_bytes() == before
    assert (
        "mended 1 x points_unknown: points that were negative" in result.output and "mended 1 x blank" in result.output
    )
    assert run(tmp_path / "fixed" / path.name, "--schema-only").exit_code == 0


def test_fix_exits_1_and_lists_what_it_left_out(tmp_path: Path) -> None:
    path = contribution(tmp_path, course_line(), b"secret")
    result = run(path, "--fix", "--out", tmp_path / "elsewhere")
    assert result.exit_code == 1 and f"left out: {path}:2: the line is not valid JSON" in result.output
    assert "secret" not in result.output and (tmp_path / "elsewhere" / path.name).is_file()
    kept = path.read_bytes()
    result = run(path, "--fix", "--in-place")
    assert result.exit_code == 1 and "not written over" in result.output and path.read_bytes() == kept


def test_options_that_contradict_each_other_and_missing_files_are_named(tmp_path: Path) -> None:
    path = contribution(tmp_path, course_line())
    for options in (
        ["--in-place"],
        ["--out", tmp_path],
        ["--fix", "--masked"],
        ["--fix", "--in-place", "--out", tmp_path],
    ):
        assert isinstance(run(path, *options).exception, BadConfig)
    assert isinstance(run(tmp_path / "none.jsonl").exception, MissingInput)


@pytest.mark.parametrize("phrase", ["Examples", "Exit codes", "--fix", "--masked", "fixed/", "--json"])
def test_help_teaches(phrase: str) -> None:
    assert phrase in run("--help").output


def test_an_array_is_clean_and_one_line_says_how_to_take_it_apart(tmp_path: Path) -> None:
    path = contribution(tmp_path, json.dumps([json.loads(course_line())] * 2, indent=1).encode())
    result = run(path, "--schema-only")
    assert result.exit_code == 0 and "--fix" in result.stdout and len(result.stdout.splitlines()) == 2
    assert run(path, "--fix").exit_code == 0
    assert len((tmp_path / "fixed" / path.name).read_bytes().splitlines()) == 2


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "holds no record"), (b"\n \n", "holds no record"), (b"[]", "holds no record"),
        (json.dumps(json.loads(course_line()), indent=1).encode(), "--fix"), (course_line().decode().encode("utf-16"), "--fix"),
        (b"course,name\n" * 40, "canvas-data import"), (b"<html>\n" * 40, "is a record"),
    ],
)  # fmt: skip
def test_a_file_that_is_no_records_at_all_is_told_in_one_line(tmp_path: Path, data: bytes, message: str) -> None:
    path = tmp_path / "zed-001.jsonl"
    path.write_bytes(data)
    result = run(path, "--schema-only")
    assert result.exit_code == 1 and message in result.stdout and len(result.stdout.splitlines()) == 2
    assert "clean" not in result.stdout


def test_a_folder_of_that_name_is_said_to_be_one(tmp_path: Path) -> None:
    (tmp_path / "x.jsonl").mkdir()
    result = run(tmp_path / "x.jsonl")
    assert isinstance(result.exception, BadInput) and "a folder, not a file" in str(result.exception)


def test_a_mended_archive_is_plain_text_under_the_contributors_name(tmp_path: Path) -> None:
    path = tmp_path / "zed-001.jsonl.gz"
    path.write_bytes(gzip.compress(b"[" + course_line() + b",]"))
    assert run(path, "--fix").exit_code == 0
    assert validate(tmp_path / "fixed" / "zed-001.jsonl").ok
    assert isinstance(run(path, "--fix", "--in-place").exception, BadInput)


def test_no_copy_takes_the_place_of_another_copy_or_of_an_input(tmp_path: Path) -> None:
    folders = [tmp_path / name for name in ("a", "b", "out")]
    for folder in folders:
        folder.mkdir()
    first, second = (contribution(folder, course_line()) for folder in folders[:2])
    third = folders[0] / "zed-002.jsonl"
    third.write_bytes(b"{}")
    before = first.read_bytes(), second.read_bytes()
    for message, arguments in (
        ("copies of several files", (first, second, "--fix", "--out", folders[2])),
        ("copies of several files", (first, first, "--fix")),
        ("one of the inputs", (second, third, "--fix", "--out", folders[0])),
    ):
        error = run(*arguments).exception
        assert isinstance(error, BadInput) and message in str(error)
    assert (first.read_bytes(), second.read_bytes()) == before
    assert not list(folders[2].iterdir()) and not list(tmp_path.glob("*/fixed"))
