"""Read and validate a contributor's export, one JSON object a line, any size, never trusting it.

In: the path of ``<contributor>.jsonl``. Out: a stream of ``CourseSnapshot`` and ``TodoSnapshot`` records, and a ``Refusal``
for everything that is none. What must hold: no bytes crash the reader; memory is bounded by ``max_line`` and not by the file;
no text of the file enters a refusal.

How rows are counted: once a line is readable its assignments (or to-do items) are the rows, each kept or refused on its own;
an unreadable line is one row; a blank line is one row with reason ``blank``. So for every file
``rows_in = sum(len(record)) + refusals``. A UTF-8 byte-order mark and a missing final newline are accepted.
"""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, BinaryIO, NoReturn, TypeVar

import msgspec

from canvas_pipeline.errors import MissingInput
from canvas_pipeline.records import Refusal

MAX_LINE = 32 << 20  # bytes; a real contributor's longest line is under 100 KB
MAX_DEPTH = 32
_CHUNK = 1 << 20

# reason code → what a student should do about it. Never filled with anything from the file.
REASONS: Mapping[str, str] = {
    "malformed_json": "the line is not valid JSON; export it again, or remove the line",
    "not_an_object": "the line is JSON but not an object; every line must be {...}",
    "several_objects_on_line": "more than one JSON value stands on the line; put each object on a line of its own",
    "invalid_utf8": "the line holds bytes that are not UTF-8 text; save the file as UTF-8",
    "nul_byte": "the line holds a NUL character; the file may be UTF-16 or damaged, save it as UTF-8",
    "line_too_long": "the line is longer than the limit; split the snapshot into several lines",
    "too_deep": f"the JSON is nested deeper than {MAX_DEPTH} levels",
    "duplicate_key": "a key stands twice in one object, so one of its values would be lost",
    "non_finite_number": "NaN and infinities are not numbers; write null where a number is not known",
    "wrong_type": "the field is missing or has the wrong type",
    "unknown_kind": "the record's type is not course_snapshot or todo_snapshot",
    "bad_date": "not an ISO-8601 date with a time and an offset (such as 2026-03-01T04:59:59Z)",
    "negative_points": "points are negative",
    "contributor_mismatch": "contributor_id is not the file's name without .jsonl",
    "blank": "the line is blank",
}
NOTES = frozenset({"blank"})  # counted and shown, but no reason to call a file bad

S = TypeVar("S", bound=msgspec.Struct)


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


class Problem(msgspec.Struct, frozen=True, kw_only=True):
    """Where a contribution is wrong, and what to do: ``file:line:field: message``."""

    file: str
    line: int
    field: str
    reason: str
    message: str

    def __str__(self) -> str:
        return ":".join(part for part in (self.file, str(self.line), self.field) if part) + f": {self.message}"


class ValidationReport(msgspec.Struct, frozen=True, kw_only=True):
    """What ``validate`` found; ``rows`` are readable assignments and to-do items."""

    file: str
    records: int
    rows: int
    problems: tuple[Problem, ...]
    notes: dict[str, int]

    @property
    def ok(self) -> bool:
        return not self.problems


class _Refused(Exception):
    def __init__(self, reason: str, field: str = "") -> None:
        self.reason = reason
        self.field = field


def read(path: Path, *, max_line: int = MAX_LINE) -> Iterator[Record | Refusal]:
    """Records and refusals in file order, streaming. ``max_line`` is in bytes. Raises ``MissingInput`` where there is no
    such file (or it is a folder); nothing the file holds raises."""
    path = Path(path)
    try:
        file = path.open("rb", buffering=_CHUNK)
    except (FileNotFoundError, IsADirectoryError):
        raise MissingInput(f"{path}: no such file; give the path of a contributor's .jsonl export") from None
    with file:
        for number, line in _lines(file, max_line):
            if number == 1 and line is not None:
                line = line.removeprefix(b"\xef\xbb\xbf")
            yield from _read_line(path.name, path.stem, number, line)


def validate(path: Path, *, max_line: int = MAX_LINE) -> ValidationReport:
    """Read the whole file and report every problem as ``file:line:field`` with advice, never with its text."""
    records = rows = 0
    problems: list[Problem] = []
    notes: Counter[str] = Counter()
    for result in read(path, max_line=max_line):
        if not isinstance(result, Refusal):
            records, rows = records + 1, rows + len(result)
        elif result.reason in NOTES:
            notes[result.reason] += 1
        else:
            problems.append(
                Problem(
                    file=str(path),
                    line=result.line,
                    field=result.detail,
                    reason=result.reason,
                    message=REASONS[result.reason],
                )
            )
    return ValidationReport(file=str(path), records=records, rows=rows, problems=tuple(problems), notes=dict(notes))


def _lines(file: BinaryIO, max_line: int) -> Iterator[tuple[int, bytes | None]]:
    """Numbered lines without their newline; ``None`` for one that is too long (it is skipped, not held)."""
    number = 0
    while line := file.readline(max_line + 1):
        number += 1
        if len(line) > max_line and not line.endswith(b"\n"):
            while (rest := file.readline(_CHUNK)) and not rest.endswith(b"\n"):
                pass
            yield number, None
        else:
            yield number, line.rstrip(b"\r\n")


def _read_line(source: str, contributor: str, number: int, line: bytes | None) -> Iterator[Record | Refusal]:
    rows: list[Refusal] = []
    try:
        if line is None:
            raise _Refused("line_too_long")
        value = _decode(line)
        kind = value.get("type")
        if kind == "course_snapshot":
            course = _convert(value, _CourseHead)
            _check_head(course, contributor)
            yield CourseSnapshot(
                line=number, contributor=contributor, collected_at=course.collected_at, course_name=course.course_name,
                course_code=course.course_code, term=course.term,
                assignments=tuple(_rows(course.assignments, Assignment, "assignments", source, number, rows)),
            )  # fmt: skip
        elif kind == "todo_snapshot":
            todo = _convert(value, _TodoHead)
            _check_head(todo, contributor)
            yield TodoSnapshot(
                line=number, contributor=contributor, collected_at=todo.collected_at,
                items=tuple(_rows(todo.items, TodoItem, "items", source, number, rows)),
            )  # fmt: skip
        else:
            raise _Refused("unknown_kind" if isinstance(kind, str) else "wrong_type", "type")
    except _Refused as refused:
        yield Refusal(source=source, line=number, reason=refused.reason, detail=refused.field)
    yield from rows


def _decode(line: bytes) -> dict[str, Any]:
    if not line.strip():
        raise _Refused("blank")
    if b"\0" in line:
        raise _Refused("nul_byte")
    try:
        text = line.decode("utf-8")
    except UnicodeDecodeError:
        raise _Refused("invalid_utf8") from None
    try:
        value = json.loads(text, object_pairs_hook=_object, parse_constant=_constant)
    except json.JSONDecodeError as error:
        raise _Refused("several_objects_on_line" if error.msg == "Extra data" else "malformed_json") from None
    except RecursionError:
        raise _Refused("too_deep") from None
    except ValueError:  # an integer with more digits than Python converts
        raise _Refused("malformed_json") from None
    if not isinstance(value, dict):
        raise _Refused("not_an_object")
    if _depth_over(value, MAX_DEPTH):
        raise _Refused("too_deep")
    if "\\u" in text:  # only an escape can bring these in
        flat = json.dumps(value, ensure_ascii=False)
        if "\\u0000" in flat:
            raise _Refused("nul_byte")
        if any("\ud800" <= character <= "\udfff" for character in flat):
            raise _Refused("invalid_utf8")
    return value


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) != len(pairs):
        raise _Refused("duplicate_key")
    return value


def _constant(_: str) -> NoReturn:
    raise _Refused("non_finite_number")


def _depth_over(value: Any, limit: int) -> bool:
    """Whether containers are nested deeper than ``limit``, level by level and so without recursion."""
    level: list[Any] = [value]
    for _ in range(limit):
        level = [
            child
            for node in level
            for child in (node.values() if isinstance(node, dict) else node)
            if isinstance(child, (dict, list))
        ]
        if not level:
            return False
    return True


def _convert(value: Any, type_: type[S]) -> S:
    try:
        return msgspec.convert(value, type_)
    except msgspec.ValidationError as error:
        # "… - at `$.assignments[…]`": the path names our fields only; a missing field is named in the message itself.
        message = str(error)
        path = message.rpartition("at `$")[2].strip("`.") if "at `$" in message else ""
        missing = message.partition("missing required field `")[2].partition("`")[0]
        raise _Refused("wrong_type", ".".join(part for part in (path, missing) if part)) from None


def _check_head(head: _Head, contributor: str) -> None:
    if head.contributor_id != contributor:
        raise _Refused("contributor_mismatch", "contributor_id")
    _check_date(head.collected_at, "collected_at")


def _rows(
    values: Iterable[Any], type_: type[S], field: str, source: str, line: int, refused: list[Refusal]
) -> Iterator[S]:
    for position, value in enumerate(values):
        try:
            row = _convert(value, type_)
            _check_date(getattr(row, "due_at", None), "due_at")
            points = getattr(row, "points_possible", None)
            if points is not None and not math.isfinite(points):
                raise _Refused("non_finite_number", "points_possible")
            if points is not None and points < 0:
                raise _Refused("negative_points", "points_possible")
        except _Refused as error:
            where = f"{field}[{position}]" + (f".{error.field}" if error.field else "")
            refused.append(Refusal(source=source, line=line, reason=error.reason, detail=where))
        else:
            yield row


def _check_date(text: str | None, field: str) -> None:
    if text is not None and instant(text) is None:
        raise _Refused("bad_date", field)


def instant(text: str) -> datetime | None:
    """An ISO-8601 date with time and offset, or None where it is none."""
    try:
        moment = datetime.fromisoformat(text)
        return moment if moment.tzinfo is not None and moment.astimezone(UTC) else None
    except (ValueError, OverflowError):
        return None
