"""What runs by itself: the nightly, and a partition for each contributor file that appears."""

import json
import time
from collections.abc import Sequence
from pathlib import Path

import dagster as dg

from canvas_pipeline.components.resource import Line
from canvas_pipeline.defs.canvas.intake import CONTRIBUTORS, canaries, collab
from canvas_pipeline.defs.canvas.leaving import departures
from canvas_pipeline.line.intake import settled_contributors

METHOD_ASSETS = ("run_spec", "checkpoint", "bench")
DEMO_METHODS = ("sft", "dpo", "kto")

AFTER_INTAKE = (
    dg.AssetSelection.all()
    - dg.AssetSelection.assets(collab, departures, canaries)
    - dg.AssetSelection.groups("platform")
)
EVERY_GGUF = dg.AssetSelection.key_prefixes(["gguf"]) - dg.AssetSelection.assets(["gguf", "production"])


def of_methods(*methods: str) -> dg.AssetSelection:
    """The assets of some methods."""
    return dg.AssetSelection.assets(*([kind, method] for kind in METHOD_ASSETS for method in methods))


PER_METHOD = (
    dg.AssetSelection.key_prefixes(["run_spec"])
    | dg.AssetSelection.key_prefixes(["checkpoint"])
    | dg.AssetSelection.key_prefixes(["bench"])
)


def demo_selection(methods: Sequence[str]) -> dg.AssetSelection:
    """The line after intake with some methods, and the six quants of the production checkpoint only."""
    return (AFTER_INTAKE - EVERY_GGUF - PER_METHOD) | of_methods(*methods)


intake_job = dg.define_asset_job(
    "intake", selection=dg.AssetSelection.assets(collab), description="Take one contributor in (pick a partition)."
)
forget_job = dg.define_asset_job(
    "forget",
    selection=dg.AssetSelection.assets(departures),
    description="A contributor leaves (name them in the launch pad); rows that depended on them are rebuilt.",
)
demo_job = dg.define_asset_job(
    "demo",
    selection=demo_selection(DEMO_METHODS),
    description="Corpus to release with sft, dpo and kto; run intake for each contributor first.",
)
nightly_job = dg.define_asset_job(
    "nightly",
    selection=AFTER_INTAKE - EVERY_GGUF,
    description="Everything after intake with all nine methods; what did not change is reused.",
)


@dg.schedule(job=nightly_job, cron_schedule="0 2 * * *", execution_timezone="UTC")
def nightly(context: dg.ScheduleEvaluationContext) -> dg.RunRequest:
    """Rebuild what changed since the last success, at two in the morning."""
    return dg.RunRequest(run_key=None)


@dg.sensor(job=intake_job, minimum_interval_seconds=30)
def contributors(context: dg.SensorEvaluationContext, line: Line) -> dg.SensorResult:
    """A partition and a run for each contributor file that is new or changed, once it has been still for a moment.

    The cursor holds the sha256 last asked for: a file that goes back to an older content is a change too, which a run key
    made from the content would swallow. A file that is being written keeps its partition; a folder that is not there (a
    disk that is not mounted) removes nobody."""
    collab_folder = Path(line.root) / "collab"
    if not collab_folder.is_dir():
        return dg.SensorResult(skip_reason=f"{collab_folder}: no such folder")
    settled = settled_contributors(collab_folder, time.time())
    present = {path.stem for path in collab_folder.glob("*.jsonl") if not path.name.startswith(".")}
    known = set(context.instance.get_dynamic_partitions("contributors"))
    asked: dict[str, str] = json.loads(context.cursor) if context.cursor else {}
    news = {name: sha256 for name, sha256 in settled.items() if asked.get(name) != sha256}
    remembered = {name: sha256 for name, sha256 in {**asked, **news}.items() if name in present}
    return dg.SensorResult(
        run_requests=[dg.RunRequest(partition_key=name) for name in news],
        dynamic_partitions_requests=[
            CONTRIBUTORS.build_add_request([name for name in settled if name not in known]),
            CONTRIBUTORS.build_delete_request(sorted(known - present)),
        ],
        cursor=json.dumps(remembered, sort_keys=True),
    )


@dg.definitions
def automation() -> dg.Definitions:
    return dg.Definitions(
        jobs=[intake_job, forget_job, demo_job, nightly_job], schedules=[nightly], sensors=[contributors]
    )
