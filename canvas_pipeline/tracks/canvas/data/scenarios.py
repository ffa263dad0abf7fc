"""The stage ``scenarios``: what a student really asks for, end to end, with the production checkpoint."""

from __future__ import annotations

from canvas_pipeline.pipeline import evaluation
from canvas_pipeline.pipeline.context import BuildContext
from canvas_pipeline.pipeline.processes import module
from canvas_pipeline.pipeline.workspace import StageResult
from canvas_pipeline.records import read_jsonl
from canvas_pipeline.storage.store import Writer
from canvas_pipeline.tracks.canvas.bench.scenarios import ScenarioResult


def scenarios(context: BuildContext) -> StageResult:
    """Run six calendar scenarios through the agent loop on the mock Canvas; a failed one is a result, not an error."""
    production = evaluation.production_weights(context.workspace)

    def run(writer: Writer) -> None:
        context.launch(
            module(
                "canvas_pipeline.tracks.canvas.bench.scenarios", "--model", str(production.directory()),
                "--profile", context.profile.name, "--out", str(writer.path("results.jsonl")),
            ),
        )  # fmt: skip

    stage, reused = context.make(run, {"model": production.stage.sha256}, production.config, unused=evaluation.UNUSED)
    results = list(read_jsonl(stage.path("results.jsonl"), ScenarioResult))
    facts = {result.scenario: "passed" if result.passed else f"failed: {result.reason}" for result in results}
    figures = {"passed": sum(result.passed for result in results), "of": len(results)}
    return StageResult(stage, reused, facts=facts, figures=figures)
