"""Repair the fields of one decoded record where the author's meaning is clear, and count the repairs by code (``MENDED``).

A date or number that cannot be read becomes null (not known), never another date or number. Unknown fields are not changed. The
reader refuses what remains wrong.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any

from canvas_pipeline.tracks.canvas.intake.checking.lenient_json import Ambiguous
from canvas_pipeline.tracks.canvas.intake.reading.snapshot import instant

MENDED: Mapping[str, str] = {
    "own_id": "contributor_id was missing, or differed in case or spaces only, and is the file's name now",
    "number_as_text": "a number stood where a text belongs, or a text where a number belongs",
    "no_list": "a missing or single value stood where a list belongs",
    "date_unknown": "a due date that cannot be read (no offset, no time, no such day) is null now: not known",
    "date_spaces": "spaces around a date were removed",
    "points_unknown": "points that were negative, or no number, are null now: not known",
    "status_unknown": "a submission status that was no text is null now: not known",
    "site_unknown": "a course_id that was neither number nor text is null now: not known",
    "row_split": "a record with too many rows was split",
}
_UNFIT = re.compile("[\0\ud800-\udfff]")
_ROWS = {"course_snapshot": "assignments", "todo_snapshot": "items"}
Note = Callable[[str], None]


def mend(value: dict[str, Any], contributor: str, mended: Counter[str]) -> dict[str, Any]:
    """Return a repaired copy of a record, which must not be nested deeper than the reader allows."""

    def note(code: str) -> None:
        mended[code] += 1

    record: dict[str, Any] = _characters(value, note)
    name = rows_field(record)
    if name is None:
        return record
    owner = record.get("contributor_id")
    if owner is None or (isinstance(owner, str) and owner != contributor and _folded(owner) == _folded(contributor)):
        record["contributor_id"] = contributor
        note("own_id")
    _apply(_HEAD, record, note)
    if name in record and record[name] is None:
        record[name] = []
        note("no_list")
    if isinstance(record.get(name), list):
        for row in record[name]:
            if isinstance(row, dict):
                _apply(_ROW, row, note)
                if "submission_types" in row and row["submission_types"] is None:
                    row["submission_types"] = []
                    note("no_list")
    return record


def rows_field(record: Mapping[str, Any]) -> str | None:
    """Return the name of the field that holds the record's rows, by its type; None for an unknown type."""
    kind = record.get("type")
    return _ROWS.get(kind) if isinstance(kind, str) else None


def _apply(table: Mapping[str, Callable[[Any, Note], Any]], record: dict[str, Any], note: Note) -> None:
    for field, change in table.items():
        if record.get(field) is not None:
            record[field] = change(record[field], note)


def _folded(text: str) -> str:
    return text.strip().casefold()


def _text(value: Any, note: Note) -> Any:
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        note("number_as_text")
        return str(value)
    return value


def _time(value: Any, note: Note) -> Any:
    if isinstance(value, str) and instant(value) is None and instant(value.strip()) is not None:
        note("date_spaces")
        return value.strip()
    return value


def _due(value: Any, note: Note) -> Any:
    value = _time(value, note)
    if isinstance(value, str) and instant(value) is not None:
        return value
    note("date_unknown")
    return None


def _points(value: Any, note: Note) -> Any:
    number = value
    if isinstance(value, str):
        try:
            number = float(value)
        except ValueError:
            number = None
        if number is not None and number >= 0 and math.isfinite(number):
            note("number_as_text")
            return number
    if isinstance(number, (int, float)) and not isinstance(number, bool) and 0 <= number <= 1.7e308:
        return value
    note("points_unknown")
    return None


def _types(value: Any, note: Note) -> Any:
    if isinstance(value, str):
        note("no_list")
        return [value]
    return [_text(item, note) for item in value] if isinstance(value, list) else value


def _status(value: Any, note: Note) -> Any:
    if isinstance(value, str):
        return value
    note("status_unknown")
    return None


def _site(value: Any, note: Note) -> Any:
    if isinstance(value, str) or (isinstance(value, int) and not isinstance(value, bool)):
        return value
    if isinstance(value, float) and value.is_integer():
        note("number_as_text")
        return int(value)
    note("site_unknown")
    return None


_HEAD: Mapping[str, Callable[[Any, Note], Any]] = {
    "course_name": _text, "course_code": _text, "term": _text, "collected_at": _time,
}  # fmt: skip
_ROW: Mapping[str, Callable[[Any, Note], Any]] = {
    "name": _text, "assignment_name": _text, "type": _text, "due_at": _due, "points_possible": _points,
    "submission_types": _types, "submission_status": _status, "course_id": _site,
}  # fmt: skip


def _characters(value: Any, note: Note) -> Any:
    """Return a copy without NUL, unpaired surrogates and infinities. The caller has checked the depth of the recursion."""
    if isinstance(value, str):
        if not _UNFIT.search(value):
            return value
        if "\0" in value:
            note("nul_removed")
            value = value.replace("\0", "")
        if _UNFIT.search(value):
            note("half_character")
            return value.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
        return value
    if isinstance(value, float) and not math.isfinite(value):
        note("not_a_number")
        return None
    if isinstance(value, list):
        return [_characters(item, note) for item in value]
    if isinstance(value, dict):
        changed = {_characters(key, note): _characters(child, note) for key, child in value.items()}
        ambiguous = isinstance(value, Ambiguous) or len(changed) != len(value)
        return Ambiguous(changed) if ambiguous else changed
    return value
