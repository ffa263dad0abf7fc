"""The example commands over a pipeline's data folder hold out whom the pipeline holds out: nothing is trained on and benched."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from canvas_pipeline.errors import BadConfig, BadInput, MissingInput
from canvas_pipeline.pipeline.workspace import Workspace
from canvas_pipeline.records import read_jsonl, write_jsonl
from canvas_pipeline.tracks.canvas.commands.examples import register
from canvas_pipeline.tracks.canvas.data.examples import mock_accounts
from canvas_pipeline.tracks.canvas.examples.sessions import record
from canvas_pipeline.tracks.canvas.mock.canvas import MockCanvas
from canvas_pipeline.tracks.canvas.profiles import PROFILES
from canvas_pipeline.tracks.canvas.rows import BenchCase, FeedbackExample, PreferencePair, Trajectory
from canvas_pipeline_tests.pipeline.good_line import copy_of

ROW_TYPES: dict[str, Any] = {"sft": Trajectory, "preference": PreferencePair, "feedback": FeedbackExample}
DATASETS = {"sft": "trajectory", "preference": "preference", "feedback": "feedback"}


def call(*arguments: object) -> None:
    app = typer.Typer()
    register(app)
    result = CliRunner().invoke(app, [str(argument) for argument in arguments])
    if result.exception is not None:
        raise result.exception


def items(path: Path, kind: Any, *, parents: bool = False) -> set[str]:
    """The corpus items that rows name; with ``parents``, all of the benched students'."""
    rows: Iterable[Any] = read_jsonl(path, kind)
    return {item for row in rows for item in (*row.item_ids, *(row.parents if parents else ()))}


@pytest.fixture(scope="module")
def pipeline(good_line: Path, tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    return copy_of(good_line, tmp_path_factory.mktemp("commands") / "line")


@pytest.fixture(scope="module")
def made(pipeline: Workspace, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the commands make with nothing but the data folder named."""
    at, root = tmp_path_factory.mktemp("made"), pipeline.root
    call("trajectory", "--root", root, "--out", at / "t.jsonl")
    call("mutate", "--trajectories", at / "t.jsonl", "--out", at / "mutated.jsonl")
    call("gen-kto-large", "--trajectories", at / "t.jsonl", "--pref", at / "mutated.jsonl", "--per-tool", 20, "--out",
         at / "kto.jsonl")  # fmt: skip
    call("gen-benchmark-large", "--root", root, "--out", at / "bench.jsonl")
    call("split-for-release", *stages(pipeline), "--root", root, "--out-dir", at / "release")
    return at


def stages(ws: Workspace) -> list[object]:
    """The pipeline's own rows as options of ``split-for-release``."""
    found = {
        "--sft-train": ["trajectories"],
        "--pref": ["onpolicy_pairs", "mutation_pairs", "labelled_pairs"],
        "--kto": ["feedback_examples"],
    }
    return [word for option, names in found.items() for n in names for word in (option, ws.store.get(n).path())]


def test_nothing_that_is_trained_on_is_benched(pipeline: Workspace, made: Path) -> None:
    """Neither by the pipeline and the commands' bench, nor by the commands' rows and the pipeline's bench."""
    trained = {f"{name}.jsonl": items(made / f"{name}.jsonl", kind)
               for name, kind in (("t", Trajectory), ("mutated", PreferencePair), ("kto", FeedbackExample))}  # fmt: skip
    benched = {"bench.jsonl": items(made / "bench.jsonl", BenchCase, parents=True),
               "bench_cases": items(pipeline.store.get("bench_cases").path(), BenchCase, parents=True)}  # fmt: skip
    for name, dataset in DATASETS.items():
        split = pipeline.store.get(f"{dataset}_split")
        for part in ("train", "eval"):
            trained[f"{split.manifest.stage} {part}"] = items(split.path(f"{part}.jsonl"), ROW_TYPES[name])
            trained[f"{name}.{part}"] = items(made / "release" / f"{name}.{part}.jsonl", ROW_TYPES[name])
        benched[f"{name}.test"] = items(made / "release" / f"{name}.test.jsonl", ROW_TYPES[name])
    assert all(trained.values()) and all(benched.values())
    shared = {(a, b): len(x & y) for a, x in trained.items() for b, y in benched.items() if x & y}
    assert shared == {}


def test_a_release_split_of_the_pipeline_s_rows_is_the_pipeline_s_split(pipeline: Workspace, made: Path) -> None:
    for name, dataset in DATASETS.items():
        split = pipeline.store.get(f"{dataset}_split")
        for part in ("train", "eval", "test"):
            released = made / "release" / f"{name}.{part}.jsonl"
            assert released.read_bytes() == split.path(f"{part}.jsonl").read_bytes()


def test_the_commands_give_the_bytes_of_the_stages(pipeline: Workspace, made: Path, tmp_path: Path) -> None:
    stage = {
        name: pipeline.store.get(name).path()
        for name in ("trajectories", "mutation_pairs", "bench_cases", "item_pairs")
    }
    assert (made / "bench.jsonl").read_bytes() == stage["bench_cases"].read_bytes()
    call("mutate", "--trajectories", stage["trajectories"], "--out", tmp_path / "m.jsonl")
    assert (tmp_path / "m.jsonl").read_bytes() == stage["mutation_pairs"].read_bytes()
    call("trajectory", "--root", pipeline.root, "--all-students", "--out", tmp_path / "t.jsonl")
    assert (tmp_path / "t.jsonl").read_bytes() == stage["trajectories"].read_bytes()
    count = PROFILES["embedded"].item_pairs
    call("generate-pairs", "--root", pipeline.root, "--max-pairs", count, "--out", tmp_path / "p.jsonl")
    assert (tmp_path / "p.jsonl").read_bytes() == stage["item_pairs"].read_bytes()


def test_the_pipeline_s_seed_is_that_of_the_environment(
    pipeline: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    options = ("--root", pipeline.root, "--max-pairs", 50, "--out")
    monkeypatch.setenv("CANVAS_SEED", "11")
    call("generate-pairs", *options, tmp_path / "a.jsonl")
    monkeypatch.delenv("CANVAS_SEED")
    call("generate-pairs", *options, tmp_path / "b.jsonl")
    call("generate-pairs", *options, tmp_path / "c.jsonl", "--seed", 7)
    assert (tmp_path / "a.jsonl").read_bytes() != (tmp_path / "b.jsonl").read_bytes()
    assert (tmp_path / "b.jsonl").read_bytes() == (tmp_path / "c.jsonl").read_bytes()
    monkeypatch.setenv("CANVAS_SEED", "seven")
    with pytest.raises(BadConfig, match="CANVAS_SEED is 'seven'"):
        call("generate-pairs", *options, tmp_path / "d.jsonl")


@pytest.mark.parametrize(
    "command", ["trajectory", "gen-benchmark-large", "generate-pairs", "mutate", "split-for-release"]
)
def test_another_seed_needs_a_store_of_its_own(pipeline: Workspace, made: Path, tmp_path: Path, command: str) -> None:
    given = ("--trajectories", made / "t.jsonl") if command == "mutate" else ()
    given = ("--sft-train", made / "t.jsonl") if command == "split-for-release" else given
    out = ("--out-dir" if command == "split-for-release" else "--out", tmp_path / "out")
    with pytest.raises(BadConfig, match="the pipeline's seed is 7"):
        call(command, *given, "--root", pipeline.root, "--seed", 0, *out)
    with pytest.raises(BadConfig, match="not apart from the data folder"):
        call(command, *given, "--root", pipeline.root, "--seed", 0, "--store", pipeline.root / "other", *out)
    with pytest.raises(BadConfig, match="outside of the store"):
        call(command, *given, "--root", pipeline.root, "--seed", 0, "--store", tmp_path / "store", *out)
    assert not (tmp_path / "out").exists()


def test_rows_of_two_seeds_are_never_mixed(pipeline: Workspace, made: Path, tmp_path: Path) -> None:
    store, other = tmp_path / "three", ("--seed", 3, "--store", tmp_path / "three")
    call("trajectory", "--root", pipeline.root, *other, "--out", store / "t.jsonl")
    call("gen-benchmark-large", "--root", pipeline.root, *other, "--out", store / "bench.jsonl")
    assert not items(store / "t.jsonl", Trajectory) & items(store / "bench.jsonl", BenchCase, parents=True)
    assert items(store / "bench.jsonl", BenchCase) & items(made / "t.jsonl", Trajectory), "the reason for all this"
    with pytest.raises(BadInput, match="in a store of seed 3"):
        call("mutate", "--trajectories", store / "t.jsonl", "--out", tmp_path / "m.jsonl")
    with pytest.raises(BadInput, match="in a store of seed 3"):
        call("mutate", "--trajectories", made / "t.jsonl", "--out", store / "m.jsonl")
    with pytest.raises(BadInput, match="not in the store"):
        call("mutate", "--trajectories", made / "t.jsonl", *other, "--out", store / "m.jsonl")
    with pytest.raises(BadInput, match="holds rows of seed 3, not 4"):
        call("generate-pairs", "--root", pipeline.root, "--seed", 4, "--store", store, "--out", store / "p.jsonl")
    with pytest.raises(BadInput, match="holds other files"):
        call("generate-pairs", "--root", pipeline.root, "--seed", 4, "--store", made, "--out", made / "p.jsonl")
    call("mutate", "--trajectories", store / "t.jsonl", *other, "--out", store / "m.jsonl")


def test_without_a_corpus_nobody_knows_who_is_held_out(made: Path, tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    with pytest.raises(MissingInput, match="name its file with --corpus"):
        call(
            "split-for-release",
            "--sft-train",
            made / "t.jsonl",
            "--root",
            tmp_path / "data",
            "--out-dir",
            tmp_path / "r",
        )


def test_recorded_sessions_are_converted_without_those_of_benched_students(pipeline: Workspace, tmp_path: Path) -> None:
    """``--sessions FILE…`` as a shell expands it."""
    people = mock_accounts(pipeline)[0]
    files = [tmp_path / "sessions" / f"{name}.jsonl" for name in ("ada-001", "bo-002")]
    files[0].parent.mkdir()
    sessions = record(people, pipeline.profile, 3, MockCanvas, 24)
    write_jsonl(files[0], sessions[:12])
    write_jsonl(files[1], sessions[12:])
    call("trajectory", "--root", pipeline.root, "--sessions", *files, "--out", tmp_path / "t.jsonl")
    call("trajectory", "--root", pipeline.root, "--sessions", *files, "--all-students", "--out", tmp_path / "all.jsonl")
    kept, everyone = (list(read_jsonl(tmp_path / f"{name}.jsonl", Trajectory)) for name in ("t", "all"))
    assert len(everyone) == 24 and {row.kind for row in everyone} == {"session"}
    benched = items(pipeline.store.get("bench_cases").path(), BenchCase, parents=True)
    assert kept == [row for row in everyone if not benched & set(row.item_ids)] and 0 < len(kept) < 24
