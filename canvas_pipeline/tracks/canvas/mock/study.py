"""The study tools: arithmetic on instants; results depend on the arguments alone.

Spaced sessions are 10/4/1, 10/5/2/1 or 14/7/3/2/1 days before the exam. A review ends 15 minutes before an exam, and the rest
after it takes 30. Nothing that these functions place is between 23:00 and 07:00.

Spacing: Cepeda et al. 2006, "Distributed practice in verbal recall tasks"."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from canvas_pipeline.tracks.canvas.examples.students import FIRST_HOUR, LAST_HOUR, iso
from canvas_pipeline.tracks.canvas.tools.tool_table import BLOCK_MINUTES

DAYS_BEFORE: Mapping[int, tuple[int, ...]] = {3: (10, 4, 1), 4: (10, 5, 2, 1), 5: (14, 7, 3, 2, 1)}
REVIEW_GAP_MINUTES, DECOMPRESSION_MINUTES = 15, 30

BLOCK_REASONS: Mapping[str, str] = {
    "writing": "long enough to get into the text",
    "problem_set": "hard problems need a run-up",
    "exam_prep": "one topic and its exercises",
    "project_work": "long enough to finish a part",
    "reading": "attention drops after that",
    "review": "short recall works best",
    "admin": "small tasks in one go",
    "discussion": "read, then write an answer",
    "lab": "setting up takes time",
}


def spaced_schedule(exam: datetime, n_sessions: int, minutes: int, preferred_hour: int) -> list[dict[str, Any]]:
    """List sessions before an exam, earliest first, at ``preferred_hour`` of their day, moved where they would overlap sleep.

    Raises ``OverflowError`` where a session would be outside of the calendar."""
    sessions = []
    for number, days in enumerate(DAYS_BEFORE[n_sessions], 1):
        start = _awake(
            (exam - timedelta(days=days)).replace(hour=preferred_hour, minute=0, second=0, microsecond=0), minutes
        )
        end = start + timedelta(minutes=minutes)
        sessions.append(
            {"start_iso": iso(start), "end_iso": iso(end), "label": f"Session {number}", "minutes": minutes}
        )
    return sessions


def past_marked(plan: Sequence[Mapping[str, Any]], now: datetime) -> list[dict[str, Any]]:
    """Mark the entries that begin before ``now`` with ``past``: an exam may be too near for all of its sessions."""
    begun = [datetime.fromisoformat(entry["start_iso"]) < now for entry in plan]
    return [{**entry, "past": True} if past else dict(entry) for entry, past in zip(plan, begun, strict=True)]


def _awake(start: datetime, minutes: int) -> datetime:
    """Return the nearest start of the same day for which the session is in the daytime (600 minutes always fit)."""
    first = start.replace(hour=FIRST_HOUR, minute=0)
    last = start.replace(hour=LAST_HOUR, minute=0) - timedelta(minutes=minutes)
    return max(first, min(start, last))


def semester_schedule(
    semester_end: datetime, deadlines: Sequence[tuple[str, datetime, float]], weekly_hours: float, ramp_factor: float
) -> list[dict[str, Any]]:
    """List when to start on each (title, due, hours), earliest due first.

    ``weeks_allocated`` = ceil(hours · ramp_factor / weekly_hours), at least 1: the ramp factor leaves slack at the start for the
    load that grows towards a deadline. Hours a week are the mean over those weeks. A deadline after the semester's end is planned
    back from that end. Raises ``OverflowError`` for spans beyond the calendar and ``ZeroDivisionError`` where no hours are
    available."""
    plan = []
    for title, due, hours in sorted(deadlines, key=lambda entry: (entry[1], entry[0])):
        weeks = max(1, math.ceil(hours * ramp_factor / weekly_hours))
        a_week = hours / weeks
        plan.append(
            {
                "milestone": title,
                "due_iso": iso(due),
                "estimated_hours": plain(hours),
                "start_work_iso": iso(min(due, semester_end) - timedelta(weeks=weeks)),
                "recommended_hours_per_week": plain(round(a_week, 1)),
                "weeks_allocated": weeks,
                "intensity": _intensity(a_week / weekly_hours),
            }
        )
    return plan


def _intensity(share: float) -> str:
    return "light" if share < 1 / 3 else "moderate" if share < 2 / 3 else "heavy"


def plain(number: float | None) -> float | int | None:
    """Write 10.0 as 10: shorter in a conversation, the same number in JSON."""
    return int(number) if number is not None and float(number).is_integer() else number


def recommend_block_size(task_type: str) -> dict[str, Any]:
    """Return the minutes for a kind of work, and why."""
    return {"minutes": BLOCK_MINUTES[task_type], "rationale": BLOCK_REASONS[task_type]}


def exam_bracket(start: datetime, end: datetime, review_minutes: int) -> list[dict[str, Any]]:
    """Plan a review that ends 15 minutes before the exam, and 30 minutes of decompression from its end."""
    review_end = start - timedelta(minutes=REVIEW_GAP_MINUTES)
    return [
        {
            "label": "Review",
            "start_iso": iso(review_end - timedelta(minutes=review_minutes)),
            "end_iso": iso(review_end),
        },
        {
            "label": "Decompression",
            "start_iso": iso(end),
            "end_iso": iso(end + timedelta(minutes=DECOMPRESSION_MINUTES)),
        },
    ]
