"""Build the data stages of the instruct track: base check, benchmark items, SFT rows, sampled answers, pairs and splits."""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from canvas_pipeline.datasets.quality import QualityReport
from canvas_pipeline.datasets.spec import PARTS
from canvas_pipeline.errors import GateClosed
from canvas_pipeline.evaluation.benchmark import Prediction
from canvas_pipeline.evaluation.charts import forest_png
from canvas_pipeline.evaluation.generate import Sampling
from canvas_pipeline.guardrails.verdict import Verdict
from canvas_pipeline.pipeline import evaluation, training
from canvas_pipeline.pipeline import verdicts as judging
from canvas_pipeline.pipeline.context import BuildContext
from canvas_pipeline.pipeline.flow import divided, filtered
from canvas_pipeline.pipeline.processes import module
from canvas_pipeline.pipeline.shares import share
from canvas_pipeline.pipeline.workspace import StageResult, Workspace
from canvas_pipeline.records import digest, funnel, read_jsonl, write_jsonl
from canvas_pipeline.storage.digests import sha256_file
from canvas_pipeline.storage.store import Stage, Writer
from canvas_pipeline.tracks.instruct import data
from canvas_pipeline.tracks.instruct.benchmark import answer_text
from canvas_pipeline.tracks.instruct.decisions import require_decision
from canvas_pipeline.tracks.instruct.guard_table import LeakEvidence
from canvas_pipeline.tracks.instruct.guards import BaseCheck, require_clean
from canvas_pipeline.tracks.instruct.rows import (
    InstructPair,
    InstructRow,
    PreferenceRow,
    SampledAnswer,
    TestItem,
    conversation,
    group_of,
)
from canvas_pipeline.tracks.instruct.scorer import items
from canvas_pipeline.tracks.instruct.text_models import open_text_models

CHECK, QUALITY, LEAKS = "check.json", "quality.json", "leaks.json"
PROBE = "tracks.instruct.base_probe"
HELD_OUT = 12
"""About one group of rows in this many goes to the eval part, on which the loss is measured."""


def base_check(context: BuildContext) -> StageResult:
    """Run the probes on the base model before anything is trained on it (S1, S2)."""
    folder = training.start_folder(context.workspace, "base_model")

    def check(writer: Writer) -> None:
        arguments = ("--model", str(folder), "--profile", context.profile.name, "--out", str(writer.path(CHECK)))
        context.launch(module(f"canvas_pipeline.{PROBE}", *arguments))

    inputs = {"weights": context.workspace.store.digests.path(folder)}
    stage, reused = context.make(check, inputs, runs=(PROBE,), unused=evaluation.UNUSED)
    found = read_check(stage)
    figures: dict[str, Any] = {"verdict": found.verdict}
    for title, rate in (("instructions followed", found.followed), ("texts completed", found.completed)):
        figures |= share(title, rate)
    facts = {
        "why": found.reason or "it fails instructions and completes texts",
        "template taken away": found.had_template or "none",
    }
    pictures = {"sentinels": forest_png(found.by_kind, "right answers by kind of probe")}
    return StageResult(stage, reused, base_verdicts(context.workspace), facts, pictures, figures=figures)


def read_check(stage: Stage) -> BaseCheck:
    """Read the result of ``base_check``."""
    return msgspec.json.decode(stage.path(CHECK).read_bytes(), type=BaseCheck)


def clean_base(ws: Workspace) -> str:
    """Return the sha256 of the ``base_check`` stage. Raises ``GateClosed`` if the base is not clean, or is not the one checked."""
    stage = ws.store.get("base_check").verify()
    if stage.manifest.recipe.inputs["weights"] != ws.store.digests.path(training.start_folder(ws, "base_model")):
        raise GateClosed(
            "base_check was made for another base_model than the current one; materialise base_check again"
        )
    require_clean(read_check(stage))
    return stage.sha256


def base_verdicts(ws: Workspace) -> tuple[Verdict, ...]:
    """Return the verdicts of S1 and S2 on the base model that was checked."""
    stage = ws.store.get("base_check").verify()
    found, inputs = read_check(stage), {"base_model": stage.manifest.recipe.inputs["weights"]}
    return tuple(ws.track.guards.guards[name].verdict(found, inputs) for name in ("s1", "s2"))


def bench_cases(context: BuildContext) -> StageResult:
    """Draw the items of the test (``rows.jsonl``) and of model selection (``selection.jsonl``). Requires a clean base."""
    clean_base(context.workspace)

    def build(writer: Writer) -> None:
        writer.rows(items("test", context.profile.test_per_type, context.seed), "rows.jsonl")
        writer.rows(items("selection", context.profile.selection_per_type, context.seed), "selection.jsonl")

    stage, reused = context.make(build)
    kinds = Counter(item.type for item in read_jsonl(stage.path(), TestItem))
    figures = {"test items": kinds.total(), "types": len(kinds), "fewest items of a type": min(kinds.values())}
    return StageResult(stage, reused, facts=dict(kinds), figures=figures)


def evaluation_items(ws: Workspace) -> list[TestItem]:
    """Return the items of test and selection."""
    stage = ws.store.get("bench_cases")
    return [item for name in evaluation.CASES.values() for item in read_jsonl(stage.path(name), TestItem)]


def sft_rows(context: BuildContext) -> StageResult:
    """Build instructions with verified answers; ``quality.json`` has the measures of the quality gate (S7, S8, S9)."""
    ws = context.workspace
    checked, decided = clean_base(ws), require_decision(ws, "base")
    asked = evaluation_items(ws)

    with open_text_models(ws) as models:

        def build(writer: Writer) -> None:
            drafts = models.drafts(data.training_items(context.profile.train_rows, context.seed), context.seed)
            found = data.build_rows(drafts, asked, checked, models.critic)
            writer.rows(found.rows)
            writer.rows(found.refusals, "refusals.jsonl")
            writer.json(found.quality, QUALITY)
            writer.funnel = found.funnel
            types = Counter(row.instruction_type for row in found.rows)
            writer.notes = {
                "median words": found.quality.measures[3].value,
                **dict(sorted(types.items())),
                **models.identities,
            }

        inputs = {"base_check": checked, "base_decision": decided, "bench_cases": context.input("bench_cases").sha256}
        stage, reused = context.make(build, inputs, models.identities)
    return filtered(context, stage, reused, own=(_quality(ws, {"sft_rows": stage.sha256}),))


def _quality(ws: Workspace, inputs: Mapping[str, str]) -> Verdict:
    report = msgspec.json.decode(ws.store.get("sft_rows").path(QUALITY).read_bytes(), type=QualityReport)
    return ws.track.guards.guards["s9"].verdict(report, inputs)


def trajectory_split(context: BuildContext) -> StageResult:
    """Split the rows into train and eval, no instruction in both, and find rows that repeat an evaluation item (S10)."""
    source, asked = context.input("sft_rows"), evaluation_items(context.workspace)

    def build(writer: Writer) -> None:
        rows = list(read_jsonl(source.path(), InstructRow))
        found = data.leaking_rows(rows, asked)
        writer.json(LeakEvidence(len(rows), len(asked), found), LEAKS)
        _parts(writer, "trajectory_split", rows)

    inputs = {"sft_rows": source.sha256, "bench_cases": context.input("bench_cases").sha256}
    stage, reused = context.make(build, inputs)
    return divided(context, "trajectory", stage, reused, own=row_verdicts(context.workspace))


def row_verdicts(ws: Workspace) -> tuple[Verdict, ...]:
    """Return the verdicts of S9 and S10 on the current rows; empty if there are none yet."""
    split, cases = ws.store.find("trajectory_split"), ws.store.find("bench_cases")
    if split is None or cases is None:
        return ()
    judging.lineage(ws, "trajectory_split")
    hashes = {f"trajectory_{part}": sha256_file(judging.file_of(split, part)) for part in PARTS}
    leaks = msgspec.json.decode(split.verify().path(LEAKS).read_bytes(), type=LeakEvidence)
    about = {**hashes, "bench_cases": cases.sha256}
    return _quality(ws, hashes), ws.track.guards.guards["s10"].verdict(leaks, about)


def candidates(context: BuildContext) -> StageResult:
    """Sample several answers of the SFT model to each of some training prompts."""
    ws = context.workspace
    decided, source = require_decision(ws, "sft"), context.input("trajectory_split")
    checkpoint = training.current_checkpoint(ws, "sft")
    sampling = Sampling(context.profile.temperature, context.seed)

    def sample(writer: Writer) -> None:
        rows = data.sampling_plan(
            list(read_jsonl(source.path("train.jsonl"), InstructRow)), context.profile.pair_prompts, context.seed
        )
        unfinished = context.unfinished(writer)
        asked = unfinished / "asked.jsonl"
        write_jsonl(asked, (_sample_of(row, number) for row in rows for number in range(context.profile.samples)))
        predicted = evaluation.predictions(context, unfinished, "hf", checkpoint.directory(), [asked], sampling)
        writer.rows(rows, "prompts.jsonl")
        writer.rows(
            _answer(row, number, predicted, context.seed) for row in rows for number in range(context.profile.samples)
        )
        shutil.rmtree(unfinished)

    inputs = {"sft_decision": decided, "trajectory_split": source.sha256, "sft_checkpoint": checkpoint.sha256}
    runs = evaluation.asking(context.track.benchmark)
    config = {"max_new_tokens": context.track.benchmark.limit(context.profile)}
    stage, reused = context.make(sample, inputs, config, runs=runs, unused=evaluation.UNUSED)
    rows, answers = (
        list(read_jsonl(stage.path("prompts.jsonl"), InstructRow)),
        list(read_jsonl(stage.path(), SampledAnswer)),
    )
    one, several = data.pass_at(rows, answers)
    figures = {
        "prompts": len(rows), "samples a prompt": context.profile.samples, "right samples (%)": round(100 * one, 1),
        "prompts with a right sample (%)": round(100 * several, 1),
    }  # fmt: skip
    return StageResult(stage, reused, figures=figures)


def _sample_of(row: InstructRow, number: int) -> TestItem:
    return TestItem(
        id=f"{row.id}.{number}", type=row.instruction_type, instruction=row.instruction, wording_id=row.provenance.wording_id,
        constraints=row.constraints, gold=row.response, topic=row.topic, terms=(), split="train",
    )  # fmt: skip


def _answer(row: InstructRow, number: int, predicted: Mapping[str, Prediction], seed: int) -> SampledAnswer:
    one = predicted[f"{row.id}.{number}"]
    text = answer_text(one.text)
    return SampledAnswer(
        row_id=row.id, sample=number, text=text, stopped=one.stopped, tokens=len(text.split()), seed=seed
    )


def pairs(context: BuildContext) -> StageResult:
    """Pair the best right answer to each prompt with wrong ones that score lower (S11); a prompt without such a pair is refused."""
    source = context.input("candidates")

    def build(writer: Writer) -> None:
        rows = list(read_jsonl(source.path("prompts.jsonl"), InstructRow))
        # Only sampled answers as negatives: constructed ones are easier to tell apart.
        found = data.build_pairs(rows, list(read_jsonl(source.path(), SampledAnswer)), construct=False)
        writer.rows(found.pairs)
        writer.json(found.report, "report.json")
        writer.funnel = found.funnel
        writer.notes = msgspec.to_builtins(found.report)

    return filtered(context, *context.make(build, {"candidates": source.sha256}))


def preference_split(context: BuildContext) -> StageResult:
    """Split the pairs into train and eval, no prompt in both."""
    source = context.input("pairs")

    def build(writer: Writer) -> None:
        _parts(writer, "preference_split", [_pair(pair) for pair in read_jsonl(source.path(), InstructPair)])

    return divided(context, "preference", *context.make(build, {"pairs": source.sha256}))


def _pair(pair: InstructPair) -> PreferenceRow:
    prompt, chosen = conversation(pair.prompt, pair.chosen)
    return PreferenceRow(
        id=pair.id, row_id=pair.row_id, prompt=(prompt,), chosen=(chosen,), rejected=conversation("", pair.rejected)[1:],
        axes=(pair.negative_kind,), chosen_score=pair.chosen_score, rejected_score=pair.rejected_score, margin=pair.margin,
        sampled=pair.sampled, item_ids=(group_of(pair.prompt),),
    )  # fmt: skip


def _parts(writer: Writer, name: str, rows: Sequence[Any]) -> None:
    """Write rows to the parts of a split by their groups."""
    held = {row.id: int(digest("split", row.item_ids[0])[:8], 16) % HELD_OUT == 0 for row in rows}
    for part in PARTS:
        writer.rows((row for row in rows if held[row.id] == (part == "eval")), f"{part}.jsonl")
    writer.funnel = funnel(name, len(rows), len(rows))
