"""Define the instruct track: a base model without instructions, trained on clean rows, then on pairs of its own samples."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import msgspec

from canvas_pipeline.guardrails.audit import AUDIT
from canvas_pipeline.guardrails.verdict import Allowance, Verdict
from canvas_pipeline.methods import METHODS, REFERENCE, Hyperparameters
from canvas_pipeline.pipeline.stage import StageSpec, stage
from canvas_pipeline.pipeline.standard import ANSWERS
from canvas_pipeline.pipeline.track import Track
from canvas_pipeline.pipeline.workspace import Workspace
from canvas_pipeline.tracks.instruct import decisions, stages
from canvas_pipeline.tracks.instruct.benchmark import BENCHMARK
from canvas_pipeline.tracks.instruct.card import CARD
from canvas_pipeline.tracks.instruct.datasets import DATASETS
from canvas_pipeline.tracks.instruct.guard_table import TABLE
from canvas_pipeline.tracks.instruct.profiles import PROFILES
from canvas_pipeline.tracks.instruct.session import recorded, session
from canvas_pipeline.tracks.text_base import shipped_text_base

GUARDS = TABLE.guards
G6 = GUARDS["g6"]


def _data() -> Iterator[StageSpec]:
    yield stage("base_check", ("base_model",), stages.base_check, "report", (GUARDS["s1"], GUARDS["s2"]),
                "Whether the base reads text alone, fails instructions and goes on with plain texts. Look at the verdict: "
                "nothing is spent on a base that is not CLEAN.", memory_gib=ANSWERS, group="base")  # fmt: skip
    yield stage("bench_cases", ("base_check",), stages.bench_cases, "rows", (),
                "Instructions of twelve types with what a right answer must meet, to test and to choose by. "
                "Look at the number of items a type.", group="base")  # fmt: skip
    yield stage("base_decision", ("base_bench",), decisions.base_decision, "report", (GUARDS["s3"],),
                "GO, REVIEW or STOP by the base's accuracy. Look at the verdict: STOP ends the run.", group="base")  # fmt: skip
    yield stage("sft_rows", ("base_check", "base_decision", "bench_cases"), stages.sft_rows, "rows",
                (G6, GUARDS["s9"], AUDIT),
                "Instructions with checked answers, single, capped by topic. Look at the rows kept.")  # fmt: skip
    yield stage("trajectory_split", ("sft_rows", "bench_cases"), stages.trajectory_split, "rows",
                (*TABLE.of_split("trajectory"), GUARDS["s10"], AUDIT),
                "Rows to train on and rows to follow the loss, no evaluation item among them. Look at the checks.",
                conserves=("sft_rows",))  # fmt: skip
    yield stage("sft_decision", ("base_decision", "sft_bench"), decisions.sft_decision, "report", (GUARDS["s13"],),
                "INVESTIGATE, CAUTION or GO by the supervised model's accuracy. Look at the verdict.", group="pairs")  # fmt: skip
    yield stage("candidates", ("sft_decision", "sft_checkpoint", "trajectory_split"), stages.candidates, "rows", (),
                "Several answers of the supervised model to each of some training prompts. "
                "Look at how many samples are right, and how many prompts have a right one.", group="pairs",
                memory_gib=ANSWERS)  # fmt: skip
    yield stage("pairs", ("candidates",), stages.pairs, "rows", (G6, AUDIT),
                "The best right answer of each prompt beside wrong ones. Look at the mix of what is wrong with them.",
                conserves=("candidates",), counted_by="row_id", group="pairs")  # fmt: skip
    yield stage("preference_split", ("pairs",), stages.preference_split, "rows",
                (*TABLE.of_split("preference"), AUDIT),
                "Pairs to train on and pairs to follow the loss. Look at the checks: no ruler may tell them apart.",
                conserves=("pairs",), group="pairs")  # fmt: skip


def _evaluation() -> Iterator[StageSpec]:
    yield stage("dpo_decision", ("sft_decision", "sft_bench", "dpo_bench"), decisions.dpo_decision, "report", (),
                "COMPLETE, IMPROVED or NO_GAIN: whether DPO is better than SFT on the selection items. Look at the verdict.",
                method="dpo", group="comparison")  # fmt: skip
    yield stage("comparison", ("base_bench", "sft_bench", "dpo_bench"), decisions.comparison, "report", (),
                "Base, SFT and DPO on the same test items, overall and by type, with paired tests. "
                "Look at the differences and their intervals.", method="dpo", group="comparison")  # fmt: skip
    yield stage("session", ("release",), session, "report", (),
                "What each stage took in attempts, time and money. Look at the table.", group="session")  # fmt: skip


def _verdicts(ws: Workspace) -> Iterator[Verdict]:
    """Yield the verdicts of the guards that use more than rows."""
    yield from stages.base_verdicts(ws)
    yield from stages.row_verdicts(ws)
    yield from decisions.decision_verdicts(ws)


def _numbers() -> Mapping[str, Mapping[str, Hyperparameters]]:
    """Return the hyperparameters of SFT and DPO.

    An adapter preserves what the base has learnt: fully trained, the small base no longer copied words and was wrong about held-out
    entities. On a GB10 a base of 32 B needs 4-bit weights."""
    changed = msgspec.structs.replace
    sft, dpo = METHODS["qlora"].defaults, METHODS["dpo"].defaults
    small = {"adapter": "lora", "adapter_rank": 32, "adapter_alpha": 64, "max_length": 256, "accumulation": 1}
    large = {
        "adapter": "qlora",
        "adapter_rank": 32,
        "adapter_alpha": 64,
        "max_length": 1024,
        "batch": 1,
        "accumulation": 16,
        "checkpointing": True,
    }
    return {
        "sft": {
            "embedded": changed(sft["embedded"], **small, epochs=2.0, learning_rate=1.2e-3, batch=16),
            "gb10": changed(sft["gb10"], **large, epochs=2.0, learning_rate=1e-4),
        },
        "dpo": {
            "embedded": changed(
                dpo["embedded"], **small, epochs=2.0, learning_rate=3e-4, batch=8, beta=0.1, chosen_nll=1.0
            ),
            "gb10": changed(dpo["gb10"], **large, learning_rate=5e-6),
        },
    }


MEMORY = {"sft": {"gb10": 72.0}, "dpo": {"gb10": 72.0}, REFERENCE: {"gb10": 72.0}}
"""For 32 B: 26 and 28 GiB for training on 4-bit weights (``training.memory``), 67 where all weights are loaded: the reference pass,
and the merge of an adapter."""

TRACK = Track(
    name="instruct",
    profiles=PROFILES,
    datasets=DATASETS,
    guards=TABLE,
    shipped_base=shipped_text_base,
    methods=("sft", "dpo"),
    demo_methods=("sft", "dpo"),
    benchmark=BENCHMARK,
    card=CARD,
    data_stages=_data,
    evaluation_stages=_evaluation,
    hyperparameters=_numbers(),
    memory_gib=MEMORY,
    verdicts=_verdicts,
    release_items=decisions.release_items,
    around=recorded,
    allowances=(
        Allowance(
            stage="pairs", minimum_retained=0.15, reason="prompts whose samples are all right or all wrong give no pair"
        ),
    ),
)
