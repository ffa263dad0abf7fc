"""Judge the production model by the thresholds, and compare it with baselines where the majority route is wrong (R7, R9)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from canvas_pipeline.evaluation.charts import forest_png
from canvas_pipeline.evaluation.statistics import PairedComparison, Rate, comparison_table
from canvas_pipeline.pipeline import evaluation
from canvas_pipeline.pipeline.context import BuildContext
from canvas_pipeline.pipeline.verdicts import made_from_current
from canvas_pipeline.pipeline.workspace import StageResult, Workspace
from canvas_pipeline.records import Row, read_jsonl
from canvas_pipeline.release.gate import ReleaseItem
from canvas_pipeline.storage.code_version import root_of
from canvas_pipeline.storage.digests import sha256_file
from canvas_pipeline.storage.store import Stage, Writer
from canvas_pipeline.tracks.router.baselines import MAJORITY
from canvas_pipeline.tracks.router.rows import RouterCase
from canvas_pipeline.tracks.router.scorer import OFF_MAJORITY, RouterReport, beside, report, trivial
from canvas_pipeline.tracks.router.stages import folder_of, switch
from canvas_pipeline.tracks.router.thresholds import FILE, Threshold, judge, read_thresholds, table

SIGNIFICANT = 0.05
RESULT = "judgement.json"
FIGURE = "route_plan_exact"


class Judgement(Row, frozen=True, kw_only=True):
    """The thresholds, and comparisons on the cases off the majority route: of exact tools with each baseline, and of exact plans
    with the base model and the majority route."""

    method: str
    thresholds: tuple[Threshold, ...]
    tools: tuple[PairedComparison, ...]
    plans: tuple[PairedComparison, ...]


def thresholds_file(ws: Workspace) -> Path:
    """Return the file of thresholds: the option ``thresholds``, else ``thresholds.yaml`` in the track's folder."""
    named = ws.options.get("thresholds")
    return Path(named) if named else folder_of(ws) / FILE


def judgement(context: BuildContext) -> StageResult:
    """Judge the production model's figures on the test cases. Option ``strict=yes`` judges the worse end of each interval."""
    ws = context.workspace
    method, strict, file = evaluation.production_method(ws), switch(ws, "strict"), thresholds_file(ws)
    bounds = read_thresholds(file)
    chosen, base, cases = ws.store.get(f"{method}_bench"), context.input("base_bench"), context.input("bench_cases")

    def build(writer: Writer) -> None:
        rows = list(read_jsonl(cases.path(), RouterCase))
        model = evaluation.read_report(ws, chosen)
        others = {name: report(rows, found) for name, found in trivial(rows).items()}
        everyone = {"base": evaluation.read_report(ws, base), **others}
        found = Judgement(
            method=method,
            thresholds=judge(model, bounds, strict=strict),
            tools=_against(everyone, model, method, "route_tools_exact"),
            plans=_against({name: everyone[name] for name in ("base", MAJORITY)}, model, method, FIGURE),
        )
        writer.json(found, RESULT)
        writer.text(table(found.thresholds) + "\n", "thresholds.md")
        writer.text(comparison_table([*found.plans, *found.tools]) + "\n", "comparison.md")
        shown = rates({**everyone, method: model})
        writer.path("baselines.png").write_bytes(forest_png(shown, "beside models that learn nothing"))

    inputs = {
        **{stage.manifest.stage: stage.sha256 for stage in (context.input("production_checkpoint"), chosen, base, cases)},
        FILE: sha256_file(file),
    }  # fmt: skip
    stage, reused = context.make(build, inputs, {"strict": strict}, runs=(root_of(context.track.benchmark.score),))
    found = read_judgement(stage)
    states = [one.state for one in found.thresholds]
    figures: dict[str, Any] = {name: states.count(name) for name in ("held", "missed", "few")}
    for row in found.plans:
        figures[f"p beside {row.baseline}"] = f"{row.test.p:.2g} ({row.gained} gained, {row.lost} lost)"
    facts = {name: stage.path(f"{name}.md").read_text(encoding="utf-8") for name in ("thresholds", "comparison")}
    pictures = {"baselines": stage.path("baselines.png").read_bytes()}
    return StageResult(stage, reused, facts=facts, pictures=pictures, figures=figures)


TITLES = {"route_tools_exact": "tools exact", FIGURE: "plan exact"}


def rates(reports: Mapping[str, RouterReport]) -> dict[str, Rate]:
    """Return what is drawn of each model, by title: exact tools and plans of all cases, then of those off the majority route."""
    shown = {
        f"{name}: {title}": one.figures[figure] for figure, title in TITLES.items() for name, one in reports.items()
    }
    return shown | {
        f"{name}: {title}, other routes": one.buckets[OFF_MAJORITY][figure]
        for figure, title in TITLES.items()
        for name, one in reports.items()
    }


def _against(others: dict[str, Any], model: Any, method: str, figure: str) -> tuple[PairedComparison, ...]:
    found = (beside(other, model, figure, (name, method)) for name, other in others.items())
    return tuple(row for row in found if row is not None)


def read_judgement(stage: Stage) -> Judgement:
    """Read the result of ``judgement``."""
    return msgspec.json.decode(stage.path(RESULT).read_bytes(), type=Judgement)


def release_items(ws: Workspace) -> Sequence[ReleaseItem]:
    """Ask that every threshold holds, and that the model beats the majority route where that one is wrong (p < .05).

    A group of few cases is no item. Without a current judgement the items are not measured."""
    stage = ws.store.find("judgement")
    found = read_judgement(stage) if stage is not None and _current(ws, stage) else None
    items = [
        ReleaseItem(
            name=f"{one.group}: {one.figure}", value=one.judged, bound=one.bound, op=">=" if one.at_least else "<=",
            low=one.rate.low, high=one.rate.high, n=one.rate.cases,
            advice="look at the cases of this group, or train on more rows like them",
        )
        for one in (found.thresholds if found else ())
        if one.state in ("held", "missed")
    ]  # fmt: skip
    row = next((row for row in found.plans if row.baseline == MAJORITY), None) if found else None
    better = row is not None and row.gained > row.lost
    return [
        *items,
        ReleaseItem(
            name="p of exact plans beside the majority route", value=row.test.p if row is not None and better else None,
            bound=SIGNIFICANT, op="<=", n=row.candidate_rate.cases if row is not None else None,
            advice="the model knows the majority route only: train on more rows of other routes, and materialise judgement again",
        ),
    ]  # fmt: skip


def _current(ws: Workspace, stage: Stage) -> bool:
    """Tell whether it was made from the current stages and the current file."""
    file = thresholds_file(ws)
    return (
        file.is_file()
        and sha256_file(file) == stage.manifest.recipe.inputs[FILE]
        and stage.manifest.recipe.config.get("strict") == switch(ws, "strict")
        and made_from_current(ws, stage, files=(FILE,))
    )
