"""Turn a track's partitioned stages into assets with a partition for each part, jobs for one part, and a sensor of their files."""

import os
import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import dagster as dg

from canvas_pipeline.automation import arrivals, nightly
from canvas_pipeline.dagster_instance.local_run import LANE
from canvas_pipeline.gb10.demand import TAG, THREADS, table
from canvas_pipeline.orchestration.assets import VERSION_TAG, asset_key, attributes
from canvas_pipeline.orchestration.outcome import Result, outcome
from canvas_pipeline.orchestration.resource import PipelineResource, pipes_launch
from canvas_pipeline.pipeline.parts import SUITE, SUITE_BENCH, build_part, partitioned_stages
from canvas_pipeline.pipeline.stage import StageSpec
from canvas_pipeline.pipeline.track import Track
from canvas_pipeline.pipeline.workspace import StageResult

INTAKE = "intake"
WAITING = [
    dg.DagsterRunStatus.QUEUED,
    dg.DagsterRunStatus.NOT_STARTED,
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED,
]
NO_KEY = "..."
"""Dagster takes no partition whose name holds this. Such a part is made with the others, without a partition."""


def partitioned_defs(track: Track) -> dg.Definitions:
    """Return the assets ``<track>/<stage>``, the jobs ``<track>_<stage>`` and the sensor ``<track>_files``, if there are parts."""
    specs = partitioned_stages(track)
    own = [spec for spec in specs.values() if spec.name != SUITE_BENCH]
    jobs = {
        spec.name: dg.define_asset_job(
            f"{track.name}_{spec.name}",
            selection=dg.AssetSelection.assets(asset_key(spec.name, track.name)),
            description=f"One part of {track.name}/{spec.name} (pick a partition).",
            tags={LANE: INTAKE},
        )
        for spec in own
    }
    return dg.Definitions(
        assets=[_asset(spec, track) for spec in specs.values()],
        jobs=list(jobs.values()),
        sensors=[_sensor(track, own, jobs)] if own else [],
    )


def partitions(track: Track, name: str) -> dg.DynamicPartitionsDefinition:
    """Return the partitions of a partitioned stage; the bench of suites has those of the suites."""
    return dg.DynamicPartitionsDefinition(name=f"{track.name}_{SUITE if name == SUITE_BENCH else name}")


def report_parts(context: dg.AssetExecutionContext, track: Track, made: Mapping[str, StageResult]) -> None:
    """Report the parts that a stage made, or that this instance has not seen, as materialisations of their partitions."""
    for stage, result in made.items():
        name, _, part = stage.partition("/")
        key = asset_key(name, track.name)
        if NO_KEY in part or (result.reused and part in context.instance.get_materialized_partitions(key)):
            continue
        context.instance.add_dynamic_partitions(partitions(track, name).name or "", [part])
        context.log_event(
            dg.AssetMaterialization(
                key, partition=part, metadata=outcome(result).metadata, tags={VERSION_TAG: result.stage.sha256}
            )
        )


def _asset(spec: StageSpec, track: Track) -> dg.AssetsDefinition:
    @dg.asset(
        key=asset_key(spec.name, track.name),
        deps=[asset_key(name, track.name) for name in spec.inputs],
        description=spec.description,
        partitions_def=partitions(track, spec.name),
        op_tags={TAG: table(spec.memory_gib), THREADS: "all"} if spec.memory_gib else {},
        **attributes(track.name, spec.kind, spec.group, spec.method, spec.tools),
    )
    def asset(context: dg.AssetExecutionContext, pipeline: PipelineResource, pipes: dg.PipesSubprocessClient) -> Result:
        ws = pipeline.workspace(context, track)
        made = build_part(ws, spec.name, context.partition_key, pipes_launch(context, pipes))
        return outcome(made, next_act=spec.next_act)

    return asset


def _sensor(track: Track, specs: Iterable[StageSpec], jobs: Mapping[str, Any]) -> dg.SensorDefinition:
    night = nightly.nightly_settings(os.environ)
    status = dg.DefaultSensorStatus.RUNNING if night.running else dg.DefaultSensorStatus.STOPPED

    @dg.sensor(
        name=f"{track.name}_files",
        jobs=list(jobs.values()),
        minimum_interval_seconds=30,
        default_status=status,
        description=f"Add and remove the partitions of {track.name} by its files, and request a run for a new or changed one.",
    )
    def files(context: dg.SensorEvaluationContext, pipeline: PipelineResource) -> dg.SensorResult:
        ws = pipeline.here(track)
        now = {spec.name: {p: f for p, f in (spec.parts or _none)(ws).items() if NO_KEY not in p} for spec in specs}
        paths = {f"{name}/{part}": file for name, parts in now.items() for part, file in parts.items() if file}
        seen = arrivals.scan_files(paths, arrivals.from_cursor(context.cursor), time.time())
        waiting = context.instance.get_runs_count(dg.RunsFilter(tags={LANE: INTAKE}, statuses=WAITING))
        due, seen = arrivals.choose(seen, waiting, "")
        requests: list[dg.AddDynamicPartitionsRequest | dg.DeleteDynamicPartitionsRequest] = []
        for name, parts in now.items():
            definition = partitions(track, name)
            known = set(context.instance.get_dynamic_partitions(definition.name or ""))
            requests.append(definition.build_add_request(sorted({*parts} - known)))
            if parts:  # else the disk may not be mounted
                requests.append(definition.build_delete_request(sorted(known - {*parts})))
        chosen = (key.partition("/")[::2] for key in due)
        return dg.SensorResult(
            run_requests=[dg.RunRequest(job_name=jobs[name].name, partition_key=part) for name, part in chosen],
            dynamic_partitions_requests=requests,
            cursor=arrivals.to_cursor(seen),
        )

    return files


def _none(ws: object) -> Mapping[str, Path | None]:
    return {}
