"""Keep the weights of some steps as candidates for the production checkpoint, and stop a run that no longer improves.

Both depend on the run's steps and its log alone, which a resumed run shares with one that was not interrupted.
"""

from __future__ import annotations

import json
import math
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from canvas_pipeline.methods import Hyperparameters
from canvas_pipeline.storage.seal import Seal
from canvas_pipeline.training import launched
from canvas_pipeline.training.weights import CANDIDATES


def candidate_steps(total: int, count: int) -> tuple[int, ...]:
    """Return ``count`` evenly spaced steps of a run, the last step included; fewer where the run has fewer steps."""
    return tuple(dict.fromkeys(-(-total * number // count) for number in range(1, count + 1)))


def without_improvement(history: Sequence[Mapping[str, Any]]) -> int:
    """Count the evaluations since the one with the lowest loss. A loss that is not finite is no improvement."""
    losses = [float(row["eval_loss"]) for row in history if "eval_loss" in row]
    if not losses:
        return 0
    finite = [loss if math.isfinite(loss) else math.inf for loss in losses]
    return len(finite) - 1 - finite.index(min(finite))


def stops(history: Sequence[Mapping[str, Any]], patience: int) -> bool:
    """Tell whether a run ends after the last evaluation of its log."""
    return patience > 0 and without_improvement(history) >= patience


@dataclass(frozen=True, slots=True)
class Kept:
    """The candidates of a run that is not complete yet, each sealed, in a folder beside its step checkpoints.

    ``save`` writes the weights as they are now to a model folder; of several ranks all call it, and the first one writes."""

    folder: Path
    numbers: Hyperparameters
    fingerprint: str
    seal: Seal
    save: Callable[[Path], None]

    def steps(self, total: int) -> tuple[int, ...]:
        """Return the steps that have a folder of their own: all candidates but the last step of the plan."""
        return candidate_steps(total, self.numbers.candidates)[:-1]

    def keep(self, step: int) -> None:
        """Write and seal the candidate of the current step. The random numbers of the training are not touched."""
        import torch

        with torch.random.fork_rng():
            self.save(self.folder / str(step))
        if launched.first():
            self.seal.put(self.folder / str(step), self._about(step))

    def continues(self, checkpoint: Path) -> bool:
        """Tell whether a run can continue from a step checkpoint and end with all its candidates.

        It cannot where an earlier candidate is missing or was edited, nor where the run stopped at this step."""
        try:
            state = json.loads((checkpoint / "trainer_state.json").read_text(encoding="utf-8"))
        except FileNotFoundError:
            return False
        reached = (step for step in self.steps(state["max_steps"]) if step <= state["global_step"])
        return not stops(state["log_history"], self.numbers.patience) and all(
            self.seal.holds(self.folder / str(step), self._about(step)) for step in reached
        )

    def move(self, out: Path, total: int, last: int) -> list[int]:
        """Move the candidates of the steps before ``last`` to a folder, and return their steps."""
        reached = [step for step in self.steps(total) if step < last]
        for step in reached:
            target = out / CANDIDATES / str(step)
            target.parent.mkdir(exist_ok=True)
            shutil.move(str(self.folder / str(step)), target)
        return reached

    def _about(self, step: int) -> str:
        return f"candidate {step} of {self.fingerprint}"


def watch(kept: Kept) -> Any:
    """Return a callback that keeps the candidates of a trainer's run, and stops it when its patience has ended."""
    from transformers import TrainerCallback

    class Watch(TrainerCallback):
        def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
            # Before the step checkpoint is saved: one that is complete has every candidate up to it.
            if state.global_step in kept.steps(state.max_steps):
                kept.keep(state.global_step)

        def on_evaluate(self, args: Any, state: Any, control: Any, **_: Any) -> None:
            if stops(state.log_history, kept.numbers.patience):
                control.should_training_stop = True

    return Watch()
