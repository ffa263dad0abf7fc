"""Makes a gated release in a local folder from the production checkpoint.

What is published is exactly what was checked; a closed gate lists every reason and leaves yesterday's release as it was.
"""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import msgspec

from canvas_pipeline.errors import GateClosed
from canvas_pipeline.evaluation.generate import prompt_text
from canvas_pipeline.evaluation.statistics import Rate
from canvas_pipeline.guardrails.verdict import Verdict
from canvas_pipeline.models.families import family
from canvas_pipeline.pipeline import audits, candidates, evaluation, facts, training
from canvas_pipeline.pipeline.context import BuildContext, build_stage
from canvas_pipeline.pipeline.workspace import StageResult, Workspace
from canvas_pipeline.privacy.audit import auditor
from canvas_pipeline.records import digest, read_jsonl
from canvas_pipeline.release import cards as card_texts
from canvas_pipeline.release import gate, publish
from canvas_pipeline.release.gguf import export
from canvas_pipeline.release.modelfile import modelfile
from canvas_pipeline.release.quant_check import QuantEvidence, check
from canvas_pipeline.storage.code_version import package_version, root_of
from canvas_pipeline.storage.digests import sha256_file
from canvas_pipeline.storage.store import Stage, Writer
from canvas_pipeline.storage.versions import is_current, versions

RELEASED = ("README.md", "DATA_CARD.md", "Modelfile")


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
        evidence = {}
        unfinished = context.unfinished(writer)
        for quant, path in export(weights.directory(), writer.folder, name=released(ws, name)).items():
            report = check(path, quant, of, prompts=asked, private=private)
            context.log(
                f"{path.name}: {report.size / (1 << 20):.1f} MiB, {', '.join(report.problems) or 'loads and answers'}"
            )
            answered = evaluation.predictions(context, unfinished, "gguf", path, [cases.path()])
            found = evaluation.scored(benchmark, rows, answered)
            kept = sum(whole.right(o) for o in found.outcomes if o.case_id in right)
            evidence[quant] = QuantEvidence(
                report=report, cases=len(rows), exact_unquantised=len(right), exact_retained=kept
            )
            writer.json(found, f"report-{quant}.json")
        writer.json(evidence, "quants.json")
        shutil.rmtree(unfinished)

    inputs = {"model": checkpoint.sha256, "bench": benched.sha256, "bench_cases": cases.sha256}
    config = {"max_new_tokens": benchmark.max_new_tokens, "whole": whole.name, **weights.config}
    runs = evaluation.asking(benchmark)
    stage, reused = context.make(build, inputs, config, runs=runs, unused=training.ADAPTERS)
    quants = read_quants(stage)
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


def released(ws: Workspace, method: str) -> str:
    """The name of a method's model in files and cards."""
    return f"{ws.track.name}-{method}"


def production_gguf(context: BuildContext) -> StageResult:
    """The six quants of the production checkpoint."""
    ws = context.workspace
    return build_stage(ws, f"{evaluation.production_method(ws)}_gguf", context.start)


def read_quants(stage: Stage) -> dict[str, QuantEvidence]:
    """What is known about each file of a gguf stage."""
    return msgspec.json.decode(stage.path("quants.json").read_bytes(), type=dict[str, QuantEvidence])


def verdicts_of_line(ws: Workspace) -> tuple[tuple[Verdict, ...], dict[str, str]]:
    """The verdicts of all current run specs (each once), and the hashes they are bound to."""
    verdicts: dict[tuple[str, str | None], Verdict] = {}
    inputs: dict[str, str] = {}
    benches, _ = evaluation.current_benches(ws)
    for name in benches:
        spec = training.current_spec(ws, name)
        inputs.update({key: file.sha256 for key, file in spec.inputs.items()})
        verdicts.update({(v.guard, v.subject): v for v in spec.verdicts})
    return tuple(verdicts.values()), inputs


def cards(context: BuildContext) -> StageResult:
    """Model card, data card and Modelfile of the production checkpoint."""
    ws = context.workspace
    audits.refuse_canaries(ws)
    name = evaluation.production_method(ws)
    files = ws.store.get(f"{name}_gguf")
    known = {
        **facts.model_facts(ws, name),
        **facts.bench_facts(ws, tuple(evaluation.current_benches(ws)[0])),
        **facts.quant_facts(read_quants(files), f"{name}_gguf quants.json {files.sha256[:12]}"),
        **facts.data_facts(ws),
    }
    private = tuple(context.track.contributors(ws))
    template, prompt = context.track.card.template, context.track.card.system_prompt(ws)
    served = modelfile(f"{released(ws, name)}-Q4_K_M.gguf", family(context.profile.family_name), prompt)

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


def evidence_of(ws: Workspace) -> tuple[gate.ReleaseEvidence, dict[str, Path]]:
    """Everything the gate looks at, and the files to be released by their name in the release. Raises ``ArtifactCorrupt`` where any
    stage is not as it was written."""
    audits.refuse_canaries(ws)
    for stage in filter(is_current, versions(ws.store)):
        ws.store.get(stage.manifest.stage).verify()
    name = evaluation.production_method(ws)
    checkpoint, files, card = training.current_checkpoint(ws, name), ws.store.get(f"{name}_gguf"), ws.store.get("cards")
    benched = ws.store.get(f"{name}_bench")
    weights, made_from = candidates.chosen(checkpoint, benched, name), files.manifest.recipe.inputs
    if (made_from.get("model"), made_from.get("bench")) != (checkpoint.sha256, benched.sha256):
        raise GateClosed(
            f"{name}_gguf was made from another checkpoint or bench than the current ones; materialise it again"
        )
    quants = read_quants(files)
    paths = {file: card.path(file) for file in RELEASED}
    paths.update({q.report.file: files.path(q.report.file) for q in quants.values()})
    verdicts, inputs = verdicts_of_line(ws)
    data = {key: sha for key, sha in inputs.items() if key.endswith("_train")}
    splits = {ws.track.datasets[key.removesuffix("_train")].split: key for key in data}
    parts = [stage.path(file) for stage in map(ws.store.get, (*splits, "bench_cases")) for file in stage.manifest.files]
    audited = [*parts, *(card.path(file) for file in RELEASED)]
    reviewed = audits.exceptions_of(ws)
    registry = ws.registry()[1]
    # Where nobody contributes there is no register; where somebody does, an audit without it is blind and raises.
    known = registry if registry.is_file() or ws.track.contributors(ws) else None
    found_in = auditor.report(audited, known, exceptions=reviewed)
    reasons = msgspec.json.decode(card.path("reasons.json").read_bytes(), type=dict[str, tuple[str, ...]])
    found = evaluation.read_report(ws, benched)
    measured = benched.manifest.recipe.inputs["model"]
    chosen = candidates.read_selection(ws.store.get("production_checkpoint")).chosen
    figures = {m.name: _figure(found.rate(m.name)) for m in ws.track.benchmark.metrics if m.compared}
    evidence = gate.ReleaseEvidence(
        name=released(ws, name),
        track=ws.track.name,
        method=name,
        profile=ws.profile.name,
        checkpoint=weights.sha256,
        candidate_of="" if weights.single else checkpoint.sha256,
        files={file: sha256_file(path) for file, path in paths.items()},
        inputs=inputs,
        data=data,
        verdicts=verdicts,
        allowances=ws.all_allowances(),
        leaks=found_in.total,
        exceptions=len(reviewed),
        excepted=found_in.allowed,
        audited={
            path.name if path in paths.values() else f"{path.parent.parent.name}/{path.stem}": sha256_file(path)
            for path in audited
        },
        figures=figures,
        bench_checkpoint=weights.sha256 if measured == checkpoint.sha256 else measured,
        production=(chosen.method, chosen.checkpoint_sha256) if chosen else None,
        quants=quants,
        cards={
            file: gate.CardEvidence(sha256=sha256_file(card.path(file)), reasons=reasons[file]) for file in gate.CARDS
        },
        code_version=package_version(),
    )
    return evidence, paths


def _figure(rate: Rate) -> gate.Figure | None:
    if rate.share is None:
        return None
    return gate.Figure(value=rate.share, low=rate.low or 0.0, high=rate.high or 0.0, n=rate.cases)


def release_log(context: BuildContext) -> StageResult:
    """RELEASE-LOG.md: every item ticked, or with every reason against."""
    context.input("cards")
    evidence, _ = evidence_of(context.workspace)

    def build(writer: Writer) -> None:
        writer.json(evidence, "evidence.json")
        writer.text(gate.release_log(context.track.guards, evidence), "RELEASE-LOG.md")

    inputs = {**evidence.files, **evidence.inputs, "code": evidence.code_version, "leaks": str(evidence.leaks)}
    inputs["exceptions"] = f"{evidence.exceptions} reviewed, {evidence.excepted} findings"
    stage, reused = context.make(build, inputs=inputs)
    figures = {"reasons against a release": len(gate.reasons_against(context.track.guards, evidence))}
    log = {"release log": stage.path("RELEASE-LOG.md").read_text()}
    return StageResult(stage, reused, (audits.of_stage(context.workspace, stage),), log, figures=figures)


def release(context: BuildContext) -> StageResult:
    """Publish below ``<root>/releases``, if the gate is open for the files as they are now."""
    ws = context.workspace
    evidence, paths = evidence_of(ws)
    logged = gate.read_evidence(context.input("release_log").path("evidence.json"))
    if logged != evidence:
        raise GateClosed(
            "the release log was written for other files than the current ones; materialise release_log again"
        )
    # What is to be published is looked through first: a published leak cannot be taken back.
    found = audits.of_files(ws, "release", paths, evidence.files, evidence.files)
    audits.require(found)
    folder = publish.publish(context.track.guards, evidence, paths, ws.root / "releases")

    def build(writer: Writer) -> None:
        writer.text(folder.name + "\n", "folder.txt")
        writer.json(publish.binding(evidence), "release.json")

    inputs = {"sums": sha256_file(folder / publish.SUMS)}
    made = context.make(build, inputs=inputs)
    return StageResult(*made, (found,), figures={"folder name": folder.name})
