"""Build the stages ``sft_samples`` and ``onpolicy_pairs``: what the SFT checkpoint says to training prompts, and pairs of that.

A later round samples another checkpoint: its stage is ``<method>_samples``."""

from __future__ import annotations

import functools
import os
import shutil
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from canvas_pipeline.evaluation.charts import forest_png, funnel_png
from canvas_pipeline.evaluation.generate import Sampling
from canvas_pipeline.evaluation.statistics import wilson
from canvas_pipeline.guardrails.verdict import Verdict
from canvas_pipeline.models.families import family
from canvas_pipeline.pipeline import audits, evaluation, training
from canvas_pipeline.pipeline import verdicts as guard_verdicts
from canvas_pipeline.pipeline.backend import backend_of
from canvas_pipeline.pipeline.context import BuildContext
from canvas_pipeline.pipeline.shares import share
from canvas_pipeline.pipeline.workspace import StageResult, Workspace
from canvas_pipeline.privacy.audit.auditor import Auditor
from canvas_pipeline.privacy.audit.keys import keys_of
from canvas_pipeline.records import digest, dumps, funnel, read_jsonl, write_jsonl
from canvas_pipeline.storage.store import Stage, Writer
from canvas_pipeline.tracks.canvas.examples import on_policy
from canvas_pipeline.tracks.canvas.examples.decision_points import DecisionPoint, decision_points
from canvas_pipeline.tracks.canvas.examples.on_policy import Judged, Judgements
from canvas_pipeline.tracks.canvas.rows import Sample, Trajectory

TEMPERATURE = 1.0


def sft_samples(context: BuildContext) -> StageResult:
    """Let the SFT checkpoint answer some training prompts greedily, and sample several completions to some of these."""
    ws, profile = context.workspace, context.profile
    source, checkpoint = context.input("trajectory_split"), training.current_checkpoint(ws, "sft")

    def sample(writer: Writer) -> None:
        points = on_policy.prompts(_points(source).values(), profile.greedy_prompts, context.seed)
        unfinished = context.unfinished(writer)

        def said(name: str, asked: Sequence[tuple[DecisionPoint, str]], sampling: Sampling | None) -> Iterator[Sample]:
            folder = unfinished / f"{unfinished.name}-{name}"
            folder.mkdir(exist_ok=True)
            cases = [on_policy.case_of(point, number) for point, number in asked]
            write_jsonl(folder / "asked.jsonl", cases)
            found = evaluation.predictions(
                context, folder, backend_of(ws), checkpoint.directory(), [folder / "asked.jsonl"], sampling
            )
            for (point, _), case in zip(asked, cases, strict=True):
                one = found[case.id]
                yield Sample(id=case.id, at=point.at, greedy=sampling is None, text=one.text, stopped=one.stopped,
                             parents=case.parents)  # fmt: skip

        numbers = [str(number) for number in range(profile.samples_a_prompt)]
        repeated = [(point, number) for point in points[: profile.sampled_prompts] for number in numbers]
        writer.rows(
            [
                *said("greedy", [(point, "greedy") for point in points], None),
                *said("sampled", repeated, Sampling(TEMPERATURE, context.seed)),
            ]
        )
        shutil.rmtree(unfinished)

    inputs = {"trajectory_split": source.sha256, "sft_checkpoint": checkpoint.sha256}
    # The generation process reads the profile by its name, where no import of this code shows it.
    config: dict[str, Any] = {
        "max_new_tokens": context.track.benchmark.max_new_tokens,
        "sizes": digest(dumps(profile).decode()),
    }
    if (backend := backend_of(ws)) != "hf":  # another program's products: other last bits
        config["backend"] = backend
    runs = evaluation.asking(context.track.benchmark)
    stage, reused = context.make(sample, inputs, config, runs=runs, unused=evaluation.UNUSED)
    judged = judgements(ws, stage, source)
    samples = on_policy.sampled(judged)
    most = min((len(found) for _, found in samples), default=0)
    kinds, tools = (on_policy.by_group(judged, group) for group in (_kind, _tool))
    greedy = on_policy.by_group(judged, lambda point: "all")
    figures: dict[str, Any] = share("right greedy answers", greedy.get("all", wilson(0, 0)))
    figures["prompts sampled"] = len(samples)
    figures |= {f"pass@{k} (%)": round(100 * (on_policy.passed(samples, k) or 0.0), 1) for k in range(1, most + 1)}
    facts = {"pass@k by kind": _table(samples, _kind, most), "pass@k by tool": _table(samples, _tool, most)}
    pictures = {"right greedy answers": forest_png({**kinds, **tools}, "right greedy answers by kind and by tool")}
    return StageResult(stage, reused, facts=facts, pictures=pictures, figures=figures)


def _kind(point: DecisionPoint) -> str:
    return point.trajectory.kind


def _tool(point: DecisionPoint) -> str:
    return point.subject


def onpolicy_pairs(context: BuildContext) -> StageResult:
    """Pair wrong completions with right ones, or with the scripted truth. The funnel counts the wrong ones."""
    ws = context.workspace
    samples, source = context.input("sft_samples"), context.input("trajectory_split")

    def build(writer: Writer) -> None:
        judged = judgements(ws, samples, source)
        found = on_policy.pairs(judged, _clean(ws))
        writer.rows(found.pairs)
        writer.rows(found.refusals, "refusals.jsonl")
        wrong = sum(bool(one.axes) for _, several in judged for one in several)
        writer.funnel = funnel("onpolicy_pairs", wrong, len(found.pairs), found.refusals, found.merged)
        axes = Counter("mixed" if len(pair.axes) > 1 else pair.axes[0] for pair in found.pairs)
        writer.notes = {
            "right": sum(one.right for _, several in judged for one in several),
            "neither right nor wrong": sum(not (one.right or one.axes) for _, several in judged for one in several),
            "pairs by axis": dict(axes.most_common()),
        }

    stage, reused = context.make(build, {"sft_samples": samples.sha256, "trajectory_split": source.sha256})
    counted = stage.manifest.funnel
    assert counted is not None, "a stage that filters writes its funnel"
    verdicts: tuple[Verdict, ...] = (guard_verdicts.of_funnel(ws, stage), audits.of_stage(ws, stage))
    pictures = {"rows in and out": funnel_png([counted])}
    figures = {"pairs": counted.kept}
    return StageResult(stage, reused, verdicts, stage.manifest.notes, pictures, (counted,), figures)


def judgements(ws: Workspace, samples: Stage, source: Stage) -> list[tuple[DecisionPoint, list[Judged]]]:
    """Judge the samples of a stage, prompt by prompt. ``source`` is the split with their trajectories."""
    stops = family(ws.profile.family_name).stops
    found: dict[tuple[str, int], list[Sample]] = {}
    for row in read_jsonl(samples.path(), Sample):
        found.setdefault((row.parents[0], row.at), []).append(row)
    points = _points(source) if found else {}
    return [(points[at], [on_policy.judge(points[at], row, stops) for row in rows]) for at, rows in found.items()]


def _points(source: Stage) -> dict[tuple[str, int], DecisionPoint]:
    """Return the decision points of a split's training part by trajectory and place."""
    rows = read_jsonl(source.path("train.jsonl"), Trajectory)
    return {(row.id, point.at): point for row in rows for point in decision_points(row)}


def _clean(ws: Workspace) -> Callable[[str], bool]:
    """Return what tells whether the audit would find nothing in a text: digits of a sample may read like a number of somebody."""
    registry = ws.registry()[1]
    auditor = Auditor(keys_of(registry, os.environ) if registry.is_file() else None)
    return functools.cache(lambda text: not auditor.types_in(text))


def _table(samples: Judgements, group: Callable[[DecisionPoint], str], most: int) -> str:
    """Return pass@1, @2, @4, … of each group as Markdown, in per cent."""
    ks = [k for k in range(1, most + 1) if k & (k - 1) == 0]
    lines = [f"| | prompts | {' | '.join(f'pass@{k}' for k in ks)} |", "|---|---:|" + "---:|" * len(ks)]
    for name in sorted({group(point) for point, _ in samples}):
        own = [(point, found) for point, found in samples if group(point) == name]
        shares = (on_policy.passed(own, k) or 0.0 for k in ks)
        lines.append(f"| {name} | {len(own)} | {' | '.join(f'{100 * share:.1f}' for share in shares)} |")
    return "\n".join(lines)
