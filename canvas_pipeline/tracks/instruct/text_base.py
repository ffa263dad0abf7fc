"""Make the shipped base of the instruct track, which continues documents and has seen no instruction.

``python -m canvas_pipeline.tracks.instruct.text_base --out FOLDER`` repeats the recipe in about half an hour on two cores.
"""

from __future__ import annotations

import itertools
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import msgspec

from canvas_pipeline.models.families import family
from canvas_pipeline.models.family import Shape
from canvas_pipeline.tracks.instruct.documents import documents
from canvas_pipeline.tracks.text_base import COMMAND
from canvas_pipeline.training.checkpoint import save_model
from canvas_pipeline.training.pretrain import command_line, fit, shortened, write_recipe
from canvas_pipeline.training.progress import Reporter

FAMILY = family("plain-qwen3")
DOCUMENTS_AT_ONCE = 256


class Phase(msgspec.Struct, frozen=True, kw_only=True):
    """One part of the training. A step reads ``rows`` rows, filled with consecutive documents of the ``mixture``."""

    steps: int
    learning_rate: float
    rows: int
    mixture: str
    seed: int
    warmup: int = 100


class BaseRecipe(msgspec.Struct, frozen=True, kw_only=True):
    """All numbers of the base. ``length`` is tokens a row. The vocabulary is learnt from documents of all kinds."""

    phases: tuple[Phase, ...] = (
        Phase(steps=700, learning_rate=2e-3, rows=32, mixture="all", seed=1),
        Phase(steps=800, learning_rate=1.5e-3, rows=16, mixture="practice", seed=2),
    )
    length: int = 128
    weight_decay: float = 0.1
    clip: float = 1.0
    vocabulary: int = 2048
    tokenizer_documents: int = 8000
    seed: int = 0


RECIPE = BaseRecipe()


def build_text_base(out: Path, report: Reporter, steps: int = 0, recipe: BaseRecipe = RECIPE) -> None:
    """Train the base from nothing and write its folder. ``steps`` bounds every phase; 0 takes the recipe's.

    Deterministic on one machine with the same number of threads."""
    recipe = shortened(recipe, steps)
    tokenizer = FAMILY.build_tokenizer(
        itertools.islice(documents(recipe.seed), recipe.tokenizer_documents), recipe.vocabulary
    )
    # The family's tokenizer ends a turn; a document ends with the end of text.
    tokenizer.eos_token = FAMILY.end_of_text
    model = FAMILY.build_model(tokenizer, recipe.seed, Shape(vocabulary=recipe.vocabulary))
    # Rows are full, so there is no padding to mask, and eager attention is the fastest on a CPU.
    model.set_attn_implementation("eager")
    total = sum(phase.steps for phase in recipe.phases)
    report.emit("base", parameters=model.num_parameters(), vocabulary=len(tokenizer), steps=total)
    losses = [
        fit(
            model, batches(filled_rows(tokenizer, phase, recipe)), report, steps=phase.steps, learning_rate=phase.learning_rate,
            warmup=phase.warmup, weight_decay=recipe.weight_decay, clip=recipe.clip,
        )
        for phase in recipe.phases
    ]  # fmt: skip
    save_model(model, tokenizer, out, FAMILY, "bfloat16")
    tokens = sum(phase.steps * phase.rows for phase in recipe.phases) * recipe.length
    write_recipe(out, recipe, COMMAND, losses, tokens=tokens)


def filled_rows(tokenizer: Any, phase: Phase, recipe: BaseRecipe) -> Iterator[list[list[int]]]:
    """Yield batches of rows of equal length, without end: documents, an end of text after each, cut where a row is full."""
    texts = documents(recipe.seed + phase.seed, phase.mixture)
    end = tokenizer.convert_tokens_to_ids(FAMILY.end_of_text)
    pending: list[int] = []
    size = phase.rows * recipe.length
    while True:
        while len(pending) < size:
            some = list(itertools.islice(texts, DOCUMENTS_AT_ONCE))
            for ids in tokenizer(some, add_special_tokens=False)["input_ids"]:
                pending += [*ids, end]
        yield [pending[at : at + recipe.length] for at in range(0, size, recipe.length)]
        pending = pending[size:]


def batches(rows: Iterator[list[list[int]]]) -> Iterator[dict[str, Any]]:
    """Make the model's arguments of each batch of rows."""
    import torch

    for ids in map(torch.tensor, rows):
        yield {"input_ids": ids, "labels": ids}


def main(arguments: Sequence[str] | None = None) -> int:
    """Make the base again from its recipe and return the exit code."""
    return command_line(build_text_base, "text_base", arguments)


if __name__ == "__main__":
    sys.exit(main())
