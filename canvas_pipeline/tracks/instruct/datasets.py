"""Define the data sets of the instruct track: instructions with answers, and preference pairs sampled from the supervised model."""

from __future__ import annotations

from collections.abc import Mapping

from canvas_pipeline.datasets.spec import DatasetSpec
from canvas_pipeline.tracks.instruct.rows import InstructRow, PreferenceRow

DATASETS: Mapping[str, DatasetSpec] = {
    spec.name: spec
    for spec in (
        DatasetSpec(
            name="trajectory", title="Instructions with answers", row_type=InstructRow, sources=("sft_rows",),
            funnels=("sft_rows", "trajectory_split"), min_rows=lambda profile: profile.min_train_rows,
        ),
        DatasetSpec(
            name="preference", title="Preference pairs", row_type=PreferenceRow, sources=("pairs",),
            funnels=("sft_rows", "trajectory_split", "pairs", "preference_split"), min_rows=lambda profile: profile.min_pairs,
        ),
    )
}  # fmt: skip
