"""Define the math track: a base model learns to solve word problems, judged by the value of its final answer."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import msgspec

from canvas_pipeline.guardrails.audit import AUDIT
from canvas_pipeline.methods import METHODS, Hyperparameters
from canvas_pipeline.pipeline.stage import StageSpec, stage
from canvas_pipeline.pipeline.track import Track
from canvas_pipeline.tracks.math import comparison, parts, stages
from canvas_pipeline.tracks.math.benchmark import BENCHMARK
from canvas_pipeline.tracks.math.card import CARD
from canvas_pipeline.tracks.math.datasets import DATASETS
from canvas_pipeline.tracks.math.guard_table import TABLE
from canvas_pipeline.tracks.math.profiles import PROFILES
from canvas_pipeline.tracks.text_base import shipped_text_base

G6 = TABLE.guards["g6"]


def _data() -> Iterator[StageSpec]:
    yield stage("sources", ("source",), stages.sources, "rows", (G6, AUDIT),
                "Problems from the files of math/ in the data folder, in nine formats. Look at the refusals.")  # fmt: skip
    yield stage("drawn_rows", (), stages.drawn_rows, "rows", (G6, AUDIT),
                "Word problems with worked solutions, drawn by a program. Look at the number of each kind.")  # fmt: skip
    yield stage("bench_cases", ("suite",), stages.bench_cases, "rows", (AUDIT,),
                "Problems that nothing is trained on: trained wordings with other numbers, wordings held out, and the suites of "
                "math/bench/. Look at the cases of each suite.")  # fmt: skip
    yield stage("math_rows", ("sources", "drawn_rows"), stages.math_rows, "rows", (G6, AUDIT),
                "Each problem once, and none with two different gold answers. Look at the rows kept.",
                conserves=("sources", "drawn_rows"))  # fmt: skip
    yield stage("trajectory_split", ("math_rows", "bench_cases"), stages.trajectory_split, "rows",
                (*TABLE.of_split("trajectory"), TABLE.guards["r8"], TABLE.guards["r10"], AUDIT),
                "Rows to train on and to follow the loss, none of them a case of the benchmark. Look at the checks r8 and r10.",
                conserves=("math_rows",))  # fmt: skip


def _evaluation() -> Iterator[StageSpec]:
    yield stage("comparison", ("production_checkpoint", "base_bench", "bench_cases"), comparison.comparison, "report", (),
                "The production model beside the base and the most frequent answer, on the same cases, with paired tests. Look at "
                "the differences and their p.", group="comparison")  # fmt: skip


def _numbers() -> Mapping[str, Mapping[str, Hyperparameters]]:
    """Return the hyperparameters. Rows are short, so that many of them fit a step; the base has never seen a worked solution."""
    changed = msgspec.structs.replace
    small = {"max_length": 256, "batch": 16, "accumulation": 1, "epochs": 2.0, "candidates": 1}
    large = {"max_length": 1024, "epochs": 2.0}
    lora = METHODS["lora"].defaults
    adapted = {
        "embedded": changed(lora["embedded"], **small, learning_rate=3e-3),
        "gb10": changed(lora["gb10"], **large),
    }
    return {
        "sft": {
            "embedded": changed(METHODS["sft"].defaults["embedded"], **small, learning_rate=2e-3),
            "gb10": changed(METHODS["sft"].defaults["gb10"], **large),
        },
        "lora": adapted,
        "qlora": adapted,
    }


TRACK = Track(
    name="math",
    profiles=PROFILES,
    datasets=DATASETS,
    guards=TABLE,
    shipped_base=shipped_text_base,
    methods=("sft", "lora", "qlora"),
    benchmark=BENCHMARK,
    card=CARD,
    data_stages=_data,
    partitioned=parts.specs,
    evaluation_stages=_evaluation,
    hyperparameters=_numbers(),
    verdicts=stages.own_verdicts,
    release_items=comparison.release_items,
)
