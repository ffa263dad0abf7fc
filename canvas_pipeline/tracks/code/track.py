"""Define the code track: a base model learns to write functions, judged by running them in a sandbox."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import msgspec

from canvas_pipeline.guardrails.audit import AUDIT
from canvas_pipeline.methods import METHODS, Hyperparameters
from canvas_pipeline.pipeline.stage import StageSpec, stage
from canvas_pipeline.pipeline.standard import ANSWERS
from canvas_pipeline.pipeline.track import Track
from canvas_pipeline.tracks.code import comparison, stages
from canvas_pipeline.tracks.code.benchmark import BENCHMARK
from canvas_pipeline.tracks.code.card import CARD
from canvas_pipeline.tracks.code.datasets import DATASETS
from canvas_pipeline.tracks.code.guards import R8, TABLE
from canvas_pipeline.tracks.code.profiles import PROFILES
from canvas_pipeline.tracks.text_base import shipped_text_base
from canvas_pipeline.verifiers.sandbox.session import open_sandbox

G6 = TABLE.guards["g6"]


def _data() -> Iterator[StageSpec]:
    yield stage("source_rows", (), stages.source_rows, "rows", (G6, AUDIT),
                "Tasks of public formats from files, each reference run twice. Look at what was refused, and why.")  # fmt: skip
    yield stage("bench_cases", (), stages.bench_cases, "rows", (AUDIT,),
                "Tasks in wordings that training never sees, half of them of structures that it never sees, and suites of files. "
                "Look at the number of cases.")  # fmt: skip
    yield stage("drawn_rows", ("bench_cases",), stages.drawn_rows, "rows", (AUDIT,),
                "Drawn tasks with programs that were run against their tests. Look at the references that pass.")  # fmt: skip
    yield stage("rows", ("source_rows", "drawn_rows", "bench_cases"), stages.rows, "rows", (G6, AUDIT),
                "All rows to train on, without those that the benchmark asks for. Look at how many were left out.",
                conserves=("source_rows", "drawn_rows"))  # fmt: skip
    yield stage("trajectory_split", ("rows", "bench_cases"), stages.trajectory_split, "rows",
                (*TABLE.of_split("trajectory"), R8, AUDIT),
                "Rows to train on and rows to follow the loss, no program in both. Look at the checks r8 and r12.",
                conserves=("rows",))  # fmt: skip


def _evaluation() -> Iterator[StageSpec]:
    yield stage("baselines", ("production_checkpoint", "bench_cases", "trajectory_split", "base_bench"), comparison.baselines,
                "report", (),
                "The production model beside the base, the best constant program and the nearest training program, on the same "
                "cases, with paired tests. Look at the differences and their intervals.", group="comparison")  # fmt: skip
    yield stage("samples", ("production_checkpoint", "bench_cases"), comparison.samples, "report", (),
                "Several sampled programs for each of some cases. Look at pass@5 beside pass@1.", group="comparison",
                memory_gib=ANSWERS)  # fmt: skip


def _numbers() -> Mapping[str, Mapping[str, Hyperparameters]]:
    """Return the hyperparameters: the base has never seen a program, so all weights are trained, and for longer."""
    changed, sft = msgspec.structs.replace, METHODS["sft"].defaults
    return {
        "sft": {
            "embedded": changed(
                sft["embedded"], epochs=2.0, learning_rate=2e-3, batch=16, accumulation=1, max_length=256
            ),
            "gb10": changed(sft["gb10"], epochs=2.0, max_length=1024),
        }
    }


TRACK = Track(
    name="code",
    profiles=PROFILES,
    datasets=DATASETS,
    guards=TABLE,
    shipped_base=shipped_text_base,
    methods=("sft", "lora", "qlora"),
    demo_methods=("sft",),
    benchmark=BENCHMARK,
    card=CARD,
    data_stages=_data,
    evaluation_stages=_evaluation,
    hyperparameters=_numbers(),
    verdicts=stages.row_verdicts,
    release_items=comparison.release_items,
    needs=open_sandbox,
)
