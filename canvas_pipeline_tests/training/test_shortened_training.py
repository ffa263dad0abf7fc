"""Trainings and the reference pass over a model with K/V-shared layers have the numbers of the whole forward."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from canvas_pipeline.models.gemma4.family import GEMMA4
from canvas_pipeline.records import read_jsonl
from canvas_pipeline.tracks.canvas.rows import PreferencePair
from canvas_pipeline.training import reference, supervised
from canvas_pipeline.training.checkpoint import load_model, load_tokenizer, save_model
from canvas_pipeline.training.encoding import Encoded, EncodedPair, encode
from canvas_pipeline.training.fused_head import fuse_head
from canvas_pipeline.training.reference import pair_logprobs, sequence_logprobs
from canvas_pipeline.training.shared_layers import whole_forward
from canvas_pipeline.training.spec import InputFile, RunSpec
from canvas_pipeline.training.trainers import train_silently
from canvas_pipeline_tests.training.rows import run_of
from canvas_pipeline_tests.training.shared_models import shared_model
from canvas_pipeline_tests.training.test_trainers import train

Make = Callable[..., RunSpec]


@pytest.fixture(scope="module")
def shared_base(tokenizer: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An untrained checkpoint whose upper half shares keys and values."""
    folder = tmp_path_factory.mktemp("shared") / "model"
    sizes = {"vocab_size": len(tokenizer), "vocab_size_per_layer_input": len(tokenizer)}
    save_model(shared_model(**sizes), tokenizer, folder, GEMMA4)
    return folder


@pytest.fixture(scope="module")
def whole_base(tokenizer: Any, shared_base: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same text weights, in a model with vision and audio towers."""
    folder = tmp_path_factory.mktemp("whole") / "model"
    sizes = {"vocab_size": len(tokenizer), "vocab_size_per_layer_input": len(tokenizer)}
    model = shared_model(towers=True, **sizes)
    model.model.language_model.load_state_dict(load_model(shared_base).model.state_dict())
    save_model(model, tokenizer, folder, GEMMA4)
    return folder


def test_each_learnt_token_weighs_the_same_with_and_without_towers(
    make: Make, shared_base: Path, whole_base: Path, tmp_path: Path
) -> None:
    """With a row a micro-batch: rows with few learnt tokens must not weigh more in one of the two classes."""
    rows = [Encoded([2, *range(30, 50)], [0] * (21 - learnt) + [1] * learnt) for learnt in (1, 3, 9, 20)]
    logged = []
    for base in (shared_base, whole_base):
        spec = msgspec.structs.replace(make("sft", batch=1, accumulation=4), compute="float32")
        tokenizer, model = load_tokenizer(base, GEMMA4), load_model(base)
        built = supervised.build_trainer(
            run_of(spec), model, tokenizer, supervised.dataset(rows), None, tmp_path, quick=True
        )
        logged.append(train_silently(built)[0])
    for metric in ("loss", "grad_norm"):
        assert logged[0][metric] == pytest.approx(logged[1][metric], rel=1e-4)


def encoded(base: Path, data: dict[str, Path], count: int) -> list[EncodedPair]:
    tokenizer = load_tokenizer(base, GEMMA4)
    rows = list(read_jsonl(data["preference_train"], PreferencePair))[:count]
    return [
        EncodedPair(*(encode(side, tokenizer, GEMMA4, None, row.prompt) for side in (row.chosen, row.rejected)))
        for row in rows
    ]


@pytest.mark.parametrize("name", ["sft", "lora", "dpo", "ipo", "kto"])
def test_a_training_logs_what_the_whole_forward_logs(name: str, make: Make, shared_base: Path, tmp_path: Path) -> None:
    spec = make(name)
    start = {
        key: InputFile(path=str(shared_base), sha256=spec.inputs[key].sha256)
        for key in ("base_model", "sft_checkpoint")
    }
    spec = msgspec.structs.replace(spec, compute="float32", inputs={**spec.inputs, **start})
    short, _ = train(spec, tmp_path / "short")
    with whole_forward():
        whole, _ = train(spec, tmp_path / "whole")
    assert short["last"].keys() == whole["last"].keys()
    for metric, value in whole["first"].items():
        assert short["first"][metric] == pytest.approx(value, rel=1e-4, abs=1e-5), metric
    # Adam's first update has the size of the rate wherever a gradient is not zero, and rounding may decide its sign.
    assert short["last"]["loss"] == pytest.approx(whole["last"]["loss"], rel=0.02)


@pytest.mark.parametrize("which", ["base", "shared_base"])
def test_the_reference_of_pairs_is_that_of_their_sides(
    which: str, data: dict[str, Path], request: pytest.FixtureRequest
) -> None:
    folder = request.getfixturevalue(which)
    model, pairs = fuse_head(load_model(folder)), encoded(folder, data, 12)
    with whole_forward():
        sides = sequence_logprobs(model, [side for pair in pairs for side in (pair.chosen, pair.rejected)], "float32")
    together = pair_logprobs(model, pairs, "float32")
    assert [value for pair in together for value in pair] == pytest.approx(sides, rel=1e-5)


def test_a_pairs_row_has_its_prompt_once_and_its_last_token_twice(base: Path, data: dict[str, Path]) -> None:
    for pair in encoded(base, data, 8):
        first, second = pair.chosen, pair.rejected
        common = next(at for at, sides in enumerate(zip(first.ids, second.ids, strict=False)) if len(set(sides)) == 2)
        assert common >= min(first.prompt_length, second.prompt_length)
        assert pair.length == first.length + second.length - common + 1


def test_what_all_rows_begin_with_is_computed_once(
    shared_base: Path, data: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    model, pairs = fuse_head(load_model(shared_base)), encoded(shared_base, data, 12)
    computed: list[tuple[int, ...]] = []
    model.model.register_forward_pre_hook(
        lambda _, __, kwargs: computed.append(tuple(kwargs["input_ids"].shape)), with_kwargs=True
    )
    with_beginning = pair_logprobs(model, pairs, "float32")
    (once, common), *behind = computed
    assert once == 1 and common >= 32
    monkeypatch.setattr(reference, "LEAST_COMMON", 10**6)
    computed.clear()
    assert [value for pair in with_beginning for value in pair] == pytest.approx(
        [value for pair in pair_logprobs(model, pairs, "float32") for value in pair], rel=1e-5
    )
    assert max(columns for _, columns in behind) <= max(columns for _, columns in computed) - common + 32
