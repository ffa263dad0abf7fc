"""What runs by itself: the nightly, and a partition for each contributor file that appears."""

import os
import time
from collections.abc import Sequence
from pathlib import Path

import dagster as dg

from canvas_pipeline.automation import arrivals, nightly
from canvas_pipeline.defs.canvas.intake import CONTRIBUTORS, collab
from canvas_pipeline.defs.canvas.leaving import departures
from canvas_pipeline.methods import METHODS, method
from canvas_pipeline.orchestration.resource import Line
from canvas_pipeline.orchestration.track import selection
from canvas_pipeline.pipeline.stage import upstream
from canvas_pipeline.privacy.contributor_id import SUFFIXES, contributor_of, in_folder
from canvas_pipeline.privacy.quarantine import REASONS
from canvas_pipeline.tracks.canvas.data.intake import intake_code
from canvas_pipeline.tracks.canvas.track import TRACK

DEMO_METHODS = ("sft", "dpo", "kto")


def demo_selection(methods: Sequence[str]) -> dg.AssetSelection:
    """Everything after intake with some methods, and the six quants of the production checkpoint only."""
    found = TRACK.stages().values()
    return selection(spec.name for spec in found if spec.scheduled and (not spec.method or spec.method in methods))


def training_selection(methods: Sequence[str]) -> dg.AssetSelection:
    """What trains some methods on the current splits: the methods and whatever they start from and are judged by."""
    return selection(upstream(TRACK.stages(), [f"{method(name).name}_checkpoint" for name in methods]))


LANE = "canvas/lane"
"""Run tag: ``line`` runs make models, one at a time (dagster.yaml); ``intake`` runs go beside them."""
SHOWN = 10
"""Files that are passed over, named in one tick."""
INPUTS, CHANGED = "canvas/inputs", "canvas/changed"
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
    selection=dg.AssetSelection.assets(departures),
    description="A contributor leaves (name them in the launch pad); rows that depended on them are rebuilt.",
    tags={LANE: "line"},
)
demo_job = dg.define_asset_job(
    "demo",
    selection=demo_selection(DEMO_METHODS),
    description="Corpus to release with sft, dpo and kto; run intake for each contributor first.",
    tags={LANE: "line"},
)
train_job = dg.define_asset_job(
    "train",
    selection=training_selection(list(METHODS)),
    description="All methods on the current splits (canvas-train).",
    tags={LANE: "line"},
)
nightly_job = dg.define_asset_job(
    "nightly",
    selection=demo_selection(list(METHODS)),
    description="Everything after intake with all nine methods; what did not change is reused.",
    tags={LANE: "line"},
)

NIGHT = nightly.nightly_settings(os.environ)
SCHEDULED = dg.DefaultScheduleStatus.RUNNING if NIGHT.running else dg.DefaultScheduleStatus.STOPPED
WATCHING = dg.DefaultSensorStatus.RUNNING if NIGHT.running else dg.DefaultSensorStatus.STOPPED


@dg.schedule(
    name="nightly", job=nightly_job, cron_schedule=NIGHT.cron, execution_timezone=NIGHT.zone, default_status=SCHEDULED
)  # fmt: skip
def every_night(context: dg.ScheduleEvaluationContext, line: Line) -> dg.RunRequest:
    """Rebuild what changed since the last success (hour and zone: CANVAS_NIGHTLY_AT, CANVAS_NIGHTLY_ZONE).

    The run goes through every stage and reuses those whose inputs, code and settings are the same, so that a night without
    changes is a check of the whole line that makes nothing; its tags say what had changed."""
    now = nightly.inputs_of(line.here())
    succeeded = dg.RunsFilter(job_name=nightly_job.name, statuses=[dg.DagsterRunStatus.SUCCESS])
    last = [nightly.from_tag(run.tags.get(INPUTS, "")) for run in context.instance.get_runs(succeeded, limit=1)]
    changed = nightly.changed(now, last[0] if last else None)
    return dg.RunRequest(run_key=None, tags={INPUTS: nightly.to_tag(now), CHANGED: changed})


@dg.sensor(job=intake_job, minimum_interval_seconds=30, default_status=WATCHING)
def contributors(context: dg.SensorEvaluationContext, line: Line) -> dg.SensorResult:
    """A partition and a run for each contributor file that is new or changed, once it is whole; for all when intake's code changed.

    The cursor holds what was seen and asked for, and is kept together with the runs it asked for: a tick that is broken off is
    taken up, not repeated. A file that goes back to an older content is a change too, which a run key made from the content
    would swallow. A file that is being written keeps its partition; a folder that is not there (a disk that is not mounted)
    removes nobody."""
    folder = Path(line.root) / "collab"
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
def automation() -> dg.Definitions:
    return dg.Definitions(
        jobs=[intake_job, forget_job, demo_job, train_job, nightly_job], schedules=[every_night], sensors=[contributors]
    )
