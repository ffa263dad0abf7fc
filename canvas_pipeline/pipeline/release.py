"""Makes a gated release in a local folder from the production checkpoint.

What is published is exactly what was checked; a closed gate lists every reason and leaves yesterday's release as it was.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from canvas_pipeline.errors import GateClosed
from canvas_pipeline.evaluation.generate import prompt_text
from canvas_pipeline.guardrails.verdict import Verdict
from canvas_pipeline.models.families import family
from canvas_pipeline.pipeline import audits, candidates, evaluation, evidence, facts, training
from canvas_pipeline.pipeline.context import BuildContext, build_stage
from canvas_pipeline.pipeline.workspace import StageResult, Workspace
from canvas_pipeline.records import digest, dumps, read_jsonl
from canvas_pipeline.release import cards as card_texts
from canvas_pipeline.release import gate, publish
from canvas_pipeline.release import release_log as rendered
from canvas_pipeline.release.gguf import export
from canvas_pipeline.release.modelfile import modelfile
from canvas_pipeline.release.quant_check import QuantEvidence, check
from canvas_pipeline.storage.code_version import root_of
from canvas_pipeline.storage.digests import sha256_file
from canvas_pipeline.storage.store import Writer


def gguf(context: BuildContext) -> StageResult:
    """Convert once, quantise six times, read the types back, load, ask and bench each one."""
    ws, name = context.workspace, context.spec.method
    audits.refuse_canaries(ws)
    checkpoint, benched = context.input(f"{name}_checkpoint"), context.input(f"{name}_bench")
    cases, benchmark = context.input("bench_cases"), context.track.benchmark
    whole, private = benchmark.whole, tuple(context.track.contributors(ws))
    weights = candidates.chosen(checkpoint, benched, name)

    def build(writer: Writer) -> None:
        rows: list[Any] = list(read_jsonl(cases.path(), benchmark.case_type))
        outcomes = evaluation.read_report(ws, benched).outcomes
        right = {o.case_id for o in outcomes if whole.counts(o) and whole.right(o)}
        of = family(context.profile.family_name)
        # A model without a template may well say nothing to a bare question: it is asked what it was trained on.
        asked = (
            () if of.chat_template is not None else (prompt_text(benchmark.prompt(rows[0], context.profile)[0], of),)
        )
        known = {}
        unfinished = context.unfinished(writer)
        for quant, path in export(weights.directory(), writer.folder, name=evidence.released(ws, name)).items():
            report = check(path, quant, of, prompts=asked, private=private)
            context.log(
                f"{path.name}: {report.size / (1 << 20):.1f} MiB, {', '.join(report.problems) or 'loads and answers'}"
            )
            answered = evaluation.predictions(context, unfinished, "gguf", path, [cases.path()])
            found = evaluation.scored(benchmark, rows, answered)
            kept = sum(whole.right(o) for o in found.outcomes if o.case_id in right)
            known[quant] = QuantEvidence(
                report=report, cases=len(rows), exact_unquantised=len(right), exact_retained=kept
            )
            writer.json(found, f"report-{quant}.json")
        writer.json(known, "quants.json")
        shutil.rmtree(unfinished)

    inputs = {"model": checkpoint.sha256, "bench": benched.sha256, "bench_cases": cases.sha256}
    config = {"max_new_tokens": benchmark.limit(context.profile), "whole": whole.name, **weights.config}
    runs = evaluation.asking(benchmark)
    stage, reused = context.make(build, inputs, config, runs=runs, unused=training.ADAPTERS)
    quants = evidence.read_quants(stage)
    lines = [f"| quant | MiB | tensor types | {whole.title} retained |", "|---|---|---|---|"]
    for quant, found in quants.items():
        types = ", ".join(f"{kind} {count}" for kind, count in sorted(found.report.types.items()))
        share = f"{found.exact_retained} of {found.exact_unquantised}"
        lines.append(f"| {quant} | {found.report.size / (1 << 20):.2f} | {types} | {share} |")
    figures: dict[str, float] = {}
    for quant, found in quants.items():
        if found.exact_unquantised:
            kept = found.exact_retained / found.exact_unquantised
            figures[f"{quant}: {whole.title} kept (%)"] = round(100 * kept, 1)
        figures[f"{quant}: size (MiB)"] = round(found.report.size / (1 << 20), 2)
    return StageResult(stage, reused, facts={"quants": "\n".join(lines)}, figures=figures)


def production_gguf(context: BuildContext) -> StageResult:
    """The six quants of the production checkpoint."""
    ws = context.workspace
    return build_stage(ws, f"{evaluation.production_method(ws)}_gguf", context.start)


def cards(context: BuildContext) -> StageResult:
    """Model card, data card and Modelfile of the production checkpoint."""
    ws = context.workspace
    audits.refuse_canaries(ws)
    name = evaluation.production_method(ws)
    files = ws.store.get(f"{name}_gguf")
    known = {
        **facts.model_facts(ws, name),
        **facts.bench_facts(ws, tuple(evaluation.current_benches(ws)[0])),
        **facts.quant_facts(evidence.read_quants(files), f"{name}_gguf quants.json {files.sha256[:12]}"),
        **facts.data_facts(ws, name, evidence.verdicts_of(ws, name)[0]),
    }
    private = tuple(context.track.contributors(ws))
    template, prompt = context.track.card.template, context.track.card.system_prompt(ws)
    served = modelfile(f"{evidence.released(ws, name)}-Q4_K_M.gguf", family(context.profile.family_name), prompt)

    def build(writer: Writer) -> None:
        texts = {
            "README.md": card_texts.model_card(known, template, private),
            "DATA_CARD.md": card_texts.data_card(known, template, private),
        }
        kinds: dict[str, card_texts.Kind] = {"README.md": "model", "DATA_CARD.md": "data"}
        reasons = {
            file: card_texts.reasons_against_card(text, known, kinds[file], template, private)
            for file, text in texts.items()
        }
        for file, text in texts.items():
            writer.text(text, file)
        writer.text(served, "Modelfile")
        writer.json(reasons, "reasons.json")
        writer.json(known, "facts.json")

    inputs = {key: fact.shown() + fact.source for key, fact in known.items()} | {"Modelfile": digest(served)}
    stage, reused = context.make(build, inputs, runs=(root_of(context.track.card.facts),))
    card = {"model card": stage.path("README.md").read_text(encoding="utf-8")}
    return StageResult(stage, reused, (audits.of_stage(ws, stage),), card)


def release_log(context: BuildContext) -> StageResult:
    """RELEASE-LOG.md: every item ticked, or with every reason against."""
    context.input("cards")
    found, _ = evidence.evidence_of(context.workspace)

    def build(writer: Writer) -> None:
        writer.json(found, "evidence.json")
        writer.text(rendered.release_log(context.track.guards, found), "RELEASE-LOG.md")

    inputs = {**found.files, **found.inputs, "code": found.code_version, "leaks": str(found.leaks)}
    inputs["exceptions"] = f"{found.exceptions} reviewed, {found.excepted} findings"
    inputs["items"] = digest(dumps(found.items).decode())
    stage, reused = context.make(build, inputs=inputs)
    figures: dict[str, Any] = {"reasons against a release": len(gate.reasons_against(context.track.guards, found))}
    figures |= {f"{item.name} ({item.op} {item.bound:g})": item.shown() for item in found.items or ()}
    log = {"release log": stage.path("RELEASE-LOG.md").read_text()}
    return StageResult(stage, reused, (audits.of_stage(context.workspace, stage),), log, figures=figures)


def release(context: BuildContext) -> StageResult:
    """Publish below ``<root>/releases``, if the gate is open for the files as they are now."""
    ws = context.workspace
    found, paths = evidence.evidence_of(ws, read_again=True)
    logged = gate.read_evidence(context.input("release_log").path("evidence.json"))
    if logged != found:
        raise GateClosed(
            "the release log was written for other files than the current ones; materialise release_log again"
        )
    audited, folder = _published(ws, found, paths, ws.root / "releases")

    def build(writer: Writer) -> None:
        writer.text(folder.name + "\n", "folder.txt")
        writer.json(publish.binding(found), "release.json")

    inputs = {"sums": sha256_file(folder / publish.SUMS)}
    made = context.make(build, inputs=inputs)
    return StageResult(*made, (audited,), figures={"folder name": folder.name})


def publish_current(ws: Workspace, to: Path) -> Path:
    """Publish below a folder what the workspace's stages hold now, if the gate is open; returns the release's folder."""
    found, paths = evidence.evidence_of(ws, read_again=True)
    return _published(ws, found, paths, to)[1]


def _published(ws: Workspace, found: gate.ReleaseEvidence, paths: Mapping[str, Path], to: Path) -> tuple[Verdict, Path]:
    # What is to be published is looked through first: a published leak cannot be taken back.
    audited = audits.of_files(ws, "release", paths, found.files, found.files)
    audits.require(audited)
    return audited, publish.publish(ws.track.guards, found, paths, to)
