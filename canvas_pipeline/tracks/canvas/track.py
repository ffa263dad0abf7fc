"""The Canvas track: tool calls over a student's courses, assignments and calendar, from contributed Canvas data."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator

from canvas_pipeline.datasets.spec import DATASETS
from canvas_pipeline.guardrails.audit import AUDIT
from canvas_pipeline.guardrails.table import guards_of_split
from canvas_pipeline.guardrails.verdict import Allowance
from canvas_pipeline.methods import METHODS
from canvas_pipeline.pipeline.stage import StageSpec
from canvas_pipeline.pipeline.track import Track
from canvas_pipeline.pipeline.workspace import Launch, StageResult, Workspace
from canvas_pipeline.tracks.canvas.data import examples, intake

RowStep = Callable[[Workspace], StageResult]


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


TRACK = Track(
    name="canvas",
    datasets=DATASETS,
    methods=tuple(METHODS),
    data_stages=_data,
    contributors=intake.contributor_files,
    take_in=intake.collab,
    allowances=(
        Allowance(
            stage="labelled_pairs",
            minimum_retained=0.45,
            reason="votes must be unanimous over three presentations; ties and disagreements leave",
        ),
        Allowance(
            stage="preference_split",
            minimum_retained=0.55,
            reason="labelled pairs whose items fall into different splits leave, so that splits share no item",
        ),
    ),
)
