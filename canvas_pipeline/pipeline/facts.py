"""What the cards may say: facts read from stages, each with the artefact it comes from.

In: current stages. Out: ``Fact`` rows by dotted key. What must hold: nothing is typed in but licences and names; a number that no
stage holds is not there.
"""

from __future__ import annotations

from pathlib import Path

import msgspec

from canvas_pipeline.guardrails.verdict import Verdict
from canvas_pipeline.methods import METHODS
from canvas_pipeline.pipeline import evaluation, training
from canvas_pipeline.pipeline.workspace import Workspace
from canvas_pipeline.records import Item, read_jsonl
from canvas_pipeline.release.cards import Fact, Unit
from canvas_pipeline.release.quant_check import QuantEvidence
from canvas_pipeline.storage.store import Stage
from canvas_pipeline.tracks.canvas.bench.score import BenchReport, Rate
from canvas_pipeline.tracks.canvas.examples.splits import SPLITS

FIGURES = ("tool_selection", "exact_call", "parsimony", "over_calling", "termination", "malformed")
STAGES = ("corpus", "trajectories", "labelled_pairs", "mutation_pairs")
EMBEDDED_LICENCE, DATA_LICENCE = "apache-2.0", "cc-by-4.0"


def model_facts(ws: Workspace, method: str, verdicts: tuple[Verdict, ...]) -> dict[str, Fact]:
    """Model, base, training, guards."""
    checkpoint = training.trained(ws, method)
    source = _source(checkpoint, "summary.json")
    summary = msgspec.json.decode(checkpoint.path("summary.json").read_bytes())
    base = ws.base_model or ws.profile.base_model
    embedded = base == "embedded"
    facts = {
        "model.name": Fact(value=f"canvas-{method}", source=source),
        "model.method": Fact(value=method, source=source),
        "model.profile": Fact(value=ws.profile.name, source=source),
        "model.checkpoint": Fact(value=checkpoint.sha256, source=source),
        # Of a folder the name alone: where it lies tells of the machine and of who works on it.
        "base.name": Fact(
            value=Path(base).name if Path(base).is_dir() else base, source=_source(ws.store.get("base_model"))
        ),
        "base.licence": Fact(
            value=EMBEDDED_LICENCE if embedded else ws.profile.family_licence,
            source="the base's own terms",
        ),
    }
    for key in ("steps", "rows", "eval_rows", "tokens", "seed", "compute"):
        if key in summary:
            facts[f"train.{key}"] = Fact(value=summary[key], source=source)
    facts["train.objective"] = Fact(
        value=_objective(method, summary["hyperparameters"].get("chosen_nll", 0.0)), source=source
    )
    for key, value in summary["hyperparameters"].items():
        facts[f"train.{key}"] = Fact(value=value, source=source)
    for verdict in verdicts:
        subject = f" ({verdict.subject})" if verdict.subject else ""
        facts[f"guard.{verdict.guard}"] = Fact(
            value=f"{verdict.name}: {'passed' if verdict.passed else 'failed'}{subject}", source=f"{method}_run_spec"
        )
    return facts


def _objective(name: str, chosen_nll: float) -> str:
    """The loss in words; an anchor makes it another one than the published."""
    loss = METHODS[name].loss
    if METHODS[name].objective != "pairwise" or not chosen_nll:
        return loss
    return f"{loss} + {chosen_nll:g} × mean negative log-likelihood of the chosen side (arXiv:2404.19733), not {name} alone"


def bench_facts(ws: Workspace, methods: tuple[str, ...]) -> dict[str, Fact]:
    """The base's and the methods' figures with intervals."""
    facts: dict[str, Fact] = {}
    for name, stage in (("base", ws.store.get("base_bench")), *((m, ws.store.get(f"{m}_bench")) for m in methods)):
        found = evaluation.read_report(stage)
        source = _source(stage, "report.json")
        facts["bench.cases"] = Fact(value=found.cases, source=source)
        facts["bench.confidence"] = Fact(value=0.95, source=source, unit="")
        facts.update(_figures(name, found, source))
    return facts


def _figures(name: str, found: BenchReport, source: str) -> dict[str, Fact]:
    facts = {}
    for figure in FIGURES:
        rate: Rate = getattr(found, figure)
        if rate.share is not None:
            facts[f"bench.{name}.{figure}"] = Fact(
                value=rate.share, source=source, unit="share", low=rate.low, high=rate.high, n=rate.cases
            )
    return facts


def quant_facts(quants: dict[str, QuantEvidence], source: str) -> dict[str, Fact]:
    """File, size, hash, tensor types and retention of every quant."""
    facts: dict[str, Fact] = {}
    for quant, evidence in quants.items():
        report = evidence.report
        types = ", ".join(f"{kind} {count}" for kind, count in sorted(report.types.items()))
        retained = evidence.exact_retained / evidence.exact_unquantised if evidence.exact_unquantised else 0.0
        values: dict[str, tuple[int | float | str, Unit]] = {
            "file": (report.file, ""),
            "size": (report.size, "bytes"),
            "types": (types, ""),
            "sha256": (report.sha256, ""),
        }
        for key, (value, unit) in values.items():
            facts[f"quant.{quant}.{key}"] = Fact(value=value, source=source, unit=unit)
        facts[f"quant.{quant}.retained"] = Fact(
            value=retained, source=source, unit="share", n=evidence.exact_unquantised
        )
    return facts


def data_facts(ws: Workspace) -> dict[str, Fact]:
    """Corpus, rows, funnels, allowances, hashes; contributors as a count."""
    corpus = ws.store.get("corpus")
    items = list(read_jsonl(corpus.path(), Item))
    source = _source(corpus)
    facts = {
        "data.name": Fact(value="canvas-tool-calling", source=source),
        "data.licence": Fact(value=DATA_LICENCE, source="the contributors' terms"),
        "data.contributors": Fact(value=len(ws.track.contributors(ws)), source=source),
        "data.items": Fact(value=len(items), source=source),
        "data.reference_instant": Fact(value=max(item.collected_at for item in items), source=source),
        "privacy.course_handles": Fact(value=len({item.course for item in items if item.course}), source=source),
    }
    for stage in (ws.store.get(name) for name in STAGES):
        found = stage.manifest.funnel
        if found is not None:
            for key, count in (("in", found.rows_in), ("kept", found.kept), ("merged", found.merged)):
                facts[f"funnel.{found.stage}.{key}"] = Fact(value=count, source=_source(stage))
            facts[f"funnel.{found.stage}.refused"] = Fact(value=sum(found.refused.values()), source=_source(stage))
    for dataset, spec in ws.track.datasets.items():
        split = ws.store.get(spec.split)
        for part in SPLITS:
            entry = split.manifest.files[f"{part}.jsonl"]
            facts[f"rows.{dataset}.{part}"] = Fact(value=entry.rows or 0, source=_source(split))
            facts[f"hash.{dataset}_{part}"] = Fact(value=entry.sha256, source=_source(split))
    for allowance in ws.all_allowances():
        facts[f"allowance.{allowance.stage}"] = Fact(
            value=f"at least {allowance.minimum_retained:.0%}: {allowance.reason}", source="run configuration"
        )
    return facts


def _source(stage: Stage, file: str = "manifest.json") -> str:
    return f"{stage.manifest.stage} {file} {stage.sha256[:12]}"
