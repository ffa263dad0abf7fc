"""Read and validate a contributor's export: JSON Lines or a JSON array, plain or gzip, of any size, without trusting it.

``lines`` splits a file into batches of lines; ``parse`` turns a line into ``CourseSnapshot`` or ``TodoSnapshot`` records and a
``Refusal`` for everything else. No input crashes the reader, memory is bounded by ``max_line`` rather than by the file, and no
text of the file enters a refusal.

The assignments (or to-do items) of a readable line are its rows; each is accepted or refused on its own. An unreadable or blank
line counts as one row. For every file ``rows_in = sum(len(record)) + refusals``. A UTF-8 byte-order mark and a missing final
newline are accepted.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from canvas_pipeline.privacy.contributor_id import is_safe, printable
from canvas_pipeline.privacy.quarantine import MAX_LINE, MAX_ROWS, Unreadable
from canvas_pipeline.records import Refusal, dumps
from canvas_pipeline.tracks.canvas.intake.reading.json_array import elements
from canvas_pipeline.tracks.canvas.intake.reading.raw_file import Digest, Readable, opened
from canvas_pipeline.tracks.canvas.intake.reading.strict_json import decode

BATCH = 1 << 20  # bytes of text that go to a worker at a time
ARRAY = re.compile(rb"\s*\[\s*(?:[{\]]|$)")
"""The beginning of a file that is an array of objects, as opposed to a line that is a list."""
_BOM = b"\xef\xbb\xbf"

S = TypeVar("S", bound=msgspec.Struct)
Line = bytes | str
"""The bytes of a line, or the reason code for a line that could not be read."""
Batch = list[tuple[int, Line]]


class Assignment(msgspec.Struct, frozen=True, kw_only=True):
    """One assignment as contributed. Unknown fields are dropped."""

    name: str
    type: str
    due_at: str | None = None
    points_possible: float | None = None
    submission_types: tuple[str, ...] = ()
    submission_status: str | None = None


class TodoItem(msgspec.Struct, frozen=True, kw_only=True):
    """One to-do item as contributed. Unknown fields are dropped."""

    type: str
    assignment_name: str
    due_at: str | None = None
    course_id: int | str | None = None


class _Head(msgspec.Struct, frozen=True, kw_only=True):
    contributor_id: str
    collected_at: str


class _CourseHead(_Head, frozen=True, kw_only=True):
    course_name: str
    course_code: str
    term: str | None = None
    assignments: list[Any]


class _TodoHead(_Head, frozen=True, kw_only=True):
    items: list[Any]


class CourseSnapshot(msgspec.Struct, frozen=True, kw_only=True):
    """A course with its readable assignments; ``line`` counts from 1."""

    line: int
    contributor: str
    collected_at: str
    course_name: str
    course_code: str
    term: str | None
    assignments: tuple[Assignment, ...]

    def __len__(self) -> int:
        return len(self.assignments)


class TodoSnapshot(msgspec.Struct, frozen=True, kw_only=True):
    """A to-do list with its readable items. It has no course code."""

    line: int
    contributor: str
    collected_at: str
    items: tuple[TodoItem, ...]

    def __len__(self) -> int:
        return len(self.items)


Record = CourseSnapshot | TodoSnapshot


def lines(
    path: Path, *, max_line: int = MAX_LINE, batch: int = BATCH, digest: Digest | None = None, arrays: bool = True
) -> Iterator[Batch]:
    """Yield batches of about ``batch`` bytes of (line number from 1, bytes without newline and byte-order mark).

    A line over ``max_line`` bytes is skipped without being held in memory and yields a reason code instead of bytes, as does the
    remainder of a damaged gzip file. The elements of a JSON array are yielded as lines unless ``arrays`` is false. ``digest`` is
    updated with all bytes of the file. Raises ``MissingInput`` for a missing file and ``BadInput`` for a folder or a pipe."""
    with opened(path, digest) as file:
        held: Batch = []
        size = 0
        for entry in numbered(file, max_line, arrays):
            held.append(entry)
            size += 64 + len(entry[1])
            if size >= batch:
                yield held
                held, size = [], 0
        if held:
            yield held


def numbered(file: Readable, max_line: int = MAX_LINE, arrays: bool = True) -> Iterator[tuple[int, Line]]:
    """Yield the numbered lines of an open file, as ``lines`` does."""
    number, behind = 0, b""
    may_begin = (
        arrays  # an array starts at the beginning of a file, or directly after another array (concatenated pages)
    )
    try:
        while line := behind or file.readline(max_line + 1):
            number, behind = number + (not behind), b""
            text = line.removeprefix(_BOM) if number == 1 else line
            if may_begin and ARRAY.match(text):
                number, behind = yield from elements(file, number, text.lstrip()[1:], max_line)
                if not behind.endswith(b"\n"):
                    behind += file.readline(max_line + 1)
                behind = behind if behind.strip() else b""
                continue
            may_begin = may_begin and not text.strip()
            if len(line) > max_line and not line.endswith(b"\n"):
                while (rest := file.readline(1 << 20)) and not rest.endswith(b"\n"):
                    pass
                yield number, "line_too_long"
            else:
                yield number, text.rstrip(b"\r\n")
    except Unreadable as error:
        yield number + 1, error.reason


def is_array(path: Path) -> bool:
    """Return whether the file begins with a JSON array."""
    with opened(path) as file:
        try:
            while (piece := file.readline(1 << 12)) and not piece.removeprefix(_BOM).strip():
                pass
        except Unreadable:
            return False
        return ARRAY.match(piece.removeprefix(_BOM)) is not None


def parse(source: str, contributor: str, number: int, line: Line) -> list[Record | Refusal]:
    """Parse a line: one record and a refusal for each of its unreadable rows, or one refusal for the whole line. Never raises.

    ``source`` is the file's name, ``contributor`` the id stated by that name, ``number`` counts from 1, ``line`` is as ``lines``
    yields it."""
    source = printable(source)
    refused: list[Refusal] = []
    try:
        if isinstance(line, str):
            raise Unreadable(line)
        record = _record(decode(line), source, contributor, number, refused)
    except Unreadable as error:
        return [Refusal(source=source, line=number, reason=error.reason, detail=error.field)]
    return [record, *refused]


def source_keys(record: Record) -> Iterator[bytes]:
    """Yield canonical bytes of the record's own fields and each row's fields, which identify a source row by its content.

    Equal rows have equal keys. Line numbers and unknown fields are not part of the key."""
    if isinstance(record, CourseSnapshot):
        head = dumps(
            ["course", record.contributor, record.collected_at, record.course_name, record.course_code, record.term]
        )
    else:
        head = dumps(["todo", record.contributor, record.collected_at])
    for row in rows_of(record):
        yield head + b"\n" + dumps(row)


def rows_of(record: Record) -> tuple[Assignment, ...] | tuple[TodoItem, ...]:
    """Return the assignments or to-do items of a record."""
    return record.assignments if isinstance(record, CourseSnapshot) else record.items


@lru_cache(maxsize=1 << 16)
def instant(text: str) -> datetime | None:
    """Parse an ISO-8601 date with time and offset. Returns None for any other text."""
    try:
        time = datetime.fromisoformat(text)
        return time if time.tzinfo is not None and time.astimezone(UTC) else None
    except (ValueError, OverflowError):
        return None


def _record(value: dict[str, Any], source: str, contributor: str, number: int, refused: list[Refusal]) -> Record:
    kind = value.get("type")
    if kind == "course_snapshot":
        course = _convert(value, _CourseHead)
        _check_head(course, contributor, course.assignments)
        return CourseSnapshot(
            line=number, contributor=contributor, collected_at=course.collected_at, course_name=course.course_name,
            course_code=course.course_code, term=course.term,
            assignments=tuple(_rows(course.assignments, Assignment, "assignments", source, number, refused)),
        )  # fmt: skip
    if kind == "todo_snapshot":
        todo = _convert(value, _TodoHead)
        _check_head(todo, contributor, todo.items)
        return TodoSnapshot(
            line=number, contributor=contributor, collected_at=todo.collected_at,
            items=tuple(_rows(todo.items, TodoItem, "items", source, number, refused)),
        )  # fmt: skip
    raise Unreadable("unknown_kind" if isinstance(kind, str) else "wrong_type", "type")


def _convert(value: Any, type_: type[S]) -> S:
    try:
        return msgspec.convert(value, type_)
    except msgspec.ValidationError as error:
        # "… - at `$.assignments[…]`": the path holds only fields of our schema; a missing field is named in the message itself.
        message = str(error)
        path = message.rpartition("at `$")[2].strip("`.") if "at `$" in message else ""
        missing = message.partition("missing required field `")[2].partition("`")[0]
        raise Unreadable("wrong_type", ".".join(part for part in (path, missing) if part)) from None


def _check_head(head: _Head, contributor: str, rows: list[Any]) -> None:
    if not is_safe(head.contributor_id):
        raise Unreadable("unsafe_id", "contributor_id")
    if head.contributor_id != contributor:
        raise Unreadable("contributor_mismatch", "contributor_id")
    _check_date(head.collected_at, "collected_at")
    if len(rows) > MAX_ROWS:
        raise Unreadable("too_many_rows")


def _rows(
    values: Iterable[Any], type_: type[S], field: str, source: str, line: int, refused: list[Refusal]
) -> Iterator[S]:
    for position, value in enumerate(values):
        try:
            row = _convert(value, type_)
            _check_date(getattr(row, "due_at", None), "due_at")
            points = getattr(row, "points_possible", None)
            if points is not None and not math.isfinite(points):
                raise Unreadable("non_finite_number", "points_possible")
            if points is not None and points < 0:
                raise Unreadable("negative_points", "points_possible")
        except Unreadable as error:
            where = f"{field}[{position}]" + (f".{error.field}" if error.field else "")
            refused.append(Refusal(source=source, line=line, reason=error.reason, detail=where))
        else:
            yield row


def _check_date(text: str | None, field: str) -> None:
    if text is not None and instant(text) is None:
        raise Unreadable("bad_date", field)
