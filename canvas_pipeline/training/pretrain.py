"""Train a shipped base model from nothing, and record the recipe with the files that it made."""

from __future__ import annotations

import argparse
import json
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from canvas_pipeline.errors import ArtifactCorrupt, MissingInput
from canvas_pipeline.records import dumps
from canvas_pipeline.storage.digests import sha256_file
from canvas_pipeline.training.allocator import bound
from canvas_pipeline.training.device import autocast
from canvas_pipeline.training.libraries import quiet
from canvas_pipeline.training.precision import compute_dtype
from canvas_pipeline.training.progress import Reporter, reporter

RECIPE_FILE = "recipe.json"
SMOOTHED = 50
"""Steps whose mean loss is reported."""
LOWEST = 0.05
"""The share of the learning rate that the cosine ends at."""

R = TypeVar("R", bound=msgspec.Struct)


def fit(
    model: Any, batches: Iterator[Mapping[str, Any]], report: Reporter, *, steps: int, learning_rate: float, warmup: int,
    weight_decay: float, clip: float = 1.0,
) -> float:  # fmt: skip
    """Train a model on the CPU by AdamW with linear warm-up and cosine decay. Return the mean loss of the last steps.

    A batch holds the arguments of the model, ``labels`` among them. Vectors (norms, biases) have no weight decay."""
    import torch

    matrices = [p for p in model.parameters() if p.ndim >= 2]
    vectors = [p for p in model.parameters() if p.ndim < 2]
    groups = [{"params": matrices, "weight_decay": weight_decay}, {"params": vectors, "weight_decay": 0.0}]
    optimiser = torch.optim.AdamW(groups, lr=learning_rate, betas=(0.9, 0.98), fused=True)
    model.train()
    losses: list[float] = []
    for step in range(steps):
        for group in optimiser.param_groups:
            group["lr"] = learning_rate * _schedule(step, steps, warmup)
        with autocast("cpu", compute_dtype()):
            loss = model(**next(batches), use_cache=False).loss
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), clip)
        optimiser.step()
        optimiser.zero_grad(set_to_none=True)
        losses.append(loss.item())
        report.step("base", step + 1, steps, loss=round(_mean(losses[-SMOOTHED:]), 4))
    return _mean(losses[-SMOOTHED:])


def _schedule(step: int, steps: int, warmup: int) -> float:
    """Give the share of the learning rate at a step."""
    return min(1.0, (step + 1) / warmup) * (LOWEST + (1 - LOWEST) * 0.5 * (1 + math.cos(math.pi * step / steps)))


def _mean(losses: Sequence[float]) -> float:
    return math.fsum(losses) / len(losses)


def shortened(recipe: R, steps: int) -> R:
    """Bound every phase of a recipe to ``steps`` optimiser steps; 0 leaves it as it is. Phases are its field ``phases``."""
    if not steps:
        return recipe
    phases: Sequence[Any] = recipe.phases  # type: ignore[attr-defined]
    bounded = tuple(msgspec.structs.replace(phase, steps=min(steps, phase.steps)) for phase in phases)
    return msgspec.structs.replace(recipe, phases=bounded)


def write_recipe(folder: Path, recipe: msgspec.Struct, command: str, losses: Sequence[float], **more: Any) -> None:
    """Write the recipe, the command that repeats it, the loss of each phase and the sha256 of each file of the folder."""
    files = {path.name: sha256_file(path) for path in sorted(folder.iterdir()) if path.name != RECIPE_FILE}
    text = {
        "recipe": msgspec.to_builtins(recipe),
        "command": command,
        "compute": compute_dtype(),
        "losses": [round(loss, 4) for loss in losses],
        "files": files,
        **more,
    }
    (folder / RECIPE_FILE).write_bytes(dumps(text) + b"\n")


def verified(folder: Path, command: str) -> Path:
    """Return the folder of a shipped base if its files are as recorded. Raises ``MissingInput`` or ``ArtifactCorrupt``."""
    try:
        recorded = json.loads((folder / RECIPE_FILE).read_bytes())["files"]
    except FileNotFoundError:
        raise MissingInput(f"{folder}: the shipped base is not there; make it: {command}") from None
    for name, sha256 in recorded.items():
        path = folder / name
        if not path.is_file() or sha256_file(path) != sha256:
            raise ArtifactCorrupt(
                f"{path} is not the file that {RECIPE_FILE} records; restore it or make the base again"
            )
    return folder


def command_line(
    build: Callable[[Path, Reporter, int], None], name: str, arguments: Sequence[str] | None = None
) -> int:
    """Make a base into ``--out`` by its recipe, or with at most ``--steps`` optimiser steps a phase; return the exit code."""
    parser = argparse.ArgumentParser(description=f"Make the shipped base {name} again from its recipe.")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--steps", type=int, default=0, help="optimiser steps a phase; 0 takes the recipe's")
    options = parser.parse_args(arguments)
    quiet()
    bound()
    with reporter() as report:
        build(options.out, report, options.steps)
        report.emit("finished", command=name, out=str(options.out), **report.usage())
    return 0
