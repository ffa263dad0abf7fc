"""The stages that every track has after its rows: training, evaluation and release, each declared once."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

from canvas_pipeline.datasets.spec import DatasetSpec
from canvas_pipeline.guardrails.audit import AUDIT
from canvas_pipeline.guardrails.table import guards_for
from canvas_pipeline.methods import Method, ancestry, method
from canvas_pipeline.pipeline import evaluation, release, training
from canvas_pipeline.pipeline.stage import StageSpec
from canvas_pipeline.pipeline.workspace import Launch, StageResult, Workspace
from canvas_pipeline.training.spec import REFERENCE

ANSWERS: Mapping[str, float] = {"embedded": 3.0, "gb10": 16.0}
"""GiB by profile of a step that loads a model to generate with it (an estimate for gb10; peaks are learned)."""
MethodStep = Callable[[Workspace, str, Launch], StageResult]


def standard_stages(datasets: Mapping[str, DatasetSpec], methods: Sequence[str]) -> Iterator[StageSpec]:
    """Those of some methods and what they share, in the order they are made."""
    rows = [method(name) for name in methods]
    yield from _shared()
    yield from _of_methods(datasets, rows)
    yield from _release(rows)


def _shared() -> Iterator[StageSpec]:
    yield StageSpec(
        name="base_model", inputs=(), make=training.base_model, kind="report", group="training",
        description="The base that every method descends from.",
    )  # fmt: skip
    yield StageSpec(
        name="training_image", inputs=(), make=training.training_image, kind="report", group="training", checks=("g10",),
        description="Whether the training image starts.",
    )  # fmt: skip
    yield StageSpec(
        name="base_bench", inputs=("base_model", "bench_cases"), make=evaluation.base_bench, kind="report", group="bench",
        checks=("g3",), description="The base on the bench, before any training.", memory_gib=ANSWERS,
    )  # fmt: skip


def _of_methods(datasets: Mapping[str, DatasetSpec], rows: Sequence[Method]) -> Iterator[StageSpec]:
    with_reference = [row for row in rows if row.reference]
    for row in rows:
        if row in with_reference[:1]:
            yield StageSpec(
                name=REFERENCE, inputs=(row.start, datasets[row.dataset].split), make=training.reference_logprobs, kind="report",
                group="training", memory_gib=row.uma_gib,
                description="Log-probabilities of the frozen SFT reference, shared by the five preference losses.",
            )  # fmt: skip
        yield from _of_method(datasets, row)


def _of_method(datasets: Mapping[str, DatasetSpec], row: Method) -> Iterator[StageSpec]:
    name = row.name
    reference = (REFERENCE,) if row.reference else ()
    own = datasets[row.dataset].split
    read = (datasets[step.dataset].split for step in reversed(ancestry(row)))
    yield StageSpec(
        name=f"{name}_run_spec", kind="spec", names_inputs="spec.json", method=name, group=name, memory_gib=row.uma_gib,
        inputs=tuple(dict.fromkeys((row.start, *read, "base_bench", "training_image", *reference))),
        make=_for(name, training.run_spec), checks=tuple(guard.id for guard in guards_for(row)),
        description=f"Inputs, numbers and the verdicts of every guard for {name}, bound to the inputs' hashes.",
    )  # fmt: skip
    yield StageSpec(
        name=f"{name}_checkpoint", kind="model", method=name, group=name, memory_gib=row.uma_gib, tools=("pytorch",),
        inputs=(f"{name}_run_spec", row.start, own, *reference), make=_for(name, training.checkpoint),
        description=f"Weights trained with {name}.",
    )  # fmt: skip
    yield StageSpec(
        name=f"{name}_bench", kind="report", method=name, group=name, memory_gib=ANSWERS,
        inputs=(f"{name}_checkpoint", "bench_cases"), make=_for(name, evaluation.method_bench),
        description=f"{name} on the bench, with intervals.",
    )  # fmt: skip
    yield StageSpec(
        name=f"{name}_gguf", kind="model", judged_on=frozenset({"bench", "bench_cases"}), method=name, group=name,
        memory_gib=ANSWERS, tools=("gguf",), inputs=(f"{name}_checkpoint", f"{name}_bench"), make=_for(name, release.gguf),
        description=f"{name} in six quantisations, each loaded, asked and benched.", scheduled=False,
    )  # fmt: skip


def _release(rows: Sequence[Method]) -> Iterator[StageSpec]:
    yield StageSpec(
        name="method_matrix", inputs=tuple(f"{row.name}_bench" for row in rows), make=evaluation.method_matrix, kind="report",
        group="bench", description="All methods side by side, with paired tests.",
    )  # fmt: skip
    yield StageSpec(
        name="production_checkpoint", inputs=("method_matrix",), kind="report", group="bench",
        make=evaluation.production_checkpoint,
        description="The checkpoint with the best macro accuracy whose every tool is above the floor.",
    )  # fmt: skip
    yield StageSpec(
        name="scenarios", inputs=("production_checkpoint",), make=evaluation.scenarios, kind="report", group="bench",
        description="Six calendar scenarios, end to end through the agent loop.", memory_gib=ANSWERS,
    )  # fmt: skip
    yield StageSpec(
        name="production_gguf", inputs=("production_checkpoint",), make=release.production_gguf, kind="model", group="release",
        tools=("gguf",), description="The production checkpoint in six quantisations.", memory_gib=ANSWERS,
    )  # fmt: skip
    yield StageSpec(
        name="cards", inputs=("production_gguf", "method_matrix", "scenarios", "corpus"), make=release.cards, kind="report",
        group="release", checks=(AUDIT.id,),
        description="Model card, data card and Modelfile, from measured artefacts only.",
    )  # fmt: skip
    yield StageSpec(
        name="release_log", inputs=("cards",), make=release.release_log, kind="report", group="release", checks=(AUDIT.id,),
        description="RELEASE-LOG.md: every item, ticked or with its reason.",
    )  # fmt: skip
    yield StageSpec(
        name="release", inputs=("release_log",), make=release.release, kind="spec", names_inputs="release.json",
        group="release", checks=(AUDIT.id,), description="The release, in a local folder.", restored=False,
        expected_daily=True,
    )  # fmt: skip


def _for(name: str, step: MethodStep) -> Callable[[Workspace, Launch], StageResult]:
    def make(ws: Workspace, launch: Launch) -> StageResult:
        return step(ws, name, launch)

    return make
