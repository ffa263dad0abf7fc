"""Remove a contributor's partition and runs from a Dagster instance, and report a removal in the web UI.

No partition, materialisation or finished run of the contributor remains in the instance. The exception is the run of the removal
itself, whose configuration names them: delete it after it has ended, or use ``canvas-data forget`` instead. Runs of others and
unfinished runs are not touched.
"""

from __future__ import annotations

from datetime import UTC, datetime

import dagster as dg

from canvas_pipeline.errors import BadConfig
from canvas_pipeline.orchestration.outcome import Result
from canvas_pipeline.orchestration.track import asset_key
from canvas_pipeline.pipeline.processes import subprocess_launch
from canvas_pipeline.pipeline.workspace import Workspace
from canvas_pipeline.provenance import removal

CONTRIBUTORS_NAME = "contributors"
PARTITION_TAG, VERSION_TAG = "dagster/partition", "dagster/data_version"
OVER = [dg.DagsterRunStatus.SUCCESS, dg.DagsterRunStatus.FAILURE, dg.DagsterRunStatus.CANCELED]


def forget_partition(instance: dg.DagsterInstance, contributor: str) -> int:
    """Delete a contributor's partition and its finished runs with their logs; return the number of runs."""
    runs = instance.get_runs(dg.RunsFilter(tags={PARTITION_TAG: contributor}, statuses=OVER))
    for run in runs:
        instance.delete_run(run.run_id)
    if contributor in instance.get_dynamic_partitions(CONTRIBUTORS_NAME):
        instance.delete_dynamic_partition(CONTRIBUTORS_NAME, contributor)
    return len(runs)


def removed(context: dg.AssetExecutionContext, ws: Workspace, contributor: str, rebuild: str) -> Result:
    """Remove a contributor and report each rebuilt stage to the instance with its new version.

    Raises ``BadConfig`` for a rebuild that does not exist, and whatever ``removal.remove`` raises."""
    chosen = next((name for name in removal.REBUILDS if name == rebuild), None)
    if chosen is None:
        raise BadConfig(f"there is no rebuild {rebuild!r}; choose one of: {', '.join(removal.REBUILDS)}")
    at = datetime.now(UTC).isoformat(timespec="seconds")
    launch = subprocess_launch(context.log.info) if chosen == "all" else None
    found = removal.remove(ws, contributor, at, rebuild=chosen, launch=launch)
    runs = forget_partition(context.instance, contributor)
    for name, reused in found.reused.items():
        if not reused and not name.startswith("collab/"):
            version = ws.store.get(name).sha256
            context.log_event(
                dg.AssetMaterialization(
                    asset_key(name, ws.track.name), metadata={"reused": False}, tags={VERSION_TAG: version}
                )
            )
    saw = [f"{e.stage} {e.version} ({e.seen})" for kind in ("model", "release") for e in found.of(kind)]
    return Result(
        metadata={
            "files that still name them": dg.MetadataValue.int(len(found.mentions)),
            "models and releases that saw them": dg.MetadataValue.json(saw),
            "removed": dg.MetadataValue.json({**found.removed, "runs": runs}),
            "made again or reused": dg.MetadataValue.json(found.reused),
            "to be made again": dg.MetadataValue.json(list(found.to_rebuild)),
            "record": dg.MetadataValue.text(found.who),
        }
    )
