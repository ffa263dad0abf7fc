"""A student's week as the tests of the mock know it: the scenarios' student with news, a note and a holiday."""

from __future__ import annotations

from typing import Any

import msgspec

from canvas_pipeline.tracks.canvas.bench.scenarios import student
from canvas_pipeline.tracks.canvas.examples.students import Announcement, Event, PlannerItem, Snapshot

ANNOUNCED = Announcement(
    id=801, title="Slides posted", course_id=4264, posted_iso="2026-03-01T10:00Z", message="m" * 400
)
OLD = Announcement(id=802, title="Old news", course_id=4264, posted_iso="2026-02-10T10:00Z", message="long ago")
NOTE = PlannerItem(id=901, title="Read chapter", todo_date="2026-03-05", course_id=None, details="take notes")
HOLIDAY = Event(
    id="ev50", title="Reading day", start_iso="2026-03-03T00:00Z", end_iso="2026-03-04T00:00Z", all_day=True, description=""
)  # fmt: skip


def week() -> Snapshot:
    """Monday 2026-03-02, 08:00."""
    world = student()
    return msgspec.structs.replace(
        world, announcements=(ANNOUNCED, OLD), planner=(NOTE,), events=(*world.events, HOLIDAY)
    )


def code(result: Any) -> str | None:
    """The code of a tool's error; None where the result is none."""
    return result["error"]["code"] if isinstance(result, dict) and "error" in result else None
