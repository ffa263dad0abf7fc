"""Collect the verdicts that a method needs, from stages on disk, each bound to the hashes of what it is about.

A verdict names the sha256 of the very files that were evaluated: evidence is about what it was made from, not about what lies
there now. A data set whose stages were made from older versions of each other is not evaluated at all. Rows that did not change are
read by the guards once, for all methods and all later runs (stage ``<dataset>_verdicts``).
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from canvas_pipeline.datasets.spec import PARTS
from canvas_pipeline.errors import ArtifactCorrupt, GateClosed
from canvas_pipeline.guardrails.guard import AxisMargin, BaseEvidence, FunnelEvidence, ImageEvidence, TrainingEvidence
from canvas_pipeline.guardrails.rows import reader, row_verdict
from canvas_pipeline.guardrails.standard import MIN_RETAINED
from canvas_pipeline.guardrails.verdict import Verdict
from canvas_pipeline.methods import ancestry, method
from canvas_pipeline.pipeline.stage import CONTRIBUTORS, StageSpec
from canvas_pipeline.pipeline.workspace import Workspace, recipe
from canvas_pipeline.records import Funnel, read_jsonl
from canvas_pipeline.storage.code_version import root_of
from canvas_pipeline.storage.digests import sha256_file
from canvas_pipeline.storage.store import Stage, Writer

_VERDICTS, REFUSALS = "verdicts.json", "refusals.jsonl"


def lineage(ws: Workspace, name: str) -> None:
    """Return where a stage and all before it are as they were written and were made from each other's current versions.

    Raises ``ArtifactCorrupt`` for a file that differs, ``GateClosed`` naming the first stage that was made from another version:
    its funnel would be about other rows than those at hand."""
    stage, spec = ws.store.get(name).verify(), ws.track.stages().get(name)
    if spec is not None and spec.kind == "model":
        return  # what weights were made from is the gate's to check, by the hashes of the run spec
    for key, sha256 in stage.manifest.recipe.inputs.items():
        source = f"{CONTRIBUTORS}/{key}" if _joins_contributors(ws, name) else key
        found = ws.store.find(source)
        if found is None:
            continue  # a file, a key, or a contributor who has left
        if found.sha256 != sha256:
            raise GateClosed(f"{name} was made from another {source} than the current one; materialise {name} again")
        lineage(ws, source)


def made_from_current(ws: Workspace, stage: Stage, *, files: Collection[str] = ()) -> bool:
    """Whether a stage was made from the current versions of its inputs. ``files`` are inputs that are no stages."""
    made = {name: sha256 for name, sha256 in stage.manifest.recipe.inputs.items() if name not in files}
    found = {name: ws.store.find(name) for name in made}
    return all(one is not None and one.sha256 == made[name] for name, one in found.items())


def of_split(ws: Workspace, dataset: str) -> tuple[Verdict, ...]:
    """G6 and the guards over rows, as far as they concern a data set."""
    split = ws.store.get(f"{dataset}_split")
    lineage(ws, f"{dataset}_split")
    paths = {f"{dataset}_{part}": file_of(split, part) for part in PARTS}
    hashes = {name: sha256_file(path) for name, path in paths.items()}
    names = ws.track.datasets[dataset].funnels
    evidence = FunnelEvidence(funnels(ws, dataset), ws.all_allowances(), unaccounted(ws, names))
    g6 = ws.track.guards.guards["g6"].verdict(evidence, hashes, dataset)

    # First those of every data set, then those over this one alone.
    guards = sorted((g for g in ws.track.guards.of_split(dataset) if g.recomputable), key=lambda g: g.per != "dataset")

    def build(writer: Writer) -> None:
        read = reader(ws.track.guards, paths)
        writer.json([row_verdict(ws.track.guards, g, dataset, read, hashes, ws.profile) for g in guards], _VERDICTS)

    code = (root_of(build), *sorted({root_of(guard.evaluate).partition(":")[0] for guard in guards}))
    made, _ = ws.store.make(
        recipe(ws, f"{dataset}_verdicts", code, {split.manifest.stage: split.sha256, **hashes}), build
    )
    return (g6, *msgspec.json.decode(made.verify().path(_VERDICTS).read_bytes(), type=tuple[Verdict, ...]))


def funnels(ws: Workspace, dataset: str) -> list[Funnel]:
    """The funnels of a data set's stages, from the door on: of the contributors those that lost too much, or else the one
    that lost most (a hundred contributors are one line)."""
    names = ws.track.datasets[dataset].funnels
    joined = [name for name in names if _joins_contributors(ws, name)]
    taken_in = [
        _funnel(ws, f"{CONTRIBUTORS}/{who}") for name in joined for who in ws.store.get(name).manifest.recipe.inputs
    ]
    worst = sorted(taken_in, key=lambda funnel: funnel.retained)[:1]
    lossy = [funnel for funnel in taken_in if funnel.retained < MIN_RETAINED]
    return [*(lossy or worst), *(_funnel(ws, name) for name in names)]


def of_funnel(ws: Workspace, stage: Stage) -> Verdict:
    """G6 about one stage: whether it kept enough of its rows, and none vanished. Raises ``ArtifactCorrupt`` without a funnel."""
    name = stage.manifest.stage
    if stage.manifest.funnel is None:
        raise ArtifactCorrupt(f"stage {name} has no funnel, so its loss cannot be evaluated; materialise {name} again")
    evidence = FunnelEvidence([stage.manifest.funnel], ws.all_allowances(), unaccounted(ws, [name]))
    return ws.track.guards.guards["g6"].verdict(evidence, {name: stage.sha256})


def unaccounted(ws: Workspace, names: Sequence[str]) -> dict[str, int]:
    """The stages whose funnel does not count what is in their files, or in the files of the inputs whose rows they conserve; with
    the number of rows that differ."""
    found: dict[str, int] = {}
    for name in names:
        stage, spec = ws.store.get(name), ws.track.stages().get(name)
        flow, by = stage.manifest.funnel, spec.counted_by if spec is not None else ""
        if flow is None:
            continue
        differs = abs(_rows(stage, by) - flow.kept)
        if REFUSALS in stage.manifest.files:
            differs += abs(_lines(stage, REFUSALS) - sum(flow.refused.values()))
        sources = list(_sources(ws, stage, spec)) if spec is not None else []
        if sources and None not in sources:  # else a contributor has left, and the stage is to be made again
            differs += abs(sum(_rows(source, by) for source in sources if source) - flow.rows_in)
        if differs:
            found[name] = differs
    return found


def _sources(ws: Workspace, stage: Stage, spec: StageSpec) -> Iterator[Stage | None]:
    for source in spec.rows_from:
        names = [f"{source}/{who}" for who in stage.manifest.recipe.inputs] if source == CONTRIBUTORS else [source]
        yield from map(ws.store.find, names)


def _rows(stage: Stage, by: str) -> int:
    """The rows that a stage hands on: those of ``rows.jsonl``, or of the parts of a split. ``by`` is the field whose values are
    counted in place of rows, if any."""
    files = [
        name for name in ("rows.jsonl", *(f"{part}.jsonl" for part in (*PARTS, "test"))) if name in stage.manifest.files
    ]
    if by:
        lines = (line for name in files for line in stage.path(name).read_bytes().splitlines())
        return len({msgspec.json.decode(line)[by] for line in lines})
    return sum(_lines(stage, name) for name in files)


def _lines(stage: Stage, name: str) -> int:
    """The lines of a file, counted when it was written and unchanged since, or counted now."""
    path, counted = stage.path(name), stage.manifest.files[name].rows
    if counted is not None:
        return counted
    with path.open("rb") as file:
        return sum(chunk.count(b"\n") for chunk in iter(lambda: file.read(1 << 20), b""))


def _joins_contributors(ws: Workspace, name: str) -> bool:
    stage = ws.track.stages().get(name)
    return stage is not None and CONTRIBUTORS in stage.inputs


def _funnel(ws: Workspace, name: str) -> Funnel:
    found = ws.store.get(name).manifest.funnel
    if found is None:
        raise ArtifactCorrupt(f"stage {name} has no funnel, so its loss cannot be judged; materialise {name} again")
    return found


def of_base(ws: Workspace) -> Verdict:
    """G3, from the base's bench report, about the base and the cases that were benched."""
    lineage(ws, "bench_cases")
    benched = ws.store.get("base_bench").verify()
    benchmark = ws.track.benchmark
    headline = benchmark.read(benched.path("report.json")).rate(benchmark.headline.name)
    made_from = benched.manifest.recipe.inputs
    inputs = {"base_model": made_from["model"], "bench_cases": made_from["bench_cases"]}
    maximum = 0.7 if ws.profile.base_model == "embedded" and not ws.base_model else None
    evidence = BaseEvidence(right=headline.share or 0.0, cases=headline.cases, maximum=maximum)
    return ws.track.guards.guards["g3"].verdict(evidence, inputs)


def of_image(ws: Workspace) -> Verdict:
    """G10, from the training image's evidence, about the files that were examined."""
    examined = ws.store.get("training_image").verify()
    evidence = msgspec.json.decode(examined.path("evidence.json").read_bytes(), type=ImageEvidence)
    return ws.track.guards.guards["g10"].verdict(evidence, examined.manifest.recipe.inputs)


def of_measurement(
    ws: Workspace, name: str, measured: Mapping[str, Any], hashes: Mapping[str, str]
) -> tuple[Verdict, ...]:
    """G5, G9 and G11, as far as they concern a method, from what the training process measured."""
    row = method(name)
    evidence = TrainingEvidence(
        grad_norm=measured["grad_norm"],
        row_norm=measured["row_norm"],
        max_norm_share=row.norm_share_bound[ws.profile.name],
        nonfinite_activations=measured["nonfinite_activations"],
        nonfinite_logits=measured["nonfinite_logits"],
        largest_logit=measured["largest_logit"],
        masks_wrong=measured["masks_wrong"],
        lengths=measured["lengths"],
        max_length=ws.numbers(name).max_length,
        margins=[msgspec.convert(margin, AxisMargin) for margin in measured["margins"]],
        axes=axes_of(ws, row.dataset),
        sayable=measured.get("sayable"),
        min_sayable=ws.profile.min_sayable,
    )
    guards = (guard for guard in ws.track.guards.of_method(row) if guard.reads is TrainingEvidence)
    return tuple(guard.verdict(evidence, {n: hashes[n] for n in guard.inputs(row)}, name) for guard in guards)


def concerning(ws: Workspace, name: str, verdicts: Sequence[Verdict]) -> tuple[Verdict, ...]:
    """Those of some verdicts that the gate asks for a method, in the guards' order."""
    row = method(name)
    subjects = {guard.id: guard.subject(row) for guard in ws.track.guards.of_method(row)}
    order = list(subjects)
    own = [v for v in verdicts if v.guard in subjects and v.subject == subjects[v.guard]]
    return tuple(sorted(own, key=lambda v: order.index(v.guard)))


def datasets_of(name: str) -> tuple[str, ...]:
    """The data sets whose verdicts a method needs: its own, and those its start descends from."""
    return tuple(dict.fromkeys(row.dataset for row in ancestry(method(name))))


def file_of(split: Stage, part: str) -> Path:
    """The file of one part of a split."""
    return split.path(f"{part}.jsonl")


def axes_of(ws: Workspace, dataset: str) -> tuple[str, ...]:
    """Return the axes in a data set's training rows; empty where its rows have none. The mini-train must cover each."""
    spec = ws.track.datasets[dataset]
    if "axes" not in spec.row_type.__struct_fields__:
        return ()
    rows: Any = read_jsonl(ws.store.get(spec.split).path("train.jsonl"), spec.row_type)
    return tuple(sorted({"mixed" if len(row.axes) > 1 else row.axes[0] for row in rows if row.axes}))
