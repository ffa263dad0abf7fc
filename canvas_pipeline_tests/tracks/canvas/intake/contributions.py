"""Good lines of a contributor, to be broken by tests."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

COURSE: dict[str, Any] = {
    "type": "course_snapshot", "course_name": "Calculus", "course_code": "MATH_1226_11111_202601", "term": "2026 Spring",
    "assignments": [{"name": "Quiz 1", "type": "QUIZ", "due_at": None, "points_possible": 5, "submission_types": ["none"],
                     "submission_status": "GRADED"}],
    "contributor_id": "zed-001", "collected_at": "2026-02-16T14:05:33.482913-05:00",
}  # fmt: skip
TODO: dict[str, Any] = {
    "type": "todo_snapshot",
    "items": [{"type": "ASGN", "assignment_name": "Essay", "due_at": "2026-03-01T04:59:59Z", "course_id": 7}],
    "contributor_id": "zed-001", "collected_at": "2026-02-16T14:05:33.482913-05:00",
}  # fmt: skip


def course_line(**changes: Any) -> bytes:
    return json.dumps({**COURSE, **changes}).encode()


def work_line(**changes: Any) -> bytes:
    """A course with a good assignment and one that is changed."""
    return course_line(assignments=[COURSE["assignments"][0], {**COURSE["assignments"][0], **changes}])


def contribution(folder: Path, *lines: bytes) -> Path:
    path = folder / "zed-001.jsonl"
    path.write_bytes(b"\n".join(lines) + b"\n")
    return path
