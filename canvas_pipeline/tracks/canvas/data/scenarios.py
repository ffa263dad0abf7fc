"""The stage ``scenarios``, end to end with the production checkpoint, and what the track asks of a release."""

from __future__ import annotations

from collections.abc import Sequence

from canvas_pipeline.evaluation.benchmark import Prediction
from canvas_pipeline.evaluation.statistics import Rate, wilson
from canvas_pipeline.pipeline import evaluation, training
from canvas_pipeline.pipeline.backend import backend_of, served
from canvas_pipeline.pipeline.context import BuildContext
from canvas_pipeline.pipeline.processes import module
from canvas_pipeline.pipeline.workspace import StageResult, Workspace
from canvas_pipeline.records import read_jsonl
from canvas_pipeline.release.gate import ReleaseItem
from canvas_pipeline.storage.store import Writer
from canvas_pipeline.tracks.canvas.bench.scenarios.run import ScenarioResult
from canvas_pipeline.tracks.canvas.bench.scenarios.table import SCENARIOS
from canvas_pipeline.tracks.canvas.bench.score import report
from canvas_pipeline.tracks.canvas.rows import BenchCase


def scenarios(context: BuildContext) -> StageResult:
    """Run all scenarios through the agent loop on the mock Canvas; a failed one is a result, not an error."""
    ws = context.workspace
    production, backend = evaluation.production_weights(ws), backend_of(ws)

    def run(writer: Writer) -> None:
        context.launch(
            module(
                "canvas_pipeline.tracks.canvas.bench.scenarios", "--model", str(production.directory()),
                "--profile", context.profile.name, "--out", str(writer.path("results.jsonl")),
                *(("--backend", backend, *served(ws)) if backend != "hf" else ()),
            ),
        )  # fmt: skip

    config = production.config | ({"backend": backend} if backend != "hf" else {})
    stage, reused = context.make(run, {"model": production.stage.sha256}, config, unused=evaluation.UNUSED)
    results = list(read_jsonl(stage.path("results.jsonl"), ScenarioResult))
    figures = {
        "passed": sum(result.passed for result in results),
        "of": len(results),
        "breaking the policy": sum(bool(result.violations) for result in results),
    }
    return StageResult(stage, reused, facts={"table": _table(results)}, figures=figures)


def _table(results: Sequence[ScenarioResult]) -> str:
    """Write the results as a Markdown table: the first thing that was wrong, and all rules of the policy that were broken."""
    rows = (
        f"| {result.title} | {'passed' if result.passed else 'failed'} | {result.reason} | {', '.join(result.violations)} |"
        for result in results
    )
    return "\n".join(("| scenario | result | reason | broken rules of the policy |", "|---|---|---|---|", *rows))


def release_items(ws: Workspace) -> Sequence[ReleaseItem]:
    """Measure the scenarios passed and the answers that state something invented, with the profile's bounds."""
    name = evaluation.production_method(ws)
    passed, invented = _passed(ws), _invented(ws, name)
    return (
        ReleaseItem(
            name="scenarios passed", value=passed.share, low=passed.low, high=passed.high, n=passed.cases, op=">=",
            bound=ws.profile.min_scenarios_passed, advice="see the stage scenarios for the reason of each",
        ),
        ReleaseItem(
            name="answers with something invented", value=invented.share, low=invented.low, high=invented.high, n=invented.cases,
            op="<=", bound=ws.profile.max_invented, advice="see the answers of the bench after a tool result",
        ),
    )  # fmt: skip


def _passed(ws: Workspace) -> Rate:
    """The scenarios passed; no case where they were run with another checkpoint, or not all of them were."""
    stage, production = ws.store.find("scenarios"), evaluation.production_weights(ws)
    if stage is None or stage.manifest.recipe.inputs != {"model": production.stage.sha256}:
        return wilson(0, 0)
    if stage.manifest.recipe.config.get("candidate") != production.config.get("candidate"):
        return wilson(0, 0)
    results = list(read_jsonl(stage.path("results.jsonl"), ScenarioResult))
    if sorted(result.scenario for result in results) != sorted(scenario.id for scenario in SCENARIOS):
        return wilson(0, 0)
    return wilson(sum(result.passed for result in results), len(results))


def _invented(ws: Workspace, name: str) -> Rate:
    """The share of answers with something invented; no case where the bench asked other cases or another checkpoint."""
    benched, cases = ws.store.get(f"{name}_bench"), ws.store.get("bench_cases")
    if benched.manifest.recipe.inputs != {"model": training.trained(ws, name).sha256, "bench_cases": cases.sha256}:
        return wilson(0, 0)
    asked = list(read_jsonl(cases.path(), BenchCase))
    return report(asked, read_jsonl(benched.path("predictions.jsonl"), Prediction)).invented
