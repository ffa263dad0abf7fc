"""The intake commands: documented, exit codes, whole files or none, and no text of a contribution in any output."""

from __future__ import annotations

import gzip
import hashlib
import re
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner, Result

from canvas_pipeline.errors import BadConfig, BadInput, MissingInput
from canvas_pipeline.privacy.audit.auditor import report
from canvas_pipeline.tracks.canvas.commands import canaries
from canvas_pipeline.tracks.canvas.commands import ingest as ingest_commands
from canvas_pipeline.tracks.canvas.intake.synthetic.synthesize import synthesize
from canvas_pipeline_tests.tracks.canvas.intake.contributions import course_line


@pytest.fixture(autouse=True)
def key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CANVAS_REGISTRY_KEY", "a key for tests only")


def run(*arguments: object) -> Result:
    app = typer.Typer()
    ingest_commands.register(app)
    return CliRunner().invoke(app, [str(a) for a in arguments])


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    return synthesize(2, 4, 20, 3, tmp_path_factory.mktemp("in"))


def test_every_command_has_an_example_and_documented_exit_codes() -> None:
    for function, example, _ in ingest_commands.COMMANDS:
        text = run(function.__name__, "--help").output
        assert "Example" in text and "Exit codes" in text and example.startswith(f"canvas-data {function.__name__}")


def test_merge_writes_the_same_bytes_in_any_order_and_the_audit_is_clean(files: list[Path], tmp_path: Path) -> None:
    a, b, private = tmp_path / "a.jsonl", tmp_path / "b.jsonl", tmp_path / "private"
    assert run("merge", "--inputs", *files, "--out", a, "--private", private).exit_code == 0
    assert run("merge", *reversed(files), "--out", b, "--private", private, "--workers", 2).exit_code == 0
    assert a.read_bytes() == b.read_bytes() and a.stat().st_size > 0
    assert report([a], private / "registry.jsonl").total == 0


def test_a_dry_run_shows_counts_masked_samples_and_a_hash_and_writes_nothing(files: list[Path], tmp_path: Path) -> None:
    result = run("merge", *files, "--dry-run", "--out", tmp_path / "x.jsonl", "--private", tmp_path / "private")
    assert result.exit_code == 0 and "sha256" in result.output and "sample: " in result.output
    assert list(tmp_path.iterdir()) == []


def test_a_dry_run_shows_the_hash_that_the_corpus_gets_or_none(
    files: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("CANVAS_REGISTRY_KEY")
    private, out = tmp_path / "private", tmp_path / "corpus.jsonl"
    assert not re.search(r"[0-9a-f]{64}", run("merge", *files, "--dry-run", "--private", private).output)
    assert run("merge", files[0], "--out", tmp_path / "one.jsonl", "--private", private).exit_code == 0
    kept = {path: path.read_bytes() for path in private.iterdir()}
    found = re.search(r"sha256 ([0-9a-f]{64})", run("merge", *files, "--dry-run", "--private", private).output)
    assert {path: path.read_bytes() for path in private.iterdir()} == kept
    assert run("merge", *files, "--out", out, "--private", private).exit_code == 0
    assert found and found[1] == hashlib.sha256(out.read_bytes()).hexdigest()


def test_hopeless_options_are_refused_before_anything_is_read(files: list[Path], tmp_path: Path) -> None:
    for arguments in ([], [files[0], files[0], "--out", "x"], [files[0]], [files[0], "--out", files[0]]):
        result = run("merge", *arguments)
        assert result.exit_code != 0
    assert isinstance(run("merge", tmp_path / "none.jsonl", "--out", tmp_path / "o").exception, MissingInput)


def put(path: Path, *lines: bytes) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"".join(line + b"\n" for line in lines))
    return path


@pytest.mark.parametrize("name", ["...jsonl", "....jsonl", "my export.jsonl", "-x.jsonl", "CON.jsonl"])
def test_no_path_is_made_of_a_file_name_and_a_bad_one_stops_the_merge(tmp_path: Path, name: str) -> None:
    bad = put(tmp_path / "in" / name, course_line())
    kept = put(tmp_path / "out" / "rows.jsonl", b"KEEP")
    result = run(
        "merge", "--inputs", bad, "--out", tmp_path / "out" / "corpus.jsonl", "--private", tmp_path / "private"
    )
    assert isinstance(result.exception, BadInput) and "not a safe name" in str(result.exception)
    assert kept.read_bytes() == b"KEEP\n" and list(kept.parent.iterdir()) == [kept]


@pytest.mark.parametrize("other", ["Zed-001.jsonl", "sub/zed-001.jsonl", "zed-001.json", "zed-001.jsonl.gz"])
def test_twins_are_refused_as_the_asset_refuses_them(tmp_path: Path, other: str) -> None:
    first, second = put(tmp_path / "zed-001.jsonl", course_line()), put(tmp_path / other, course_line())
    result = run("merge", first, second, "--out", tmp_path / "c.jsonl", "--private", tmp_path / "private")
    assert isinstance(result.exception, BadInput) and str(result.exception).count("another file has this name") == 2


@pytest.mark.parametrize("lines", [(), (b"",), (b"course,name", b"QX 3120,Homework 1"), (b"[]",), (b"{}",) * 3])
def test_a_merge_of_files_without_a_row_writes_no_corpus(tmp_path: Path, lines: tuple[bytes, ...]) -> None:
    path = put(tmp_path / "zed-001.jsonl", *lines)
    for more in ([], ["--dry-run"]):
        result = run("merge", path, "--out", tmp_path / "c.jsonl", "--private", tmp_path / "private", *more)
        assert isinstance(result.exception, BadInput) and "no row could be read" in result.output
    assert not (tmp_path / "c.jsonl").exists()


def test_a_file_without_a_row_is_named_beside_good_ones(files: list[Path], tmp_path: Path) -> None:
    empty = put(tmp_path / "none-1.jsonl")
    result = run("merge", *files, empty, "--out", tmp_path / "c.jsonl", "--private", tmp_path / "private")
    assert (
        result.exit_code == 0
        and "none-1.jsonl: no row could be read: the file holds no record" in result.output.replace("\n", "")
    )


def test_a_file_that_is_named_is_read_whatever_its_suffix_and_an_array_too(tmp_path: Path) -> None:
    plain = put(tmp_path / "a" / "zed-001.jsonl", course_line())
    array = put(tmp_path / "b" / "zed-001.JSON", b"[", course_line(), b"]")
    packed = tmp_path / "c" / "zed-001.jsonl.gz"
    packed.parent.mkdir()
    packed.write_bytes(gzip.compress(course_line()))
    made = []
    for path in (plain, array, packed):
        out = path.parent / "corpus.jsonl"
        assert run("merge", path, "--out", out, "--private", tmp_path / "private").exit_code == 0
        made.append(out.read_bytes())
    assert made[0] == made[1] == made[2]


def test_an_output_that_is_an_input_by_another_name_is_refused(tmp_path: Path) -> None:
    path = put(tmp_path / "zed-001.jsonl", course_line())
    for link in (tmp_path / "soft.jsonl", tmp_path / "hard.jsonl"):
        link.symlink_to(path) if link.stem == "soft" else link.hardlink_to(path)
        assert isinstance(run("merge", path, "--out", link).exception, BadInput)
    assert isinstance(run("merge", path, "--out", tmp_path, "--private", tmp_path / "private").exception, BadInput)


@pytest.mark.parametrize(
    ("name", "there", "message"),
    [("page.md", (), "the report is JSON"), ("notes.json", ("notes.md",), "belongs to no report")],
)
def test_the_page_of_a_canary_report_replaces_no_other_file(
    tmp_path: Path, name: str, there: tuple[str, ...], message: str
) -> None:
    for other in there:
        (tmp_path / other).write_text("mine")
    app = typer.Typer()
    canaries.register(app)
    result = CliRunner().invoke(app, ["--root", str(tmp_path), "--out", str(tmp_path / name)])
    assert message in str(result.exception) and isinstance(result.exception, (BadConfig, BadInput))
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(there)
