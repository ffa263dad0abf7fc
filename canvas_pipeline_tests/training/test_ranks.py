"""Two processes that train one run, against one process: the same updates, one folder, one report."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import msgspec
import pytest

from canvas_pipeline.storage.digests import sha256_file
from canvas_pipeline.storage.seal import KEY_FILE, Seal
from canvas_pipeline.training.launcher import MODULE
from canvas_pipeline.training.spec import SPEC, RunSpec, write_spec
from canvas_pipeline_tests.training.rows import passed

Make = Callable[..., RunSpec]
PROCESS = "canvas_pipeline.pipeline.training_process"
RAGGED = {"max_steps": 0, "epochs": 35 / 540, "batch": 4, "accumulation": 4, "candidates": 2}
"""35 rows: two whole updates, and one of a single micro-batch of three rows, which leaves nothing for the second process."""


@pytest.fixture
def environment(environment: dict[str, str], tmp_path: Path) -> dict[str, str]:
    return {**environment, KEY_FILE: str(tmp_path / "store.key")}


def written(spec: RunSpec, folder: Path) -> Path:
    """An admitted spec as a sealed file."""
    spec = msgspec.structs.replace(spec, compute="float32")
    path = folder / "spec.json"
    write_spec(msgspec.structs.replace(spec, verdicts=passed(spec)), path)
    Seal(folder / "store.key").put(path, SPEC)
    return path


def start(
    ranks: int, environment: Mapping[str, str], *arguments: object, module: str = PROCESS
) -> subprocess.CompletedProcess[str]:
    launcher = [MODULE, str(ranks)] if ranks > 1 else []
    command = [sys.executable, "-m", *launcher, module] if launcher else [sys.executable, "-m", module]
    return subprocess.run([*command, *map(str, arguments)], env=dict(environment), capture_output=True, text=True)


def events(done: subprocess.CompletedProcess[str], name: str) -> list[dict[str, Any]]:
    found = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    return [event for event in found if event["event"] == name]


def metrics(folder: Path) -> list[dict[str, float]]:
    return [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]


def names(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


def assert_same_run(one: Path, other: Path) -> None:
    from safetensors.torch import load_file

    assert names(one) == names(other)
    for expected, found in zip(metrics(one), metrics(other), strict=True):
        assert found == pytest.approx(expected, rel=1e-5, abs=1e-5)
    for path in one.rglob("*.safetensors"):
        weights, again = load_file(path), load_file(other / path.relative_to(one))
        assert weights.keys() == again.keys()
        assert max(float((weights[key] - again[key]).abs().max()) for key in weights) < 1e-5


@pytest.mark.parametrize("name", ["sft", "dpo", "kto"])
def test_two_processes_train_the_run_of_one_to_the_same_losses_weights_and_files(
    name: str, make_full: Make, tmp_path: Path, environment: dict[str, str]
) -> None:
    spec = written(make_full(name, **RAGGED), tmp_path)
    for ranks in (1, 2):
        done = start(ranks, environment, "train", spec, "--out", tmp_path / str(ranks))
        assert done.returncode == 0, done.stderr
        assert len(events(done, "finished")) == 1 and events(done, "progress")[-1]["done"] == 3
    assert_same_run(tmp_path / "1", tmp_path / "2")
    assert [json.loads((tmp_path / n / "machine.json").read_text())["ranks"] for n in ("1", "2")] == [1, 2]
    assert (tmp_path / "1" / "summary.json").exists() and not list(tmp_path.glob(".steps-*"))
