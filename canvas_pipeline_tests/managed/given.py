"""Rows, exports and adapters for the tests of managed tuning."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from canvas_pipeline.managed import export as exports
from canvas_pipeline.managed.bases import Format, Mode, base_named
from canvas_pipeline.managed.export import Conversation, Export
from canvas_pipeline.managed.request import Options
from canvas_pipeline.models.families import family
from canvas_pipeline.records import Message

GEMMA, LLAMA = "google/gemma-3-27b-it", "meta/llama3_1@llama-3.1-8b-instruct"
QWEN, LLAMA4 = "qwen/qwen3@qwen3-32b", "meta/llama4@llama-4-scout-17b-16e-instruct"
GEMINI = "gemini-2.5-flash"


def talk(question: str = "Q", answer: str = "A", system: str = "S") -> tuple[Message, ...]:
    return (
        Message(role="system", content=system),
        Message(role="user", content=question),
        Message(role="assistant", content=answer),
    )


def rows(count: int, messages: tuple[Message, ...] | None = None) -> list[Conversation]:
    return [Conversation(f"r{n}", messages or talk(f"Q{n}")) for n in range(count)]


def settings(
    base: str = LLAMA, form: Format | None = None, mode: Mode = "PEFT_ADAPTER", **more: Any
) -> exports.Settings:
    found, _ = base_named(base, more.pop("family", None))
    source = family(more.pop("source", "gemma4"))
    return exports.Settings(base=found, format=form or found.formats[0], mode=mode, source=source, **more)


def exported(
    folder: Path,
    train: Sequence[Conversation] = (),
    validation: Sequence[Conversation] = (),
    *,
    count: Any = None,
    **more: Any,
) -> Export:
    parts = {"train": ("1" * 64, train or rows(120)), "validation": ("2" * 64, validation or rows(12))}
    return exports.write(folder, "toy", parts, settings(**more), count)


def options(**changed: Any) -> Options:
    given: dict[str, Any] = {
        "project": "p", "region": "us-central1", "display_name": "router", "train_uri": "gs://bkt/in/train.jsonl",
        "validation_uri": "gs://bkt/in/validation.jsonl", "output_uri": "gs://bkt/out", "learning_rate": 1.4e-4,
        "adapter_size": 16,
    }  # fmt: skip
    return Options(**{**given, **changed})


def lines(path: Path) -> list[Any]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def save_adapter(
    folder: Path, *, rank: int = 16, base: str = "meta-llama/Llama-3.1-8B-Instruct", **config: Any
) -> Path:
    """An adapter of one layer in PEFT's form, without PEFT."""
    folder.mkdir(parents=True, exist_ok=True)
    told = {"peft_type": "LORA", "base_model_name_or_path": base, "r": rank, "lora_alpha": 32, **config}
    (folder / "adapter_config.json").write_text(json.dumps(told))
    names = [f"self_attn.{p}_proj" for p in "qkvo"] + [f"mlp.{p}_proj" for p in ("gate", "up", "down")]
    shapes = {}
    for name in names:
        shapes[f"base_model.model.model.layers.0.{name}.lora_A.weight"] = [rank, 8]
        shapes[f"base_model.model.model.layers.0.{name}.lora_B.weight"] = [8, rank]
    save_tensors(folder / "adapter_model.safetensors", shapes)
    return folder


def save_tensors(path: Path, shapes: dict[str, list[int]]) -> None:
    at, header = 0, dict[str, Any]()
    for name, shape in shapes.items():
        header[name] = {"dtype": "F32", "shape": shape, "data_offsets": [at, at + 4 * math.prod(shape)]}
        at += 4 * math.prod(shape)
    text = json.dumps(header).encode()
    path.write_bytes(len(text).to_bytes(8, "little") + text + bytes(at))
