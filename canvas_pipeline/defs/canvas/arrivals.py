"""Define the intake job and the sensor that requests it for new contributor files, and the job ``forget``."""

import time
from pathlib import Path

import dagster as dg

from canvas_pipeline.automation import arrivals
from canvas_pipeline.dagster_instance.local_run import LANE, MODELS
from canvas_pipeline.defs.automation import WATCHING
from canvas_pipeline.defs.canvas.intake import CONTRIBUTORS, collab
from canvas_pipeline.defs.canvas.removal import removals
from canvas_pipeline.orchestration.resource import PipelineResource
from canvas_pipeline.privacy.contributor_id import SUFFIXES, contributor_of, in_folder
from canvas_pipeline.privacy.quarantine import REASONS
from canvas_pipeline.tracks.canvas.data.intake import intake_code

SHOWN = 10
"""Skipped files that one tick names at most."""
WAITING = [
    dg.DagsterRunStatus.QUEUED,
    dg.DagsterRunStatus.NOT_STARTED,
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED,
]

intake_job = dg.define_asset_job(
    "intake",
    selection=dg.AssetSelection.assets(collab),
    description="Ingest one contributor (pick a partition).",
    tags={LANE: "intake"},
)
forget_job = dg.define_asset_job(
    "forget",
    selection=dg.AssetSelection.assets(removals),
    description="Remove a contributor (name them in the launch pad) and rebuild the rows that depended on them.",
    tags={LANE: MODELS},
)


@dg.sensor(job=intake_job, minimum_interval_seconds=30, default_status=WATCHING)
def contributors(context: dg.SensorEvaluationContext, pipeline: PipelineResource) -> dg.SensorResult:
    """Request a partition and a run for each new or changed contributor file once it is complete, for all if intake's code changed.

    The cursor contains the files seen and the runs requested. Dagster stores it together with the requests, so an interrupted
    tick is resumed, not repeated. There are no run keys: a file that returns to earlier content has changed too and needs a run.
    A file that is being written keeps its partition. A missing folder (a disk that is not mounted) removes no partition."""
    folder = Path(pipeline.root) / "collab"
    if not folder.is_dir():
        return dg.SensorResult(skip_reason=f"{folder}: no such folder")
    seen = arrivals.scan(folder, arrivals.from_cursor(context.cursor), time.time())
    if blocked := arrivals.unreadable(seen):
        context.log.warning(
            f"{folder}: {len(blocked)} file(s) cannot be read, look at their rights: {', '.join(blocked[:5])}"
        )
    waiting = context.instance.get_runs_count(dg.RunsFilter(job_name=intake_job.name, statuses=WAITING))
    names, seen = arrivals.choose(seen, waiting, intake_code())
    settled = {name for name, sighting in seen.items() if sighting.sha256}
    passed_over = [f"{file.source}: {REASONS[file.reason]}" for file in in_folder(folder)[1]]
    if passed_over:
        context.log.warning(f"{folder}: {len(passed_over)} not taken in: " + "; ".join(passed_over[:SHOWN]))
    # A contributor whose file is refused (two files of one name, a folder of that name) keeps the partition.
    present = {contributor_of(path) for path in folder.glob("[!.]*") if path.name.endswith(SUFFIXES)}
    known = set(context.instance.get_dynamic_partitions(CONTRIBUTORS.name or ""))
    return dg.SensorResult(
        run_requests=[dg.RunRequest(partition_key=name) for name in names],
        skip_reason=None if names or not passed_over else "not taken in: " + "; ".join(passed_over[:SHOWN]),
        dynamic_partitions_requests=[
            CONTRIBUTORS.build_add_request(sorted(settled - known)),
            CONTRIBUTORS.build_delete_request(sorted(known - present)),
        ],
        cursor=arrivals.to_cursor(seen),
    )


@dg.definitions
def arriving() -> dg.Definitions:
    return dg.Definitions(jobs=[intake_job, forget_job], sensors=[contributors])
