"""The stage ``constrained_bench``: the production checkpoint's most precise GGUF file under a grammar, beside its free run.

The free run is what counts: neither the gate, nor the choice of a checkpoint, nor the matrix reads what is measured here."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from typing import Any

from canvas_pipeline.errors import GateClosed
from canvas_pipeline.evaluation.statistics import changes, percent
from canvas_pipeline.models.gbnf import Grammars
from canvas_pipeline.models.grammars import grammar
from canvas_pipeline.pipeline import evaluation, evidence, training
from canvas_pipeline.pipeline.context import BuildContext
from canvas_pipeline.pipeline.facts import source
from canvas_pipeline.pipeline.shares import share
from canvas_pipeline.pipeline.workspace import StageResult, Workspace
from canvas_pipeline.records import dumps, read_jsonl
from canvas_pipeline.release.cards import Fact
from canvas_pipeline.release.gguf import QUANTS
from canvas_pipeline.storage.store import Stage, Writer
from canvas_pipeline.tracks.canvas.rows import BenchCase
from canvas_pipeline.tracks.canvas.tools.tool_table import schemas

NAME = "constrained_bench"
QUANT = QUANTS[-1]
"""The most precise one."""
FREE, CONSTRAINED = "free run", "with a grammar"
METRICS = ("malformed", "tool_selection", "exact_call", "over_calling")


def constrained_bench(context: BuildContext) -> StageResult:
    """Answer the test cases under the grammar of each case's declared tools. Raises ``GateClosed`` without a production
    checkpoint."""
    ws = context.workspace
    files, cases = ws.store.get(f"{evaluation.production_method(ws)}_gguf"), context.input("bench_cases")
    model, benchmark = files.path(evidence.read_quants(files)[QUANT].report.file), context.track.benchmark

    def build(writer: Writer) -> None:
        rows = list(read_jsonl(cases.path(), BenchCase))
        unfinished = context.unfinished(writer)
        known = grammars(rows, context.profile.family_name)
        asked = unfinished / "grammars.json"
        asked.write_bytes(dumps(known))
        found = evaluation.predictions(
            context, unfinished, "gguf", model, [cases.path()], options=("--grammars", str(asked))
        )
        for number, one in enumerate(known.grammars):
            writer.text(one.gbnf, f"grammar-{number}.gbnf")
        writer.rows((found[row.id] for row in rows), "predictions.jsonl")
        report = evaluation.scored(benchmark, rows, found)
        writer.json(report, "report.json")
        writer.text(table(files.path(f"report-{QUANT}.json"), report, benchmark) + "\n", "table.md")
        shutil.rmtree(unfinished)

    config = {"max_new_tokens": benchmark.max_new_tokens, "quant": QUANT}
    runs = evaluation.asking(benchmark)
    stage, reused = context.make(build, inputs_of(files, cases), config, runs=runs, unused=training.ADAPTERS)
    report = evaluation.read_report(ws, stage)
    figures: dict[str, Any] = {}
    for metric in benchmark.metrics:
        if metric.name in METRICS:
            figures |= share(f"{metric.title} {CONSTRAINED}", report.rate(metric.name))
    facts = {"table": stage.path("table.md").read_text(), "file": model.name}
    return StageResult(stage, reused, facts=facts, figures=figures)


def grammars(rows: Sequence[BenchCase], family_name: str) -> Grammars:
    """Derive a grammar for each distinct set of declared tools."""
    declared = list(dict.fromkeys(row.tools for row in rows))
    return Grammars(
        grammars=tuple(grammar(family_name, schemas(tools)) for tools in declared),
        of={row.id: declared.index(row.tools) for row in rows},
    )


def inputs_of(files: Stage, cases: Stage) -> dict[str, str]:
    """What the stage is made from."""
    return {"model": files.sha256, "bench_cases": cases.sha256}


def table(free: Any, constrained: Any, benchmark: Any) -> str:
    """Write the free run of the same file and the constrained one as a Markdown table."""
    before = benchmark.read(free)
    lines = [f"| | {FREE} | {CONSTRAINED} |", "|---|---|---|"]
    for metric in benchmark.metrics:
        if metric.name in METRICS:
            lines.append(
                f"| {metric.title} | {percent(before.rate(metric.name))} | {percent(constrained.rate(metric.name))} |"
            )
    whole = benchmark.whole
    right = [[whole.right(o) for o in report.outcomes if whole.counts(o)] for report in (before, constrained)]
    change = changes(*right)
    return "\n".join(
        (*lines, f"\n{whole.title}: {change.count(1)} cases gained by the grammar, {change.count(-1)} lost.")
    )


def facts(ws: Workspace) -> Mapping[str, Fact]:
    """The figures for the model card, of the current GGUF files and cases alone. Raises ``GateClosed`` for older ones."""
    stage, name = ws.store.get(NAME), evaluation.production_method(ws)
    files, cases = ws.store.get(f"{name}_gguf"), ws.store.get("bench_cases")
    if stage.manifest.recipe.inputs != inputs_of(files, cases):
        raise GateClosed(f"{NAME} asked other files or cases than the current ones; materialise {NAME} again")
    found: dict[str, Fact] = {
        "grammar.file": Fact(value=evidence.read_quants(files)[QUANT].report.file, source=source(files))
    }
    told = {FREE: (files, f"report-{QUANT}.json"), CONSTRAINED: (stage, "report.json")}
    for title, (where, file) in told.items():
        report = evaluation.read_report(ws, where, file)
        for metric in METRICS:
            rate = report.rate(metric)
            if rate.share is not None and rate.bounds is not None:
                low, high = rate.bounds
                found[f"grammar.{title.replace(' ', '_')}.{metric}"] = Fact(
                    value=rate.share, source=source(where, file), unit="share", low=low, high=high, n=rate.cases
                )
    return found
