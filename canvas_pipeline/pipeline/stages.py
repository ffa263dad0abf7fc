"""The stages of the Canvas track, each declared once, in the order in which they are made."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Mapping, Sequence

from canvas_pipeline.datasets.spec import DATASETS
from canvas_pipeline.guardrails.table import AUDIT, guards_for, guards_of_split
from canvas_pipeline.methods import METHODS, Method, method
from canvas_pipeline.pipeline import evaluation, examples, intake, release, training
from canvas_pipeline.pipeline.stage import StageSpec, ordered
from canvas_pipeline.pipeline.workspace import Launch, StageResult, Workspace
from canvas_pipeline.training.spec import REFERENCE

ANSWERS: Mapping[str, float] = {"embedded": 3.0, "gb10": 16.0}
"""GiB by profile of a step that loads a model to generate with it (an estimate for gb10; peaks are learned)."""

TRACK = "canvas"
RowStep = Callable[[Workspace], StageResult]
MethodStep = Callable[[Workspace, str, Launch], StageResult]


@functools.cache
def stages(methods: Sequence[str] = tuple(METHODS)) -> Mapping[str, StageSpec]:
    """Every stage by name, with those of some methods, in the order they are made; a contributor's intake is not among them."""
    rows = [method(name) for name in methods]
    return ordered((*_data(), *_shared(), *_of_methods(rows), *_release(rows)))


def _data() -> Iterator[StageSpec]:
    yield _rows("corpus", ("collab",), intake.corpus, "intake", ("g6", "audit"),
                "All contributors' items, merged and deduplicated by normalised title and course.")  # fmt: skip
    yield _rows("trajectories", ("corpus",), examples.trajectories, "examples", ("g6", "audit"),
                "Conversations with native tool calls: recorded sessions, and the scripted policy on the mock Canvas.")  # fmt: skip
    yield _rows("item_pairs", ("corpus",), examples.item_pairs, "examples", (),
                "Pairs of items, sampled evenly over all of them: which should be done first?")  # fmt: skip
    yield _rows("labelled_pairs", ("item_pairs",), examples.labelled_pairs, "examples", ("g6", "audit"),
                "Item pairs that a teacher labels alike in three presentations, as tool-calling preference pairs.")  # fmt: skip
    yield _rows("mutation_pairs", ("trajectories",), examples.mutation_pairs, "examples", ("g6", "audit"),
                "Right and wrong completions by mutation over eight axes, true by construction; no judge.")  # fmt: skip
    yield _rows("feedback_examples", ("mutation_pairs", "trajectories"), examples.feedback_examples, "examples", ("audit",),
                "Unpaired completions with a thumbs up or down, for KTO.")  # fmt: skip
    for spec in DATASETS.values():
        checks = tuple(guard.id for guard in guards_of_split(spec.name))
        yield _rows(spec.split, spec.sources, functools.partial(examples.split, dataset=spec.name), "examples",
                    (*checks, AUDIT.id), f"{spec.title} in train, eval and test parts that share no item.")  # fmt: skip
    yield _rows("bench_cases", ("corpus",), examples.bench_cases, "bench", (),
                "Prompts with what the model should do next, disjoint from training in items and in wording.")  # fmt: skip


def _rows(
    name: str, inputs: tuple[str, ...], step: RowStep, group: str, checks: tuple[str, ...], description: str
) -> StageSpec:
    def make(ws: Workspace, launch: Launch) -> StageResult:
        return step(ws)

    return StageSpec(
        name=name,
        inputs=inputs,
        make=make,
        kind="rows",
        group=group,
        description=description,
        checks=checks,
        tools=("jsonl",),
    )


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


def _of_methods(rows: Sequence[Method]) -> Iterator[StageSpec]:
    with_reference = [row for row in rows if row.reference]
    for row in rows:
        if row in with_reference[:1]:
            yield StageSpec(
                name=REFERENCE, inputs=(row.start, DATASETS[row.dataset].split), make=training.reference_logprobs, kind="report",
                group="training", memory_gib=row.uma_gib,
                description="Log-probabilities of the frozen SFT reference, shared by the five preference losses.",
            )  # fmt: skip
        yield from _of_method(row)


def _of_method(row: Method) -> Iterator[StageSpec]:
    name = row.name
    reference = (REFERENCE,) if row.reference else ()
    own, behind = DATASETS[row.dataset].split, DATASETS["trajectory"].split
    yield StageSpec(
        name=f"{name}_run_spec", kind="spec", names_inputs="spec.json", method=name, group=name, memory_gib=row.uma_gib,
        inputs=tuple(dict.fromkeys((row.start, own, behind, "base_bench", "training_image", *reference))),
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
