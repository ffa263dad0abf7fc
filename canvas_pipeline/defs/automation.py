"""Define the nightly: a job over every stage of the tracks after intake, and its schedule."""

import os

import dagster as dg

from canvas_pipeline.automation import nightly
from canvas_pipeline.dagster_instance.local_run import LANE, MODELS
from canvas_pipeline.orchestration.resource import PipelineResource
from canvas_pipeline.orchestration.track import scheduled
from canvas_pipeline.pipeline.track import track_named

INPUTS, CHANGED = "canvas/inputs", "canvas/changed"
NIGHT = nightly.nightly_settings(os.environ)
TRACKS = tuple(map(track_named, NIGHT.tracks))
AT_NIGHT = dg.DefaultScheduleStatus.RUNNING if NIGHT.running else dg.DefaultScheduleStatus.STOPPED
WATCHING = dg.DefaultSensorStatus.RUNNING if NIGHT.running else dg.DefaultSensorStatus.STOPPED

nightly_job = dg.define_asset_job(
    "nightly",
    selection=scheduled(TRACKS),
    description=f"Everything after intake with all methods of {', '.join(NIGHT.tracks)}; what did not change is reused.",
    tags={LANE: MODELS},
)


@dg.schedule(
    name="nightly", job=nightly_job, cron_schedule=NIGHT.cron, execution_timezone=NIGHT.zone, default_status=AT_NIGHT
)  # fmt: skip
def every_night(context: dg.ScheduleEvaluationContext, pipeline: PipelineResource) -> dg.RunRequest:
    """Request the nightly run; set its time and tracks by CANVAS_NIGHTLY_AT, CANVAS_NIGHTLY_ZONE and CANVAS_TRACKS.

    The run visits every stage and reuses those whose inputs, code and settings have not changed. Its tags name what changed since
    the last successful nightly."""
    now = nightly.inputs_of([pipeline.here(track) for track in TRACKS])
    succeeded = dg.RunsFilter(job_name=nightly_job.name, statuses=[dg.DagsterRunStatus.SUCCESS])
    last = [nightly.from_tag(run.tags.get(INPUTS, "")) for run in context.instance.get_runs(succeeded, limit=1)]
    changed = nightly.changed(now, last[0] if last else None)
    return dg.RunRequest(run_key=None, tags={INPUTS: nightly.to_tag(now), CHANGED: changed})


@dg.definitions
def automation() -> dg.Definitions:
    return dg.Definitions(jobs=[nightly_job], schedules=[every_night])
