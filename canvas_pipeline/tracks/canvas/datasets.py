"""Define the data sets of the Canvas track: trajectories, preference pairs, feedback examples, best-of-8 completions, and the pairs
of each round of SPPO."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from canvas_pipeline.datasets.spec import DatasetSpec
from canvas_pipeline.tracks.canvas.rows import FeedbackExample, PreferencePair, Trajectory
from canvas_pipeline.tracks.canvas.tools.prompt import declared

if TYPE_CHECKING:
    from canvas_pipeline.tracks.canvas.profiles import CanvasProfile


def _declared(
    row: Trajectory | PreferencePair | FeedbackExample, profile: CanvasProfile
) -> Sequence[dict[str, Any]] | None:
    return declared(row.tools, profile.declaration)


ROUNDS = ("sppo-1", "sppo-2", "sppo")
"""The data sets of pairs that are made of what a round's start says."""


DATASETS: Mapping[str, DatasetSpec] = {
    spec.name: spec
    for spec in (
        DatasetSpec(
            name="trajectory", title="Trajectories", row_type=Trajectory, sources=("trajectories",), schemas=_declared,
            funnels=("corpus", "trajectories", "trajectory_split"), min_rows=lambda profile: profile.min_trajectories,
        ),
        DatasetSpec(
            name="preference", title="Preference pairs", row_type=PreferencePair,
            sources=("onpolicy_pairs", "mutation_pairs", "labelled_pairs"),
            funnels=("corpus", "labelled_pairs", "mutation_pairs", "onpolicy_pairs", "preference_split"), schemas=_declared,
            min_rows=lambda profile: profile.min_preference_rows,
        ),
        # ``feedback_examples`` is drawn up to a number, not filtered: it has no funnel.
        DatasetSpec(
            name="feedback", title="Feedback examples", row_type=FeedbackExample, sources=("feedback_examples",),
            funnels=("corpus", "trajectories", "mutation_pairs", "onpolicy_pairs", "feedback_split"), schemas=_declared,
            min_rows=lambda profile: profile.min_feedback_rows,
        ),
        DatasetSpec(
            name="bon", title="Best-of-8 completions", row_type=FeedbackExample, sources=("bon_rows",),
            funnels=("corpus", "trajectories", "trajectory_split", "bon_rows", "bon_split"), schemas=_declared,
            min_rows=lambda profile: profile.min_bon_rows,
        ),
        *(
            DatasetSpec(
                name=name, title=f"Pairs of SPPO's round {number}", row_type=PreferencePair, sources=(f"{name}_pairs",),
                funnels=("corpus", "trajectories", "trajectory_split", f"{name}_pairs", f"{name}_split"), schemas=_declared,
                min_rows=lambda profile: profile.min_round_rows,
            )
            for number, name in enumerate(ROUNDS, 1)
        ),
    )
}  # fmt: skip
