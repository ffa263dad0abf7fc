"""Define the data set of the math track: problems with worked solutions."""

from __future__ import annotations

from collections.abc import Mapping

from canvas_pipeline.datasets.spec import DatasetSpec
from canvas_pipeline.tracks.math.rows import MathRow

DATASETS: Mapping[str, DatasetSpec] = {
    "trajectory": DatasetSpec(
        name="trajectory", title="Problems with worked solutions", row_type=MathRow, sources=("math_rows",),
        funnels=("sources", "math_rows", "trajectory_split"), min_rows=lambda profile: profile.min_train_rows,
    )
}  # fmt: skip
