"""Define the data set of the code track: instructions with programs that pass their tests."""

from __future__ import annotations

from collections.abc import Mapping

from canvas_pipeline.datasets.spec import DatasetSpec
from canvas_pipeline.tracks.code.rows import CodeRow

DATASETS: Mapping[str, DatasetSpec] = {
    "trajectory": DatasetSpec(
        name="trajectory", title="Instructions with programs", row_type=CodeRow, sources=("rows",),
        funnels=("source_rows", "rows", "trajectory_split"), min_rows=lambda profile: profile.min_train_rows,
    )
}  # fmt: skip
