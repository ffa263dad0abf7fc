"""Define the code track: a base model learns to write functions, judged by running them in a sandbox."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

import msgspec

from canvas_pipeline.guardrails.audit import AUDIT
from canvas_pipeline.guardrails.guard import Guard
from canvas_pipeline.methods import METHODS, Hyperparameters
from canvas_pipeline.pipeline.context import BuildContext
from canvas_pipeline.pipeline.stage import Kind, StageSpec
from canvas_pipeline.pipeline.standard import ANSWERS
from canvas_pipeline.pipeline.track import Track
from canvas_pipeline.pipeline.workspace import StageResult
from canvas_pipeline.tracks.code import comparison, stages
from canvas_pipeline.tracks.code.benchmark import BENCHMARK
from canvas_pipeline.tracks.code.card import CARD
from canvas_pipeline.tracks.code.datasets import DATASETS
from canvas_pipeline.tracks.code.guards import R8, TABLE
from canvas_pipeline.tracks.code.profiles import PROFILES
from canvas_pipeline.tracks.text_base import shipped_text_base

G6 = TABLE.guards["g6"]
Step = Callable[[BuildContext], StageResult]


def _data() -> Iterator[StageSpec]:
    yield _stage("source_rows", (), stages.source_rows, "rows", (G6, AUDIT),
                 "Tasks of public formats from files, each reference run twice. Look at what was refused, and why.")  # fmt: skip
    yield _stage("bench_cases", (), stages.bench_cases, "rows", (),
                 "Tasks in wordings that training never sees, half of them of structures that it never sees, and suites of files. "
                 "Look at the number of cases.")  # fmt: skip
    yield _stage("drawn_rows", ("bench_cases",), stages.drawn_rows, "rows", (AUDIT,),
                 "Drawn tasks with programs that were run against their tests. Look at the references that pass.")  # fmt: skip
    yield _stage("rows", ("source_rows", "drawn_rows", "bench_cases"), stages.rows, "rows", (G6, AUDIT),
                 "All rows to train on, without those that the benchmark asks for. Look at how many were left out.",
                 ("source_rows", "drawn_rows"))  # fmt: skip
    yield _stage("trajectory_split", ("rows", "bench_cases"), stages.trajectory_split, "rows",
                 (*TABLE.of_split("trajectory"), R8, AUDIT),
                 "Rows to train on and rows to follow the loss, no program in both. Look at the checks r8 and r12.",
                 ("rows",))  # fmt: skip


def _evaluation() -> Iterator[StageSpec]:
    yield StageSpec(
        name="baselines", inputs=("bench_cases", "trajectory_split", "base_bench", "sft_bench"), build=comparison.baselines,
        kind="report", group="comparison",
        description="The supervised model beside the base, the best constant program and the nearest training program, on the same "
        "cases, with paired tests. Look at the differences and their intervals.",
    )  # fmt: skip
    yield StageSpec(
        name="samples", inputs=("production_checkpoint", "bench_cases"), build=comparison.samples, kind="report",
        group="comparison", memory_gib=ANSWERS,
        description="Several sampled programs for each of some cases. Look at pass@5 beside pass@1.",
    )  # fmt: skip


def _stage(
    name: str, inputs: tuple[str, ...], build: Step, kind: Kind, checks: tuple[Guard, ...], description: str,
    conserves: tuple[str, ...] = (),
) -> StageSpec:  # fmt: skip
    return StageSpec(
        name=name, inputs=inputs, build=build, kind=kind, group="rows", description=description, checks=checks,
        tools=("jsonl",), rows_from=conserves,
    )  # fmt: skip


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
)
