"""The stages that every track has after its rows: training, evaluation and release, each declared once."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from canvas_pipeline.guardrails.audit import AUDIT
from canvas_pipeline.methods import REFERENCE, Method, ancestry, method, rounds
from canvas_pipeline.pipeline import evaluation, release, training
from canvas_pipeline.pipeline.stage import StageSpec
from canvas_pipeline.pipeline.training_image import training_image

if TYPE_CHECKING:
    from canvas_pipeline.pipeline.track import Track

ANSWERS: Mapping[str, float] = {"embedded": 3.0, "gb10": 16.0}
"""GiB by profile of a step that loads a model to generate with it (an estimate for gb10; peaks are learned)."""


def standard_stages(track: Track, methods: Sequence[str]) -> Iterator[StageSpec]:
    """Those of some methods with their rounds, and what they share, in the order they are made."""
    yield from _shared(track)
    yield from _of_methods(track, [step for name in methods for step in rounds(method(name))])
    yield from _comparison(methods)
    yield from track.evaluation_stages()
    yield from _release(track)


def _shared(track: Track) -> Iterator[StageSpec]:
    yield StageSpec(
        name="base_model", inputs=(), build=training.base_model, kind="report", group="base",
        tools=("pytorch",),
        description="The base model that every method starts from, or where it lies. Look at its name.",
    )  # fmt: skip
    yield StageSpec(
        name="training_image", inputs=(), build=training_image, kind="report", group="base",
        checks=(track.guards.guards["g10"],), tools=("docker",),
        description="Whether the training container builds and starts. Look at the check g10: it says what does not.",
    )  # fmt: skip
    yield StageSpec(
        name="base_bench", inputs=("base_model", "bench_cases"), build=evaluation.base_bench, kind="report", group="base",
        checks=(track.guards.guards["g3"],),
        description=(
            "The base's answers to the bench cases, before any training: what every method is compared with. Look at "
            f"{track.benchmark.headline.title} and its interval."
        ),
        memory_gib=ANSWERS,
    )  # fmt: skip


def _of_methods(track: Track, rows: Sequence[Method]) -> Iterator[StageSpec]:
    made = set[str]()
    for row in rows:
        if row.reference and row.reference not in made:
            made.add(row.reference)
            alone = "" if row.reference == REFERENCE else row.name
            yield StageSpec(
                name=row.reference, inputs=(row.start, track.datasets[row.dataset].split), build=training.reference_logprobs,
                kind="report", method=alone, group=alone or "reference", memory_gib=track.memory(REFERENCE), tools=("jsonl",),
                description=(
                    f"Log-probability of every pair under {row.start}, computed once for "
                    f"{f'the loss of {alone}' if alone else 'all preference losses that need it'}."
                ),
            )  # fmt: skip
        yield from _of_method(track, row)


def _of_method(track: Track, row: Method) -> Iterator[StageSpec]:
    name = row.name
    reference = (row.reference,) if row.reference else ()
    figures = " and ".join(metric.title for metric in track.benchmark.metrics if metric.compared)
    own = track.datasets[row.dataset].split
    read = (track.datasets[step.dataset].split for step in reversed(ancestry(row)))
    yield StageSpec(
        name=f"{name}_run_spec", kind="spec", names_inputs="spec.json", method=name, group=name, memory_gib=track.memory(name),
        inputs=tuple(dict.fromkeys((row.start, *read, "base_bench", "training_image", *reference))),
        build=training.run_spec, checks=track.guards.of_method(row),
        description=(
            f"What {name} would train on, with which numbers, and what every guard says of it. Look at the checks: training "
            "starts only where all pass."
        ),
    )  # fmt: skip
    yield StageSpec(
        name=f"{name}_checkpoint", kind="model", method=name, group=name, memory_gib=track.memory(name), tools=("pytorch",),
        inputs=(f"{name}_run_spec", row.start, own, *reference), build=training.checkpoint,
        description=f"The weights that {name} trained. Look at the loss over time (tab Plots) and at the curves of the run.",
    )  # fmt: skip
    if row.round_of:
        return
    yield StageSpec(
        name=f"{name}_bench", kind="report", method=name, group=name, memory_gib=ANSWERS,
        inputs=(f"{name}_checkpoint", "bench_cases"), build=evaluation.method_bench,
        description=(
            f"The answers of {name}'s checkpoint to the bench cases. Look at {figures} with the intervals; Plots shows all "
            "versions."
        ),
    )  # fmt: skip
    yield StageSpec(
        name=f"{name}_gguf", kind="model", evaluated_on=frozenset({"bench", "bench_cases"}), method=name, group=name,
        memory_gib=ANSWERS, tools=("gguf",), inputs=(f"{name}_checkpoint", f"{name}_bench", "bench_cases"), build=release.gguf,
        description=(
            f"{name} in six GGUF quantisations, each loaded, asked and benched. Look at how many right answers each keeps."
        ),
        scheduled=False, next_act="answer with one of its files: llama.cpp and Ollama read them (folder below)",
    )  # fmt: skip


def _comparison(methods: Sequence[str]) -> Iterator[StageSpec]:
    yield StageSpec(
        name="method_matrix", inputs=(*(f"{name}_bench" for name in methods), "base_bench", "bench_cases"), kind="report",
        build=evaluation.method_matrix,
        group="comparison",
        description=(
            "All methods on the same cases, tested pairwise against SFT, beside trivial baselines. Look at the picture, then at "
            "the table."
        ),
    )  # fmt: skip
    yield StageSpec(
        name="production_checkpoint", inputs=("method_matrix",), kind="report", group="comparison",
        build=evaluation.production_checkpoint,
        description="Which checkpoint goes on to the release. Look at the choice and its reason; choosing none is a result.",
    )  # fmt: skip


def _release(track: Track) -> Iterator[StageSpec]:
    yield StageSpec(
        name="production_gguf", inputs=("production_checkpoint",), build=release.production_gguf, kind="model", group="release",
        tools=("gguf",),
        description=(
            "The production checkpoint in six GGUF quantisations. Look at how many right answers each keeps."
        ),
        memory_gib=ANSWERS,
    )  # fmt: skip
    yield StageSpec(
        name="cards", inputs=("production_gguf", "method_matrix", *track.card.inputs), build=release.cards, kind="report",
        group="release", checks=(AUDIT,),
        description="Model card, data card and Modelfile, written from measured artefacts only. Look at the model card below.",
    )  # fmt: skip
    yield StageSpec(
        name="release_log", inputs=("cards",), build=release.release_log, kind="report", group="release", checks=(AUDIT,),
        description=(
            "Every condition of a release, ticked or with the reason against it. Look at the number of reasons: a release "
            "needs 0."
        ),
    )  # fmt: skip
    yield StageSpec(
        name="release", inputs=("release_log",), build=release.release, kind="spec", names_inputs="release.json",
        group="release", checks=(AUDIT,), restored=False, expected_daily=True, tools=("gguf",),
        description=(
            "The released folder: quantisations, cards, Modelfile, release log. Look at its name, and whether it is fresh."
        ),
        next_act="verify it: canvas-release verify data/releases/current",
    )  # fmt: skip
