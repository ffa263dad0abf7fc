"""Evidence under which a release is open, for the tests to break one thing of at a time."""

from __future__ import annotations

import hashlib
from pathlib import Path

from canvas_pipeline.evaluation.against_base import AgainstBase
from canvas_pipeline.guardrails.guard import Guard
from canvas_pipeline.guardrails.verdict import Allowance, Number, Verdict
from canvas_pipeline.methods import METHODS, Method, ancestry
from canvas_pipeline.release.gate import CardEvidence, Figure, ReleaseEvidence, ReleaseItem
from canvas_pipeline.release.gguf import QUANTS
from canvas_pipeline.release.quant_check import Answer, QuantEvidence, QuantReport
from canvas_pipeline.tracks.canvas.datasets import DATASETS
from canvas_pipeline.tracks.canvas.guards import TABLE

METHOD = "dpo"


def sha(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def passed_verdict(guard: Guard, method: Method, inputs: dict[str, str]) -> Verdict:
    """A verdict whose numbers stand exactly on their bounds' right side."""
    numbers: dict[str, Number] = {}
    thresholds: dict[str, Number] = {}
    for bound in guard.bounds:
        limit = 1.0 if bound.value is None else bound.value
        thresholds[bound.threshold] = None if bound.optional else limit
        step = {">": 0.5, "<": -0.001}.get(bound.op, 0.0)
        if bound.number not in numbers:
            numbers[bound.number] = limit + step
    return Verdict(
        guard=guard.id,
        name=guard.name,
        passed=True,
        numbers=numbers,
        thresholds=thresholds,
        inputs={name: inputs[name] for name in guard.inputs(method)},
        subject=guard.subject(method),
    )


def verdicts_for(method: Method, inputs: dict[str, str]) -> tuple[Verdict, ...]:
    """One passed verdict a guard and subject, for a method and all it descends from."""
    found: dict[tuple[str, str | None], Verdict] = {}
    for step in ancestry(method):
        for guard in TABLE.guards.values():
            if guard.applies_to(step):
                found[(guard.id, guard.subject(step))] = passed_verdict(guard, step, inputs)
    return tuple(found.values())


def files_of(folder: Path) -> dict[str, Path]:
    """Small files with the names of a release."""
    folder.mkdir(parents=True, exist_ok=True)
    names = [
        *(f"canvas-{quant}.gguf" for quant in QUANTS),
        "README.md",
        "DATA_CARD.md",
        "Modelfile",
        "data/preference_train.jsonl",
    ]
    for name in names:
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(name)
    return {name: folder / name for name in names}


def open_evidence() -> ReleaseEvidence:
    """Everything holds; the files are those of ``files_of``."""
    inputs = {name: sha(name) for step in ancestry(METHODS[METHOD]) for name in TABLE.inputs_of(step)}
    files = [
        *(f"canvas-{quant}.gguf" for quant in QUANTS),
        "README.md",
        "DATA_CARD.md",
        "Modelfile",
        "data/preference_train.jsonl",
    ]
    hashes = {name: sha(name) for name in files}
    data = {name: sha(f"{name}_train") for name in DATASETS}
    data["preference"] = hashes["data/preference_train.jsonl"]
    quants = {
        quant: QuantEvidence(
            report=QuantReport(
                quant=quant, file=f"canvas-{quant}.gguf", sha256=sha(f"canvas-{quant}.gguf"), size=1 << 20, types={"Q4_K": 3},
                type_problems=(), leaks=(), loaded=True, answers=(Answer(tokens=(5,), text="a", stop="<turn|>"),),
            ),
            cases=600,
            exact_unquantised=400,
            exact_retained=392,
        )
        for quant in QUANTS
    }  # fmt: skip
    cards = {name: CardEvidence(sha256=hashes[name], reasons=()) for name in ("README.md", "DATA_CARD.md")}
    return ReleaseEvidence(
        track="canvas",
        name="canvas-dpo", method=METHOD, profile="embedded", checkpoint=sha("checkpoint"), files=hashes, inputs=inputs, data=data,
        verdicts=verdicts_for(METHODS[METHOD], inputs),
        allowances=(Allowance(stage="labelled_pairs", minimum_retained=0.5, reason="only unanimous votes are kept"),),
        leaks=0, audited={**data, **{name: card.sha256 for name, card in cards.items()}},
        figures={name: Figure(value=0.9, low=0.87, high=0.92, n=600) for name in ("tool_selection", "exact_call")},
        against_base=AgainstBase(metric="exact call", cases=400, gained=30, lost=8, net=(2,) * 15 + (-1,) * 8,
                                 losses={"tool selection": 0.1}, max_loss=0.1),
        bench_checkpoint=sha("checkpoint"), production=(METHOD, sha("checkpoint")), quants=quants, cards=cards, code_version="1",
        items=(ReleaseItem(name="scenarios passed", value=0.5, low=0.2, high=0.8, n=6, op=">=", bound=0.5),
               ReleaseItem(name="answers with something invented", value=0.1, low=0.05, high=0.2, n=44, op="<=", bound=0.1)),
    )  # fmt: skip
