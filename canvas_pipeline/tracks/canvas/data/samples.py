"""Build the stages of what a checkpoint says to training prompts: samples, pairs of them, the best of 8, rounds of pairs."""

from __future__ import annotations

import functools
import os
import shutil
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from canvas_pipeline.datasets.spec import PARTS
from canvas_pipeline.evaluation.charts import forest_png, funnel_png
from canvas_pipeline.evaluation.generate import Sampling
from canvas_pipeline.evaluation.statistics import wilson
from canvas_pipeline.guardrails.verdict import Verdict
from canvas_pipeline.methods import ancestry, method, rounds
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
from canvas_pipeline.tracks.canvas.examples import best_of, on_policy
from canvas_pipeline.tracks.canvas.examples.decision_points import DecisionPoint, decision_points
from canvas_pipeline.tracks.canvas.examples.on_policy import Judged, Judgements
from canvas_pipeline.tracks.canvas.rows import Sample, Trajectory

TEMPERATURE = 1.0


def sft_samples(context: BuildContext) -> StageResult:
    """Let the SFT checkpoint answer some training prompts greedily, and sample several completions to some of these."""
    profile, source = context.profile, context.input("trajectory_split")
    checkpoint = training.current_checkpoint(context.workspace, "sft")

    def sample(writer: Writer) -> None:
        points = on_policy.prompts(_points(source, "train").values(), profile.greedy_prompts, context.seed)
        _write(context, writer, checkpoint, points[: profile.sampled_prompts], greedy=points)

    stage, reused = _sampled(context, sample, checkpoint, source)
    judged = judgements(context.workspace, stage, source)
    greedy = on_policy.by_group(judged, lambda point: "all")
    kinds, tools = (on_policy.by_group(judged, group) for group in (_kind, _tool))
    pictures = {"right greedy answers": forest_png({**kinds, **tools}, "right greedy answers by kind and by tool")}
    figures: dict[str, Any] = share("right greedy answers", greedy.get("all", wilson(0, 0)))
    return _told(stage, reused, judged, figures, pictures)


def bon_samples(context: BuildContext) -> StageResult:
    """Sample the SFT checkpoint several times for each training prompt to which its greedy completion is not right, and for some
    prompts of the eval part."""
    ws, source, greedy = context.workspace, context.input("trajectory_split"), context.input("sft_samples")
    checkpoint = training.current_checkpoint(ws, "sft")

    def sample(writer: Writer) -> None:
        failed = best_of.failed(judgements(ws, greedy, source))
        _write(context, writer, checkpoint, [*failed, *_held_out(context, source)])

    stage, reused = _sampled(context, sample, checkpoint, source, greedy)
    return _told(stage, reused, judgements(ws, stage, source))


def round_samples(context: BuildContext) -> StageResult:
    """Sample the start of a method's round several times for each of some training prompts, which no other round samples, and for
    some prompts of the eval part."""
    ws, source, row = context.workspace, context.input("trajectory_split"), method(context.spec.method)
    checkpoint = training.current_checkpoint(ws, ancestry(row)[-2].name)
    every = rounds(method(row.choice))
    number, of = every.index(row), len(every)

    def sample(writer: Writer) -> None:
        own = on_policy.portion(_points(source, "train").values(), number, of, context.seed)
        points = on_policy.prompts(own, context.profile.round_prompts, context.seed)
        _write(context, writer, checkpoint, [*points, *_held_out(context, source)])

    stage, reused = _sampled(context, sample, checkpoint, source, portion=f"{number} of {of}")
    return _told(stage, reused, judgements(ws, stage, source))


def _held_out(context: BuildContext, source: Stage) -> list[DecisionPoint]:
    """The prompts of the eval part that a data set of its own needs for its eval rows."""
    return on_policy.prompts(_points(source, "eval").values(), context.profile.sampled_prompts, context.seed)


def _write(
    context: BuildContext, writer: Writer, checkpoint: Stage, sampled: Sequence[DecisionPoint],
    greedy: Sequence[DecisionPoint] = (),
) -> None:  # fmt: skip
    """Write what a checkpoint says to some prompts: the most likely completions, and random ones."""
    unfinished = context.unfinished(writer)

    def said(name: str, asked: Sequence[tuple[DecisionPoint, str]], sampling: Sampling | None) -> Iterator[Sample]:
        folder = unfinished / f"{unfinished.name}-{name}"
        folder.mkdir(exist_ok=True)
        cases = [on_policy.case_of(point, number) for point, number in asked]
        write_jsonl(folder / "asked.jsonl", cases)
        backend = backend_of(context.workspace)
        found = evaluation.predictions(
            context, folder, backend, checkpoint.directory(), [folder / "asked.jsonl"], sampling
        )
        for (point, _), case in zip(asked, cases, strict=True):
            one = found[case.id]
            yield Sample(id=case.id, at=point.at, greedy=sampling is None, text=one.text, stopped=one.stopped,
                         parents=case.parents)  # fmt: skip

    numbers = [str(number) for number in range(context.profile.samples_a_prompt)]
    repeated = [(point, number) for point in sampled for number in numbers]
    likely = said("greedy", [(point, "greedy") for point in greedy], None) if greedy else ()
    writer.rows([*likely, *said("sampled", repeated, Sampling(TEMPERATURE, context.seed))])
    shutil.rmtree(unfinished)


def _sampled(
    context: BuildContext, sample: Callable[[Writer], None], checkpoint: Stage, *sources: Stage, **chosen: str
) -> tuple[Stage, bool]:
    inputs = {stage.manifest.stage: stage.sha256 for stage in (*sources, checkpoint)}
    # The generation process reads the profile by its name, where no import of this code shows it.
    config: dict[str, Any] = {
        "max_new_tokens": context.track.benchmark.max_new_tokens,
        "sizes": digest(dumps(context.profile).decode()),
        **chosen,
    }
    if (backend := backend_of(context.workspace)) != "hf":  # another program's products: other last bits
        config["backend"] = backend
    runs = evaluation.asking(context.track.benchmark)
    return context.make(sample, inputs, config, runs=runs, unused=evaluation.UNUSED)


def _told(
    stage: Stage, reused: bool, judged: Judgements, figures: Mapping[str, Any] = {}, pictures: Mapping[str, bytes] = {}
) -> StageResult:
    samples = on_policy.sampled(judged)
    most = min((len(found) for _, found in samples), default=0)
    figures = {**figures, "prompts sampled": len(samples)}
    figures |= {f"pass@{k} (%)": round(100 * (on_policy.passed(samples, k) or 0.0), 1) for k in range(1, most + 1)}
    facts = {"pass@k by kind": _table(samples, _kind, most), "pass@k by tool": _table(samples, _tool, most)}
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
        wrong = sum(bool(one.axes) for _, several in judged for one in several)
        _paired(writer, "onpolicy_pairs", found, wrong)
        writer.notes = {
            "right": sum(one.right for _, several in judged for one in several),
            "neither right nor wrong": sum(not (one.right or one.axes) for _, several in judged for one in several),
            **writer.notes,
        }

    stage, reused = context.make(build, {"sft_samples": samples.sha256, "trajectory_split": source.sha256})
    return _counted(ws, stage, reused)


def round_pairs(context: BuildContext) -> StageResult:
    """Pair each prompt's best sample with its worst. The funnel counts the prompts with a wrong sample."""
    ws, name = context.workspace, context.spec.name
    samples, source = context.input(f"{context.spec.method}_samples"), context.input("trajectory_split")

    def build(writer: Writer) -> None:
        judged = judgements(ws, samples, source)
        found = on_policy.ranked(judged, _clean(ws))
        wrong = sum(any(one.axes for one in several) for _, several in judged)
        _paired(writer, name, found, wrong)
        writer.notes = {"prompts without a wrong sample": len(judged) - wrong, **writer.notes}

    stage, reused = context.make(build, {stage.manifest.stage: stage.sha256 for stage in (samples, source)})
    return _counted(ws, stage, reused)


def _paired(writer: Writer, name: str, found: on_policy.Sampled, asked: int) -> None:
    """Write pairs, and count what became of the ``asked`` samples or prompts that could have made one."""
    writer.rows(found.pairs)
    writer.rows(found.refusals, "refusals.jsonl")
    writer.funnel = funnel(name, asked, len(found.pairs), found.refusals, found.merged)
    axes = Counter("mixed" if len(pair.axes) > 1 else pair.axes[0] for pair in found.pairs)
    writer.notes = {"pairs by axis": dict(axes.most_common())}


def bon_rows(context: BuildContext) -> StageResult:
    """Choose the right one of each prompt's samples, and a share of the right greedy completions. The funnel counts prompts."""
    ws = context.workspace
    names = ("sft_samples", "bon_samples", "trajectory_split")
    greedy, sampled, source = (context.input(name) for name in names)

    def build(writer: Writer) -> None:
        found = best_of.best(judgements(ws, greedy, source), judgements(ws, sampled, source), context.seed, _clean(ws))
        writer.rows(found.rows)
        writer.rows(found.refusals, "refusals.jsonl")
        asked = len(found.rows) + len(found.refusals)
        writer.funnel = funnel("bon_rows", asked, len(found.rows), found.refusals)

    stage, reused = context.make(build, {name: context.input(name).sha256 for name in names})
    return _counted(ws, stage, reused)


def _counted(ws: Workspace, stage: Stage, reused: bool) -> StageResult:
    """The result of a stage that filters."""
    counted = stage.manifest.funnel
    assert counted is not None, "a stage that filters writes its funnel"
    verdicts: tuple[Verdict, ...] = (guard_verdicts.of_funnel(ws, stage), audits.of_stage(ws, stage))
    pictures, figures = {"rows in and out": funnel_png([counted])}, {"rows": counted.kept}
    return StageResult(stage, reused, verdicts, stage.manifest.notes, pictures, (counted,), figures)


def judgements(ws: Workspace, samples: Stage, source: Stage) -> list[tuple[DecisionPoint, list[Judged]]]:
    """Judge the samples of a stage, prompt by prompt. ``source`` is the split with their trajectories."""
    stops = family(ws.profile.family_name).stops
    found: dict[tuple[str, int], list[Sample]] = {}
    for row in read_jsonl(samples.path(), Sample):
        found.setdefault((row.parents[0], row.at), []).append(row)
    points = _points(source, *PARTS) if found else {}
    return [(points[at], [on_policy.judge(points[at], row, stops) for row in rows]) for at, rows in found.items()]


def _points(source: Stage, *parts: str) -> dict[tuple[str, int], DecisionPoint]:
    """Return the decision points of some parts of a split by trajectory and place."""
    rows = (row for part in parts for row in read_jsonl(source.path(f"{part}.jsonl"), Trajectory))
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
