"""The recipe of the shipped text base: it goes on with documents and was never asked anything.

``python -m canvas_pipeline.tracks.instruct.text_base --out FOLDER`` makes it again, in about half an hour on two cores. The folder
holds ``recipe.json``: the numbers, the losses and the sha256 of each file.
"""

from __future__ import annotations

import argparse
import itertools
import json
import math
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import msgspec

from canvas_pipeline.errors import ArtifactCorrupt, MissingInput
from canvas_pipeline.models.families import family
from canvas_pipeline.models.family import Shape
from canvas_pipeline.records import dumps
from canvas_pipeline.storage.digests import sha256_file
from canvas_pipeline.tracks.instruct.documents import documents
from canvas_pipeline.training.checkpoint import save_model
from canvas_pipeline.training.device import autocast
from canvas_pipeline.training.precision import compute_dtype
from canvas_pipeline.training.progress import Reporter, reporter

SHIPPED = Path(__file__).parent / "embedded_text"
RECIPE_FILE = "recipe.json"
COMMAND = "python -m canvas_pipeline.tracks.instruct.text_base --out FOLDER"
FAMILY = family("plain-qwen3")
SMOOTHED = 50
"""Steps whose mean loss is reported."""
DOCUMENTS_AT_ONCE = 256


class Phase(msgspec.Struct, frozen=True, kw_only=True):
    """A part of the training. A step reads ``rows`` rows, filled with documents of the ``mixture`` one after the other."""

    steps: int
    learning_rate: float
    rows: int
    mixture: str
    seed: int
    warmup: int = 100


class Recipe(msgspec.Struct, frozen=True, kw_only=True):
    """All numbers of the base. ``length`` is tokens a row; the vocabulary is learnt from the first phase's documents."""

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


RECIPE = Recipe()


def build_text_base(out: Path, report: Reporter, recipe: Recipe = RECIPE) -> None:
    """Train the base from nothing and write its folder. Deterministic on one machine with the same number of threads."""
    tokenizer = FAMILY.build_tokenizer(
        itertools.islice(documents(recipe.seed), recipe.tokenizer_documents), recipe.vocabulary
    )
    # The tokenizer of the chat models ends a turn; a document ends with the end of text.
    tokenizer.eos_token = FAMILY.end_of_text
    model = FAMILY.build_model(tokenizer, recipe.seed, Shape(vocabulary=recipe.vocabulary))
    # Rows are full, so that there is nothing to mask: the plain product is the faster attention on a processor.
    model.set_attn_implementation("eager")
    steps = sum(phase.steps for phase in recipe.phases)
    report.emit("base", parameters=model.num_parameters(), vocabulary=len(tokenizer), steps=steps)
    losses = [fit(model, filled_rows(tokenizer, phase, recipe), phase, recipe, report) for phase in recipe.phases]
    save_model(model, tokenizer, out, FAMILY, "bfloat16")
    record(out, recipe, losses)


def record(folder: Path, recipe: Recipe, losses: Sequence[float]) -> None:
    """Write the recipe beside the files that it made."""
    files = {path.name: sha256_file(path) for path in sorted(folder.iterdir()) if path.name != RECIPE_FILE}
    text = {
        "recipe": json.loads(msgspec.json.encode(recipe)),
        "command": COMMAND,
        "compute": compute_dtype(),
        "tokens": sum(phase.steps * phase.rows for phase in recipe.phases) * recipe.length,
        "losses": [round(loss, 4) for loss in losses],
        "files": files,
    }
    (folder / RECIPE_FILE).write_bytes(dumps(text) + b"\n")


def filled_rows(tokenizer: Any, phase: Phase, recipe: Recipe) -> Iterator[list[list[int]]]:
    """Give batches of rows of equal length, without end: documents, an end of text after each, cut where a row is full."""
    written = documents(recipe.seed + phase.seed, phase.mixture)
    end = tokenizer.convert_tokens_to_ids(FAMILY.end_of_text)
    waiting: list[int] = []
    size = phase.rows * recipe.length
    while True:
        while len(waiting) < size:
            texts = list(itertools.islice(written, DOCUMENTS_AT_ONCE))
            for ids in tokenizer(texts, add_special_tokens=False)["input_ids"]:
                waiting += [*ids, end]
        yield [waiting[at : at + recipe.length] for at in range(0, size, recipe.length)]
        waiting = waiting[size:]


def fit(model: Any, batches: Iterator[list[list[int]]], phase: Phase, recipe: Recipe, report: Reporter) -> float:
    """Train a model for one phase by AdamW with warm-up and cosine; return the mean loss of the last steps."""
    import torch

    matrices = [p for p in model.parameters() if p.ndim >= 2]
    vectors = [p for p in model.parameters() if p.ndim < 2]
    groups = [{"params": matrices, "weight_decay": recipe.weight_decay}, {"params": vectors, "weight_decay": 0.0}]
    optimiser = torch.optim.AdamW(groups, lr=phase.learning_rate, betas=(0.9, 0.98), fused=True)
    model.train()
    losses: list[float] = []
    for step in range(phase.steps):
        for group in optimiser.param_groups:
            group["lr"] = phase.learning_rate * _share(step, phase)
        ids = torch.tensor(next(batches))
        with autocast("cpu", compute_dtype()):
            loss = model(input_ids=ids, labels=ids, use_cache=False).loss
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), recipe.clip)
        optimiser.step()
        optimiser.zero_grad(set_to_none=True)
        losses.append(loss.item())
        report.step("base", step + 1, phase.steps, loss=round(_mean(losses[-SMOOTHED:]), 4))
    return _mean(losses[-SMOOTHED:])


def _share(step: int, phase: Phase) -> float:
    """The share of the learning rate at a step."""
    warm = min(1.0, (step + 1) / phase.warmup)
    return warm * (0.05 + 0.95 * 0.5 * (1 + math.cos(math.pi * step / phase.steps)))


def _mean(losses: Sequence[float]) -> float:
    return math.fsum(losses) / len(losses)


def shipped_text_base(folder: Path = SHIPPED) -> Path:
    """Give the folder of the shipped base, its files as recorded. Raises ``MissingInput`` or ``ArtifactCorrupt``."""
    try:
        recorded = json.loads((folder / RECIPE_FILE).read_bytes())["files"]
    except FileNotFoundError:
        raise MissingInput(f"{folder}: the text base is not there; make it: {COMMAND}") from None
    for name, sha256 in recorded.items():
        path = folder / name
        if not path.is_file() or sha256_file(path) != sha256:
            raise ArtifactCorrupt(
                f"{path} is not the file that {RECIPE_FILE} records; restore it or make the base again"
            )
    return folder


def bounded(recipe: Recipe, steps: int) -> Recipe:
    """The recipe with at most ``steps`` steps a phase; 0 leaves it as it is."""
    if not steps:
        return recipe
    phases = tuple(msgspec.structs.replace(phase, steps=min(steps, phase.steps)) for phase in recipe.phases)
    return msgspec.structs.replace(recipe, phases=phases)


def main(arguments: Sequence[str] | None = None) -> int:
    """Make the base by the recipe, or a shorter one, and return the exit code."""
    parser = argparse.ArgumentParser(description="Make the text base of the instruct track again from its recipe.")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--steps", type=int, default=0, help="optimiser steps a phase; 0 takes the recipe's")
    options = parser.parse_args(arguments)
    with reporter() as report:
        build_text_base(options.out, report, bounded(RECIPE, options.steps))
        report.emit("finished", command="text_base", out=str(options.out), **report.usage())
    return 0


if __name__ == "__main__":
    sys.exit(main())
