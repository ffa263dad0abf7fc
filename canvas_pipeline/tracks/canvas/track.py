"""Define the Canvas track: tool calls over a student's courses, assignments and calendar, from contributed Canvas data."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator

from canvas_pipeline.guardrails.audit import AUDIT
from canvas_pipeline.guardrails.guard import Guard
from canvas_pipeline.guardrails.verdict import Allowance
from canvas_pipeline.methods import CHOICES, METHODS
from canvas_pipeline.pipeline.context import BuildContext
from canvas_pipeline.pipeline.stage import StageSpec, stage
from canvas_pipeline.pipeline.standard import ANSWERS
from canvas_pipeline.pipeline.track import Track
from canvas_pipeline.pipeline.workspace import StageResult
from canvas_pipeline.tracks.canvas import tiny_base
from canvas_pipeline.tracks.canvas.bench.benchmark import BENCHMARK
from canvas_pipeline.tracks.canvas.card import CARD
from canvas_pipeline.tracks.canvas.data import examples, intake, samples
from canvas_pipeline.tracks.canvas.data.constrained import NAME as CONSTRAINED
from canvas_pipeline.tracks.canvas.data.constrained import constrained_bench
from canvas_pipeline.tracks.canvas.data.language import wordings
from canvas_pipeline.tracks.canvas.data.scenarios import release_items, scenarios
from canvas_pipeline.tracks.canvas.datasets import DATASETS, ROUNDS
from canvas_pipeline.tracks.canvas.guards import TABLE
from canvas_pipeline.tracks.canvas.profiles import PROFILES

RowStep = Callable[[BuildContext], StageResult]
G6 = TABLE.guards["g6"]


def _data() -> Iterator[StageSpec]:
    yield _rows("corpus", ("collab",), intake.corpus, "intake", (G6, AUDIT),
                "Courses and assignments of all contributors, anonymised, each item once. "
                "Look at the share of rows kept.", conserves=("collab",))  # fmt: skip
    yield _rows("trajectories", ("corpus",), examples.trajectories, "examples", (G6, AUDIT),
                "Conversations with tool calls: synthesised ones and recorded sessions. "
                "Look at how many there are of each.")  # fmt: skip
    yield _rows("item_pairs", ("corpus",), examples.item_pairs, "examples", (),
                "Pairs of items with the question which is to be done first, sampled evenly over all items.")  # fmt: skip
    yield _rows("labelled_pairs", ("item_pairs",), examples.labelled_pairs, "examples", (G6, AUDIT),
                "Item pairs that the teacher judged alike three times, as preference pairs. "
                "Look at the rows kept and the position bias.", conserves=("item_pairs",))  # fmt: skip
    yield _rows("mutation_pairs", ("trajectories",), examples.mutation_pairs, "examples", (G6, AUDIT),
                "Preference pairs whose wrong side is a known mutation of the right one. Look at the pairs by axis.")  # fmt: skip
    yield StageSpec(
        name="sft_samples", inputs=("sft_checkpoint", "trajectory_split"), build=samples.sft_samples, kind="rows",
        group="pairs", tools=("jsonl",), memory_gib=ANSWERS,
        description=(
            "Several completions of the SFT checkpoint to each of some training prompts. Look at pass@1 and pass@8: between them "
            "lies what preference training can gain."
        ),
    )  # fmt: skip
    yield _rows("onpolicy_pairs", ("sft_samples", "trajectory_split"), samples.onpolicy_pairs, "pairs", (G6, AUDIT),
                "Preference pairs whose wrong side is what the SFT checkpoint said. Look at the pairs by axis.")  # fmt: skip
    yield StageSpec(
        name="bon_samples", inputs=("sft_samples", "trajectory_split", "sft_checkpoint"), build=samples.bon_samples, kind="rows",
        group="bon", method="bon", tools=("jsonl",), memory_gib=ANSWERS,
        description=(
            "Eight completions of the SFT checkpoint to each training prompt that its greedy completion fails, and to some prompts "
            "of the eval part. Look at pass@8: that share of them has something to learn from."
        ),
    )  # fmt: skip
    yield _rows("bon_rows", ("sft_samples", "bon_samples", "trajectory_split"), samples.bon_rows, "bon", (G6, AUDIT),
                "Prompts with the right one of their samples, and a share of those with a right greedy completion. "
                "Look at the prompts to which no sample is right.", method="bon")  # fmt: skip
    for name in ROUNDS:
        start, sampled = METHODS[name].start, f"{name}_samples"
        yield StageSpec(
            name=sampled, inputs=(start, "trajectory_split"), build=samples.round_samples, kind="rows", group=name, method=name,
            tools=("jsonl",), memory_gib=ANSWERS,
            description=(
                f"Eight completions of {start} to each of this round's own training prompts, and to some prompts of the eval part. "
                "Look at pass@1 and pass@8."
            ),
        )  # fmt: skip
        yield _rows(f"{name}_pairs", (sampled, "trajectory_split"), samples.round_pairs, name, (G6, AUDIT),
                    "The best sample of each prompt beside the worst, where one is wrong. Look at the prompts without a wrong one.",
                    method=name)  # fmt: skip
    yield _rows("feedback_examples", ("onpolicy_pairs", "mutation_pairs", "trajectories"), examples.feedback_examples,
                "pairs", (AUDIT,),
                "Single completions marked good or bad, for KTO. Look at the balance of the two.")  # fmt: skip
    for spec in DATASETS.values():
        method = spec.name if spec.name in METHODS else ""
        group = "examples" if spec.name == "trajectory" else method or "pairs"
        yield _rows(spec.split, (*spec.sources, "corpus"), functools.partial(examples.split, dataset=spec.name), group,
                    (*TABLE.of_split(spec.name), AUDIT), f"{spec.title} in train, eval and test parts that share no item. "
                    "Look at the rows in each part and at the checks.", conserves=spec.sources, method=method)  # fmt: skip
    yield _rows("bench_cases", ("corpus",), examples.bench_cases, "examples", (),
                "Prompts with the call expected next, disjoint from training. "
                "Look at the number of cases of each kind.")  # fmt: skip
    yield StageSpec(
        name="wordings", inputs=("trajectories", "bench_cases"), build=wordings, kind="report", group="examples",
        description=(
            "The language of training and benchmark texts beside that of prompts that people wrote: dates, times, courses as they "
            "are said, follow-ups, corrections, n-grams. Look at the forms that training lacks."
        ),
        next_act="where people say what training lacks, write wordings for it (tracks/canvas/examples/phrasings)",
    )  # fmt: skip


def _evaluation() -> Iterator[StageSpec]:
    yield StageSpec(
        name="scenarios", inputs=("production_checkpoint",), build=scenarios, kind="report", group="comparison",
        description=(
            "Twelve conversations with a student, end to end through the agent loop on the mock Canvas, each held to the policy of "
            "the system prompt. Look at how many passed, why the others failed, and which rules were broken."
        ),
        memory_gib=ANSWERS,
    )  # fmt: skip
    yield StageSpec(
        name=CONSTRAINED, inputs=("production_gguf", "bench_cases"), build=constrained_bench, kind="report", group="release",
        description=(
            "The production checkpoint's answers to the bench cases under a grammar of the declared tools, beside its free run, "
            "which alone counts. Look at the table: what the grammar mends and what it does not."
        ),
        memory_gib=ANSWERS,
    )  # fmt: skip


def _rows(
    name: str, inputs: tuple[str, ...], step: RowStep, group: str, checks: tuple[Guard, ...], description: str,
    conserves: tuple[str, ...] = (), method: str = "",
) -> StageSpec:  # fmt: skip
    return stage(name, inputs, step, "rows", checks, description, group=group, conserves=conserves, method=method)


TRACK = Track(
    name="canvas",
    profiles=PROFILES,
    datasets=DATASETS,
    guards=TABLE,
    shipped_base=tiny_base.shipped_base,
    methods=CHOICES,
    demo_methods=("sft", "dpo", "kto"),
    benchmark=BENCHMARK,
    card=CARD,
    data_stages=_data,
    evaluation_stages=_evaluation,
    contributors=intake.contributor_files,
    due=intake.due_contributors,
    ingest=intake.collab,
    release_items=release_items,
    allowances=(
        Allowance(
            stage="labelled_pairs",
            minimum_retained=0.45,
            reason="votes must be unanimous over three presentations; ties and disagreements leave",
        ),
        Allowance(
            stage="onpolicy_pairs",
            minimum_retained=0.4,
            reason="of wrong completions a few of each prompt, and few about answers, become pairs, so that neither fills the set",
        ),
        Allowance(
            stage="bon_rows",
            minimum_retained=0.3,
            reason="a prompt to which none of the samples is right has nothing to learn from",
        ),
        *(
            Allowance(
                stage=f"{name}_pairs",
                minimum_retained=0.4,
                reason="pairs about answers leave where they would be more than a fifth, and samples that cannot be trained on",
            )
            for name in ROUNDS
        ),
        Allowance(
            stage="preference_split",
            minimum_retained=0.55,
            reason="labelled pairs whose items fall into different splits leave, so that splits share no item",
        ),
    ),
)
