"""Define the Canvas benchmark: tool calls for a student's requests."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from canvas_pipeline.evaluation.benchmark import Benchmark, HumanSplit
from canvas_pipeline.evaluation.charts import forest_png
from canvas_pipeline.evaluation.groups import Groups
from canvas_pipeline.tracks.canvas.bench import human
from canvas_pipeline.tracks.canvas.bench.scenarios.students import NOW
from canvas_pipeline.tracks.canvas.bench.score import MEANS, METRICS, BenchReport, by_tool, report
from canvas_pipeline.tracks.canvas.bench.selection import select
from canvas_pipeline.tracks.canvas.bench.trivial import trivial
from canvas_pipeline.tracks.canvas.rows import BenchCase
from canvas_pipeline.tracks.canvas.tools.prompt import prompt

if TYPE_CHECKING:
    from canvas_pipeline.pipeline.workspace import Workspace


def by_hand(ws: Workspace) -> list[human.HumanCase]:
    """Read a workspace's prompts worded by hand, to be asked at the scenarios' instant."""
    return human.human_cases(ws.prompts, NOW)


def details(found: BenchReport) -> Mapping[str, Any]:
    """Count the cases by what the model did, and their wordings."""
    states = ", ".join(f"{count} {state}" for state, count in found.states.items())
    return {"cases": f"{found.cases} in {found.wordings} wordings: {states}"}


def pictures(found: BenchReport) -> Mapping[str, bytes]:
    """Draw tool selection tool by tool."""
    rates = {name: score.selection for name, score in found.by_tool.items()}
    return {"tool selection by tool": forest_png(rates, "tool selection", found.macro_selection)}


BENCHMARK = Benchmark(
    case_type=BenchCase,
    report_type=BenchReport,
    prompt=prompt,
    score=report,
    columns=(
        METRICS["tool_selection"], MEANS["macro_selection"], METRICS["exact_call"], MEANS["argument_accuracy"],
        *(METRICS[name] for name in ("parsimony", "over_calling", "under_calling", "termination", "malformed")),
        METRICS["honest_after_error"], METRICS["invented"],
    ),
    whole=METRICS["exact_call"],
    trivial=trivial,
    choose=select,
    details=details,
    pictures=pictures,
    groups=Groups("tool", by_tool),
    human=HumanSplit(
        prompt_type=human.HumanCase, report_type=human.HumanReport, read=by_hand, case=human.case, score=human.report
    ),
)  # fmt: skip
