"""Rows of the profile that declares its tools natively, of every data set, few enough for a test."""

from __future__ import annotations

import functools
from collections.abc import Mapping

from canvas_pipeline.tracks.canvas.bench.cases import cases
from canvas_pipeline.tracks.canvas.examples.feedback import feedback
from canvas_pipeline.tracks.canvas.examples.labelling import label, preference_pairs
from canvas_pipeline.tracks.canvas.examples.mutation import MIXED, mutate
from canvas_pipeline.tracks.canvas.examples.pairs import sample_pairs
from canvas_pipeline.tracks.canvas.examples.policy import situations
from canvas_pipeline.tracks.canvas.examples.situation import KINDS, Situation, SituationKind
from canvas_pipeline.tracks.canvas.examples.students import Snapshot, students
from canvas_pipeline.tracks.canvas.examples.teacher import UrgencyTeacher
from canvas_pipeline.tracks.canvas.examples.trajectory import trajectory_of
from canvas_pipeline.tracks.canvas.examples.verification import AXES, HEAVY_AXES
from canvas_pipeline.tracks.canvas.mock.canvas import MockCanvas
from canvas_pipeline.tracks.canvas.profiles import PROFILES
from canvas_pipeline.tracks.canvas.rows import BenchCase, FeedbackExample, PreferencePair, Trajectory
from canvas_pipeline_tests.tracks.canvas.examples.accounts import corpus

GB10 = PROFILES["gb10"]
COUNTS: Mapping[SituationKind, int] = {
    "single": 18 * 12, "several": 60, "sequence": 60, "follow_up": 60, "none": 27,
}  # fmt: skip
SEED = 7


@functools.cache
def native_students() -> tuple[Snapshot, ...]:
    return tuple(students(corpus(), GB10, SEED))


@functools.cache
def native_situations() -> tuple[Situation, ...]:
    return tuple(situations(native_students(), GB10, SEED, KINDS, MockCanvas, counts=COUNTS))


@functools.cache
def trajectories() -> tuple[Trajectory, ...]:
    """423 conversations in the profile's proportions."""
    return tuple(map(trajectory_of, native_situations()))


@functools.cache
def mutation_pairs() -> tuple[PreferencePair, ...]:
    """Some of every axis, and more of the two heavy ones and of mixed ones."""
    wanted = {**dict.fromkeys(AXES, 12), **dict.fromkeys(HEAVY_AXES, 30), MIXED: 60}
    return mutate(trajectories(), wanted, SEED).pairs


@functools.cache
def pairs() -> tuple[PreferencePair, ...]:
    """The mutation pairs and some that the embedded teacher labelled."""
    decided = label(sample_pairs(corpus(), 40, SEED), UrgencyTeacher()).pairs
    return (*mutation_pairs(), *preference_pairs(decided, GB10.declaration, MockCanvas).pairs)


@functools.cache
def feedback_examples() -> tuple[FeedbackExample, ...]:
    return tuple(feedback(mutation_pairs(), trajectories(), 240, SEED))


@functools.cache
def bench_cases() -> tuple[BenchCase, ...]:
    return tuple(cases(native_students(), GB10, SEED, MockCanvas, 60))
