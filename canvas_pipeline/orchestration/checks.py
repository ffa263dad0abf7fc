"""From a guard's verdict to a check in Dagster: its reason, its numbers beside their bounds, where to look.

In: ``Verdict`` rows. Out: check specs and check results. What must hold: no guard is evaluated here; a guard without a verdict is a
failed check.
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
BOUNDS, LOOK, WHERE_ROWS_WENT, JUDGED = "bounds", "look first at", "rows by stage", "versions judged (sha256)"
"""Keys of a check's metadata. Dagster keeps a check's metadata by the alphabet: these names stand in the order to be read in."""
_COLUMNS = {"number": "string", "measured": "any", "must be": "string", "holds": "string"}
_FUNNEL_COLUMNS = {
    "stage": "string", "rows in": "int", "kept": "int", "merged": "int", "refused": "string", "retained": "string"
}  # fmt: skip


def check_specs(asset: dg.AssetKey, guards: Iterable[Guard]) -> list[dg.AssetCheckSpec]:
    """The blocking checks of an asset; names and one-liners are the guards' own."""
    return [dg.AssetCheckSpec(name=guard.name, asset=asset, description=guard.what, blocking=True) for guard in guards]


def check_results(made: StageResult, guards: Iterable[Guard]) -> list[dg.AssetCheckResult]:
    """The verdicts on a stage as checks. ``guards`` are those that the asset must answer: one that has no verdict (nothing is
    measured while a guard over rows fails) is a failed check and says so, since absent is not passed."""
    asked = {guard.id: guard for guard in guards}
    answered = [check_result(asked[verdict.guard], verdict, made) for verdict in made.verdicts]
    lacking = asked.keys() - {verdict.guard for verdict in made.verdicts}
    return [*answered, *(_unanswered(guard) for guard in asked.values() if guard.id in lacking)]


def check_result(guard: Guard, verdict: Verdict, made: StageResult | None = None) -> dg.AssetCheckResult:
    """A verdict as a check. Its reason stands first, then the numbers beside their bounds, then where to look; numbers to be drawn
    over time and the hashes it is about come last. A shrinkage check also shows where rows went, as a table and as a picture."""
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
    metadata[JUDGED] = shown(verdict.inputs)
    return dg.AssetCheckResult(
        passed=verdict.passed,
        check_name=verdict.name,
        severity=dg.AssetCheckSeverity.ERROR,
        description=verdict.reason or None,
        metadata=metadata,
    )


def numbers_of(metadata: Mapping[str, dg.MetadataValue[Any]]) -> dict[str, object]:
    """A check's numbers by name, as its table holds them."""
    found = metadata.get(BOUNDS)
    if not isinstance(found, dg.TableMetadataValue):
        return {}
    return {str(record.data["number"]): record.data["measured"] for record in found.records}


def _numbers(guard: Guard, verdict: Verdict) -> Iterator[tuple[Any, ...]]:
    """Number, measured, bound, whether it holds; those that no bound is about last."""
    shown = set[str]()
    broken = guard.broken(verdict.numbers, verdict.thresholds)
    for bound in guard.bounds:
        limit = verdict.thresholds.get(bound.threshold)
        if limit is not None:
            shown.add(bound.number)
            yield (bound.number, _plain(verdict.numbers.get(bound.number)), f"{bound.op} {_plain(limit)}",
                   "no" if bound in broken else "yes")  # fmt: skip
    for name, value in verdict.numbers.items():
        kind, _, stage = name.partition("/")
        shipped = verdict.thresholds.get("min_retained")
        minimum = verdict.thresholds.get(f"minimum/{stage}", shipped) if kind == "retained" else None
        if isinstance(minimum, (int, float)) and isinstance(value, (int, float)):
            yield (name, _plain(value), f">= {_plain(minimum)}", "yes" if value >= minimum else "no")
        elif name not in shown:
            yield (name, _plain(value), "", "")


def _plain(value: Number) -> Number:
    if value is None:
        return "not measured"
    return float(f"{value:.4g}") if isinstance(value, float) else value


def _where(guard: Guard, verdict: Verdict) -> str:
    """The rows, stages or axes that the reason names, else what the first bound that does not hold advises."""
    _, found, where = verdict.reason.rpartition(f"{LOOK} ")
    if found:
        return where
    broken = guard.broken(verdict.numbers, verdict.thresholds)
    return broken[0].advice if broken else verdict.reason


def _unanswered(guard: Guard) -> dg.AssetCheckResult:
    return dg.AssetCheckResult(
        passed=False,
        check_name=guard.name,
        severity=dg.AssetCheckSeverity.ERROR,
        description="not judged: nothing is measured while another guard fails; mend that one first",
    )


def _funnel(funnel: Funnel) -> tuple[Any, ...]:
    worst_first = sorted(funnel.refused.items(), key=lambda entry: (-entry[1], entry[0]))
    refused = ", ".join(f"{reason} {count}" for reason, count in worst_first) or "0"
    return funnel.stage, funnel.rows_in, funnel.kept, funnel.merged, refused, f"{funnel.retained:.1%}"
