"""Measures models: the base, every method, the matrix of all methods, the choice of the production checkpoint.

All models get the same prompts. The choice of the production checkpoint never looks at the test cases.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from canvas_pipeline.errors import ArtifactCorrupt, GateClosed, MissingInput
from canvas_pipeline.evaluation import charts, groups, matrix
from canvas_pipeline.evaluation.benchmark import Benchmark, Case, Prediction
from canvas_pipeline.evaluation.generate import Sampling
from canvas_pipeline.evaluation.statistics import percent
from canvas_pipeline.guardrails.verdict import Verdict
from canvas_pipeline.pipeline import candidates, human_split, training
from canvas_pipeline.pipeline import verdicts as evaluated
from canvas_pipeline.pipeline.backend import backend_of, served
from canvas_pipeline.pipeline.context import BuildContext
from canvas_pipeline.pipeline.processes import ranked
from canvas_pipeline.pipeline.shares import share
from canvas_pipeline.pipeline.workspace import StageResult, Workspace
from canvas_pipeline.records import digest, dumps, read_jsonl, write_jsonl
from canvas_pipeline.storage.code_version import root_of
from canvas_pipeline.storage.store import Stage, Writer
from canvas_pipeline.training import ranks

UNUSED = ("bitsandbytes", "llama-cpp-python", "peft")
"""Libraries that a checkpoint's bench imports nothing of: they train adapters and answer from GGUF files."""
CASES = {"test": "rows.jsonl", "selection": "selection.jsonl"}


def base_bench(context: BuildContext) -> StageResult:
    """The base model on the bench: what the harness measures before any training (G3)."""
    folder = training.start_folder(context.workspace, "base_model")
    sha256 = context.workspace.store.digests.path(folder)
    stage, reused = _benched(context, folder, sha256, parts=("test",))
    return _shown(context, stage, reused, (evaluated.of_base(context.workspace),))


def method_bench(context: BuildContext) -> StageResult:
    """A method's checkpoint on the bench. Of several candidates each answers the selection cases, and the one that the track's rule
    chooses by them the test cases too."""
    method = context.spec.method
    checkpoint = context.input(f"{method}_checkpoint")
    found = candidates.of_checkpoint(checkpoint, method)
    if len(found) == 1:
        return _shown(context, *_benched(context, checkpoint.directory(), checkpoint.sha256))
    stage, reused = _each_benched(context, checkpoint, found)
    chosen = candidates.chosen(checkpoint, stage, method)
    headline = context.track.benchmark.headline
    lines = [f"| step | epoch | {headline.title} on the selection cases | |", "|---:|---:|---|---|"]
    for one in found:
        rate = read_report(context.workspace, stage, candidates.report_of(one)).rate(headline.name)
        lines.append(
            f"| {one.step} | {one.candidate.epoch:.3g} | {percent(rate)} | {'**chosen**' if one == chosen else ''} |"
        )
    return _shown(context, stage, reused, facts={"step": chosen.step, "candidates": "\n".join(lines)})


def read_report(ws: Workspace, stage: Stage, name: str = "report.json") -> Any:
    """A bench stage's report."""
    return ws.track.benchmark.read(stage.path(name))


def asking(benchmark: Benchmark) -> tuple[str, ...]:
    """The track's code that decides what a model is asked and how predictions are scored, for ``make``."""
    return root_of(benchmark.prompt), root_of(benchmark.score)


def generation(
    ws: Workspace, backend: str, model: Path, cases: Path, out: Path, sampling: Sampling | None = None, more: Sequence[str] = ()
) -> list[str]:  # fmt: skip
    """The command that generates a model's predictions for a file of cases."""
    chance = sampling or Sampling(0.0)
    count = ranks.asked() if backend == "hf" else 1  # llama.cpp computes on all cores by itself
    return ranked(
        count, "canvas_pipeline.pipeline.generation_process", "--track", ws.track.name, "--backend", backend, "--model", str(model),
        "--cases", str(cases), "--profile", ws.profile.name, "--out", str(out),
        "--temperature", str(chance.temperature), "--seed", str(chance.seed), *(served(ws) if backend == "served" else ()), *more,
    )  # fmt: skip


def predictions(
    context: BuildContext,
    folder: Path,
    backend: str,
    model: Path,
    case_files: Sequence[Path],
    sampling: Sampling | None = None,
    more: Sequence[Case] = (),
    options: Sequence[str] = (),
) -> dict[str, Prediction]:
    """A model's predictions for the cases of some files and for ``more``, by case id, generated in one process.

    ``folder`` (``context.unfinished``) holds what was generated, sealed, so that a killed run is taken up where it was; it is the
    caller's to remove."""
    out = folder / f"{backend}-{model.name}.jsonl"
    seal = context.workspace.seal
    if not seal.holds(out, folder.name):
        out.unlink(missing_ok=True)
        together = folder / "cases.jsonl"
        case_type = context.track.benchmark.case_type
        write_jsonl(together, [*(case for path in case_files for case in read_jsonl(path, case_type)), *more])
        context.launch(generation(context.workspace, backend, model, together, out, sampling, options))
    if not seal.holds(out, folder.name):
        raise ArtifactCorrupt(f"{out} is not what the generation process sealed when it ended; run again")
    return {row.id: row for row in read_jsonl(out, Prediction)}


def scored(benchmark: Benchmark, cases: Sequence[Case], found: Mapping[str, Prediction]) -> Any:
    """A report over some of the cases that were answered."""
    return benchmark.score(cases, [found[case.id] for case in cases])


def _benched(
    context: BuildContext, model: Path, sha256: str, parts: Sequence[str] = tuple(CASES)
) -> tuple[Stage, bool]:
    """``parts`` are the cases asked: a candidate also answers those it is chosen by."""
    cases, benchmark = context.input("bench_cases"), context.track.benchmark
    by_hand = human_split.asked(context)

    def run(writer: Writer) -> None:
        files = {part: cases.path(CASES[part]) for part in parts}
        unfinished = context.unfinished(writer)
        backend = backend_of(context.workspace)
        found = predictions(context, unfinished, backend, model, list(files.values()), more=by_hand.cases)
        for part, path in files.items():
            rows: list[Any] = list(read_jsonl(path, benchmark.case_type))
            suffix = "" if part == "test" else f"-{part}"
            writer.rows((found[row.id] for row in rows), f"predictions{suffix}.jsonl")
            writer.json(scored(benchmark, rows, found), f"report{suffix}.json")
        by_hand.write(writer, found)
        _write_groups(benchmark, writer)
        shutil.rmtree(unfinished)

    return _make_bench(context, run, sha256, cases, by_hand)


def _make_bench(
    context: BuildContext,
    build: Callable[[Writer], None],
    model: str,
    cases: Stage,
    by_hand: human_split.Asked,
    *chooses: str,
) -> tuple[Stage, bool]:
    benchmark = context.track.benchmark
    inputs = {"model": model, "bench_cases": cases.sha256}
    # The generation process reads the profile by its name, where no import of this code shows it.
    config = {"max_new_tokens": benchmark.limit(context.profile), "sizes": digest(dumps(context.profile).decode())}
    config |= by_hand.config
    if (backend := backend_of(context.workspace)) != "hf":  # another program's products: other last bits
        config["backend"] = backend
    runs = (*asking(benchmark), *_grouping(benchmark), *by_hand.code, *chooses)
    return context.make(build, inputs, config, runs=runs, unused=UNUSED)


def _each_benched(context: BuildContext, checkpoint: Stage, found: Sequence[candidates.Weights]) -> tuple[Stage, bool]:
    """All candidates on the selection cases, the chosen one on the test cases. The choice is made before a test case is asked."""
    cases, benchmark = context.input("bench_cases"), context.track.benchmark
    files = {part: cases.path(name) for part, name in CASES.items()}
    by_hand = human_split.asked(context)

    def build(writer: Writer) -> None:
        rows: dict[str, list[Any]] = {part: list(read_jsonl(path, benchmark.case_type)) for part, path in files.items()}
        unfinished = context.unfinished(writer)

        def answered(one: candidates.Weights, part: str, *names: str) -> Any:
            """A candidate's report on a part, written with its predictions under the names (those of the predictions last)."""
            folder = unfinished / f"{unfinished.name}-{one.step}-{part}"
            folder.mkdir(exist_ok=True)
            more = by_hand.cases if part == "test" else ()
            given = predictions(
                context, folder, backend_of(context.workspace), one.directory(), [files[part]], more=more
            )
            if more:
                by_hand.write(writer, given)
            report = scored(benchmark, rows[part], given)
            for name in names:
                if name.endswith(".json"):
                    writer.json(report, name)
                else:
                    writer.rows((given[case.id] for case in rows[part]), name)
            return report

        reports = [
            (one.candidate, answered(one, "selection", candidates.report_of(one), candidates.predictions_of(one)))
            for one in found
        ]
        record = benchmark.choose(reports)
        writer.json(record, candidates.RECORD)
        best = next(one for one in found if one.candidate == candidates.best_of(record))
        answered(best, "selection", "report-selection.json", "predictions-selection.jsonl")
        answered(best, "test", "report.json", "predictions.jsonl")
        _write_groups(benchmark, writer)
        shutil.rmtree(unfinished)

    return _make_bench(context, build, checkpoint.sha256, cases, by_hand, root_of(benchmark.choose))


def _write_groups(benchmark: Benchmark, writer: Writer) -> None:
    """The table of the report on the test cases by tool, type or the like."""
    if benchmark.groups is not None:
        report = benchmark.read(writer.path("report.json"))
        writer.text(groups.table(benchmark.groups, report) + "\n", benchmark.groups.file)


def _grouping(benchmark: Benchmark) -> tuple[str, ...]:
    """The track's code that groups the cases, for ``make``."""
    return (root_of(benchmark.groups.of),) if benchmark.groups is not None else ()


def _grouped(benchmark: Benchmark, stage: Stage) -> dict[str, str]:
    """What was written by ``groups``, as metadata."""
    return {benchmark.groups.title: stage.path(benchmark.groups.file).read_text()} if benchmark.groups else {}


def _shown(
    context: BuildContext, stage: Stage, reused: bool, verdicts: tuple[Verdict, ...] = (), facts: Mapping[str, Any] = {}
) -> StageResult:
    benchmark, found = context.track.benchmark, read_report(context.workspace, stage)
    figures: dict[str, Any] = {}
    facts = dict(facts)
    for metric in benchmark.metrics:
        (figures if metric.compared else facts).update(share(metric.title, found.rate(metric.name)))
    facts |= {"cases": len(found.outcomes), **benchmark.details(found), **human_split.shown(benchmark, stage)}
    facts |= _grouped(benchmark, stage)
    return StageResult(stage, reused, verdicts, facts, benchmark.pictures(found), figures=figures)


def current_benches(ws: Workspace) -> tuple[dict[str, Stage], dict[str, str]]:
    """The bench stages of methods whose checkpoint and cases are the current ones, in table order; and why others are not
    among them."""
    cases = ws.store.get("bench_cases").sha256
    good: dict[str, Stage] = {}
    left_out: dict[str, str] = {}
    for name in ws.track.methods:
        stage, checkpoint = ws.store.find(f"{name}_bench"), ws.store.find(f"{name}_checkpoint")
        if stage is None or checkpoint is None:
            left_out[name] = "not trained or not benched"
        elif stage.manifest.recipe.inputs != {"model": checkpoint.sha256, "bench_cases": cases}:
            left_out[name] = "benched with other cases or another checkpoint than the current ones"
        else:
            try:
                training.current_checkpoint(ws, name)
                good[name] = stage
            except (GateClosed, MissingInput) as error:
                left_out[name] = str(error)
    return good, left_out


def method_matrix(context: BuildContext) -> StageResult:
    """All current methods side by side, against SFT, with paired tests and trivial baselines."""
    ws = context.workspace
    stages, left_out = current_benches(ws)
    if "sft" not in stages:
        raise MissingInput(f"the matrix compares with sft, but sft is {left_out['sft']}; materialise sft_bench")
    cases, benchmark = context.input("bench_cases"), context.track.benchmark

    def build(writer: Writer) -> None:
        rows: list[Any] = list(read_jsonl(cases.path(), benchmark.case_type))
        trivial = {name: benchmark.score(rows, found) for name, found in benchmark.trivial(rows).items()}
        base = ws.store.find("base_bench")
        if base is not None and base.manifest.recipe.inputs.get("bench_cases") == cases.sha256:
            trivial = {"base": read_report(ws, base), **trivial}
        reports = {name: read_report(ws, stage) for name, stage in stages.items()}
        found = matrix.matrix(benchmark, reports, "sft", trivial)
        writer.json(found, "matrix.json")
        writer.text(matrix.table(benchmark, found) + "\n", "matrix.md")
        if benchmark.groups is not None:
            writer.text(groups.tables(benchmark.groups, {**reports, **trivial}) + "\n", benchmark.groups.file)
        writer.path("methods.png").write_bytes(charts.methods_png(benchmark, found))

    inputs = {"bench_cases": cases.sha256, **{name: stage.sha256 for name, stage in stages.items()}}
    config = {"columns": [column.name for column in benchmark.columns], "whole": benchmark.whole.name}
    runs = (root_of(benchmark.score), root_of(benchmark.trivial), *_grouping(benchmark))
    stage, reused = context.make(build, inputs, config, runs=runs)
    rows = msgspec.json.decode(stage.path("matrix.json").read_bytes(), type=matrix.MethodMatrix).rows
    headline = benchmark.headline
    figures: dict[str, float | str] = {}
    for row in rows:
        if not row.trivial:
            figures |= share(f"{headline.title} of {row.method}", row.rates[headline.name])
    facts = {
        "table": stage.path("matrix.md").read_text(),
        **_grouped(benchmark, stage),
        "methods left out": left_out or "none",
    }
    pictures = {"methods side by side": stage.path("methods.png").read_bytes()}
    return StageResult(stage, reused, facts=facts, pictures=pictures, figures=figures)


def production_checkpoint(context: BuildContext) -> StageResult:
    """Choose by the track's rule among the reports of all candidates on the selection cases. Choosing nothing is a result."""
    ws = context.workspace
    stages, _ = current_benches(ws)
    found = {name: candidates.of_checkpoint(training.trained(ws, name), name) for name in stages}
    benchmark = context.track.benchmark

    def build(writer: Writer) -> None:
        reports = [
            (one.candidate, read_report(ws, stages[name], candidates.report_of(one)))
            for name in stages
            for one in found[name]
        ]
        writer.json(benchmark.choose(reports), candidates.RECORD)

    inputs = {name: stage.sha256 for name, stage in stages.items()}
    stage, reused = context.make(build, inputs, runs=(root_of(benchmark.choose),))
    record = candidates.read_selection(stage)
    figures: dict[str, float | str] = {
        "chosen": record.chosen.method if record.chosen else "none",
        "reason": record.reason,
    }
    if record.chosen:
        chosen = production_weights(ws)
        if not chosen.single:
            figures["step"] = chosen.step
        headline = benchmark.headline
        report = read_report(ws, stages[record.chosen.method], "report-selection.json")
        figures |= share(f"{headline.title} on the selection cases", report.rate(headline.name))
    return StageResult(stage, reused, facts={"candidates": len(record.candidates)}, figures=figures)


def production_weights(ws: Workspace) -> candidates.Weights:
    """The weights of the production checkpoint. Raises ``GateClosed`` where none was eligible, or where its method's bench asked
    the test cases of another candidate or checkpoint."""
    record = candidates.read_selection(ws.store.get("production_checkpoint"))
    if record.chosen is None:
        raise GateClosed(f"there is no production checkpoint: {record.reason}")
    name = record.chosen.method
    benched = candidates.chosen(training.trained(ws, name), ws.store.get(f"{name}_bench"), name)
    if benched.candidate != record.chosen:
        raise GateClosed(
            f"the production checkpoint is {name} at epoch {record.chosen.epoch:g}, but {name}_bench is about another one (epoch "
            f"{benched.candidate.epoch:g}); materialise {name}_bench and production_checkpoint again"
        )
    return benched


def production_method(ws: Workspace) -> str:
    """The method of the production checkpoint; raises ``GateClosed`` where none was eligible."""
    return production_weights(ws).candidate.method
