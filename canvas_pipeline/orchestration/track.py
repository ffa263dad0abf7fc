"""Turn a track's stages into assets with checks, groups and memory demands, and define the track's jobs.

An asset only calls its stage's ``build`` and reports what that returns.
"""

import functools
import operator
from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta

import dagster as dg
from pydantic import Field

from canvas_pipeline.dagster_instance.local_run import LANE, MODELS
from canvas_pipeline.gb10.demand import TAG, THREADS, table
from canvas_pipeline.methods import method, rounds
from canvas_pipeline.orchestration.assets import Attributes, asset_key, attributes
from canvas_pipeline.orchestration.checks import check_specs
from canvas_pipeline.orchestration.guardrails import guardrails_job
from canvas_pipeline.orchestration.outcome import Result, outcome
from canvas_pipeline.orchestration.parts import partitioned_defs, report_parts
from canvas_pipeline.orchestration.resource import PipelineResource, pipes_launch
from canvas_pipeline.orchestration.sweep import sweep_job
from canvas_pipeline.pipeline.context import BuildContext
from canvas_pipeline.pipeline.stage import StageSpec, upstream
from canvas_pipeline.pipeline.track import Track, track_named
from canvas_pipeline.pipeline.workspace import StageResult

DAILY = dg.FreshnessPolicy.time_window(warn_window=timedelta(hours=26), fail_window=timedelta(hours=50))
"""Warn after one missed night, fail after two. A nightly that changes nothing counts as fresh."""

SCHEDULED = "scheduled"
"""Tag of the assets that the nightly builds."""


class TrackComponent(dg.Component, dg.Model, dg.Resolvable):
    """Define the assets of a track (all stages after intake) and its jobs ``<track>_demo``, ``<track>_train``,
    ``<track>_guardrails`` and ``<track>_sweep``."""

    track: str = Field(description="a package below tracks/")
    methods: list[str] = Field(default=[], description="names from the method table; default: all methods of the track")

    def build_defs(self, context: dg.ComponentLoadContext) -> dg.Definitions:
        track = track_named(self.track)
        stages = track.stages(tuple(self.methods))
        line = dg.Definitions(
            assets=[_asset(spec, track, next_act(spec, stages, track.name)) for spec in stages.values()],
            jobs=[
                dg.define_asset_job(
                    f"{track.name}_demo", selection=demo_selection(track), tags={LANE: MODELS},
                    description=f"Everything after intake with {', '.join(track.demo_methods)}.",
                ),
                dg.define_asset_job(
                    f"{track.name}_train", selection=training_selection(track), tags={LANE: MODELS},
                    description="All methods on the current splits (canvas-train).",
                ),
                guardrails_job(track),
                sweep_job(track),
            ],
        )  # fmt: skip
        return dg.Definitions.merge(line, partitioned_defs(track))


def demo_selection(track: Track, methods: Sequence[str] = ()) -> dg.AssetSelection:
    """Select the scheduled stages that belong to no method or to a round of ``methods`` (default: the demo's)."""
    wanted = {step.name for name in methods or track.demo_methods for step in rounds(method(name))}
    found = track.stages().values()
    return selection((s.name for s in found if s.scheduled and (not s.method or s.method in wanted)), track.name)


def scheduled(tracks: Iterable[Track]) -> dg.AssetSelection:
    """Select what the nightly builds of some tracks."""
    made = dg.AssetSelection.tag(SCHEDULED, "yes")
    return made & functools.reduce(operator.or_, (dg.AssetSelection.tag("track", track.name) for track in tracks))


def training_selection(track: Track, methods: Sequence[str] = ()) -> dg.AssetSelection:
    """Select the checkpoints of ``methods`` (default: all) and every stage upstream of them, except rows stages."""
    names = [f"{method(name).name}_checkpoint" for name in methods or track.methods]
    return selection(upstream(track.stages(), names), track.name)


def benching_selection(track: Track, methods: Sequence[str]) -> dg.AssetSelection:
    """Select the checkpoints and benches of ``methods``, their comparison and choice, the track's own evaluation before the
    release, and every stage upstream of them, except rows stages."""
    stages = track.stages(tuple(methods))
    own = [
        spec.name
        for spec in track.evaluation_stages()
        if not spec.method and "release" not in upstream(stages, [spec.name])
    ]
    names = [*(f"{method(name).name}_bench" for name in methods), "method_matrix", "production_checkpoint", *own]
    return selection(upstream(stages, names), track.name)


def selection(names: Iterable[str], track: str) -> dg.AssetSelection:
    """Select the assets of some stages."""
    return dg.AssetSelection.assets(*(asset_key(name, track) for name in names))


def _attributes(spec: StageSpec, track: str) -> Attributes:
    found = attributes(track, spec.kind, spec.group, spec.method, spec.tools)
    return {**found, "tags": {**found["tags"], **({SCHEDULED: "yes"} if spec.scheduled else {})}}


def next_act(spec: StageSpec, stages: Mapping[str, StageSpec], track: str) -> str:
    """Return what to do after a stage, in one line: its spec's ``next_act``, else which assets to materialise.

    Those are the stages that read it, except where one is downstream of another. Stages of several methods are folded into
    ``<method>``. Empty if no stage reads it."""
    if spec.next_act:
        return spec.next_act
    readers = [other for other in stages.values() if spec.name in other.inputs]
    later = {other.name for other in readers if any(_comes_after(other, first.name, stages) for first in readers)}
    following = sorted((other for other in readers if other.name not in later), key=lambda other: not other.scheduled)
    several = len({other.method for other in following} - {"", spec.method}) > 1
    names = dict.fromkeys(
        _folded(other) if several and other.method != spec.method else other.name for other in following
    )
    return f"materialise {', '.join(f'{track}/{name}' for name in names)}" if names else ""


def _comes_after(spec: StageSpec, name: str, stages: Mapping[str, StageSpec]) -> bool:
    """Return whether a stage is downstream of another."""
    return any(
        inner == name or (inner in stages and _comes_after(stages[inner], name, stages)) for inner in spec.inputs
    )


def _folded(spec: StageSpec) -> str:
    return f"<method>{spec.name.removeprefix(spec.method)}" if spec.method else spec.name


def _asset(spec: StageSpec, track: Track, after: str) -> dg.AssetsDefinition:
    key = asset_key(spec.name, track.name)

    @dg.asset(
        key=key,
        deps=[asset_key(name, track.name) for name in spec.inputs],
        description=spec.description,
        **_attributes(spec, track.name),
        freshness_policy=DAILY if spec.expected_daily else None,
        op_tags={TAG: table(spec.memory_gib), THREADS: "all"} if spec.memory_gib else {},
        check_specs=check_specs(key, spec.checks),
    )
    def asset(context: dg.AssetExecutionContext, pipeline: PipelineResource, pipes: dg.PipesSubprocessClient) -> Result:
        made = spec.build(BuildContext(spec, pipeline.workspace(context, track), pipes_launch(context, pipes)))
        report_parts(context, track, made.parts)
        return outcome(made, spec.checks, named=_named(spec, made), next_act=after)

    return asset


def _named(spec: StageSpec, made: StageResult) -> list[str]:
    """Return the inputs whose names may be shown. Rows stages also read contributors' files, whose names are their ids."""
    inputs = [name for name in made.stage.manifest.recipe.inputs if spec.kind != "rows" and "/" not in name]
    return [*spec.inputs, *inputs]
