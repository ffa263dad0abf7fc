"""What takes contributors in by itself: a partition and a run for each contributor file that appears."""

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
"""Files that are passed over, named in one tick."""
WAITING = [
    dg.DagsterRunStatus.QUEUED,
    dg.DagsterRunStatus.NOT_STARTED,
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED,
]

intake_job = dg.define_asset_job(
    "intake",
    selection=dg.AssetSelection.assets(collab),
    description="Take one contributor in (pick a partition).",
    tags={LANE: "intake"},
)
forget_job = dg.define_asset_job(
    "forget",
    selection=dg.AssetSelection.assets(removals),
    description="A contributor leaves (name them in the launch pad); rows that depended on them are rebuilt.",
    tags={LANE: MODELS},
)


@dg.sensor(job=intake_job, minimum_interval_seconds=30, default_status=WATCHING)
def contributors(context: dg.SensorEvaluationContext, pipeline: PipelineResource) -> dg.SensorResult:
    """A partition and a run for each contributor file that is new or changed, once it is whole; for all when intake's code changed.

    The cursor holds what was seen and asked for, and is kept together with the runs it asked for: a tick that is broken off is
    taken up, not repeated. A file that goes back to an older content is a change too, which a run key made from the content
    would swallow. A file that is being written keeps its partition; a folder that is not there (a disk that is not mounted)
    removes nobody."""
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
    # Whoever's file is refused (a twin has come, a folder lies there) keeps their partition.
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
