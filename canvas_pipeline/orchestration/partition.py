"""Remove a contributor's partition and runs from a Dagster instance, and report a removal in the web UI.

Nothing that the instance stores names the contributor any more: no partition, materialisation, tag, configuration, check result,
tick or log of a finished run, and not the configuration of the run that removes them. Runs of others and unfinished runs are not
touched.
"""

from __future__ import annotations

from datetime import UTC, datetime

import dagster as dg

from canvas_pipeline.automation import arrivals
from canvas_pipeline.dagster_instance import contributor_traces as traces
from canvas_pipeline.errors import BadConfig
from canvas_pipeline.orchestration.assets import VERSION_TAG, asset_key
from canvas_pipeline.orchestration.outcome import Result
from canvas_pipeline.pipeline.processes import subprocess_launch
from canvas_pipeline.pipeline.workspace import Workspace
from canvas_pipeline.provenance import removal

CONTRIBUTORS_NAME = "contributors"
"""Of the partitions, and of the sensor that adds them."""


def forget_partition(instance: dg.DagsterInstance, contributor: str, *, current: str = "", pseudonym: str = "") -> int:
    """Erase a contributor from an instance; returns how many runs were deleted.

    ``current`` is the run that does this, if any: it keeps its events, and names the ``pseudonym`` instead."""
    runs = traces.runs_about(instance, contributor)
    traces.erase_runs(instance, runs)
    if contributor in instance.get_dynamic_partitions(CONTRIBUTORS_NAME):
        instance.delete_dynamic_partition(CONTRIBUTORS_NAME, contributor)
    traces.erase_ticks_and_backfills(instance, contributor)
    traces.erase_from_cursor(instance, CONTRIBUTORS_NAME, lambda cursor: _cursor_without(cursor, contributor))
    if current:
        traces.rename_in_run(instance, current, contributor, pseudonym)
    return len(runs)


def _cursor_without(cursor: str, contributor: str) -> str:
    seen = arrivals.from_cursor(cursor)
    return arrivals.to_cursor({name: sighting for name, sighting in seen.items() if name != contributor})


def removed(context: dg.AssetExecutionContext, ws: Workspace, contributor: str, rebuild: str) -> Result:
    """Remove a contributor and report each rebuilt stage to the instance with its new version.

    Raises ``BadConfig`` for a rebuild that does not exist, and whatever ``removal.remove`` raises."""
    chosen = next((name for name in removal.REBUILDS if name == rebuild), None)
    if chosen is None:
        raise BadConfig(f"there is no rebuild {rebuild!r}; choose one of: {', '.join(removal.REBUILDS)}")
    at = datetime.now(UTC).isoformat(timespec="seconds")
    launch = subprocess_launch(context.log.info) if chosen == "all" else None
    found = removal.remove(ws, contributor, at, rebuild=chosen, launch=launch)
    runs = forget_partition(context.instance, contributor, current=context.run.run_id, pseudonym=found.who)
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
