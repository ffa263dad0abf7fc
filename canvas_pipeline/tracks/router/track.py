"""Define the router track: a base model learns to turn a query into a plan of tool steps and a description of the work."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import msgspec

from canvas_pipeline.guardrails.audit import AUDIT
from canvas_pipeline.methods import METHODS, Hyperparameters
from canvas_pipeline.pipeline.stage import StageSpec, stage
from canvas_pipeline.pipeline.track import Track
from canvas_pipeline.tracks.router import judgement, stages
from canvas_pipeline.tracks.router.card import CARD
from canvas_pipeline.tracks.router.guard_table import DATASETS, TABLE
from canvas_pipeline.tracks.router.profiles import PROFILES
from canvas_pipeline.tracks.router.scorer import BENCHMARK
from canvas_pipeline.tracks.text_base import shipped_text_base

G6 = TABLE.guards["g6"]


def _data() -> Iterator[StageSpec]:
    yield stage("source_rows", (), stages.source_rows, "rows", (G6, AUDIT),
                "Rows of the files of router/ in the data folder and drawn ones, every field checked. Look at the "
                "refusals.")  # fmt: skip
    yield stage("parts", ("source_rows",), stages.parts, "rows", (G6, AUDIT),
                "The rows split into train, eval and test by the hash of their ids. Look at the share of the majority route.",
                conserves=("source_rows",))  # fmt: skip
    yield stage("bench_cases", ("parts",), stages.bench_cases, "rows", (AUDIT,),
                "Queries to test and to choose by, with what trivial baselines say. Look at the cases off the majority "
                "route.")  # fmt: skip
    yield stage("trajectory_split", ("parts", "bench_cases"), stages.trajectory_split, "rows",
                (*TABLE.of_split("trajectory"), TABLE.guards["r8"], AUDIT),
                "Prompts and completions to train on, none of them a case of the benchmark. Look at the check r8.",
                conserves=("parts",))  # fmt: skip


def _evaluation() -> Iterator[StageSpec]:
    yield stage("judgement", ("production_checkpoint", "base_bench", "bench_cases"), judgement.judgement, "report", (),
                "The production model by the thresholds, and beside baselines where the majority route is wrong. Look at the "
                "thresholds missed.", group="comparison")  # fmt: skip


def _numbers() -> Mapping[str, Mapping[str, Hyperparameters]]:
    """Return the hyperparameters. A row is about 600 tokens of the shipped vocabulary, which knows no JSON."""
    changed = msgspec.structs.replace
    sft, lora = METHODS["sft"].defaults, METHODS["lora"].defaults
    small = {"max_length": 1024, "batch": 8, "accumulation": 1, "epochs": 1.0}
    large = {"max_length": 3072, "epochs": 3.0}
    adapted = {
        "embedded": changed(lora["embedded"], **small, learning_rate=4e-3),
        "gb10": changed(lora["gb10"], **large),
    }
    return {
        "sft": {
            "embedded": changed(sft["embedded"], **small, learning_rate=1.5e-3, candidates=1),
            "gb10": changed(sft["gb10"], **large),
        },
        "lora": adapted,
        "qlora": adapted,
    }


TRACK = Track(
    name="router",
    profiles=PROFILES,
    datasets=DATASETS,
    guards=TABLE,
    shipped_base=shipped_text_base,
    methods=("sft", "lora", "qlora"),
    benchmark=BENCHMARK,
    card=CARD,
    data_stages=_data,
    evaluation_stages=_evaluation,
    hyperparameters=_numbers(),
    verdicts=stages.own_verdicts,
    release_items=judgement.release_items,
)
