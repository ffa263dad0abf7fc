"""Read and validate a contributor's export, one JSON object a line (or an array of them), packed with gzip or not, any size, never
trusting it.

In: the path of ``<contributor>.jsonl``. Out: a stream of ``CourseSnapshot`` and ``TodoSnapshot`` records, and a ``Refusal``
for everything that is none. What must hold: no bytes crash the reader; memory is bounded by ``max_line`` and not by the file;
no text of the file enters a refusal; the quick way of reading a line and the strict one agree on every line.

How rows are counted: once a line is readable its assignments (or to-do items) are the rows, each kept or refused on its own;
an unreadable line is one row; a blank line is one row with reason ``blank``. So for every file
``rows_in = sum(len(record)) + refusals``. A UTF-8 byte-order mark and a missing final newline are accepted.

Whole files go through ``read``; a process pool takes ``lines`` apart into batches and calls ``parse``, which is pure.
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

from canvas_pipeline.privacy.contributor_id import contributor_of, is_safe, printable
from canvas_pipeline.privacy.quarantine import MAX_LINE, MAX_ROWS, Unreadable
from canvas_pipeline.records import Refusal, dumps
from canvas_pipeline.tracks.canvas.intake.reading import full_record
from canvas_pipeline.tracks.canvas.intake.reading.json_array import elements
from canvas_pipeline.tracks.canvas.intake.reading.raw_file import Digest, Readable, opened
from canvas_pipeline.tracks.canvas.intake.reading.strict_json import decode

BATCH = 1 << 20  # bytes of text that go to a worker at a time
ARRAY = re.compile(rb"\s*\[\s*(?:[{\]]|$)")
"""How a file begins that is an array of objects, and not a line that happens to be a list."""
_BOM = b"\xef\xbb\xbf"

S = TypeVar("S", bound=msgspec.Struct)
Line = bytes | str
"""A line as it stands, or the reason code for which it could not even be read."""
Batch = list[tuple[int, Line]]


class Assignment(msgspec.Struct, frozen=True, kw_only=True):
    """One assignment as contributed; unknown extra fields are left behind."""

    name: str
    type: str
    due_at: str | None = None
    points_possible: float | None = None
    submission_types: tuple[str, ...] = ()
    submission_status: str | None = None


class TodoItem(msgspec.Struct, frozen=True, kw_only=True):
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
    """A to-do list with its readable items; it has no course code."""

    line: int
    contributor: str
    collected_at: str
    items: tuple[TodoItem, ...]

    def __len__(self) -> int:
        return len(self.items)


Record = CourseSnapshot | TodoSnapshot


def read(path: Path, *, max_line: int = MAX_LINE) -> Iterator[Record | Refusal]:
    """Records and refusals in file order, streaming. ``max_line`` is in bytes. Raises ``MissingInput`` where there is no such file,
    ``BadInput`` where it is a folder or a pipe; nothing the file holds raises."""
    path = Path(path)
    for batch in lines(path, max_line=max_line):
        for number, line in batch:
            yield from parse(path.name, contributor_of(path), number, line)


def lines(
    path: Path, *, max_line: int = MAX_LINE, batch: int = BATCH, digest: Digest | None = None, arrays: bool = True
) -> Iterator[Batch]:
    """Batches of (line number from 1, bytes without newline and byte-order mark), each about ``batch`` bytes; a reason code stands
    for a line over ``max_line`` bytes, which is skipped and never held, and for the rest of a damaged ``.gz`` file. The elements
    of a JSON array (unless ``arrays`` is off) come as lines of their own. ``digest`` is given the bytes of the file. Raises as
    ``read`` does."""
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
    """The same from an open file, line by line."""
    number, behind = 0, b""
    may_begin = arrays  # an array stands at the beginning of a file, or right behind another one (pages put together)
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
    """Whether the file begins as a JSON array."""
    with opened(path) as file:
        try:
            while (piece := file.readline(1 << 12)) and not piece.removeprefix(_BOM).strip():
                pass
        except Unreadable:
            return False
        return ARRAY.match(piece.removeprefix(_BOM)) is not None


def parse(source: str, contributor: str, number: int, line: Line) -> list[Record | Refusal]:
    """What a line holds: one record and a refusal for each of its rows that is none, or one refusal. Pure; never raises.

    ``source`` is the file's name, ``contributor`` the id it states, ``number`` counts from 1, ``line`` is as ``lines`` gives it."""
    if isinstance(line, bytes) and (record := _quick(contributor, number, line)) is not None:
        return [record]
    return strict(source, contributor, number, line)


def strict(source: str, contributor: str, number: int, line: Line) -> list[Record | Refusal]:
    """``parse`` without its quick way: slower, same answer, and the one that knows every reason."""
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
    """For each row of the record, canonical bytes of the head's fields and the row's: what names a source row wherever it
    stands. Two rows that say the same have the same key; line numbers and unknown extra fields do not enter."""
    if isinstance(record, CourseSnapshot):
        head = dumps(
            ["course", record.contributor, record.collected_at, record.course_name, record.course_code, record.term]
        )
    else:
        head = dumps(["todo", record.contributor, record.collected_at])
    for row in rows_of(record):
        yield head + b"\n" + dumps(row)


def rows_of(record: Record) -> tuple[Assignment, ...] | tuple[TodoItem, ...]:
    return record.assignments if isinstance(record, CourseSnapshot) else record.items


@lru_cache(maxsize=1 << 16)
def instant(text: str) -> datetime | None:
    """An ISO-8601 date with time and offset, or None where it is none."""
    try:
        moment = datetime.fromisoformat(text)
        return moment if moment.tzinfo is not None and moment.astimezone(UTC) else None
    except (ValueError, OverflowError):
        return None


def _quick(contributor: str, number: int, line: bytes) -> Record | None:
    """The record where every field is there, nothing else is, and nothing is wrong; None where only ``strict`` can tell."""
    full = full_record.decode(line)
    if (
        full is None
        or full.contributor_id != contributor
        or not is_safe(contributor)
        or instant(full.collected_at) is None
    ):
        return None
    if isinstance(full, full_record.Todo):
        items = tuple([
            TodoItem(type=i.type, assignment_name=i.assignment_name, due_at=i.due_at, course_id=i.course_id) for i in full.items
        ])  # fmt: skip
        if len(items) > MAX_ROWS or any(i.due_at is not None and instant(i.due_at) is None for i in items):
            return None
        return TodoSnapshot(line=number, contributor=contributor, collected_at=full.collected_at, items=items)
    rows = full.assignments
    if len(rows) > MAX_ROWS or any(r.due_at is not None and instant(r.due_at) is None for r in rows):
        return None
    if any(r.points_possible is not None and r.points_possible < 0 for r in rows):
        return None
    return CourseSnapshot(
        line=number, contributor=contributor, collected_at=full.collected_at, course_name=full.course_name,
        course_code=full.course_code, term=full.term,
        assignments=tuple([
            Assignment(
                name=r.name, type=r.type, due_at=r.due_at, points_possible=r.points_possible,
                submission_types=r.submission_types, submission_status=r.submission_status,
            ) for r in rows
        ]),
    )  # fmt: skip


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
        # "… - at `$.assignments[…]`": the path names our fields only; a missing field is named in the message itself.
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
