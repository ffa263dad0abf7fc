"""Build training conversations from the scripted policy. ``sessions`` reads recorded ones.

Over a whole synthesis each tool occurs at least 30 times with a coefficient of variation of at most 0.3 (G4); no tool occurs more
than three times in a row (G13); every call is valid (G7); every row ends with an answer in plain words. Tool results are real
ones of a mock account."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from canvas_pipeline.records import digest
from canvas_pipeline.tracks.canvas.examples.choices import choices
from canvas_pipeline.tracks.canvas.examples.policy import situations
from canvas_pipeline.tracks.canvas.examples.situation import KINDS, Situation, messages
from canvas_pipeline.tracks.canvas.examples.students import CanvasFactory, Snapshot
from canvas_pipeline.tracks.canvas.profiles import CanvasProfile
from canvas_pipeline.tracks.canvas.rows import Trajectory
from canvas_pipeline.tracks.canvas.tools.subset import tools_for


def trajectory_of(situation: Situation) -> Trajectory:
    """Write a situation as a training row. Its only parent is the student."""
    conversation = messages(situation)
    row_id = digest("trajectory", situation.id, *(message.content for message in conversation))[:12]
    return Trajectory(
        id=row_id,
        kind=situation.kind,
        messages=conversation,
        tools=tools_for(row_id, conversation, situation.declaration),
        phrasing=situation.phrasing,
        item_ids=situation.item_ids,
        parents=(situation.snapshot.id,),
    )


def synthesise(
    students: Sequence[Snapshot], profile: CanvasProfile, seed: int, canvas_factory: CanvasFactory
) -> Iterator[Trajectory]:
    """Yield all synthesised rows of a profile: its quota of each kind, tools level, and its choices between two items.

    Empty without students."""
    for situation in situations(students, profile, seed, KINDS, canvas_factory):
        yield trajectory_of(situation)
    for situation in choices(students, profile, seed, canvas_factory):
        yield trajectory_of(situation)
