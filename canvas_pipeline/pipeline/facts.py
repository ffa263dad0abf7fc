"""Collects what the cards may say: facts read from stages, each with the artefact it comes from.

Nothing is typed in but licences and names; a number that no stage holds is not there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from canvas_pipeline.datasets.spec import PARTS
from canvas_pipeline.guardrails.standard import remarks
from canvas_pipeline.guardrails.verdict import Verdict
from canvas_pipeline.methods import METHODS, Hyperparameters, ancestry
from canvas_pipeline.pipeline import candidates, evaluation, human_split, training
from canvas_pipeline.pipeline.numbers import differences
from canvas_pipeline.pipeline.stage import CONTRIBUTORS
from canvas_pipeline.records import Funnel, digest
from canvas_pipeline.release.cards import CardTemplate, Fact, Unit
from canvas_pipeline.release.modelfile import SystemPrompt
from canvas_pipeline.release.quant_check import QuantEvidence
from canvas_pipeline.training.leaving import ADAPTER_CONFIG
from canvas_pipeline.training.spec import read_spec
from canvas_pipeline.training.weights import ADAPTER

if TYPE_CHECKING:
    from canvas_pipeline.pipeline.workspace import Workspace
    from canvas_pipeline.storage.store import Stage

EMBEDDED_LICENCE = "apache-2.0"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class TrackCard:
    """What a track gives for its cards and its Modelfile.

    ``facts`` are those that only the track knows, read from the stages ``inputs``; it and ``template`` are in one module.
    ``system_prompt`` is what the Modelfile tells the model."""

    template: CardTemplate
    data_name: str
    data_licence: str
    inputs: tuple[str, ...]
    facts: Callable[[Workspace], Mapping[str, Fact]]
    system_prompt: Callable[[Workspace], SystemPrompt]


def model_facts(ws: Workspace, method: str) -> dict[str, Fact]:
    """Model, base, training, and the guards of the method's own run and of those that it starts from."""
    checkpoint = training.trained(ws, method)
    made_from = source(checkpoint, "summary.json")
    summary = msgspec.json.decode(checkpoint.path("summary.json").read_bytes())
    weights = candidates.chosen(checkpoint, ws.store.get(f"{method}_bench"), method)
    base = ws.base_model or ws.profile.base_model
    embedded = base == "embedded"
    facts = {
        "model.name": Fact(value=f"{ws.track.name}-{method}", source=made_from),
        "model.method": Fact(value=method, source=made_from),
        "model.profile": Fact(value=ws.profile.name, source=made_from),
        "model.checkpoint": Fact(value=weights.sha256, source=made_from),
        # Of a folder the name alone: where it lies tells of the machine and of who works on it.
        "base.name": Fact(
            value=Path(base).name if Path(base).is_dir() else base, source=source(ws.store.get("base_model"))
        ),
        "base.licence": Fact(
            value=EMBEDDED_LICENCE if embedded else ws.profile.family_licence,
            source="the base's own terms",
        ),
    }
    for key in ("steps", "rows", "eval_rows", "tokens", "seed", "compute"):
        if key in summary:
            facts[f"train.{key}"] = Fact(value=summary[key], source=made_from)
    if "planned_steps" in summary:
        facts["train.steps"] = Fact(value=weights.step, source=made_from)
        facts["train.steps_planned"] = Fact(value=summary["planned_steps"], source=made_from)
    if "stopped" in summary:
        facts["train.stopped_early"] = Fact(value=candidates.stopped_early(summary), source=made_from)
    facts["train.objective"] = Fact(
        value=_objective(method, summary["hyperparameters"].get("chosen_nll", 0.0)), source=made_from
    )
    for key, value in summary["hyperparameters"].items():
        if value is None:  # a number that the method does without
            continue
        facts[f"train.{key}"] = Fact(value=value, source=made_from)
    if changed := changed_numbers(ws, method):
        facts["train.changed"] = Fact(value=f"from the table: {changed}", source=made_from)
    facts |= _adapter_facts(weights, made_from)
    for step in ancestry(METHODS[method]):  # its own verdict last: it replaces that of a start
        made_by = source(ws.store.get(f"{step.name}_run_spec"), "spec.json")
        for verdict in training.current_spec(ws, step.name).verdicts:
            subject = f" ({verdict.subject})" if verdict.subject else ""
            facts[f"guard.{verdict.guard}"] = Fact(
                value=f"{verdict.name}: {'passed' if verdict.passed else 'failed'}{subject}", source=made_by
            )
    return facts


def _adapter_facts(weights: candidates.Weights, made_from: str) -> dict[str, Fact]:
    """The folder, the base by name and sha256, and the size of a released adapter; nothing where none was trained."""
    config = next((file for file in weights.adapter if file.endswith(ADAPTER_CONFIG)), None)
    if config is None:
        return {}
    told = msgspec.json.decode(weights.stage.path(config).read_bytes())
    spec = read_spec(weights.stage.path("spec.json"))
    base = " at ".join(filter(None, (told["base_model_name_or_path"], told.get("revision"))))
    values: dict[str, int | str] = {
        "folder": f"{ADAPTER}/",
        "base": base,
        "base sha256": spec.inputs[spec.row.start].sha256,
        "rank": told["r"],
        "alpha": told["lora_alpha"],
    }
    return {f"adapter.{key}": Fact(value=value, source=made_from) for key, value in values.items()}


def changed_numbers(ws: Workspace, name: str) -> str:
    """What the trainings of a method and of those that it starts from had other than the method table; empty where nothing."""
    found = []
    for step in ancestry(METHODS[name]):
        summary = training.trained(ws, step.name).path("summary.json").read_bytes()
        numbers = msgspec.convert(msgspec.json.decode(summary)["hyperparameters"], Hyperparameters)
        if text := differences(numbers, ws.track.numbers(step.name, ws.profile.name)):
            found.append(text if step.name == name else f"{step.name}: {text}")
    return "; ".join(found)


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
        found, where = evaluation.read_report(ws, stage), source(stage, "report.json")
        facts["bench.cases"] = Fact(value=len(found.outcomes), source=where)
        facts["bench.confidence"] = Fact(value=0.95, source=where)
        if (whole := found.rate(ws.track.benchmark.whole.name).clustered) is not None:
            facts[f"bench.effective_cases_of_{name}"] = Fact(value=whole.effective, source=where)
        grouping = ws.track.benchmark.groups
        if grouping is not None and name != "base":
            facts[f"bench.{name}_{grouping.title.replace(' ', '_')}"] = Fact(
                value=f"a table of its own, {grouping.file}", source=source(stage, grouping.file)
            )
        if (asked := human_split.read(ws.track.benchmark, stage)) is not None:
            right, told = asked.right, source(stage, human_split.REPORT)
            facts["human.prompts"] = Fact(value=asked.cases, source=told)
            facts[f"human.{name}"] = Fact(
                value=right.share, source=told, unit="share", low=right.low, high=right.high, n=right.cases
            )
        for metric in ws.track.benchmark.metrics:
            rate = found.rate(metric.name)
            if rate.share is not None and rate.bounds is not None:
                low, high = rate.bounds
                facts[f"bench.{name}.{metric.name}"] = Fact(
                    value=rate.share, source=where, unit="share", low=low, high=high, n=rate.cases
                )
    return facts


def quant_facts(quants: dict[str, QuantEvidence], made_from: str) -> dict[str, Fact]:
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
            facts[f"quant.{quant}.{key}"] = Fact(value=value, source=made_from, unit=unit)
        facts[f"quant.{quant}.retained"] = Fact(
            value=retained, source=made_from, unit="share", n=evidence.exact_unquantised
        )
    return facts


def data_facts(ws: Workspace, method: str, verdicts: Iterable[Verdict]) -> dict[str, Fact]:
    """The track's own facts; rows, funnels, hashes, without those made for other methods than the released one; allowances, and
    whether one of the verdicts needed them; contributors as a count."""
    card, datasets = ws.track.card, ws.track.datasets_with(method)
    facts = {
        "data.name": Fact(value=card.data_name, source=f"the track {ws.track.name}"),
        "data.licence": Fact(value=card.data_licence, source="the contributors' terms"),
        "data.contributors": Fact(value=len(ws.track.contributors(ws)), source="the contributors' files"),
        **card.facts(ws),
    }
    for flow, where in _funnels(ws, method):
        for key, count in (("in", flow.rows_in), ("kept", flow.kept), ("merged", flow.merged)):
            facts[f"funnel.{flow.stage}.{key}"] = Fact(value=count, source=where)
        facts[f"funnel.{flow.stage}.refused"] = Fact(value=sum(flow.refused.values()), source=where)
    for dataset, spec in datasets.items():
        split = ws.store.get(spec.split)
        for part in (*PARTS, "test"):
            entry = split.manifest.files.get(f"{part}.jsonl")
            if entry is not None:
                facts[f"rows.{dataset}.{part}"] = Fact(value=entry.rows or 0, source=source(split))
                facts[f"hash.{dataset}_{part}"] = Fact(value=entry.sha256, source=source(split))
    known = tuple(verdicts)
    for allowance in ws.all_allowances():
        told = "; ".join((allowance.reason, *remarks(allowance, known)))
        facts[f"allowance.{allowance.stage}"] = Fact(
            value=f"at least {allowance.minimum_retained:.0%}: {told}", source="run configuration"
        )
    return facts


def _funnels(ws: Workspace, method: str) -> Iterator[tuple[Funnel, str]]:
    """Every funnel of the track's stages of rows, in their order, with its source. Those of the contributors are added up."""
    required = {name for spec in ws.track.datasets_with(method).values() for name in spec.funnels}
    descended = {"", *(step.name for step in ancestry(METHODS[method]))}
    for spec in ws.track.stages().values():
        if spec.method not in descended:
            continue
        stage = ws.store.get(spec.name) if spec.name in required else ws.store.find(spec.name)
        if stage is None or spec.kind != "rows":
            continue
        if CONTRIBUTORS in spec.inputs:
            yield from _of_contributors(ws, stage)
        if stage.manifest.funnel is not None:
            yield stage.manifest.funnel, source(stage)


def _of_contributors(ws: Workspace, joined: Stage) -> Iterator[tuple[Funnel, str]]:
    taken = [ws.store.get(f"{CONTRIBUTORS}/{who}") for who in joined.manifest.recipe.inputs]
    flows = [stage.manifest.funnel for stage in taken if stage.manifest.funnel is not None]
    if flows:
        refused = {"all reasons": sum(sum(flow.refused.values()) for flow in flows)}
        counts = {key: sum(getattr(flow, key) for flow in flows) for key in ("rows_in", "kept", "merged")}
        together = digest(*sorted(stage.sha256 for stage in taken))[:12]
        yield Funnel(stage="contributors", refused=refused, **counts).check(), f"manifests of {CONTRIBUTORS} {together}"


def source(stage: Stage, file: str = "manifest.json") -> str:
    """Name a file of a stage as the source of a fact."""
    return f"{stage.manifest.stage} {file} {stage.sha256[:12]}"
