"""A micro model (0.1 M parameters) and its data, made once: every test here trains for real."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from canvas_pipeline.methods import Hyperparameters, method
from canvas_pipeline.models.gemma4.family import GEMMA4
from canvas_pipeline.records import read_jsonl, write_jsonl
from canvas_pipeline.tracks.canvas.profiles import PROFILES
from canvas_pipeline.tracks.canvas.rows import PreferencePair, Trajectory
from canvas_pipeline.training.progress import child_environment
from canvas_pipeline.training.reference import ReferenceRow
from canvas_pipeline.training.spec import RunSpec, make_spec, sha256_path
from canvas_pipeline_tests.training.rows import models_of, run_of, write_data

MakeSpec = Callable[..., RunSpec]


@pytest.fixture(scope="session")
def environment() -> dict[str, str]:
    """What a child process is started with."""
    return child_environment({**os.environ, "CUDA_VISIBLE_DEVICES": ""})


@pytest.fixture(scope="session")
def data(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Small files: enough to train a few steps."""
    return write_data(tmp_path_factory.mktemp("data"), 36)


@pytest.fixture(scope="session")
def full(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Files that satisfy the guards of the embedded profile."""
    return write_data(tmp_path_factory.mktemp("full"), 540)


@pytest.fixture(scope="session")
def tokenizer(data: dict[str, Path]) -> Any:
    from canvas_pipeline.models.gemma4.chat import render, to_chat
    from canvas_pipeline.models.gemma4.tiny import build_tokenizer

    rows = read_jsonl(data["trajectory_train"], Trajectory)
    return build_tokenizer((render(to_chat(row.messages))[0] for row in rows), 640)


@pytest.fixture(scope="session")
def base(tokenizer: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An untrained checkpoint."""
    from canvas_pipeline.models.family import MICRO
    from canvas_pipeline.models.gemma4.tiny import build_model
    from canvas_pipeline.pipeline.training_process import quiet
    from canvas_pipeline.training.checkpoint import save_model

    quiet()
    folder = tmp_path_factory.mktemp("base") / "model"
    save_model(build_model(tokenizer, 0, MICRO), tokenizer, folder, GEMMA4)
    return folder


@pytest.fixture(scope="session")
def reference(base: Path, data: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Reference rows of all pairs under the base (which stands for the SFT checkpoint here)."""
    from canvas_pipeline.training.progress import Reporter
    from canvas_pipeline.training.reference import compute

    path = tmp_path_factory.mktemp("reference") / "rows.jsonl"
    spec = make_spec("canvas", "dpo", PROFILES["embedded"], 7, {**_pairs(data), "sft_checkpoint": base})
    with open(os.devnull, "w", encoding="utf-8") as nowhere:
        compute(run_of(spec), path, Reporter(nowhere))
    return path


def _pairs(data: dict[str, Path]) -> dict[str, Path]:
    return {name: data[name] for name in ("preference_train", "preference_eval")}


def quick(name: str, **changes: Any) -> Hyperparameters:
    """A method's numbers for a run of two steps."""
    return msgspec.structs.replace(
        method(name).hyperparameters("embedded"), **{"max_steps": 2, "batch": 4, "warmup": 0.0, **changes}
    )


@pytest.fixture(scope="session")
def make_full(full: dict[str, Path], base: Path, tmp_path_factory: pytest.TempPathFactory) -> MakeSpec:
    """Like ``make``, over files that the gate accepts. Their reference is written by hand; its values are the subject of
    ``test_reference``."""
    path = tmp_path_factory.mktemp("full-reference") / "rows.jsonl"
    pairs = (row for file in _pairs(full).values() for row in read_jsonl(file, PreferencePair))
    model = sha256_path(base)
    write_jsonl(path, (ReferenceRow(id=row.id, chosen=-9.0, rejected=-11.0, model=model) for row in pairs))

    def spec(name: str, seed: int = 7, **changes: Any) -> RunSpec:
        inputs = {**full, **models_of(base, path)}
        return make_spec("canvas", name, PROFILES["embedded"], seed, inputs, hyperparameters=quick(name, **changes))

    return spec


@pytest.fixture(scope="session")
def make(base: Path, data: dict[str, Path], reference: Path) -> MakeSpec:
    """A spec of any method with all inputs that its guards name, without verdicts."""

    def spec(name: str, seed: int = 7, **changes: Any) -> RunSpec:
        inputs = {**data, **models_of(base, reference)}
        return make_spec("canvas", name, PROFILES["embedded"], seed, inputs, hyperparameters=quick(name, **changes))

    return spec
