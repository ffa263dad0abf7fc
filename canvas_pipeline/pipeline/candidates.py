"""The candidates that a checkpoint holds: the weights of its last step and of earlier ones, each with a hash of its own.

A checkpoint with a single candidate is known by its stage's hash. One with several has a hash for each folder of weights.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from canvas_pipeline.evaluation.selection import Candidate, SelectionRecord
from canvas_pipeline.storage.digests import content_sha256
from canvas_pipeline.storage.store import Stage
from canvas_pipeline.training.weights import ADAPTER, CANDIDATES, MODEL

RECORD = "selection.json"
"""The file of a stage that says which candidate was chosen, and why."""


@dataclass(frozen=True, slots=True)
class Weights:
    """One candidate of a checkpoint: ``folder`` is the name of its model folder in the stage."""

    stage: Stage
    candidate: Candidate
    step: int
    folder: str

    @property
    def sha256(self) -> str:
        return self.candidate.checkpoint_sha256

    @property
    def single(self) -> bool:
        """Whether the checkpoint holds no other candidate."""
        return self.sha256 == self.stage.sha256

    @property
    def config(self) -> dict[str, str]:
        """What a stage made from these weights adds to its recipe, beside the checkpoint's hash."""
        return {} if self.single else {"candidate": self.sha256}

    @property
    def adapter(self) -> tuple[str, ...]:
        """The stage's files of the adapter that was folded into these weights; none where the whole weights were trained."""
        folder = f"{ADAPTER}/" if self.folder == MODEL else f"{self.folder}/{ADAPTER}/"
        return tuple(name for name in self.stage.manifest.files if name.startswith(folder))

    def directory(self) -> Path:
        """The model folder. Raises what ``Stage.directory`` does."""
        return self.stage.directory() / self.folder


def of_checkpoint(stage: Stage, method: str) -> tuple[Weights, ...]:
    """The candidates of a method's checkpoint, by step; the last one is the end of the training."""
    summary = msgspec.json.decode(stage.path("summary.json").read_bytes())
    kept = sorted({int(name.split("/")[1]) for name in stage.manifest.files if name.startswith(f"{CANDIDATES}/")})
    return tuple(_weights(stage, method, summary, kept))


def _weights(stage: Stage, method: str, summary: dict[str, Any], kept: list[int]) -> Iterator[Weights]:
    epochs, last = float(summary["hyperparameters"]["epochs"]), int(summary["steps"])
    for step, folder in (*((step, f"{CANDIDATES}/{step}") for step in kept), (last, MODEL)):
        sha256 = content_sha256(
            {
                name.removeprefix(f"{folder}/"): entry.sha256
                for name, entry in stage.manifest.files.items()
                if name.startswith(f"{folder}/")
            }
        )
        epoch = epochs * step / summary["planned_steps"] if "planned_steps" in summary else epochs
        candidate = Candidate(method=method, epoch=epoch, checkpoint_sha256=sha256 if kept else stage.sha256)
        yield Weights(stage, candidate, step, folder)


def chosen(checkpoint: Stage, bench: Stage, method: str) -> Weights:
    """The candidate of a method that its bench chose by the selection cases and asked the test cases."""
    found = of_checkpoint(checkpoint, method)
    if RECORD not in bench.manifest.files:
        return found[-1]
    best = best_of(read_selection(bench))
    return next(one for one in found if one.candidate == best)


def best_of(record: SelectionRecord) -> Candidate:
    """The candidate that stands for a method: the chosen one, or where none is eligible the one that comes nearest."""
    return record.chosen or record.candidates[0].candidate


def read_selection(stage: Stage) -> SelectionRecord:
    """A stage's choice among candidates."""
    return msgspec.json.decode(stage.path(RECORD).read_bytes(), type=SelectionRecord)


def report_of(one: Weights) -> str:
    """The file of the method's bench with the candidate's report on the selection cases."""
    return _beside(one, "report-selection.json")


def predictions_of(one: Weights) -> str:
    """The file of the method's bench with the candidate's predictions for the selection cases."""
    return _beside(one, "predictions-selection.jsonl")


def _beside(one: Weights, file: str) -> str:
    return file if one.single else f"{CANDIDATES}/{one.step}/{file}"


def stopped_early(summary: Mapping[str, Any]) -> str:
    """A sentence on why a training ended before its last planned step."""
    return (
        f"at step {summary['steps']} of {summary['planned_steps']}: no lower evaluation loss in "
        f"{summary['stopped']['evaluations_without_improvement']} evaluations"
    )
