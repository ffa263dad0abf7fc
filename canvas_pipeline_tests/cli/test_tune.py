"""``canvas-tune`` as a person meets it: four commands from a track's rows to an adapter, and what it does not do unasked."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
import pytest
from google.oauth2.credentials import Credentials

from canvas_pipeline.cli import tune
from canvas_pipeline.cli.failure import run
from canvas_pipeline.errors import BadConfig
from canvas_pipeline.managed import service
from canvas_pipeline.pipeline.context import build_stage
from canvas_pipeline.pipeline.workspace import Workspace
from canvas_pipeline.storage.digests import sha256_file
from canvas_pipeline.tracks.math import track as math
from canvas_pipeline_tests.managed.fake_service import FakeService, serving
from canvas_pipeline_tests.managed.given import LLAMA, exported, lines, save_adapter
from canvas_pipeline_tests.pipeline.good_line import copy_of

WHERE = (
    "--project", "p", "--train-uri", "gs://bkt/in/train.jsonl", "--validation-uri", "gs://bkt/in/validation.jsonl",
    "--output-uri", "gs://bkt/out", "--display-name", "toy", "--learning-rate", "1.4e-4", "--adapter-size", "16",
)  # fmt: skip
Command = Callable[..., int]


@pytest.fixture
def command(monkeypatch: pytest.MonkeyPatch) -> Command:
    def call(*arguments: object) -> int:
        monkeypatch.setattr("sys.argv", ["canvas-tune", *map(str, arguments)])
        try:
            run(tune.app, "canvas-tune")
        except SystemExit as ended:
            return int(ended.code or 0)
        return 0

    return call


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeService]:
    with serving() as found:
        monkeypatch.setenv(tune.ENDPOINT, found.url)
        monkeypatch.setattr(service, "credentials", lambda: Credentials("token"))
        yield found


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    exported(tmp_path / "e", base=LLAMA)
    return tmp_path / "e"


def test_a_track_s_training_rows_are_exported_in_the_base_s_own_form(
    good_line: Path, tmp_path: Path, command: Command, capsys: pytest.CaptureFixture[str]
) -> None:
    ws = copy_of(good_line, tmp_path / "line")
    arguments = ("export", "--track", "canvas", "--root", ws.root, "--out", tmp_path / "e", "--max-tokens", 10**6)
    assert command(*arguments, "--base-model", "qwen/qwen3@qwen3-32b", "--validation-rows", 5) == 0
    told = json.loads((tmp_path / "e" / "export.json").read_text())
    split = ws.store.get("trajectory_split")
    assert told["parts"]["train"]["source"] == sha256_file(split.path("train.jsonl"))
    written = lines(tmp_path / "e" / "train.jsonl")
    assert len(written) == told["parts"]["train"]["lines"] > 0
    assert all("<|turn>" not in line["prompt"] and line["completion"].endswith("<|im_end|>") for line in written)
    assert any("<tool_call>\n{" in line["completion"] for line in written), "calls are in the base's notation"
    said = capsys.readouterr().out
    assert "lines of" in said and told["contamination"] is None and "the track canvas has no guard R8" in said


def _math(root: Path, contaminated: str) -> Workspace:
    """Rows and cases of the math track; the training file asks one of the suite's questions."""
    asked = {"question": "How many pears are in 12 boxes of 7 pears each?", "answer": "12*7=84\n#### 84"}
    for name in ("math/own.jsonl", "math/bench/suite.jsonl"):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(json.dumps(asked))
    profile = msgspec.structs.replace(math.PROFILES["embedded"], drawn_rows=120, drawn_sums=20, test_cases=10)
    ws = Workspace(root=root, track=math.TRACK, profile=profile, options={"contaminated": contaminated})
    for name in ("sources", "drawn_rows", "bench_cases", "math_rows", "trajectory_split"):
        build_stage(ws, name)
    return ws


def test_an_export_has_the_proof_that_no_row_of_it_is_a_case_of_the_benchmark(
    tmp_path: Path, command: Command, capsys: pytest.CaptureFixture[str]
) -> None:
    ws = _math(tmp_path / "data", "drop")
    arguments = ("export", "--track", "math", "--root", ws.root, "--out", tmp_path / "e", "--max-tokens", 10**6)
    assert command(*arguments, "--base-model", LLAMA) == 0
    told = json.loads((tmp_path / "e" / "export.json").read_text())
    found = told["contamination"]
    assert found["name"] == "r8_contamination" and found["passed"] and found["numbers"]["exact"] == 0
    assert (
        found["numbers"]["rows"]
        == told["parts"]["train"]["funnel"]["rows_in"] + told["parts"]["validation"]["funnel"]["rows_in"]
    )
    assert found["inputs"]["trajectory_train"] == told["parts"]["train"]["source"]
    assert "r8_contamination: passed, " in capsys.readouterr().out


def test_rows_that_repeat_the_benchmark_are_not_exported(
    tmp_path: Path, command: Command, capsys: pytest.CaptureFixture[str]
) -> None:
    ws = _math(tmp_path / "data", "fail")
    arguments = ("export", "--track", "math", "--root", ws.root, "--out", tmp_path / "e", "--base-model", LLAMA)
    assert command(*arguments) == 3
    assert "r8_contamination: " in capsys.readouterr().err and not (tmp_path / "e").exists()


def test_a_dry_run_writes_the_request_and_sends_nothing(
    folder: Path, fake: FakeService, command: Command, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command("launch", folder, *WHERE, "--dry-run") == 0
    output = capsys.readouterr().out
    assert "POST https://us-central1-aiplatform.googleapis.com/" in output and "nothing was sent" in output
    assert "no estimate of the cost" in output
    assert json.loads((folder / "request.json").read_text())["body"]["baseModel"] == LLAMA
    assert not fake.posts and not fake.objects and not (folder / "job.json").exists()


def test_without_credentials_it_is_a_dry_run(
    folder: Path,
    fake: FakeService,
    command: Command,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(service, "credentials", lambda: None)
    assert command("launch", folder, *WHERE, "--yes") == 0
    assert "there are no credentials" in capsys.readouterr().out and not fake.posts


def test_nothing_is_started_before_somebody_said_yes(
    folder: Path,
    fake: FakeService,
    command: Command,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert command("launch", folder, *WHERE) == 1
    assert "there is nobody to ask; give --yes" in capsys.readouterr().err
    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    monkeypatch.setattr("typer.confirm", lambda *_, **__: (_ for _ in ()).throw(SystemExit(1)))
    assert command("launch", folder, *WHERE) == 1
    assert not fake.posts and not fake.objects


def test_a_multiplier_for_an_open_base_exits_1_and_names_the_option(
    folder: Path, command: Command, capsys: pytest.CaptureFixture[str]
) -> None:
    where = [option for option in WHERE if option not in ("--learning-rate", "1.4e-4")]
    assert command("launch", folder, *where, "--learning-rate-multiplier", 0.7, "--dry-run") == 1
    assert "give --learning-rate" in capsys.readouterr().err


def test_from_launch_to_adapter(
    folder: Path, fake: FakeService, command: Command, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command("launch", folder, *WHERE, "--yes") == 0
    assert command("launch", folder, *WHERE, "--yes") == 0
    assert len(fake.jobs) == 1 and "was started from here" in capsys.readouterr().out
    source = save_adapter(tmp_path / "source")
    for path in source.iterdir():
        fake.objects["bkt", f"out/final/{path.name}"] = path.read_bytes()
    fetch = ("fetch", folder, "--out", tmp_path / "adapter", "--from", "gs://bkt/out/final")
    assert command(*fetch) == 1 and "is PENDING" in capsys.readouterr().err
    assert command("status", folder, "--wait") == 0 and "SUCCEEDED" in capsys.readouterr().out
    assert command(*fetch) == 0 and "rank 16 on meta-llama/Llama-3.1-8B-Instruct" in capsys.readouterr().out
    assert sha256_file(tmp_path / "adapter/adapter/adapter_model.safetensors") == sha256_file(
        source / "adapter_model.safetensors"
    )
    with pytest.raises(BadConfig, match="a job was started from this export"):
        exported(folder, base=LLAMA, validation_rows=3)
    exported(tmp_path / "other", base=LLAMA, validation_rows=3)
    (folder / "job.json").rename(tmp_path / "other" / "job.json")
    assert command("fetch", tmp_path / "other", *fetch[2:]) == 1
    assert "started from another export" in capsys.readouterr().err


def test_a_job_that_failed_exits_1(
    folder: Path, fake: FakeService, command: Command, capsys: pytest.CaptureFixture[str]
) -> None:
    fake.states = ["FAILED"]
    assert command("launch", folder, *WHERE, "--yes") == 0
    assert command("status", folder) == 1
    assert "ended as FAILED" in (error := capsys.readouterr().err) and "secret" not in error


def test_a_folder_without_a_job_or_an_export_says_what_to_run(
    folder: Path, fake: FakeService, tmp_path: Path, command: Command, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command("status", folder) == 1 and "run: canvas-tune launch" in capsys.readouterr().err
    assert command("launch", tmp_path, *WHERE) == 1 and "run: canvas-tune export" in capsys.readouterr().err


def test_help_teaches_the_four_steps(command: Command, capsys: pytest.CaptureFixture[str]) -> None:
    assert command("--help") == 0
    output = capsys.readouterr().out
    assert all(name in output for name in ("export", "launch", "status", "fetch", "costs money"))
