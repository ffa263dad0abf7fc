"""From a stage on disk to what Dagster shows: data version, numbers, pictures and checks.

In: a ``StageResult``. Out: a ``MaterializeResult``. What must hold: nothing is computed here; every number and picture comes from
the stage, and nothing that enters metadata is row text.
"""

from __future__ import annotations

import base64
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

import dagster as dg

from canvas_pipeline.guardrails.table import CHECKS
from canvas_pipeline.guardrails.verdict import Verdict
from canvas_pipeline.pipeline.workspace import StageResult
from canvas_pipeline.records import Funnel

# What every asset here returns. Dagster reads the annotation and takes only the bare class where there are checks too.
if TYPE_CHECKING:
    Result = dg.MaterializeResult[None]
else:
    Result = dg.MaterializeResult

FUNNEL_PICTURE = "rows in and out"


def outcome(made: StageResult, guards: Iterable[str] = ()) -> Result:
    """Data version from the content hash; rows, hashes, facts and pictures as metadata; verdicts as check results.

    ``guards`` are those the asset must answer: one that has no verdict (nothing is measured while a guard over rows
    fails) is a failed check and says so, since absent is not passed."""
    manifest = made.stage.manifest
    metadata: dict[str, Any] = {
        "reused": dg.MetadataValue.bool(made.reused),
        "sha256": dg.MetadataValue.text(made.stage.sha256),
        "folder": dg.MetadataValue.path(made.stage.folder),
        "files": dg.MetadataValue.md(_files(made)),
    }
    rows = [entry.rows for entry in manifest.files.values() if entry.rows is not None]
    if rows:
        metadata["dagster/row_count"] = dg.MetadataValue.int(sum(rows))
    if manifest.funnel is not None:
        metadata["funnel"] = dg.MetadataValue.json(
            {
                "rows_in": manifest.funnel.rows_in,
                "kept": manifest.funnel.kept,
                "merged": manifest.funnel.merged,
                "refused": manifest.funnel.refused,
                "retained": round(manifest.funnel.retained, 4),
            }
        )
    metadata.update({name: _fact(value) for name, value in made.facts.items()})
    metadata.update({name: picture(png) for name, png in made.pictures.items()})
    return Result(
        metadata=metadata,
        data_version=dg.DataVersion(made.stage.sha256),
        check_results=[*(check_result(verdict, made) for verdict in made.verdicts), *_unanswered(made, guards)],
    )


def check_specs(asset: dg.AssetKey, guards: Iterable[str]) -> list[dg.AssetCheckSpec]:
    """The blocking checks of an asset, by guard id; names and one-liners come from the guard table."""
    return [
        dg.AssetCheckSpec(name=CHECKS[guard].name, asset=asset, description=CHECKS[guard].what, blocking=True)
        for guard in guards
    ]


def check_result(verdict: Verdict, made: StageResult | None = None) -> dg.AssetCheckResult:
    """A verdict as a check: its numbers beside their thresholds, its reason, and the hashes it judged. A shrinkage check also
    shows where rows went, as a table and as the stage's picture: whoever is stopped by it asks that first."""
    metadata: dict[str, Any] = {}
    if verdict.guard == "g6" and made is not None and made.funnels:
        metadata["where rows went"] = _funnels(made.funnels)
        metadata.update({name: picture(png) for name, png in made.pictures.items() if name == FUNNEL_PICTURE})
    metadata.update({name: _fact(value) for name, value in verdict.numbers.items()})
    metadata.update({f"threshold: {name}": _fact(value) for name, value in verdict.thresholds.items()})
    metadata["inputs"] = dg.MetadataValue.json(dict(verdict.inputs))
    if verdict.allowance:
        metadata["allow_shrinkage"] = dg.MetadataValue.text(verdict.allowance)
    return dg.AssetCheckResult(
        passed=verdict.passed,
        check_name=verdict.name,
        severity=dg.AssetCheckSeverity.ERROR,
        description=verdict.reason or None,
        metadata=metadata,
    )


def _unanswered(made: StageResult, guards: Iterable[str]) -> list[dg.AssetCheckResult]:
    answered = {verdict.guard for verdict in made.verdicts}
    return [
        dg.AssetCheckResult(
            passed=False,
            check_name=CHECKS[guard].name,
            severity=dg.AssetCheckSeverity.ERROR,
            description="not judged: nothing is measured while another guard fails; mend that one first",
        )
        for guard in guards
        if guard not in answered
    ]


def picture(png: bytes) -> dg.MarkdownMetadataValue:
    """A PNG that the web UI shows in place."""
    return dg.MetadataValue.md(f"![picture](data:image/png;base64,{base64.b64encode(png).decode()})")


def _funnels(funnels: Iterable[Funnel]) -> dg.TableMetadataValue:
    records = []
    for funnel in funnels:
        worst_first = sorted(funnel.refused.items(), key=lambda entry: (-entry[1], entry[0]))
        records.append(
            dg.TableRecord(
                {
                    "stage": funnel.stage,
                    "rows in": funnel.rows_in,
                    "kept": funnel.kept,
                    "merged": funnel.merged,
                    "refused": ", ".join(f"{reason} {count}" for reason, count in worst_first) or "0",
                    "retained": f"{funnel.retained:.1%}",
                }
            )
        )
    return dg.MetadataValue.table(records=records)


def _files(made: StageResult) -> str:
    entries = list(made.stage.manifest.files.items())
    lines = ["| file | rows | bytes | sha256 |", "|---|---|---|---|"]
    for name, entry in entries[:20]:
        lines.append(f"| {name} | {'' if entry.rows is None else entry.rows} | {entry.size} | `{entry.sha256[:12]}` |")
    if len(entries) > 20:
        lines.append(f"| … {len(entries) - 20} more | | | |")
    return "\n".join(lines)


def _fact(value: Any) -> Any:
    if isinstance(value, bool):
        return dg.MetadataValue.bool(value)
    if isinstance(value, int):
        return dg.MetadataValue.int(value)
    if isinstance(value, float):
        return dg.MetadataValue.float(value)
    if value is None:
        return dg.MetadataValue.null()
    if isinstance(value, (Mapping, list, tuple)):
        return dg.MetadataValue.json(dict(value) if isinstance(value, Mapping) else list(value))
    text = str(value)
    return dg.MetadataValue.md(text) if "\n" in text else dg.MetadataValue.text(text)
