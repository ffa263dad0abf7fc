"""Convert guards to check specs and their verdicts to check results.

No guard is evaluated here. A guard without a verdict is a failed check.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import dagster as dg

from canvas_pipeline.guardrails.guard import Guard
from canvas_pipeline.guardrails.verdict import Number, Verdict
from canvas_pipeline.orchestration.metadata import picture, shown, table
from canvas_pipeline.pipeline.workspace import StageResult
from canvas_pipeline.records import Funnel

FUNNEL_PICTURE = "rows in and out"
BOUNDS, LOOK, WHERE_ROWS_WENT = "bounds", "look first at", "rows by stage"
EVALUATED = "versions evaluated (sha256)"
"""Keys of a check's metadata. Dagster sorts them alphabetically; these names are chosen so that the order is also the reading
order."""
_COLUMNS = {"number": "string", "measured": "any", "must be": "string", "holds": "string"}
_FUNNEL_COLUMNS = {
    "stage": "string", "rows in": "int", "kept": "int", "merged": "int", "refused": "string", "retained": "string"
}  # fmt: skip


def check_specs(asset: dg.AssetKey, guards: Iterable[Guard]) -> list[dg.AssetCheckSpec]:
    """Return an asset's blocking check specs, with the guards' names and descriptions."""
    return [dg.AssetCheckSpec(name=guard.name, asset=asset, description=guard.what, blocking=True) for guard in guards]


def check_results(made: StageResult, guards: Iterable[Guard]) -> list[dg.AssetCheckResult]:
    """Convert a stage's verdicts to check results. ``guards`` are those that the asset declares.

    A guard without a verdict fails: nothing is measured while a guard over rows fails, and absent is not passed."""
    declared = {guard.id: guard for guard in guards}
    results = [check_result(declared[verdict.guard], verdict, made) for verdict in made.verdicts]
    missing = declared.keys() - {verdict.guard for verdict in made.verdicts}
    return [*results, *(_not_evaluated(guard) for guard in declared.values() if guard.id in missing)]


def check_result(guard: Guard, verdict: Verdict, made: StageResult | None = None) -> dg.AssetCheckResult:
    """Convert one verdict to a check result, with its reason as the description.

    Metadata: the numbers with their bounds, where to look if it failed, for G6 the rows by stage as a table and a picture, each
    bounded number by itself (so that the web UI plots it over time), and the hashes of the evaluated versions."""
    rows = sorted(_numbers(guard, verdict), key=lambda row: ("no", "yes", "").index(row[-1]))
    metadata: dict[str, Any] = {}
    if verdict.allowance:
        metadata["allow_shrinkage"] = dg.MetadataValue.text(verdict.allowance)
    metadata[BOUNDS] = table(_COLUMNS, rows)
    if not verdict.passed:
        metadata[LOOK] = dg.MetadataValue.text(_where(guard, verdict))
    if verdict.guard == "g6" and made is not None and made.funnels:
        metadata[WHERE_ROWS_WENT] = table(_FUNNEL_COLUMNS, [_funnel(funnel) for funnel in made.funnels])
        metadata.update({name: picture(png) for name, png in made.pictures.items() if name == FUNNEL_PICTURE})
    bounded = {bound.number for bound in guard.bounds}
    metadata |= {f"value: {name}": shown(verdict.numbers[name]) for name in sorted(bounded & {*verdict.numbers})}
    metadata[EVALUATED] = shown(verdict.inputs)
    return dg.AssetCheckResult(
        passed=verdict.passed,
        check_name=verdict.name,
        severity=dg.AssetCheckSeverity.ERROR,
        description=verdict.reason or None,
        metadata=metadata,
    )


def numbers_of(metadata: Mapping[str, dg.MetadataValue[Any]]) -> dict[str, object]:
    """Read a check's numbers by name from its metadata; empty if it has no table of bounds."""
    found = metadata.get(BOUNDS)
    if not isinstance(found, dg.TableMetadataValue):
        return {}
    return {str(record.data["number"]): record.data["measured"] for record in found.records}


def _numbers(guard: Guard, verdict: Verdict) -> Iterator[tuple[Any, ...]]:
    """Yield name, measured value, bound and whether it holds; bound and answer are empty for a number without a bound."""
    bounded = set[str]()
    broken = guard.broken(verdict.numbers, verdict.thresholds)
    for bound in guard.bounds:
        limit = verdict.thresholds.get(bound.threshold)
        if limit is not None:
            bounded.add(bound.number)
            yield (bound.number, _plain(verdict.numbers.get(bound.number)), f"{bound.op} {_plain(limit)}",
                   "no" if bound in broken else "yes")  # fmt: skip
    for name, value in verdict.numbers.items():
        kind, _, stage = name.partition("/")
        shipped = verdict.thresholds.get("min_retained")
        minimum = verdict.thresholds.get(f"minimum/{stage}", shipped) if kind == "retained" else None
        if isinstance(minimum, (int, float)) and isinstance(value, (int, float)):
            yield (name, _plain(value), f">= {_plain(minimum)}", "yes" if value >= minimum else "no")
        elif name not in bounded:
            yield (name, _plain(value), "", "")


def _plain(value: Number) -> Number:
    if value is None:
        return "not measured"
    return float(f"{value:.4g}") if isinstance(value, float) else value


def _where(guard: Guard, verdict: Verdict) -> str:
    """Return the rows, stages or axes that the reason names, else the advice of the first broken bound."""
    _, found, where = verdict.reason.rpartition(f"{LOOK} ")
    if found:
        return where
    broken = guard.broken(verdict.numbers, verdict.thresholds)
    return broken[0].advice if broken else verdict.reason


def _not_evaluated(guard: Guard) -> dg.AssetCheckResult:
    return dg.AssetCheckResult(
        passed=False,
        check_name=guard.name,
        severity=dg.AssetCheckSeverity.ERROR,
        description="not evaluated: nothing is measured while another guard fails; fix that one first",
    )


def _funnel(funnel: Funnel) -> tuple[Any, ...]:
    worst_first = sorted(funnel.refused.items(), key=lambda entry: (-entry[1], entry[0]))
    refused = ", ".join(f"{reason} {count}" for reason, count in worst_first) or "0"
    return funnel.stage, funnel.rows_in, funnel.kept, funnel.merged, refused, f"{funnel.retained:.1%}"
