"""A track as one component: its stages as assets, with checks, groups and memory, from their declarations.

What must hold: an asset only calls its stage and shows what that returns.
"""

import functools
import operator
import os
from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from typing import TypedDict

import dagster as dg
from pydantic import Field

from canvas_pipeline.dagster_instance.local_run import LANE, MODELS
from canvas_pipeline.gb10.demand import TAG, THREADS, table
from canvas_pipeline.methods import method
from canvas_pipeline.orchestration.checks import check_specs
from canvas_pipeline.orchestration.guardrails import guardrails_job
from canvas_pipeline.orchestration.outcome import Result, outcome
from canvas_pipeline.orchestration.resource import PipelineResource, pipes_launch
from canvas_pipeline.orchestration.sweep import sweep_job
from canvas_pipeline.pipeline.context import BuildContext
from canvas_pipeline.pipeline.stage import StageSpec, upstream
from canvas_pipeline.pipeline.track import Track, track_named
from canvas_pipeline.pipeline.workspace import StageResult

DAILY = dg.FreshnessPolicy.time_window(warn_window=timedelta(hours=26), fail_window=timedelta(hours=50))
"""A warning when one night was missed, a failure when two were. A night that changes nothing counts as fresh."""


OWNERS = [owner.strip() for owner in (os.environ.get("CANVAS_OWNERS") or "team:canvas-pipeline").split(",")]
"""Who answers for the assets: teams (``team:NAME``) or e-mail addresses, with commas between them."""
SCHEDULED = "scheduled"
"""Asset tag: the demo and the nightly make it."""
KINDS: Mapping[str, str] = {"rows": "jsonl", "model": "pytorch", "report": "report", "spec": "json"}
"""What an asset's box in the graph is marked with, where the stage names no tools."""


class Attributes(TypedDict):
    """What Dagster's asset decorator takes of ``attributes``."""

    group_name: str
    owners: list[str]
    tags: dict[str, str]
    kinds: set[str]


class TrackComponent(dg.Component, dg.Model, dg.Resolvable):
    """The stages of a track after intake, and its jobs: ``<track>_demo``, ``<track>_train``, ``<track>_guardrails``,
    ``<track>_sweep``."""

    track: str = Field(description="a package below tracks/")
    methods: list[str] = Field(
        default=[], description="rows of the method table; all of the track's where none is named"
    )

    def build_defs(self, context: dg.ComponentLoadContext) -> dg.Definitions:
        track = track_named(self.track)
        stages = track.stages(tuple(self.methods))
        return dg.Definitions(
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


def demo_selection(track: Track, methods: Sequence[str] = ()) -> dg.AssetSelection:
    """Everything after intake with some methods (by default those of the demo), and the quants of the production checkpoint."""
    wanted = methods or track.demo_methods
    found = track.stages().values()
    return selection((s.name for s in found if s.scheduled and (not s.method or s.method in wanted)), track.name)


def scheduled(tracks: Iterable[Track]) -> dg.AssetSelection:
    """What the nightly makes of some tracks."""
    made = dg.AssetSelection.tag(SCHEDULED, "yes")
    return made & functools.reduce(operator.or_, (dg.AssetSelection.tag("track", track.name) for track in tracks))


def training_selection(track: Track, methods: Sequence[str] = ()) -> dg.AssetSelection:
    """What trains some methods (by default all) on the current splits: the methods, what they start from and are judged by."""
    names = [f"{method(name).name}_checkpoint" for name in methods or track.methods]
    return selection(upstream(track.stages(), names), track.name)


def asset_key(name: str, track: str) -> dg.AssetKey:
    """A stage's key in Dagster: the track, then the stage's name."""
    return dg.AssetKey([track, *name.split("/")])


def selection(names: Iterable[str], track: str) -> dg.AssetSelection:
    """The assets of some stages."""
    return dg.AssetSelection.assets(*(asset_key(name, track) for name in names))


def attributes(track: str, kind: str, group: str, method: str = "", tools: Iterable[str] = ()) -> Attributes:
    """Group, owners, tags and kinds of an asset: what the web UI filters and folds by. A group is one method or one part of a
    track; the track's name stands before it, so that two tracks' groups are not one."""
    return {
        "group_name": f"{track}_{group}".replace("-", "_"),
        "owners": OWNERS,
        "tags": {"track": track, "kind": kind, **({"method": method} if method else {})},
        "kinds": set(tools) or {KINDS[kind]},
    }


def _attributes(spec: StageSpec, track: str) -> Attributes:
    found = attributes(track, spec.kind, spec.group, spec.method, spec.tools)
    return {**found, "tags": {**found["tags"], **({SCHEDULED: "yes"} if spec.scheduled else {})}}


def next_act(spec: StageSpec, stages: Mapping[str, StageSpec], track: str) -> str:
    """What to do when a stage is there, in one line: its own words, else the assets that come next (one for all methods)."""
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
    """Whether a stage is made from another, directly or through others."""
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
        return outcome(made, spec.checks, named=_named(spec, made), next_act=after)

    return asset


def _named(spec: StageSpec, made: StageResult) -> list[str]:
    """The inputs that may be named. Stages of rows also read people's files, which are named after them."""
    inputs = [name for name in made.stage.manifest.recipe.inputs if spec.kind != "rows" and "/" not in name]
    return [*spec.inputs, *inputs]
