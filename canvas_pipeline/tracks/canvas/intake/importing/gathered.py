"""Collect courses and assignments from imported files, and convert them to lines of a contributor file.

Work found in several files is stored once. A field that no source has is null. Data of other people is counted and never stored.
"""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from canvas_pipeline.tracks.canvas.intake.reading.snapshot import instant

PEOPLE = "people and what they wrote (students, teachers, submissions of others)"


@dataclass
class Work:
    """An assignment, quiz or discussion. ``course`` is the platform's id of the course."""

    name: str
    course: str | None = None
    type: str = "ASGN"
    due_at: str | None = None
    points_possible: float | None = None
    submission_types: tuple[str, ...] = ()
    status: str | None = None


@dataclass
class Course:
    name: str
    code: str
    term: str | None = None


@dataclass
class Gathered:
    """Imported courses by id, work by a key that is equal in all sources, and counts of what was ``skipped`` by kind."""

    courses: dict[str, Course] = field(default_factory=dict)
    work: dict[str, Work] = field(default_factory=dict)
    skipped: Counter[str] = field(default_factory=Counter)

    def add(self, key: str, found: Work) -> None:
        """Add a piece of work. Fields that are known already are completed, not replaced."""
        if not found.name.strip():
            self.skipped["work without a title"] += 1
            return
        if found.due_at is not None and instant(found.due_at) is None:
            self.skipped["due dates that cannot be read"] += 1
            found.due_at = None
        known = self.work.setdefault(key, found)
        known.course = known.course or found.course
        known.due_at = known.due_at or found.due_at
        known.status = known.status or found.status
        known.submission_types = known.submission_types or found.submission_types
        if known.points_possible is None:
            known.points_possible = found.points_possible

    def lines(self, contributor: str, collected_at: str) -> Iterator[bytes]:
        """Yield a course snapshot for each course that has work, and a to-do list of the work without a known course."""
        of: dict[str, list[Work]] = {}
        for work in self.work.values():
            of.setdefault(work.course if work.course in self.courses else "", []).append(work)
        head = {"contributor_id": contributor, "collected_at": collected_at}
        for id_, course in self.courses.items():
            rows = [
                {
                    "name": work.name, "type": work.type, "due_at": work.due_at, "points_possible": work.points_possible,
                    "submission_types": list(work.submission_types), "submission_status": work.status,
                } for work in of.get(id_, ())
            ]  # fmt: skip
            if rows:
                about = {"course_name": course.name, "course_code": course.code, "term": course.term}
                yield _line({"type": "course_snapshot", **about, "assignments": rows, **head})
        if others := of.get("", []):
            items = [
                {"type": work.type, "assignment_name": work.name, "due_at": work.due_at, "course_id": work.course}
                for work in others
            ]
            yield _line({"type": "todo_snapshot", "items": items, **head})


def points(value: Any) -> float | None:
    """Convert a value to a number of points; None if it is not one."""
    try:
        number = None if isinstance(value, bool) else float(value)
    except (TypeError, ValueError, OverflowError):
        return None
    return number if number is not None and math.isfinite(number) and number >= 0 else None


def _line(record: dict[str, Any]) -> bytes:
    text = json.dumps(record, ensure_ascii=False, separators=(",", ":")).replace("\\u0000", "")
    return text.encode("utf-8", "replace")
