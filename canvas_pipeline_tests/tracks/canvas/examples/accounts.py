"""A small corpus and its students: real rows, built here so that tests of mock accounts need no intake."""

from __future__ import annotations

import functools
import random
from datetime import UTC, datetime, timedelta

from canvas_pipeline.tracks.canvas.examples.students import Snapshot, students
from canvas_pipeline.tracks.canvas.profiles import PROFILES
from canvas_pipeline.tracks.canvas.rows import Item, item_id

EMBEDDED = PROFILES["embedded"]
COLLECTED = datetime(2026, 3, 2, 10, 11, 12, 345678, tzinfo=UTC)
SUBJECTS = ("Energy", "Graphs", "Poetry", "Markets", "Cells", "Logic")
KINDS = ("Lab", "Essay", "Quiz", "Homework", "Reading", "Project")


def corpus(count: int = 160, handles: int = 10_000_000) -> list[Item]:
    """Items of two contributors in 12 courses; ``handles`` is what a private key decides: the numbers of the handles."""
    rng = random.Random(5)
    found: dict[str, Item] = {}
    for index in range(count):
        course = index % 12
        handle = f"@COURSE{handles + course * 7919}"
        title = f"{rng.choice(KINDS)} {rng.randint(1, 40)}: {rng.choice(SUBJECTS)}"
        due = COLLECTED + timedelta(days=rng.randint(-40, 60), hours=5)
        item = Item(
            id=item_id("ASGN", title.lower(), handle),
            type="ASGN",
            title=title,
            course=handle,
            course_name=f"{handle} {SUBJECTS[course % 6]} {'II' if course > 5 else 'I'} - @PERSON{course}",
            term="2026 Spring" if course < 9 else "2025 Fall",
            due_at=None if rng.random() < 0.2 else due.isoformat(timespec="seconds").replace("+00:00", "Z"),
            points_possible=rng.choice((10.0, 25.0, 100.0, None)),
            submission_types=("online_upload",),
            submission_status=rng.choice(("GRADED", "GRADED", "NOT_SUBMITTED", "SUBMITTED", None)),
            contributors=("ada" if course % 2 else "bo",),
            collected_at=COLLECTED.isoformat(),
            parents=(f"ada:{index + 1}",),
        )
        found[item.id] = item
    return list(found.values())


@functools.cache
def embedded_students() -> tuple[Snapshot, ...]:
    """The students of ``corpus`` at the embedded profile."""
    return tuple(students(corpus(), EMBEDDED, 7))
