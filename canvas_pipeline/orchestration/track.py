"""A track as one component: its stages as assets, with checks, groups and memory, from their declarations.

What must hold: an asset only calls its stage and shows what that returns.
"""

from collections.abc import Iterable
from datetime import timedelta

import dagster as dg
from pydantic import Field

from canvas_pipeline.gb10.demand import TAG, THREADS, table
from canvas_pipeline.orchestration.outcome import Result, check_specs, outcome
from canvas_pipeline.orchestration.resource import Line, pipes_launch
from canvas_pipeline.pipeline.stage import StageSpec
from canvas_pipeline.pipeline.track import track_named

DAILY = dg.FreshnessPolicy.time_window(warn_window=timedelta(hours=26), fail_window=timedelta(hours=50))
"""A warning when one night was missed, a failure when two were. A night that changes nothing counts as fresh."""


class TrackComponent(dg.Component, dg.Model, dg.Resolvable):
    """The stages of a track after intake. ``methods`` are rows of the method table (all of the track's where none is named)."""

    track: str = Field(description="a package below tracks/")
    methods: list[str] = Field(default=[], description="rows of the method table")

    def build_defs(self, context: dg.ComponentLoadContext) -> dg.Definitions:
        return dg.Definitions(
            assets=[_asset(spec, self.track) for spec in track_named(self.track).stages(tuple(self.methods)).values()]
        )


def asset_key(name: str, track: str = "canvas") -> dg.AssetKey:
    """A stage's key in Dagster: the track, then the stage's name."""
    return dg.AssetKey([track, *name.split("/")])


def selection(names: Iterable[str], track: str = "canvas") -> dg.AssetSelection:
    """The assets of some stages."""
    return dg.AssetSelection.assets(*(asset_key(name, track) for name in names))


def group_of(spec: StageSpec) -> str:
    """The group in the web UI: one for each method, so that it folds, and one for each part of the track."""
    return spec.group.replace("-", "_")


def _asset(spec: StageSpec, track: str) -> dg.AssetsDefinition:
    key = asset_key(spec.name, track)

    @dg.asset(
        key=key,
        deps=[asset_key(name, track) for name in spec.inputs],
        group_name=group_of(spec),
        description=spec.description,
        kinds=set(spec.tools),
        freshness_policy=DAILY if spec.expected_daily else None,
        op_tags={TAG: table(spec.memory_gib), THREADS: "all"} if spec.memory_gib else {},
        check_specs=check_specs(key, spec.checks),
    )
    def asset(context: dg.AssetExecutionContext, line: Line, pipes: dg.PipesSubprocessClient) -> Result:
        return outcome(spec.make(line.workspace(context), pipes_launch(context, pipes)), spec.checks)

    return asset
