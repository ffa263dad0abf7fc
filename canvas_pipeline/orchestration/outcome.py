"""Convert a ``StageResult`` to a ``MaterializeResult``: data version, metadata and check results.

Every figure and picture comes from the stage. Metadata never contains row text. Dagster shows metadata in the order given, so the
most important entries come first.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import TYPE_CHECKING, Any

import dagster as dg

from canvas_pipeline.guardrails.guard import Guard
from canvas_pipeline.orchestration.checks import check_results
from canvas_pipeline.orchestration.metadata import picture, shown
from canvas_pipeline.pipeline.workspace import StageResult
from canvas_pipeline.records import Funnel
from canvas_pipeline.storage.history import what_changed

# The return type of every asset. Dagster reads the annotation, and accepts only the bare class for an asset with checks.
if TYPE_CHECKING:
    Result = dg.MaterializeResult[None]
else:
    Result = dg.MaterializeResult


def outcome(
    made: StageResult, guards: Iterable[Guard] = (), *, named: Collection[str] = (), next_act: str = ""
) -> Result:
    """Return a stage's materialisation, with its content hash as data version.

    Metadata, in order: figures, row counts, pictures, what changed, what to do next, facts, hash, folder and files. ``guards`` are
    the checks that the asset declares. ``named`` are the inputs whose names may be shown where they changed; other names may
    identify people. ``next_act`` is shown as the next step if every check passes."""
    checks = check_results(made, guards)
    failed = [check.check_name or "" for check in checks if not check.passed]
    metadata: dict[str, Any] = {name: shown(value) for name, value in made.figures.items()}
    metadata.update(_rows(made))
    metadata.update({name: picture(png) for name, png in made.pictures.items()})
    metadata["what changed"] = shown(what_changed(made.stage, made.reused, named))
    if failed:
        metadata["next"] = shown(f"fix {', '.join(failed)} (tab Checks); until then nothing downstream is built")
    elif next_act:
        metadata["next"] = shown(next_act)
    metadata.update({name: shown(value) for name, value in made.facts.items() if name not in metadata})
    metadata |= {
        "reused": dg.MetadataValue.bool(made.reused),
        "sha256": dg.MetadataValue.text(made.stage.sha256),
        "folder": dg.MetadataValue.path(made.stage.folder),
        "files": dg.MetadataValue.md(_files(made)),
    }
    return Result(metadata=metadata, data_version=dg.DataVersion(made.stage.sha256), check_results=checks)


def _rows(made: StageResult) -> dict[str, Any]:
    """Return the number of rows, and the funnel's numbers if the stage has one."""
    manifest = made.stage.manifest
    rows = [entry.rows for entry in manifest.files.values() if entry.rows is not None]
    found: dict[str, Any] = {"dagster/row_count": dg.MetadataValue.int(sum(rows))} if rows else {}
    return found | (_funnel(manifest.funnel) if manifest.funnel else {})


def _funnel(funnel: Funnel) -> dict[str, Any]:
    worst_first = sorted(funnel.refused.items(), key=lambda entry: (-entry[1], entry[0]))
    refused = ", ".join(f"{reason} {count}" for reason, count in worst_first)
    return {
        "rows kept (%)": dg.MetadataValue.float(round(100 * funnel.retained, 2)),
        "rows in": dg.MetadataValue.int(funnel.rows_in),
        "rows kept": dg.MetadataValue.int(funnel.kept),
        "rows merged": dg.MetadataValue.int(funnel.merged),
        "rows refused": dg.MetadataValue.int(sum(funnel.refused.values())),
        **({"refused by reason": dg.MetadataValue.text(refused)} if refused else {}),
    }


def _files(made: StageResult) -> str:
    entries = list(made.stage.manifest.files.items())
    lines = ["| file | rows | bytes | sha256 |", "|---|---|---|---|"]
    for name, entry in entries[:20]:
        lines.append(f"| {name} | {'' if entry.rows is None else entry.rows} | {entry.size} | `{entry.sha256[:12]}` |")
    if len(entries) > 20:
        lines.append(f"| … {len(entries) - 20} more | | | |")
    return "\n".join(lines)
