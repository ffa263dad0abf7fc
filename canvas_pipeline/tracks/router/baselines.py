"""Predict completions without a model: what a trained model must beat before it has learned anything."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from canvas_pipeline.tracks.nearest import NearestText
from canvas_pipeline.tracks.router.rows import RouterCase, RouterRow
from canvas_pipeline.verifiers.plans import Tool

MAJORITY, PER_DIFFICULTY, NEAREST = "majority route", "majority per difficulty", "nearest training row"


def tools_of(row: RouterRow) -> tuple[Tool, ...]:
    """Return the tool sequence of a row."""
    return tuple(step.tool for step in row.completion.steps)


def majority_route(rows: Iterable[RouterRow]) -> tuple[Tool, ...]:
    """Return the most frequent tool sequence; of equally frequent ones the first by name."""
    counts = Counter(map(tools_of, rows))
    return min(counts, key=lambda route: (-counts[route], route), default=())


def cases_of(rows: Sequence[RouterRow], training: Sequence[RouterRow], *, think: bool) -> list[RouterCase]:
    """Make cases of some rows, each with the predictions of the three baselines.

    The majority's prediction is the first training row with the most frequent route, that per difficulty likewise among its
    difficulty; the nearest is the row whose query shares most words (Jaccard similarity), the first of equal ones."""
    majority = majority_route(training)
    nearest = NearestText([row.user_query for row in training])
    overall = _first(training, majority)
    by_level: dict[str, RouterRow] = {}
    for level in {row.difficulty for row in training}:
        own = [row for row in training if row.difficulty == level]
        by_level[level] = _first(own, majority_route(own))
    found = []
    for row in rows:
        said = {
            MAJORITY: overall,
            PER_DIFFICULTY: by_level.get(row.difficulty, overall),
            NEAREST: training[nearest.index(row.user_query)],
        }
        texts = {name: other.completion_text(think=think) for name, other in said.items()}
        found.append(RouterCase(id=row.id, row=row, majority=majority, baselines=texts))
    return found


def _first(rows: Sequence[RouterRow], route: tuple[Tool, ...]) -> RouterRow:
    return next(row for row in rows if tools_of(row) == route)
