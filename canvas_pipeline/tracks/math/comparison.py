"""Compare the production model with the base and with the majority answer on the same labelled cases, and ask it of a release."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from canvas_pipeline.evaluation.charts import forest_png
from canvas_pipeline.evaluation.statistics import OVERALL, PairedComparison, compare, comparison_table
from canvas_pipeline.pipeline import evaluation
from canvas_pipeline.pipeline.context import BuildContext
from canvas_pipeline.pipeline.shares import gain
from canvas_pipeline.pipeline.verdicts import made_from_current
from canvas_pipeline.pipeline.workspace import StageResult, Workspace
from canvas_pipeline.records import read_jsonl
from canvas_pipeline.release.gate import ReleaseItem
from canvas_pipeline.storage.code_version import root_of
from canvas_pipeline.storage.store import Stage, Writer
from canvas_pipeline.tracks.math.benchmark import MAJORITY, MathReport, report, trivial
from canvas_pipeline.tracks.math.rows import MathRow

SIGNIFICANT = 0.01
"""The largest p of the paired tests against base and majority answer with which a model is released."""


def paired(reports: Mapping[str, MathReport], pairs: Sequence[tuple[str, str]]) -> tuple[PairedComparison, ...]:
    """Compare models over the labelled cases, overall and by suite, tested by whole wordings."""
    labelled = {o.case_id: o for found in reports.values() for o in found.outcomes if o.state != "unlabelled"}
    verdicts = {
        name: {o.case_id: o.right for o in found.outcomes if o.case_id in labelled} for name, found in reports.items()
    }
    groups = {name: outcome.suite for name, outcome in labelled.items()}
    clusters = {name: outcome.cluster or name for name, outcome in labelled.items()}
    return compare(verdicts, groups, pairs, clusters=clusters)


def comparison(context: BuildContext) -> StageResult:
    """Test the production model against the base and against the most frequent answer."""
    ws = context.workspace
    method = evaluation.production_method(ws)
    chosen, base = ws.store.get(f"{method}_bench"), ws.store.get("base_bench")
    cases = ws.store.get("bench_cases")

    def build(writer: Writer) -> None:
        rows = list(read_jsonl(cases.path(), MathRow))
        reports = {
            "base": evaluation.read_report(ws, base), MAJORITY: report(rows, trivial(rows)[MAJORITY]),
            method: evaluation.read_report(ws, chosen),
        }  # fmt: skip
        found = paired(reports, [("base", method), (MAJORITY, method)])
        writer.json(found, "comparison.json")
        writer.text(comparison_table(found) + "\n", "comparison.md")
        shown = {
            f"{suite}: {name}": of.by_suite[suite] for suite in reports[method].by_suite for name, of in reports.items()
        }
        writer.path("comparison.png").write_bytes(forest_png(shown, "exact match by suite"))

    inputs = {
        stage.manifest.stage: stage.sha256 for stage in (context.input("production_checkpoint"), chosen, base, cases)
    }
    stage, reused = context.make(build, inputs, runs=(root_of(context.track.benchmark.score),))
    figures: dict[str, Any] = {}
    for row in overall(stage):
        figures |= gain(f"{row.baseline} to {row.candidate}", row)
    facts = {"table": stage.path("comparison.md").read_text(encoding="utf-8")}
    return StageResult(
        stage, reused, facts=facts, pictures={"beside the baselines": stage.path("comparison.png").read_bytes()}, figures=figures
    )  # fmt: skip


def overall(stage: Stage) -> list[PairedComparison]:
    """Read the comparisons over all cases."""
    rows = msgspec.json.decode(stage.path("comparison.json").read_bytes(), type=tuple[PairedComparison, ...])
    return [row for row in rows if row.group == OVERALL]


def release_items(ws: Workspace) -> list[ReleaseItem]:
    """Ask that the model is better than base and majority answer, with p below 0.01; absent where it was not measured."""
    stage = ws.store.find("comparison")
    rows = overall(stage) if stage is not None and made_from_current(ws, stage) else []
    better = {row.baseline: row for row in rows if row.gained > row.lost}
    return [
        ReleaseItem(
            name=f"p of the difference to the {baseline}", bound=SIGNIFICANT, op="<=",
            value=better[baseline].test.p if baseline in better else None,
            n=better[baseline].candidate_rate.cases if baseline in better else None,
            advice=f"it is not better than the {baseline}: train longer or on more rows, and materialise comparison again",
        )
        for baseline in ("base", MAJORITY)
    ]  # fmt: skip
