"""Build stages that are made for each of several parts apart: the files of a data folder, the suites of a benchmark.

A part is a stage of its own (``source/own.jsonl``), made from its file alone. The stage that joins all parts makes those that are
missing or old and reuses the others, so that the demo and the nightly need no partition, and a part that was made in the web UI is
not made again. A track with suites can also ask its production checkpoint about one of them (``suite_bench``)."""

from __future__ import annotations

import dataclasses
import shutil
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from canvas_pipeline.errors import MissingInput
from canvas_pipeline.evaluation.charts import forest_png
from canvas_pipeline.pipeline import evaluation
from canvas_pipeline.pipeline.backend import backend_of
from canvas_pipeline.pipeline.context import BuildContext
from canvas_pipeline.pipeline.shares import share
from canvas_pipeline.pipeline.stage import StageSpec
from canvas_pipeline.pipeline.standard import ANSWERS
from canvas_pipeline.pipeline.workspace import Launch, StageResult, Workspace
from canvas_pipeline.records import digest, dumps, read_jsonl
from canvas_pipeline.storage.store import Writer

if TYPE_CHECKING:
    from canvas_pipeline.pipeline.track import Track

SUITE, SUITE_BENCH = "suite", "suite_bench"


def partitioned_stages(track: Track) -> Mapping[str, StageSpec]:
    """Return a track's partitioned stages by name: its own, and ``suite_bench`` where it has suites."""
    found = {spec.name: spec for spec in track.partitioned()}
    if SUITE in found:
        found[SUITE_BENCH] = StageSpec(
            name=SUITE_BENCH, inputs=(SUITE, "production_checkpoint"), build=suite_bench, kind="report", group="comparison",
            description="The production model on one suite alone, beside trivial baselines. Pick the suite; look at the picture.",
            memory_gib=ANSWERS, scheduled=False, parts=found[SUITE].parts,
        )  # fmt: skip
    return found


def parts_of(ws: Workspace, name: str) -> list[str]:
    """Return the parts of a partitioned stage that there are now, in the order of its declaration."""
    spec = partitioned_stages(ws.track)[name]
    return list(spec.parts(ws)) if spec.parts is not None else []


def build_part(ws: Workspace, name: str, part: str, launch: Launch) -> StageResult:
    """Build or reuse one part. Raises ``MissingInput`` where there is no such part now."""
    if part not in parts_of(ws, name):
        raise MissingInput(f"{ws.track.name}/{name}: there is no {part} now; its partition can be removed")
    spec = partitioned_stages(ws.track)[name]
    return spec.build(BuildContext(dataclasses.replace(spec, name=f"{name}/{part}"), ws, launch))


def build_parts(context: BuildContext, name: str) -> Mapping[str, StageResult]:
    """Build or reuse every part, for the stage that joins them: stage name of the part → its result."""
    ws = context.workspace
    return {f"{name}/{part}": build_part(ws, name, part, context.start) for part in parts_of(ws, name)}


def suite_bench(context: BuildContext) -> StageResult:
    """Ask the production checkpoint the cases of one suite, and score them beside trivial baselines."""
    ws, benchmark = context.workspace, context.track.benchmark
    cases, weights = ws.store.get(f"{SUITE}/{context.part}"), evaluation.production_weights(ws)
    context.input("production_checkpoint")
    rows: list[Any] = list(read_jsonl(cases.path(), benchmark.case_type))
    if not rows:
        raise MissingInput(f"{context.part}: no case of it can be asked; look at the refusals of {SUITE}")

    def build(writer: Writer) -> None:
        unfinished = context.unfinished(writer)
        found = evaluation.predictions(context, unfinished, backend_of(ws), weights.directory(), [cases.path()])
        writer.rows((found[row.id] for row in rows), "predictions.jsonl")
        writer.json(evaluation.scored(benchmark, rows, found), "report.json")
        shutil.rmtree(unfinished)

    sizes = digest(dumps(context.profile).decode())
    config = {"max_new_tokens": benchmark.limit(context.profile), "sizes": sizes, "backend": backend_of(ws)}
    inputs = {"model": weights.sha256, cases.manifest.stage: cases.sha256}
    stage, reused = context.make(build, inputs, config, runs=evaluation.asking(benchmark), unused=evaluation.UNUSED)
    reports = {weights.candidate.method: evaluation.read_report(ws, stage)}
    reports |= {name: benchmark.score(rows, said) for name, said in benchmark.trivial(rows).items()}
    headline = benchmark.headline
    figures: dict[str, Any] = {}
    for name, report in reports.items():
        figures |= share(f"{headline.title} of {name}", report.rate(headline.name))
    rates = {name: report.rate(headline.name) for name, report in reports.items()}
    pictures = {"beside the baselines": forest_png(rates, f"{headline.title}: {context.part}")}
    return StageResult(stage, reused, facts={"cases": len(rows)}, pictures=pictures, figures=figures)
