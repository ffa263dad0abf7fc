"""The data sets that models are trained on, as one table: row type, the stages their rows come from, the least they may hold."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from canvas_pipeline.profiles import Profile
from canvas_pipeline.records import FeedbackExample, PreferencePair, Row, Trajectory

PARTS = ("train", "eval")
"""The parts of a split that training reads; ``test`` is for the benchmark."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DatasetSpec:
    """One data set. ``sources`` are the stages whose rows are split; ``funnels`` those whose row counts G6 judges, from the corpus
    to the split; ``min_rows`` reads the least number of training rows (G12) from a profile."""

    name: str
    row_type: type[Row]
    sources: tuple[str, ...]
    funnels: tuple[str, ...]
    min_rows: Callable[[Profile], int]

    @property
    def split(self) -> str:
        """The stage that holds its parts."""
        return f"splits/{self.name}"

    @property
    def parts(self) -> tuple[str, ...]:
        """The names of its training and evaluation files among a run's inputs."""
        return tuple(f"{self.name}_{part}" for part in PARTS)


DATASETS: Mapping[str, DatasetSpec] = {
    spec.name: spec
    for spec in (
        DatasetSpec(
            name="trajectory", row_type=Trajectory, sources=("trajectories",),
            funnels=("corpus", "trajectories", "splits/trajectory"), min_rows=lambda profile: profile.min_trajectories,
        ),
        DatasetSpec(
            name="preference", row_type=PreferencePair, sources=("mutation_pairs", "labelled_pairs"),
            funnels=("corpus", "labelled_pairs", "mutation_pairs", "splits/preference"),
            min_rows=lambda profile: profile.min_preference_rows,
        ),
        # ``feedback_examples`` is drawn up to a number, not filtered: it has no funnel.
        DatasetSpec(
            name="feedback", row_type=FeedbackExample, sources=("feedback_examples",),
            funnels=("corpus", "trajectories", "mutation_pairs", "splits/feedback"),
            min_rows=lambda profile: profile.min_feedback_rows,
        ),
    )
}  # fmt: skip
