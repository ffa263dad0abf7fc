"""Define the data set of the router track, and its guards beside the standard ones: R8."""

from __future__ import annotations

from collections.abc import Mapping

from canvas_pipeline.datasets.spec import DatasetSpec
from canvas_pipeline.guardrails.standard import base_guard
from canvas_pipeline.guardrails.table import GuardTable
from canvas_pipeline.tracks.contamination import contamination_guard
from canvas_pipeline.tracks.router.rows import RouterExample

DATASETS: Mapping[str, DatasetSpec] = {
    "trajectory": DatasetSpec(
        name="trajectory", title="Queries with route plans", row_type=RouterExample, sources=("parts",),
        funnels=("source_rows", "parts", "trajectory_split"), min_rows=lambda profile: profile.min_train_rows,
    )
}  # fmt: skip
TABLE = GuardTable(
    (
        base_guard("route_plan_exact", 0.0, "the base was asked every case before any training"),
        contamination_guard(("trajectory_train",)),
    ),
    DATASETS,
)
"""All guards of the track, standard ones included."""
