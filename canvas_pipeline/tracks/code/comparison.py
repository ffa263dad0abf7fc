"""Compare the models of the code track with programs that no model wrote, and sample several programs for pass@k."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from canvas_pipeline.evaluation.benchmark import Prediction
from canvas_pipeline.evaluation.charts import forest_png
from canvas_pipeline.evaluation.generate import Sampling
from canvas_pipeline.evaluation.pass_at_k import mean_pass_at_k
from canvas_pipeline.evaluation.statistics import OVERALL, PairedComparison, compare, comparison_table
from canvas_pipeline.pipeline import evaluation
from canvas_pipeline.pipeline.context import BuildContext
from canvas_pipeline.pipeline.shares import gain
from canvas_pipeline.pipeline.verdicts import made_from_current
from canvas_pipeline.pipeline.workspace import StageResult, Workspace
from canvas_pipeline.records import Row, read_jsonl, write_jsonl
from canvas_pipeline.release.gate import ReleaseItem
from canvas_pipeline.storage.code_version import root_of
from canvas_pipeline.storage.store import Stage, Writer
from canvas_pipeline.tracks.code.baselines import nearest_programs
from canvas_pipeline.tracks.code.benchmark import CodeReport, score, trivial
from canvas_pipeline.tracks.code.rows import CodeCase, CodeRow

NEAREST = "nearest training program"
KS = (1, 5)
LEARNT = 0.01
"""The paired test's p below which a model is better than a baseline."""


class BaselineComparison(Row, frozen=True, kw_only=True):
    """The production model beside the base and the baselines, overall and by group of cases.

    ``better``: baseline → whether the model is better than it over all cases, with p below ``LEARNT``."""

    rows: tuple[PairedComparison, ...]
    better: dict[str, bool]

    @property
    def learnt(self) -> bool:
        """Tell whether it is better than each of them."""
        return bool(self.better) and all(self.better.values())


class SampledReport(Row, frozen=True, kw_only=True):
    """``samples`` programs for each case at a temperature: how many are right for each case, and the mean pass@k by k."""

    cases: int
    samples: int
    temperature: float
    right: dict[str, int]
    pass_at: dict[str, float | None]


def baselines(context: BuildContext) -> StageResult:
    """Compare base, best constant program and nearest training program with the production model, on the same cases."""
    ws = context.workspace
    method = evaluation.production_method(ws)
    names = ("production_checkpoint", "bench_cases", "trajectory_split", "base_bench")
    inputs = {**{name: context.input(name) for name in names}, f"{method}_bench": ws.store.get(f"{method}_bench")}

    def build(writer: Writer) -> None:
        cases = list(read_jsonl(inputs["bench_cases"].path(), CodeCase))
        rows = list(read_jsonl(inputs["trajectory_split"].path("train.jsonl"), CodeRow))
        nearest = [
            Prediction(id=case.id, text=code) for case, code in zip(cases, nearest_programs(cases, rows), strict=True)
        ]
        reports: dict[str, CodeReport] = {
            "base": evaluation.read_report(ws, inputs["base_bench"]),
            **{name: score(cases, found) for name, found in trivial(cases).items()},
            NEAREST: score(cases, nearest),
            method: evaluation.read_report(ws, inputs[f"{method}_bench"]),
        }
        found = _compared(reports, method)
        writer.json(found, "comparison.json")
        writer.text(comparison_table(found.rows) + "\n", "comparison.md")
        shown = {
            f"{group}: {name}": rate for name, report in reports.items() for group, rate in report.by_group.items()
        }
        writer.path("comparison.png").write_bytes(forest_png(dict(sorted(shown.items())), "pass@1 by group"))

    stage, reused = context.make(
        build, {name: stage.sha256 for name, stage in inputs.items()}, runs=(root_of(score), root_of(trivial))
    )
    found = read_comparison(stage)
    figures: dict[str, Any] = {"better than each baseline": found.learnt}
    for row in found.rows:
        if row.group == OVERALL:
            figures |= gain(f"above {row.baseline}", row)
    pictures = {"beside the baselines": stage.path("comparison.png").read_bytes()}
    table = stage.path("comparison.md").read_text(encoding="utf-8")
    return StageResult(stage, reused, facts={"table": table}, pictures=pictures, figures=figures)


def _compared(reports: Mapping[str, CodeReport], method: str) -> BaselineComparison:
    verdicts = {name: {o.case_id: o.right for o in report.outcomes} for name, report in reports.items()}
    groups = {o.case_id: o.group for o in reports[method].outcomes}
    clusters = {o.case_id: o.cluster or o.case_id for o in reports[method].outcomes}
    pairs = [(name, method) for name in reports if name != method]
    rows = compare(verdicts, groups, pairs, clusters=clusters)
    better = {row.baseline: row.difference > 0 and row.test.p < LEARNT for row in rows if row.group == OVERALL}
    return BaselineComparison(rows=rows, better=better)


def release_items(ws: Workspace) -> Sequence[ReleaseItem]:
    """Ask of a release that the production model is better than each baseline; a comparison of another bench does not count."""
    stage = ws.store.find("baselines")
    better = read_comparison(stage.verify()).better if stage is not None and made_from_current(ws, stage) else {}
    return (
        ReleaseItem(
            name="baselines that the model is better than, with p below 0.01",
            value=sum(better.values()) / len(better) if better else None, n=len(better), op=">=", bound=1.0,
            advice="train for longer or on more rows; see the stage baselines",
        ),
    )  # fmt: skip


def read_comparison(stage: Stage) -> BaselineComparison:
    """Read the result of ``baselines``."""
    return msgspec.json.decode(stage.path("comparison.json").read_bytes(), type=BaselineComparison)


def samples(context: BuildContext) -> StageResult:
    """Sample programs of the production checkpoint for some test cases, run them, and estimate pass@k without bias."""
    ws, profile = context.workspace, context.profile
    cases, chosen = context.input("bench_cases"), context.input("production_checkpoint")
    weights = evaluation.production_weights(ws)

    def build(writer: Writer) -> None:
        asked = list(read_jsonl(cases.path(), CodeCase))[: profile.sampled_cases]
        again = [_sample_of(case, number) for case in asked for number in range(profile.samples)]
        unfinished = context.unfinished(writer)
        write_jsonl(file := unfinished / "asked.jsonl", again)
        sampling = Sampling(profile.temperature, context.seed)
        found = evaluation.predictions(context, unfinished, "hf", weights.directory(), [file], sampling)
        report = score(again, [found[case.id] for case in again])
        right = {case.id: 0 for case in asked}
        for outcome in report.outcomes:
            right[outcome.case_id.rpartition(".")[0]] += outcome.right
        counts = list(right.values())
        writer.rows((found[case.id] for case in again), "predictions.jsonl")
        writer.json(
            SampledReport(
                cases=len(asked), samples=profile.samples, temperature=profile.temperature, right=right,
                pass_at={str(k): mean_pass_at_k(counts, profile.samples, k) for k in KS},
            ),
            "report.json",
        )  # fmt: skip
        shutil.rmtree(unfinished)

    config = {"max_new_tokens": context.track.benchmark.limit(profile)}
    stage, reused = context.make(
        build, {"bench_cases": cases.sha256, "production_checkpoint": chosen.sha256, "model": weights.sha256}, config,
        runs=evaluation.asking(context.track.benchmark), unused=evaluation.UNUSED,
    )  # fmt: skip
    report = read_samples(stage)
    figures: dict[str, Any] = {
        "cases": report.cases,
        "samples a case": report.samples,
        "temperature": report.temperature,
    }
    figures |= {f"pass@{k} (%)": round(100 * share, 1) for k, share in report.pass_at.items() if share is not None}
    return StageResult(stage, reused, figures=figures)


def _sample_of(case: CodeCase, number: int) -> CodeCase:
    return msgspec.structs.replace(case, id=f"{case.id}.{number}")


def read_samples(stage: Stage) -> SampledReport:
    """Read the result of ``samples``."""
    return msgspec.json.decode(stage.path("report.json").read_bytes(), type=SampledReport)
