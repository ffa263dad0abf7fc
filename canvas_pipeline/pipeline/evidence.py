"""Collects the evidence about a release from the stages of a workspace. No file that somebody hands in is evidence.

In: verified stages. Out: ``ReleaseEvidence`` and the files to be released. What must hold: every current stage is as it was
written; verdicts are those of the released method and of the methods it descends from; a file that did not change since it was
audited is not looked through again.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec

from canvas_pipeline.errors import GateClosed, MissingInput
from canvas_pipeline.evaluation.against_base import AgainstBase, against_base
from canvas_pipeline.evaluation.statistics import Rate
from canvas_pipeline.guardrails.verdict import Verdict
from canvas_pipeline.methods import METHODS, ancestry
from canvas_pipeline.pipeline import audits, candidates, evaluation, training
from canvas_pipeline.pipeline.workspace import Workspace
from canvas_pipeline.release import gate
from canvas_pipeline.release.quant_check import QuantEvidence
from canvas_pipeline.storage.code_version import package_version
from canvas_pipeline.storage.store import Stage
from canvas_pipeline.storage.versions import is_current, versions
from canvas_pipeline.training.weights import ADAPTER

RELEASED = ("README.md", "DATA_CARD.md", "Modelfile")


def evidence_of(ws: Workspace, *, read_again: bool = False) -> tuple[gate.ReleaseEvidence, dict[str, Path]]:
    """Everything the gate looks at, and the files to be released by their name in the release. Raises ``ArtifactCorrupt`` where any
    stage is not as it was written, ``GateClosed`` where the production checkpoint is not one of the current run.

    ``read_again`` reads every file of every stage, also those whose digest is known and that nothing has touched since."""
    audits.refuse_canaries(ws)
    for stage in filter(is_current, versions(ws.store)):
        ws.store.get(stage.manifest.stage).verify(read_again=read_again)
    name = evaluation.production_method(ws)
    checkpoint, files, card = training.current_checkpoint(ws, name), ws.store.get(f"{name}_gguf"), ws.store.get("cards")
    benched, cases = ws.store.get(f"{name}_bench"), ws.store.get("bench_cases")
    weights, made_from = candidates.chosen(checkpoint, benched, name), files.manifest.recipe.inputs
    if (made_from.get("model"), made_from.get("bench")) != (checkpoint.sha256, benched.sha256):
        raise GateClosed(
            f"{name}_gguf was made from another checkpoint or bench than the current ones; materialise it again"
        )
    measured = _benched_on(benched, cases)
    quants = read_quants(files)
    places = {file: (card, file) for file in RELEASED}
    places |= {q.report.file: (files, q.report.file) for q in quants.values()}
    places |= {f"{ADAPTER}/{Path(file).name}": (checkpoint, file) for file in weights.adapter}
    hashes = {file: stage.manifest.files[entry].sha256 for file, (stage, entry) in places.items()}
    verdicts, inputs = verdicts_of(ws, name)
    data = {key: sha for key, sha in inputs.items() if key.endswith("_train")}
    read = [
        *(ws.store.get(spec.split) for spec in ws.track.datasets_with(name).values()),
        ws.store.get("bench_cases"),
        card,
    ]
    audited = _audited(ws, read)
    reasons = msgspec.json.decode(card.path("reasons.json").read_bytes(), type=dict[str, tuple[str, ...]])
    found = evaluation.read_report(ws, benched)
    chosen = candidates.read_selection(ws.store.get("production_checkpoint")).chosen
    evidence = gate.ReleaseEvidence(
        name=released(ws, name),
        track=ws.track.name,
        method=name,
        profile=ws.profile.name,
        checkpoint=weights.sha256,
        candidate_of="" if weights.single else checkpoint.sha256,
        files=hashes,
        inputs=inputs,
        data=data,
        verdicts=verdicts,
        allowances=ws.all_allowances(),
        leaks=_total(audited, "identities"),
        unreadable=_total(audited, "unreadable_files"),
        exceptions=len(audits.exceptions_of(ws)),
        excepted=_total(audited, "reviewed_exceptions"),
        audited={
            file if stage is card else f"{stage.manifest.stage}/{Path(file).stem}": entry.sha256
            for stage in read
            for file, entry in stage.manifest.files.items()
        },
        figures={m.name: _figure(found.rate(m.name)) for m in ws.track.benchmark.metrics if m.compared},
        against_base=_against_base(ws, found, cases, inputs["base_model"]),
        bench_checkpoint=weights.sha256 if measured == checkpoint.sha256 else measured,
        production=(chosen.method, chosen.checkpoint_sha256) if chosen else None,
        quants=quants,
        cards={file: gate.CardEvidence(sha256=hashes[file], reasons=reasons[file]) for file in gate.CARDS},
        items=tuple(ws.track.release_items(ws)),
        code_version=package_version(),
    )
    return evidence, {file: stage.path(entry) for file, (stage, entry) in places.items()}


def verdicts_of(ws: Workspace, name: str) -> tuple[tuple[Verdict, ...], dict[str, str]]:
    """The verdicts of the current run specs of a method and of those it descends from (each once), and the hashes they are bound
    to. Raises ``GateClosed`` where one is not current."""
    verdicts: dict[tuple[str, str | None], Verdict] = {}
    inputs: dict[str, str] = {}
    for step in ancestry(METHODS[name]):
        spec = training.current_spec(ws, step.name)
        inputs.update({key: file.sha256 for key, file in spec.inputs.items()})
        verdicts.update({(v.guard, v.subject): v for v in spec.verdicts})
    return tuple(verdicts.values()), inputs


def released(ws: Workspace, method: str) -> str:
    """The name of a method's model in files and cards."""
    return f"{ws.track.name}-{method}"


def read_quants(stage: Stage) -> dict[str, QuantEvidence]:
    """What is known about each file of a gguf stage."""
    return msgspec.json.decode(stage.path("quants.json").read_bytes(), type=dict[str, QuantEvidence])


def _audited(ws: Workspace, read: list[Stage]) -> list[Verdict]:
    """The audit's verdicts on some stages. Raises ``MissingInput`` where people contribute and there is no register: an audit that
    knows no names is blind."""
    register = ws.registry()[1]
    if ws.track.contributors(ws) and not register.is_file():
        raise MissingInput(
            f"{register}: there is no register of courses, so the audit cannot look for them; materialise corpus"
        )
    return [audits.of_stage(ws, stage) for stage in read]


def _total(verdicts: list[Verdict], number: str) -> int:
    return sum(int(verdict.numbers.get(number) or 0) for verdict in verdicts)


def _benched_on(benched: Stage, cases: Stage) -> str | None:
    """The checkpoint that a bench asked, or None where it asked other cases than the current ones."""
    made_from = benched.manifest.recipe.inputs
    return made_from["model"] if made_from.get("bench_cases") == cases.sha256 else None


def _against_base(ws: Workspace, report: Any, cases: Stage, base: str) -> AgainstBase | None:
    """The base's bench beside the checkpoint's; None where it asked another base or other cases than the current ones."""
    benched = ws.store.get("base_bench")
    if _benched_on(benched, cases) != base:
        return None
    return against_base(ws.track.benchmark, evaluation.read_report(ws, benched), report, ws.profile.max_loss_to_base)


def _figure(rate: Rate) -> gate.Figure | None:
    if rate.share is None or rate.bounds is None:
        return None
    return gate.Figure(value=rate.share, low=rate.bounds[0], high=rate.bounds[1], n=rate.cases)
