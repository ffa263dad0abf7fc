"""Making a line again after somebody left: the stages it had, in the order of the line, and nothing else.

In: the names of the stages to stand again. Out: ``Made`` for each, reused where nothing in it had changed. What must hold: data
stages run in this process; models are trained only where that was asked for, since that is hours on a real machine.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping

from canvas_pipeline.datasets.spec import DATASETS
from canvas_pipeline.line import bench, examples, intake, release, training
from canvas_pipeline.line.workspace import Launch, Made, Workspace
from canvas_pipeline.methods import METHODS
from canvas_pipeline.training.spec import REFERENCE


def _split(dataset: str) -> Callable[[Workspace], Made]:
    return lambda ws: examples.split(ws, dataset)


DATA: Mapping[str, Callable[[Workspace], Made]] = {
    "corpus": intake.corpus,
    "trajectories": examples.trajectories,
    "item_pairs": examples.item_pairs,
    "labelled_pairs": examples.labelled_pairs,
    "mutation_pairs": examples.mutation_pairs,
    "feedback_examples": examples.feedback_examples,
    **{spec.split: _split(name) for name, spec in DATASETS.items()},
    "bench_cases": examples.bench_cases,
}
"""Stage of rows → how it is made, in the order of the line."""

Model = Callable[[Workspace, Launch], Made]


def _method(kind: Callable[[Workspace, str, Launch], Made], name: str) -> Model:
    return lambda ws, launch: kind(ws, name, launch)


MODEL: Mapping[str, Model] = {
    "base_model": training.base_model,
    "training_image": training.training_image,
    "base_bench": bench.base_bench,
    **{
        stage: step
        for name, row in METHODS.items()
        for stage, step in (
            *(((REFERENCE, training.reference_logprobs),) if row.reference else ()),
            (f"run_spec/{name}", _method(training.run_spec, name)),
            (f"checkpoint/{name}", _method(training.checkpoint, name)),
            (f"bench/{name}", _method(bench.method_bench, name)),
        )
    },
    "method_matrix": bench.method_matrix,
    "production_checkpoint": bench.production_checkpoint,
    **{f"gguf/{name}": _method(release.gguf, name) for name in METHODS},
    "scenarios": bench.scenarios,
    "cards": release.cards,
    "release_log": release.release_log,
}
"""Stage after the rows → how it is made, in the order of the line. A release is not among them: somebody decides on it."""


def taken_in(ws: Workspace, stages: Iterable[str]) -> Iterator[tuple[str, Made]]:
    """The contributors who had been taken in, once more: each is reused unless their file or the code changed."""
    had = {name.removeprefix("collab/") for name in stages if name.startswith("collab/")}
    for contributor in sorted(had & intake.contributor_files(ws).keys()):
        yield f"collab/{contributor}", intake.collab(ws, contributor)


def rows(ws: Workspace, stages: Iterable[str]) -> Iterator[tuple[str, Made]]:
    """The data half as far as it stood. Nobody left to merge: nothing is made."""
    had = set(stages)
    if not intake.contributor_files(ws):
        return
    yield from taken_in(ws, had)
    for name, step in DATA.items():
        if name in had:
            yield name, step(ws)


def models(ws: Workspace, stages: Iterable[str], launch: Launch) -> Iterator[tuple[str, Made]]:
    """The model half as far as it stood, up to the release log."""
    had = set(stages)
    if not intake.contributor_files(ws):
        return
    for name, step in MODEL.items():
        if name in had:
            yield name, step(ws, launch)
