"""All verdicts a method needs, worked out from stages on disk and bound to the exact hashes.

In: split stages, their upstream funnels, the base's bench report, the training image's evidence, a method's measurement. Out:
``Verdict`` rows. What must hold: a verdict names the sha256 of the very files it judged; nothing is remembered from before.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from canvas_pipeline.artifacts import Stage
from canvas_pipeline.errors import ArtifactCorrupt
from canvas_pipeline.guardrails import data, run
from canvas_pipeline.guardrails.run import AxisMargin, ImageEvidence
from canvas_pipeline.guardrails.table import DATASETS, family_of, guards_for
from canvas_pipeline.guardrails.verdict import Verdict
from canvas_pipeline.line.workspace import Workspace
from canvas_pipeline.records import FeedbackExample, Funnel, PreferencePair, Row, Trajectory, read_jsonl
from canvas_pipeline.training.methods import method

UPSTREAM: Mapping[str, tuple[str, ...]] = {
    "trajectory": ("corpus", "trajectories", "splits/trajectory"),
    "preference": ("corpus", "labelled_pairs", "mutation_pairs", "splits/preference"),
    "feedback": ("corpus", "trajectories", "mutation_pairs", "splits/feedback"),
}
"""The stages whose funnels G6 looks at for each data set. ``feedback_examples`` is drawn up to a number, not filtered."""
ROWS: Mapping[str, type[Row]] = {"trajectory": Trajectory, "preference": PreferencePair, "feedback": FeedbackExample}
PARTS = ("train", "eval")


def part_hashes(split: Stage, dataset: str) -> dict[str, str]:
    """``<dataset>_train`` and ``<dataset>_eval`` → sha256 of the files of a split stage."""
    return {f"{dataset}_{part}": split.manifest.files[f"{part}.jsonl"].sha256 for part in PARTS}


def of_split(ws: Workspace, dataset: str) -> tuple[Verdict, ...]:
    """G1 G2 G4 G6 G7 G8 G12 G13, as far as they concern a data set."""
    split = ws.store.get(f"splits/{dataset}")
    hashes = part_hashes(split, dataset)
    train, evaluation = (list(read_jsonl(split.path(f"{part}.jsonl"), ROWS[dataset])) for part in PARTS)
    only_train = {f"{dataset}_train": hashes[f"{dataset}_train"]}
    rows: Any = [*train, *evaluation]
    verdicts = [
        run.g2(train, evaluation, hashes, dataset),  # type: ignore[arg-type]
        data.g6(funnels(ws, dataset), ws.all_allowances(), hashes, dataset),
        data.g7(rows, hashes, dataset),
        data.g8(rows, hashes, dataset),
        run.g12(len(train), dataset, ws.profile, only_train),
    ]
    if dataset == "preference":
        verdicts.append(data.g1(rows, hashes))
    if dataset == "trajectory":
        trajectories: Any = train
        verdicts.append(data.g4(trajectories, ws.profile.min_tool_occurrences, ws.profile.max_tool_cv, only_train))
        verdicts.append(data.g13(trajectories, only_train))
    return tuple(verdicts)


def funnels(ws: Workspace, dataset: str) -> list[Funnel]:
    """The funnels of a data set's stages, from the corpus on."""
    found: list[Funnel] = []
    for name in UPSTREAM[dataset]:
        stage = ws.store.get(name)
        if stage.manifest.funnel is None:
            raise ArtifactCorrupt(f"stage {name} has no funnel, so its loss cannot be judged; materialise {name} again")
        found.append(stage.manifest.funnel)
    return found


def of_base(ws: Workspace, base_sha256: str) -> Verdict:
    """G3, from the base's bench report."""
    report = msgspec.json.decode(ws.store.get("base_bench").path("report.json").read_bytes())
    selection = report["tool_selection"]
    inputs = {"base_model": base_sha256, "bench_cases": ws.store.get("bench_cases").sha256}
    maximum = 0.7 if ws.profile.base_model == "embedded" and not ws.base_model else None
    return run.g3(selection["share"] or 0.0, selection["cases"], inputs, maximum)


def of_image(ws: Workspace, hashes: Mapping[str, str]) -> Verdict:
    """G10, from the training image's evidence."""
    path = ws.store.get("training_image").path("evidence.json")
    return run.g10(msgspec.json.decode(path.read_bytes(), type=ImageEvidence), hashes)


def of_measurement(ws: Workspace, name: str, measured: Mapping[str, Any], hashes: Mapping[str, str]) -> tuple[Verdict, ...]:
    """G5, G9 and G11, from what the training process measured."""
    row = method(name)
    wanted = {guard.id: {n: hashes[n] for n in guard.inputs(name)} for guard in guards_for(name)}
    verdicts = [
        run.g5(
            name,
            measured["grad_norm"],
            row.grad_norm_bound[ws.profile.name],
            measured["nonfinite_activations"],
            measured["nonfinite_logits"],
            wanted["g5"],
            measured["largest_logit"],
            measured["masks_wrong"],
        ),
        data.g11(measured["lengths"], row.hyperparameters(ws.profile.name).max_length, name, wanted["g11"]),
    ]
    if "g9" in wanted:
        margins = [msgspec.convert(margin, AxisMargin) for margin in measured["margins"]]
        verdicts.append(run.g9(name, margins, axes_of(ws, row.dataset), wanted["g9"]))
    return tuple(verdicts)


def concerning(name: str, verdicts: Sequence[Verdict]) -> tuple[Verdict, ...]:
    """Those of some verdicts that the gate asks for a method, in the guards' order."""
    subjects = {guard.id: guard.subject(name) for guard in guards_for(name)}
    order = list(subjects)
    own = [v for v in verdicts if v.guard in subjects and v.subject == subjects[v.guard]]
    return tuple(sorted(own, key=lambda v: order.index(v.guard)))


def datasets_of(name: str) -> tuple[str, ...]:
    """The data sets whose verdicts a method needs: its own, and those its start descends from."""
    own = DATASETS[family_of(name)]
    return ("trajectory",) if own == "trajectory" else ("trajectory", own)


def file_of(split: Stage, part: str) -> Path:
    """The file of one part of a split."""
    return split.path(f"{part}.jsonl")


def axes_of(ws: Workspace, dataset: str) -> tuple[str, ...]:
    """The axes that occur in a data set's training rows: the mini-train must have seen each of them."""
    rows: Any = read_jsonl(ws.store.get(f"splits/{dataset}").path("train.jsonl"), ROWS[dataset])
    return tuple(sorted({"mixed" if len(row.axes) > 1 else row.axes[0] for row in rows if row.axes}))
