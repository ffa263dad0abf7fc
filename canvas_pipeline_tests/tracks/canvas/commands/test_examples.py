"""The example commands from end to end, and what they say when something is wrong."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import get_args

import pytest
import typer
from typer.testing import CliRunner

from canvas_pipeline.errors import BadConfig, BadInput, MissingInput, ServiceUnavailable
from canvas_pipeline.records import read_jsonl, write_jsonl
from canvas_pipeline.tracks.canvas.commands.examples import COMMANDS, register
from canvas_pipeline.tracks.canvas.examples.mutation import quotas
from canvas_pipeline.tracks.canvas.examples.splits import overlap
from canvas_pipeline.tracks.canvas.profiles import PROFILES
from canvas_pipeline.tracks.canvas.rows import BenchCase, CaseKind, FeedbackExample, PreferencePair, Trajectory
from canvas_pipeline.tracks.canvas.tools.tool_table import TOOLS
from canvas_pipeline_tests.tracks.canvas.examples.conversations import item
from canvas_pipeline_tests.tracks.canvas.examples.teacher_server import serving

APP = typer.Typer()
register(APP)
RUNNER = CliRunner()


def call(*arguments: object) -> None:
    """Run a command; its own errors come out as exceptions, a bad command line as ``SystemExit``."""
    result = RUNNER.invoke(APP, [str(argument) for argument in arguments])
    if result.exception is not None:
        raise result.exception


@pytest.fixture(scope="module")
def work(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A corpus of 240 items, and every data set made from it."""
    at = tmp_path_factory.mktemp("work")
    courses = [item(n, course=f"@COURSE{n % 24}", title=f"Homework {n}") for n in range(240)]
    write_jsonl(at / "corpus.jsonl", courses)
    call("trajectory", "--corpus", at / "corpus.jsonl", "--out", at / "t.jsonl")
    call("gen-benchmark-large", "--corpus", at / "corpus.jsonl", "--count", 60, "--out", at / "bench.jsonl")
    call("generate-pairs", "--corpus", at / "corpus.jsonl", "--n", 80, "--out", at / "pairs.jsonl")
    call("label", "--pairs", at / "pairs.jsonl", "--out", at / "labelled.jsonl", "--journal", at / "votes.jsonl")
    call("mutate", "--trajectories", at / "t.jsonl", "--out", at / "mutated.jsonl")
    call("gen-kto-large", "--trajectories", at / "t.jsonl", "--pref", at / "mutated.jsonl", "--per-tool", 8,
         "--out", at / "kto.jsonl")  # fmt: skip
    call("split-for-release", "--pref", at / "mutated.jsonl", "--pref", at / "labelled.jsonl", "--kto", at / "kto.jsonl",
         "--sft-train", at / "t.jsonl", "--corpus", at / "corpus.jsonl", "--out-dir", at / "release")  # fmt: skip
    return at


def test_the_commands_make_every_data_set(work: Path) -> None:
    assert len(list(read_jsonl(work / "mutated.jsonl", PreferencePair))) == sum(quotas(PROFILES["embedded"]).values())
    assert 0 < len(list(read_jsonl(work / "labelled.jsonl", PreferencePair))) <= 80
    assert len(list(read_jsonl(work / "kto.jsonl", FeedbackExample))) == 8 * len(TOOLS)
    assert 60 <= len(list(read_jsonl(work / "bench.jsonl", BenchCase))) <= 60 + len(get_args(CaseKind)) + len(TOOLS)
    assert (work / "release" / "manifest.json").is_file()
    assert not list(work.glob(".tmp-*"))


def test_bench_cases_share_no_item_and_no_wording_with_training_rows(work: Path) -> None:
    training = list(read_jsonl(work / "t.jsonl", Trajectory))
    assert overlap(training, read_jsonl(work / "bench.jsonl", BenchCase), wordings=True).clean


def test_the_same_options_give_the_same_bytes(work: Path) -> None:
    again = work / "again.jsonl"
    call("mutate", "--trajectories", work / "t.jsonl", "--out", again)
    assert again.read_bytes() == (work / "mutated.jsonl").read_bytes()


def test_labelling_over_a_server_gives_the_journal_its_identity(work: Path, tmp_path: Path) -> None:
    with serving(reported={"revision": "r1"}) as server:
        journal = tmp_path / "v.jsonl"
        url = f"{server.url}/chat/completions"
        call("label", work / "pairs.jsonl", "--endpoint", url, "--model", "labeller", "--revision", "r1",
             "--journal", journal, "--workers", 4, "--out", tmp_path / "l.jsonl")  # fmt: skip
        assert server.peak <= 4
        assert journal.read_bytes().count(b'"teacher":"labeller@r1"') == len(journal.read_bytes().splitlines())


def test_labelling_over_a_server_that_cannot_say_who_it_is_needs_it_stated(
    work: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with serving(reported={}) as server:
        asked = ("label", work / "pairs.jsonl", "--endpoint", server.url, "--model", "labeller", "--journal",
                 tmp_path / "v.jsonl", "--out", tmp_path / "l.jsonl")  # fmt: skip
        with pytest.raises(BadConfig, match="no weights and no revision"):
            call(*asked)
        assert not list(tmp_path.iterdir())
        monkeypatch.setenv("CANVAS_TEACHER_IDENTITY", "weights of March")
        call(*asked)
        votes = (tmp_path / "v.jsonl").read_bytes().splitlines()
        assert all(b'"teacher":"labeller@(stated: weights of March)"' in vote for vote in votes)


def test_a_wrong_model_and_a_dead_server_leave_no_output(work: Path, tmp_path: Path) -> None:
    with serving(model="other") as server:
        url = server.url
        with pytest.raises(BadConfig, match="it serves: other"):
            call(
                "label",
                "--pairs",
                work / "pairs.jsonl",
                "--endpoint",
                url,
                "--model",
                "labeller",
                "--out",
                tmp_path / "l",
            )
    with pytest.raises(ServiceUnavailable):
        call("label", "--pairs", work / "pairs.jsonl", "--endpoint", url, "--model", "labeller", "--attempts", 2,
             "--out", tmp_path / "l")  # fmt: skip
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "arguments", [("--model", "labeller"), ("--endpoint", "http://127.0.0.1:1/v1")], ids=["no endpoint", "no model"]
)
def test_endpoint_and_model_belong_together(work: Path, tmp_path: Path, arguments: tuple[str, ...]) -> None:
    with pytest.raises(SystemExit) as ended:
        call("label", "--pairs", work / "pairs.jsonl", "--out", tmp_path / "l", *arguments)
    assert ended.value.code == 2


def test_a_bad_line_is_named_by_file_and_line_and_an_old_output_stays(work: Path, tmp_path: Path) -> None:
    bad = tmp_path / "t.jsonl"
    bad.write_bytes((work / "t.jsonl").read_bytes().splitlines(keepends=True)[0] + b'{"private": "text"}\n')
    out = tmp_path / "out.jsonl"
    out.write_text("old")
    with pytest.raises(BadInput, match=r"t\.jsonl:2: not a Trajectory row") as caught:
        call("mutate", "--trajectories", bad, "--out", out)
    assert "private" not in str(caught.value).replace("unknown field `private`", "")
    assert out.read_text() == "old"


def test_a_missing_file_and_an_unknown_profile_are_named(work: Path, tmp_path: Path) -> None:
    with pytest.raises(MissingInput, match="nothing.jsonl"):
        call("generate-pairs", "--corpus", tmp_path / "nothing.jsonl", "--out", tmp_path / "o")
    with pytest.raises(BadConfig, match="no profile 'huge'"):
        call("mutate", "--trajectories", work / "t.jsonl", "--profile", "huge", "--out", tmp_path / "o")


@pytest.mark.parametrize("name", list(COMMANDS))
def test_every_help_has_an_example_that_its_own_command_can_read(name: str) -> None:
    result = RUNNER.invoke(APP, [name, "--help"], env={"COLUMNS": "200"})
    assert result.exit_code == 0
    assert f"canvas-data {name}" in result.output
    assert "Exit codes" in result.output
    options = [word for word in COMMANDS[name][1].split() if word.startswith("--")]
    assert all(option in result.output for option in options)


def test_the_program_ends_with_the_documented_codes(tmp_path: Path) -> None:
    pytest.importorskip("canvas_pipeline.tracks.canvas.commands.ingest")
    program = [sys.executable, "-c", "from canvas_pipeline.cli.data import main; main()"]
    run = subprocess.run(
        [*program, "generate-pairs", "--corpus", str(tmp_path / "no.jsonl"), "--out", str(tmp_path / "o")],
        capture_output=True, text=True, env=os.environ | {"PYTHONPATH": str(Path(__file__).parents[4])}, check=False,
    )  # fmt: skip
    assert run.returncode == 1
    assert "no such file" in run.stderr and "Traceback" not in run.stderr


@pytest.mark.parametrize(
    ("command", "options"),
    [
        ("trajectory", ("--corpus", "corpus")),
        ("gen-benchmark-large", ("--corpus", "corpus")),
        ("generate-pairs", ("--corpus", "corpus")),
        ("label", ("--pairs", "pairs")),
        ("label", ("--journal", "votes", "--pairs", "pairs")),
        ("mutate", ("--trajectories", "t")),
        ("gen-kto-large", ("--trajectories", "t", "--pref", "mutated")),
    ],
)
def test_no_command_writes_over_what_it_reads(
    work: Path, tmp_path: Path, command: str, options: tuple[str, ...]
) -> None:
    given = [word if word.startswith("--") else str(tmp_path / f"{word}.jsonl") for word in options]
    for name in options[1::2]:
        (tmp_path / f"{name}.jsonl").write_bytes((work / f"{name}.jsonl").read_bytes())
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    for name in options[1::2]:
        link = tmp_path / "link.jsonl"
        link.unlink(missing_ok=True)
        link.hardlink_to(tmp_path / f"{name}.jsonl")
        for out in (tmp_path / f"{name}.jsonl", link):
            with pytest.raises(BadInput, match="one of the inputs"):
                call(command, *given, "--out", out)
        link.unlink()
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_a_journal_is_neither_the_pairs_nor_the_output(work: Path, tmp_path: Path) -> None:
    pairs, out = tmp_path / "pairs.jsonl", tmp_path / "new.jsonl"
    pairs.write_bytes((work / "pairs.jsonl").read_bytes())
    with pytest.raises(BadInput, match="one file"):
        call("label", "--pairs", pairs, "--journal", out, "--out", out)
    with pytest.raises(BadInput, match="one of the inputs"):
        call("label", "--pairs", pairs, "--journal", pairs, "--out", out)
    assert pairs.read_bytes() == (work / "pairs.jsonl").read_bytes()
    assert list(tmp_path.iterdir()) == [pairs]


def test_a_split_does_not_replace_the_folder_of_its_inputs(work: Path) -> None:
    inside = work / "release" / "own.jsonl"
    inside.write_bytes((work / "mutated.jsonl").read_bytes())
    with pytest.raises(BadInput, match="lies in"):
        call("split-for-release", "--pref", inside, "--out-dir", work / "release")
    assert inside.is_file()
    inside.unlink()


@pytest.mark.parametrize(
    ("command", "options"),
    [
        ("generate-pairs", ("--corpus",)),
        ("label", ("--pairs",)),
        ("mutate", ("--trajectories",)),
        ("gen-kto-large", ("--trajectories", "--pref")),
    ],
)
def test_where_no_row_comes_out_nothing_is_written_and_the_command_fails(
    tmp_path: Path, command: str, options: tuple[str, ...]
) -> None:
    empty, out = tmp_path / "empty.jsonl", tmp_path / "out.jsonl"
    empty.touch()
    out.write_text("old")
    with pytest.raises(BadInput, match="nothing was written"):
        call(command, *(word for option in options for word in (option, empty)), "--out", out)
    assert out.read_text() == "old"
    with pytest.raises(BadInput, match="a folder"):
        call(command, *(word for option in options for word in (option, tmp_path)), "--out", out)
