"""A student for the tests of the mock: that of the scenarios with announcements, a note and a holiday."""

from __future__ import annotations

from typing import Any

import msgspec

from canvas_pipeline.tracks.canvas.bench.scenarios.students import student
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
    """Return the account as of Monday 2026-03-02, 08:00."""
    snapshot = student()
    return msgspec.structs.replace(
        snapshot, announcements=(ANNOUNCED, OLD), planner=(NOTE,), events=(*snapshot.events, HOLIDAY)
    )


def code(result: Any) -> str | None:
    """Return the code of a tool's error, or None for another result."""
    return result["error"]["code"] if isinstance(result, dict) and "error" in result else None
