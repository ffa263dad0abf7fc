"""Build a small pipeline on disk in which every guard passes; a test copies it and breaks one thing.

Built by the real stage functions from synthetic contributors, at the embedded profile. Only the processes that need torch are
replaced, by ``Workshop``: it writes what a measurement, a bench or a training would have written.
"""

from __future__ import annotations

import fcntl
import json
import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import pytest

from canvas_pipeline.evaluation.benchmark import Prediction
from canvas_pipeline.methods import REFERENCE, method, rounds
from canvas_pipeline.models.gemma4.family import GEMMA4
from canvas_pipeline.models.gemma4.wire import ToolCall, serialise
from canvas_pipeline.pipeline import candidates, evaluation, training
from canvas_pipeline.pipeline.context import build_stage
from canvas_pipeline.pipeline.workspace import DEPLOY, StageResult, Workspace, recipe, workspace
from canvas_pipeline.records import digest, read_jsonl, write_jsonl
from canvas_pipeline.release.gguf import QUANTS
from canvas_pipeline.release.quant_check import EXPECTED, Answer, QuantEvidence, QuantReport
from canvas_pipeline.storage.digests import sha256_file
from canvas_pipeline.storage.seal import KEY_FILE, Seal
from canvas_pipeline.storage.store import Stage, Writer
from canvas_pipeline.tracks.canvas.bench.agent import AgentRun
from canvas_pipeline.tracks.canvas.bench.scenarios.run import ScenarioResult
from canvas_pipeline.tracks.canvas.bench.scenarios.table import SCENARIOS
from canvas_pipeline.tracks.canvas.data import intake
from canvas_pipeline.tracks.canvas.intake.synthetic.synthesize import synthesize
from canvas_pipeline.tracks.canvas.rows import BenchCase, PreferencePair, Trajectory
from canvas_pipeline.tracks.canvas.track import TRACK
from canvas_pipeline.training.leaving import base_name, keep_adapter
from canvas_pipeline.training.reference import ReferenceRow
from canvas_pipeline.training.spec import RunSpec, read_spec
from canvas_pipeline.training.weights import ADAPTER
from canvas_pipeline_tests.managed.given import save_adapter

METHODS = ("sft", "dpo")
SAMPLED = ("sft_samples", "onpolicy_pairs", "feedback_examples", "preference_split", "feedback_split")
"""What is made of the SFT checkpoint's own completions, in order."""
ASKING = evaluation.asking(TRACK.benchmark)
QUANTISES = ("pipeline.release:gguf.build", *ASKING)
BASE = "micro-base"
SHARES = {"base": 0.4, "sft": 0.85, "dpo": 0.95}
OTHERS = 0.9
"""Share of the bench cases that each model answers exactly, and that any other method's does."""


@dataclass(frozen=True)
class Workshop:
    """A ``Launch`` that does what the pipeline's child processes do, without torch. ``share``: fraction of a bench answered right;
    ``weights``: the folder that every training ends with. Counts the requests."""

    weights: Path
    share: float = 1.0

    def __call__(self, command: Sequence[str], env: Mapping[str, str]) -> None:
        name, words = command[2], list(command[3:])
        options = dict(zip(words[::1], words[1:])) if words else {}
        out = Path(options["--out"])
        if name == "canvas_pipeline.pipeline.generation_process":
            say = self.sampled if "_samples" in options["--cases"] else self.said
            write_jsonl(out, (say(case) for case in read_jsonl(Path(options["--cases"]), BenchCase)))
        elif name == "canvas_pipeline.tracks.canvas.bench.scenarios":
            traces = (AgentRun(text="Done.", turns=(), answer="Done.", ending="answered"),)
            good = {"passed": True, "reason": "", "violations": (), "traces": traces}
            write_jsonl(out, (ScenarioResult(scenario=one.id, title=one.title, **good) for one in SCENARIOS))
        else:
            {"measure": measured, "reference": referred, "train": self._trained}[words[0]](
                read_spec(Path(words[1])), out
            )
        if name == "canvas_pipeline.pipeline.generation_process" or words[0] == "train":
            Seal(Path(env[KEY_FILE])).put(out, out.parent.name)

    def said(self, case: BenchCase) -> Prediction:
        right = int(digest(case.id)[:8], 16) / 0xFFFFFFFF < self.share
        calls = (ToolCall(name, dict(a)) for name, a in zip(case.expected_tools, case.expected_args))
        return Prediction(
            id=case.id, text="".join(map(serialise, calls)) or "All right." if right else "I do not know."
        )

    def sampled(self, case: BenchCase) -> Prediction:
        """What a model says that is wrong in three of ten completions: a call too many, drawn by the sample's id."""
        one = Workshop(self.weights, 0.7).said(case)
        wrong = one.text == "I do not know."
        called = "".join(serialise(ToolCall(name, dict(a))) for name, a in zip(case.expected_tools, case.expected_args))
        more = serialise(
            ToolCall("canvas.get_todo" if digest(case.id, "")[0] < "8" else "canvas.list_planner_items", {})
        )
        return Prediction(id=case.id, text=f"{called}{more}<|tool_response>") if wrong else one

    def _trained(self, spec: RunSpec, out: Path) -> None:
        shutil.copytree(self.weights, out / "model")
        (out / "model" / "made-by.txt").write_text(spec.sha256)
        if spec.adapter is not None:
            trained = out / "trained"
            trained.mkdir()
            save_adapter(trained, rank=32, base=str(self.weights), lora_alpha=64)
            base = base_name(spec.track, spec.row.start, spec.path(spec.row.start))
            keep_adapter(trained, out / ADAPTER, base)
            shutil.rmtree(trained)
        summary = {"method": spec.method, "steps": 10, "rows": 600, "eval_rows": 60, "tokens": 1000, "seed": spec.seed,
                   "hyperparameters": msgspec.to_builtins(spec.hyperparameters), "last": {"loss": 0.5}}  # fmt: skip
        (out / "summary.json").write_text(json.dumps(summary))


def measured(spec: RunSpec, out: Path) -> None:
    """Return a measurement with which every guard passes."""
    kind: Any = TRACK.datasets[spec.row.dataset].row_type
    rows: Any = read_jsonl(spec.train_path, kind) if "axes" in kind.__struct_fields__ else ()
    axes = {"mixed" if len(row.axes) > 1 else row.axes[0] for row in rows if row.axes}
    numbers: dict[str, Any] = {
        "grad_norm": 5.0, "row_norm": 100.0, "nonfinite_activations": 0, "nonfinite_logits": 0, "largest_logit": 12.0,
        "masks_wrong": 0,
        "lengths": [200] * 600, **({"sayable": 0.8} if spec.row.reference else {}),
        "margins": [{"axis": a, "before": 0.0, "after": 0.2, "noise": 0.05, "rows": 16} for a in sorted(axes)],
    }  # fmt: skip
    out.write_text(json.dumps(numbers))


def referred(spec: RunSpec, out: Path) -> None:
    """Return the reference rows of all pairs."""
    model = spec.inputs[spec.row.start].sha256
    pairs = (row for path in (spec.train_path, spec.eval_path) for row in read_jsonl(path, PreferencePair))
    write_jsonl(out, (ReferenceRow(id=row.id, chosen=-9.0, rejected=-11.0, model=model) for row in pairs))


def line_at(root: Path, **settings: Any) -> Workspace:
    """Return the workspace of a good pipeline, or of a copy of one."""
    return workspace(root, "embedded", TRACK, base_model=str(root / BASE), **{"deploy": root / "deploy", **settings})


def data_half(ws: Workspace) -> Iterator[StageResult]:
    """Build every stage that no model takes part in, up to split trajectories, bench cases and their language, in order."""
    for contributor in intake.contributor_files(ws):
        yield intake.collab(ws, contributor)
    for stage in (
        "corpus",
        "trajectories",
        "item_pairs",
        "labelled_pairs",
        "mutation_pairs",
        "trajectory_split",
        "bench_cases",
        "wordings",
    ):
        yield build_stage(ws, stage)


def sampled_half(ws: Workspace, launch: Workshop) -> Iterator[StageResult]:
    """Build what the SFT checkpoint says, and the rows that contain some of it."""
    for stage in SAMPLED:
        yield build_stage(ws, stage, launch)


def model_half(ws: Workspace, methods: Sequence[str] = METHODS) -> Iterator[StageResult]:
    """Build the base and some methods (sft first, the others start from it) with their specs and benches, and everything up to
    the release log."""
    weights = ws.root / BASE
    yield build_stage(ws, "base_model", Workshop(weights))
    yield build_stage(ws, "training_image", Workshop(weights))
    yield build_stage(ws, "base_bench", Workshop(weights, SHARES["base"]))
    for name in methods:
        launch = Workshop(weights, SHARES.get(name, OTHERS))
        if method(name).reference == REFERENCE and ws.store.find(REFERENCE) is None:
            yield build_stage(ws, REFERENCE, launch)
        for stage in own_stages(ws, name):
            yield build_stage(ws, stage, launch)
        if name == "sft":
            yield from sampled_half(ws, launch)
    yield from release_half(ws)


def own_stages(ws: Workspace, name: str) -> list[str]:
    """List the stages of a method and its rounds up to its bench, in order."""
    steps = {step.name for step in rounds(method(name))}
    return [spec.name for spec in ws.track.stages().values() if spec.method in steps and spec.scheduled]


def release_half(ws: Workspace) -> Iterator[StageResult]:
    """Build matrix, production checkpoint, quants, scenarios, cards and release log from the existing models."""
    launch = Workshop(ws.root / BASE)
    yield build_stage(ws, "method_matrix", launch)
    yield build_stage(ws, "production_checkpoint", launch)
    quants(ws, evaluation.production_method(ws))
    yield build_stage(ws, "scenarios", launch)
    yield build_stage(ws, "constrained_bench", launch)
    yield build_stage(ws, "cards", launch)
    yield build_stage(ws, "release_log", launch)


def quants(ws: Workspace, name: str) -> None:
    """Write the stage ``<method>_gguf`` as if six files had been made, loaded and benchmarked."""
    checkpoint, benched, cases = (
        ws.store.get(f"{name}_checkpoint"),
        ws.store.get(f"{name}_bench"),
        ws.store.get("bench_cases"),
    )

    benchmark = ws.track.benchmark
    free = benchmark.read(benched.path("report.json"))
    right = sum(benchmark.whole.counts(o) and benchmark.whole.right(o) for o in free.outcomes)

    def build(writer: Writer) -> None:
        evidence = {}
        for quant in QUANTS:
            path = writer.path(f"canvas-{name}-{quant}.gguf")
            path.write_text(f"weights of {checkpoint.sha256} in {quant}")
            report = QuantReport(
                quant=quant, file=path.name, sha256=sha256_file(path), size=path.stat().st_size, types={EXPECTED[quant].main: 9},
                type_problems=(), leaks=(), loaded=True, answers=(Answer(tokens=(5,), text="a", stop="<turn|>"),),
            )  # fmt: skip
            evidence[quant] = QuantEvidence(
                report=report, cases=len(free.outcomes), exact_unquantised=right, exact_retained=right
            )
            writer.json(free, f"report-{quant}.json")
        writer.json(evidence, "quants.json")

    inputs = {"model": checkpoint.sha256, "bench": benched.sha256, "bench_cases": cases.sha256}
    config = {"max_new_tokens": ws.track.benchmark.max_new_tokens, "whole": ws.track.benchmark.whole.name}
    config |= candidates.chosen(checkpoint, benched, name).config
    ws.store.make(recipe(ws, f"{name}_gguf", QUANTISES, inputs, config, unused=training.ADAPTERS), build)


def micro_base(rows: Path, folder: Path) -> None:
    """Build an untrained Gemma-4 of 0.1 M parameters, with a tokenizer trained on some trajectories."""
    from canvas_pipeline.models.family import MICRO
    from canvas_pipeline.models.gemma4.chat import render, to_chat
    from canvas_pipeline.models.gemma4.tiny import build_model, build_tokenizer
    from canvas_pipeline.pipeline.training_process import quiet
    from canvas_pipeline.training.checkpoint import save_model

    quiet()
    texts = [render(to_chat(row.messages))[0] for row in list(read_jsonl(rows, Trajectory))[::8]]
    tokenizer = build_tokenizer(texts, 640)
    save_model(build_model(tokenizer, 0, MICRO), tokenizer, folder, GEMMA4)


def make_good_line(root: Path, methods: Sequence[str] = METHODS) -> None:
    """Build the whole pipeline in an empty folder."""
    synthesize(4, 6, 24, 7, root / "collab")
    shutil.copytree(DEPLOY, root / "deploy")
    (root / BASE).mkdir(parents=True)
    made = list(data_half(line_at(root)))
    micro_base(line_at(root).store.get("trajectories").path(), root / BASE)
    made += model_half(line_at(root), methods)
    failed = [verdict for stage in made for verdict in stage.verdicts if not verdict.passed]
    assert not failed, f"the good line is not good: {failed}"


def copy_of(good: Path, to: Path) -> Workspace:
    """Copy the pipeline by hard links. To change a file of the copy, replace it; do not write into it."""
    shutil.copytree(
        good, to, symlinks=True, copy_function=os.link, ignore=lambda at, _: {"private"} & {*os.listdir(at)}
    )
    shutil.copytree(good / "private", to / "private")  # the registry is appended to in its place
    return line_at(to)


def rewrite(ws: Workspace, name: str, files: Mapping[str, Any], **changes: Any) -> Stage:
    """Rewrite a stage's content under its recipe, as a wrong step or an edit by hand would have left it; ``changes`` may have
    another ``recipe`` or ``funnel``."""
    old = ws.store.get(name)
    folder, manifest = old.folder, old.manifest
    kept = {file: (folder / file).read_bytes() for file in manifest.files if file not in files}
    with ws.store.write(changes.get("recipe", manifest.recipe)) as writer:
        writer.funnel = changes.get("funnel", manifest.funnel)
        writer.notes = dict(manifest.notes)
        for file, raw in kept.items():
            writer.path(file).write_bytes(raw)
        for file, value in files.items():
            if file.endswith(".jsonl"):
                writer.rows(value, file)
            else:
                writer.json(value, file)
    return ws.store.get(name)


@pytest.fixture(scope="session")
def good_line(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the good pipeline's root, built once per test run for all workers. Never change it; use ``copy_of``."""
    shared = tmp_path_factory.getbasetemp()
    if os.environ.get("PYTEST_XDIST_WORKER"):
        shared = shared.parent
    root = shared / "good-line"
    with (shared / "good-line.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (root / "complete").exists():
            shutil.rmtree(root, ignore_errors=True)
            make_good_line(root)
            (root / "complete").touch()
    return root


__all__ = ["REFERENCE", "good_line"]
