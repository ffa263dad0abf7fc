"""What models are worth: the base, every method, the matrix, the production checkpoint, the scenarios.

In: ``bench_cases`` and model folders. Out: stages ``base_bench``, ``<method>_bench``, ``method_matrix``, ``production_checkpoint``,
``scenarios``. What must hold: all models see the same prompts through the same system prompt; the choice of the production
checkpoint never looks at the test cases.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from pathlib import Path

import msgspec

from canvas_pipeline.errors import GateClosed, MissingInput
from canvas_pipeline.evaluation import charts, matrix
from canvas_pipeline.guardrails.verdict import Verdict
from canvas_pipeline.pipeline import training
from canvas_pipeline.pipeline import verdicts as judging
from canvas_pipeline.pipeline.processes import module
from canvas_pipeline.pipeline.workspace import Launch, StageResult, Workspace, make
from canvas_pipeline.records import BenchCase, read_jsonl, write_jsonl
from canvas_pipeline.storage.digests import sha256_path
from canvas_pipeline.storage.store import Stage, Writer
from canvas_pipeline.tracks.canvas.bench import selection
from canvas_pipeline.tracks.canvas.bench.scenarios import ScenarioResult
from canvas_pipeline.tracks.canvas.bench.score import BenchReport, Prediction, report
from canvas_pipeline.training.progress import child_environment

UNUSED = ("bitsandbytes", "llama-cpp-python", "peft")
"""Libraries that a checkpoint's bench imports nothing of: they train adapters and answer from GGUF files."""
CASES = {"test": "rows.jsonl", "selection": "selection.jsonl"}


def base_bench(ws: Workspace, launch: Launch) -> StageResult:
    """The base model on the bench: what the harness measures before any training (G3)."""
    folder = training.start_folder(ws, "base_model")
    sha256 = sha256_path(folder)
    stage, reused = _benched(ws, launch, "base_bench", folder, sha256, parts=("test",))
    return _shown(stage, reused, (judging.of_base(ws),))


def method_bench(ws: Workspace, name: str, launch: Launch) -> StageResult:
    """A method's checkpoint on the bench."""
    checkpoint = training.trained(ws, name)
    return _shown(*_benched(ws, launch, f"{name}_bench", checkpoint.folder, checkpoint.sha256))


def read_report(stage: Stage, name: str = "report.json") -> BenchReport:
    """A bench stage's report."""
    return msgspec.json.decode(stage.path(name).read_bytes(), type=BenchReport)


def spoken(
    ws: Workspace, launch: Launch, folder: Path, backend: str, model: Path, case_files: Sequence[Path]
) -> dict[str, Prediction]:
    """What a model says to the cases of some files, in one process; case id → prediction. ``folder`` (``ws.unfinished``) keeps what
    was said, so that a killed run is taken up where it was; it is the caller's to remove."""
    out = folder / f"{backend}-{model.name}.jsonl"
    if not out.is_file():
        together = folder / "cases.jsonl"
        write_jsonl(together, [case for path in case_files for case in read_jsonl(path, BenchCase)])
        launch(
            module(
                "canvas_pipeline.evaluation.generate", "--backend", backend, "--model", str(model), "--cases", str(together),
                "--profile", ws.profile.name, "--out", str(out),
            ),
            child_environment(os.environ),
        )  # fmt: skip
    return {row.id: row for row in read_jsonl(out, Prediction)}


def scored(cases: Sequence[BenchCase], found: dict[str, Prediction]) -> BenchReport:
    """A report over some of the cases that were answered."""
    return report(cases, [found[case.id] for case in cases])


def _benched(
    ws: Workspace, launch: Launch, stage_name: str, model: Path, sha256: str, parts: Sequence[str] = tuple(CASES)
) -> tuple[Stage, bool]:
    """``parts`` are the cases asked: a candidate also answers those it is chosen by."""
    cases = ws.store.get("bench_cases")

    def run(writer: Writer) -> None:
        files = {part: cases.path(CASES[part]) for part in parts}
        said = ws.unfinished(stage_name, writer.fingerprint)
        found = spoken(ws, launch, said, "hf", model, list(files.values()))
        for part, path in files.items():
            rows = list(read_jsonl(path, BenchCase))
            suffix = "" if part == "test" else f"-{part}"
            writer.rows((found[row.id] for row in rows), f"predictions{suffix}.jsonl")
            writer.json(scored(rows, found), f"report{suffix}.json")
        shutil.rmtree(said)

    return make(ws, stage_name, run, inputs={"model": sha256, "bench_cases": cases.sha256}, unused=UNUSED)


def _shown(stage: Stage, reused: bool, verdicts: tuple[Verdict, ...] = ()) -> StageResult:
    found = read_report(stage)
    figures = {
        **matrix.figures("tool selection", found.tool_selection),
        **matrix.figures("exact call", found.exact_call),
    }
    facts = {
        **matrix.figures("parsimony", found.parsimony),
        **matrix.figures("over-calling", found.over_calling),
        **matrix.figures("termination", found.termination),
        **matrix.figures("malformed", found.malformed),
        "cases": f"{found.cases}: {', '.join(f'{count} {state}' for state, count in found.states.items())}",
    }
    pictures = {"tool selection by tool": charts.forest_png(found)}
    return StageResult(stage, reused, verdicts, facts, pictures, figures=figures)


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


def method_matrix(ws: Workspace, launch: Launch) -> StageResult:
    """All current methods side by side, against SFT, with paired tests and trivial baselines."""
    stages, left_out = current_benches(ws)
    if "sft" not in stages:
        raise MissingInput(f"the matrix compares with sft, but sft is {left_out['sft']}; materialise sft_bench")
    cases = ws.store.get("bench_cases")

    def build(writer: Writer) -> None:
        rows = list(read_jsonl(cases.path(), BenchCase))
        trivial = {name: report(rows, said) for name, said in matrix.trivial_predictions(rows).items()}
        base = ws.store.find("base_bench")
        if base is not None and base.manifest.recipe.inputs.get("bench_cases") == cases.sha256:
            trivial = {"base": read_report(base), **trivial}
        found = matrix.matrix({name: read_report(stage) for name, stage in stages.items()}, "sft", trivial)
        writer.json(found, "matrix.json")
        writer.text(matrix.table(found) + "\n", "matrix.md")
        writer.path("methods.png").write_bytes(charts.methods_png(found))

    inputs = {"bench_cases": cases.sha256, **{name: stage.sha256 for name, stage in stages.items()}}
    stage, reused = make(ws, "method_matrix", build, inputs=inputs)
    rows = msgspec.json.decode(stage.path("matrix.json").read_bytes(), type=matrix.MethodMatrix).rows
    figures: dict[str, float | str] = {}
    for row in rows:
        if not row.trivial:
            figures |= matrix.figures(f"tool selection of {row.method}", row.tool_selection)
    facts = {"table": stage.path("matrix.md").read_text(), "methods left out": left_out or "none"}
    pictures = {"methods side by side": stage.path("methods.png").read_bytes()}
    return StageResult(stage, reused, facts=facts, pictures=pictures, figures=figures)


def production_checkpoint(ws: Workspace, launch: Launch) -> StageResult:
    """Choose by macro tool selection on the selection cases, under the tool floor. Choosing nothing is a result."""
    stages, _ = current_benches(ws)
    checkpoints = {name: training.trained(ws, name) for name in stages}

    def build(writer: Writer) -> None:
        candidates = []
        for name, stage in stages.items():
            summary = msgspec.json.decode(checkpoints[name].path("summary.json").read_bytes())
            epochs = float(summary["hyperparameters"]["epochs"])
            found = read_report(stage, "report-selection.json")
            candidates.append(selection.candidate(name, epochs, checkpoints[name].sha256, found))
        writer.json(selection.select(candidates), "selection.json")

    inputs = {name: stage.sha256 for name, stage in stages.items()}
    stage, reused = make(ws, "production_checkpoint", build, inputs=inputs)
    record = msgspec.json.decode(stage.path("selection.json").read_bytes(), type=selection.SelectionRecord)
    figures: dict[str, float | str] = {
        "chosen": record.chosen.method if record.chosen else "none",
        "reason": record.reason,
    }
    if record.chosen and record.chosen.macro_selection is not None:
        figures["macro tool selection on the selection cases (%)"] = round(100 * record.chosen.macro_selection, 1)
    return StageResult(stage, reused, facts={"candidates": len(record.candidates)}, figures=figures)


def production_method(ws: Workspace) -> str:
    """The method of the production checkpoint; raises ``GateClosed`` where none was eligible."""
    path = ws.store.get("production_checkpoint").path("selection.json")
    record = msgspec.json.decode(path.read_bytes(), type=selection.SelectionRecord)
    if record.chosen is None:
        raise GateClosed(f"there is no production checkpoint: {record.reason}")
    return record.chosen.method


def scenarios(ws: Workspace, launch: Launch) -> StageResult:
    """Six calendar scenarios through the agent loop on the mock Canvas; a failed one is a result, not an error."""
    name = production_method(ws)
    checkpoint = training.trained(ws, name)

    def run(writer: Writer) -> None:
        launch(
            module(
                "canvas_pipeline.tracks.canvas.bench.scenarios", "--model", str(checkpoint.folder), "--profile", ws.profile.name,
                "--out", str(writer.path("results.jsonl")),
            ),
            child_environment(os.environ),
        )  # fmt: skip

    stage, reused = make(ws, "scenarios", run, inputs={"model": checkpoint.sha256}, unused=UNUSED)
    results = list(read_jsonl(stage.path("results.jsonl"), ScenarioResult))
    facts = {result.scenario: "passed" if result.passed else f"failed: {result.reason}" for result in results}
    figures = {"passed": sum(result.passed for result in results), "of": len(results)}
    return StageResult(stage, reused, facts=facts, figures=figures)
