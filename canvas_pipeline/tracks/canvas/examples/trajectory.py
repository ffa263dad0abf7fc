"""Training conversations of the scripted policy.

In: mock students and a canvas factory. Out: ``Trajectory`` rows (those of recorded sessions are read in
``sessions``). What must hold: over a whole synthesis at least 30 occurrences of each tool with a coefficient of
variation of at most 0.3 (G4), no tool more than three times in a row (G13), every call valid (G7), every row ends
with an answer in plain words. Tool results are what a canvas returned, never invented text.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from canvas_pipeline.records import Trajectory, digest
from canvas_pipeline.tracks.canvas.examples.policy import situations
from canvas_pipeline.tracks.canvas.examples.situation import KINDS, Situation, messages
from canvas_pipeline.tracks.canvas.examples.students import CanvasFactory, Snapshot
from canvas_pipeline.tracks.canvas.profiles import CanvasProfile
from canvas_pipeline.tracks.canvas.tools.prompt import ALL_TOOLS


def trajectory_of(situation: Situation) -> Trajectory:
    """A situation as a training row; its only parent is the student."""
    conversation = messages(situation)
    return Trajectory(
        id=digest("trajectory", situation.id, *(message.content for message in conversation))[:12],
        kind=situation.kind,
        messages=conversation,
        tools=ALL_TOOLS,
        phrasing=situation.phrasing,
        item_ids=situation.item_ids,
        parents=(situation.snapshot.id,),
    )


def synthesise(
    students: Sequence[Snapshot], profile: CanvasProfile, seed: int, canvas_factory: CanvasFactory
) -> Iterator[Trajectory]:
    """All synthesised rows of a profile: its quota of each kind, tools level. Empty where there are no students."""
    for situation in situations(students, profile, seed, KINDS, canvas_factory):
        yield trajectory_of(situation)
