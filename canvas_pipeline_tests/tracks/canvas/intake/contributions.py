"""Good lines of a contributor, to be broken by tests."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

import msgspec

from canvas_pipeline.privacy.contributor_id import contributor_of
from canvas_pipeline.records import Funnel, Refusal, read_jsonl, write_jsonl
from canvas_pipeline.tracks.canvas.intake.reading.snapshot import Record, lines, parse
from canvas_pipeline.tracks.canvas.intake.stream.contributors import write_into
from canvas_pipeline.tracks.canvas.intake.stream.ingest import REFUSALS, ROWS, ingest
from canvas_pipeline.tracks.canvas.intake.stream.merge import Merge
from canvas_pipeline.tracks.canvas.rows import Item

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


def read(path: Path, **options: int) -> Iterator[Record | Refusal]:
    """Yield the records and refusals of a file, in order."""
    for batch in lines(path, **options):
        for number, line in batch:
            yield from parse(path.name, contributor_of(path), number, line)


class Intake(NamedTuple):
    """One contributor's rows and reports."""

    items: list[Item]
    refusals: list[Refusal]
    funnel: Funnel
    counts: dict[str, int]


def intake(path: Path, key: bytes, registry: Path | None = None) -> Intake:
    """Ingest a file and read back what was written."""
    with TemporaryDirectory() as name:
        folder = Path(name)
        result = ingest(path, key, registry, write_into(folder), workers=1)
        return Intake(list(read_jsonl(folder / ROWS, Item)), list(read_jsonl(folder / REFUSALS, Refusal)), *result)


def merge(intakes: Iterable[Sequence[Item]]) -> tuple[list[Item], Funnel]:
    """Merge the items of several contributors."""
    with TemporaryDirectory() as name, Merge() as merging:
        for number, items in enumerate(intakes):
            write_jsonl(Path(name) / str(number), items)
            merging.add_file(Path(name) / str(number))
        return [msgspec.json.decode(row, type=Item) for row in merging.rows()], merging.funnel()
