"""Compute the memory of every method's step at gb10 on the real shape, without the model: ``python -m`` prints a Markdown table."""

from __future__ import annotations

import math
from typing import Any

from canvas_pipeline.methods import CHOICES, METHODS
from canvas_pipeline.models.gemma4.family import GEMMA4
from canvas_pipeline.training.memory import CONTEXT_GIB, GIB, Memory, forward_only, of_method, table
from canvas_pipeline.training.reference import TOKENS_A_BATCH
from canvas_pipeline_tests.training.flops import REAL_TEXT

REFERENCE_LENGTH = 2048
"""Tokens of a row of the reference pass; its batches are made by tokens."""


def e2b() -> Any:
    """Return google/gemma-4-E2B-it with the sizes of its published config, towers included. Call it on the meta device."""
    from transformers import Gemma4Config, Gemma4ForConditionalGeneration

    return Gemma4ForConditionalGeneration(Gemma4Config(text_config=REAL_TEXT, vision_config={}, audio_config={}))


def of_reference() -> float:
    """Return the GiB that the reference pass reserves for its largest batch, the context included."""
    rows = TOKENS_A_BATCH["gpu"] // REFERENCE_LENGTH
    return forward_only(e2b, GEMMA4, "bfloat16", rows, REFERENCE_LENGTH) / GIB + CONTEXT_GIB


def sums() -> dict[str, Memory]:
    """Return the memory of all methods' steps. Methods that train with equal numbers of equal rows share one computation."""
    found: dict[tuple[Any, ...], Memory] = {}
    result = {}
    for name in CHOICES:
        row = METHODS[name]
        h = row.hyperparameters("gb10")
        key = (
            row.objective,
            row.adapter or h.adapter,
            h.adapter_rank,
            h.batch,
            h.max_length,
            h.checkpointing,
            h.optimizer,
        )
        if key not in found:
            found[key] = of_method(e2b, row, h, GEMMA4, "bfloat16")
        result[name] = found[key]
    return result


if __name__ == "__main__":
    print(table(sums()), end="")
    reserved = of_reference()
    print(f"| reference pass | | | | | | | {reserved - CONTEXT_GIB:.1f} | {math.ceil(reserved)} |")
