"""All methods at gb10's numbers on a miniature of its base, from files of the real form to a GGUF that answers the same."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from canvas_pipeline.evaluation.generate import Checkpoint, Gguf
from canvas_pipeline.methods import METHODS, Hyperparameters, method
from canvas_pipeline.models.gemma4.family import GEMMA4
from canvas_pipeline.records import Message, read_jsonl, write_jsonl
from canvas_pipeline.release.gguf import convert
from canvas_pipeline.tracks.canvas.datasets import ROUNDS
from canvas_pipeline.tracks.canvas.profiles import PROFILES
from canvas_pipeline.tracks.canvas.rows import FeedbackExample, PreferencePair, Trajectory
from canvas_pipeline.training import reference
from canvas_pipeline.training.checkpoint import load_model
from canvas_pipeline.training.precision import compute_dtype
from canvas_pipeline.training.progress import Reporter
from canvas_pipeline.training.spec import RunSpec, make_spec
from canvas_pipeline_tests.models.faithful import save_faithful, unread_weights
from canvas_pipeline_tests.training.rows import models_of, run_of, write_data
from canvas_pipeline_tests.training.test_trainers import train

PROMPTS = [f"<bos><|turn>user\n{words}<turn|>\n<|turn>model\n" for words in ("What is due?", "Course 12, please", "Hi")]
TOKENS = 16
TIE = 0.02
"""The difference of two logits below which they count as equal, in standard deviations of all logits."""
ROWS: dict[str, type[Any]] = {"trajectory": Trajectory, "preference": PreferencePair, "feedback": FeedbackExample,
                              "bon": FeedbackExample, **dict.fromkeys(ROUNDS, PreferencePair)}  # fmt: skip


@pytest.fixture(scope="module")
def faithful(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_faithful(tmp_path_factory.mktemp("faithful") / "model")


@pytest.fixture(scope="module")
def short(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Rows that declare one tool: the vocabulary is small, and all 18 would be most of the tokens."""
    files = write_data(tmp_path_factory.mktemp("short"), 32)
    for name, path in files.items():
        if row_type := ROWS.get(name.partition("_")[0]):
            rows = list(read_jsonl(path, row_type))
            write_jsonl(path, map(_short, rows[:4] if name.endswith("_eval") else rows))
    return files


def _short(row: Any) -> Any:
    field = "messages" if isinstance(row, Trajectory) else "prompt"
    messages = (Message(role="system", content="Now: 2026-03-02."), *getattr(row, field)[1:])
    return msgspec.structs.replace(row, tools=row.tools[:1], **{field: messages})


def gb10(name: str) -> Hyperparameters:
    """Take gb10's numbers for two steps; in float32 where the processor has no bfloat16, which would take 20 times as long."""
    numbers = method(name).hyperparameters("gb10")
    dtype = "float32" if compute_dtype() == "float32" else numbers.dtype
    return msgspec.structs.replace(numbers, max_steps=2, warmup=0.0, dtype=dtype)


@pytest.fixture(scope="module")
def make_gb10(
    faithful: Path, short: dict[str, Path], tmp_path_factory: pytest.TempPathFactory
) -> Callable[[str], RunSpec]:
    path = tmp_path_factory.mktemp("reference") / "rows.jsonl"
    inputs = {**short, "base_model": faithful, "sft_checkpoint": faithful}
    spec = make_spec("canvas", "dpo", PROFILES["gb10"], 7, inputs, hyperparameters=gb10("dpo"))
    with open(os.devnull, "w", encoding="utf-8") as nowhere:
        reference.compute(run_of(spec), path, Reporter(nowhere))
    every = {**inputs, **models_of(faithful, path)}
    return lambda name: make_spec("canvas", name, PROFILES["gb10"], 7, every, hyperparameters=gb10(name))


def test_it_loads_strictly_though_its_shared_layers_carry_weights_that_nothing_reads(faithful: Path) -> None:
    from safetensors import safe_open

    with safe_open(faithful / "model.safetensors", "pt") as file:
        assert set(unread_weights()) <= set(file.keys())
    model = load_model(faithful)
    assert type(model).__name__ == "Gemma4ForConditionalGeneration"
    assert not set(unread_weights()) & set(model.state_dict())
    layers = model.model.language_model.layers
    assert [layer.self_attn.is_kv_shared_layer for layer in layers] == [False] * 5 + [True] * 5
    assert [layer.self_attn.head_dim for layer in layers] == [64, 64, 64, 64, 128] * 2
    assert layers[9].mlp.gate_proj.out_features == 2 * layers[0].mlp.gate_proj.out_features
    assert model.config.get_text_config().hidden_size_per_layer_input == 256


def test_weights_in_4_bits_are_those_of_the_text_layers_attention_and_mlp_alone(faithful: Path) -> None:
    import torch
    from bitsandbytes.nn import Linear4bit
    from safetensors.torch import load_file

    model, files = load_model(faithful, "bfloat16", quantise=True), load_file(faithful / "model.safetensors")
    linear = {name: module for name, module in model.named_modules() if isinstance(module, torch.nn.Linear)}
    packed = {name for name, module in linear.items() if isinstance(module, Linear4bit)}
    text = "model.language_model.layers."
    inside = ("self_attn.", "mlp.")
    assert packed == {name for name in linear if name.startswith(text) and name.split(".", 4)[4].startswith(inside)}
    kept = set(linear) - packed
    for part in (
        "per_layer_model_projection",
        "per_layer_input_gate",
        "per_layer_projection",
        "lm_head",
        "vision_tower",
        "audio_tower",
    ):
        assert any(part in name for name in kept), part
    for name in kept - {"lm_head"}:  # tied to the embeddings
        assert torch.equal(linear[name].weight, files[f"{name}.weight"]), name
    assert torch.equal(model.lm_head.weight, files["model.language_model.embed_tokens.weight"])


@pytest.mark.parametrize("name", METHODS)
def test_a_method_at_gb10s_numbers_trains_reloads_and_its_gguf_writes_the_checkpoints_tokens(
    name: str, make_gb10: Callable[[str], RunSpec], faithful: Path, tmp_path: Path
) -> None:
    import torch

    summary, _ = train(make_gb10(name), tmp_path / "out")
    assert summary["steps"] == 2 and summary["rows"] == 32 and summary["left_out"] == 0
    model = tmp_path / "out" / "model"
    before, after = load_model(faithful).state_dict(), load_model(model).state_dict()
    assert before.keys() == after.keys()
    changed = {key for key in before if not torch.equal(before[key], after[key])}
    assert changed and not {key for key in changed - {"lm_head.weight"} if "language_model" not in key}
    assert all(bool(torch.isfinite(after[key]).all()) for key in changed)
    gguf = Gguf(convert(model, tmp_path / "model.gguf", outtype="f32"), GEMMA4, context=128, workers=1)
    compared = {equal_tokens(Checkpoint(model, GEMMA4).model, gguf, prompt) for prompt in PROMPTS}
    assert sum(map(len, compared)) >= len(PROMPTS) * TOKENS / 2 and len(compared) == len(PROMPTS)


def equal_tokens(model: Any, gguf: Gguf, prompt: str) -> tuple[int, ...]:
    """Return the greedy tokens that both write, up to the first at which the checkpoint's two best are as good as equal.

    llama.cpp keeps keys and values in 16 bits, and an untrained model hesitates now and then. Any other difference fails."""
    import torch

    ids = gguf.tokens(prompt)
    written: list[int] = []
    for token in gguf.vocabulary.generate(ids, temp=0.0, top_k=1, repeat_penalty=1.0):
        with torch.no_grad():
            logits = model(input_ids=torch.tensor([[*ids, *written]]), use_cache=False).logits[0, -1]
        if token != int(logits.argmax()):
            assert logits.max() - logits[token] < TIE * logits.std(), f"token {len(written)} differs"
            break
        written.append(int(token))
        if len(written) == TOKENS:
            break
    return tuple(written)
