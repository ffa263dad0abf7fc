"""The quick way to read a line: typed decoding of a record in which every field stands exactly once and nothing else does.

In: the bytes of a line. Out: a ``Course`` or ``Todo``, or None where the line needs the strict reader (which may well accept it).
What must hold: a line that is taken here is one that ``strict_json`` takes too, with the same values.

How a key that stands twice is seen without building dictionaries: every member of an object writes ``":`` (the key's closing quote
and its colon) as long as no blank stands before a colon (tabs and line ends are not looked at closer: with one, the line goes
the strict way). All fields are required and unknown ones are forbidden, so a decoded
record has a known number of members. If ``":`` stands exactly that often, no member is left over. Text can only add to the count
(a string that begins with a colon), and then the line goes the strict way.
"""

from __future__ import annotations

import msgspec

_COURSE_MEMBERS, _TODO_MEMBERS = 7, 4
_ROW_MEMBERS, _ITEM_MEMBERS = 6, 4


class Row(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    name: str
    type: str
    due_at: str | None
    points_possible: float | None
    submission_types: tuple[str, ...]
    submission_status: str | None


class Item(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    type: str
    assignment_name: str
    due_at: str | None
    course_id: int | str | None


class Course(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="type", tag="course_snapshot"):
    course_name: str
    course_code: str
    term: str | None
    assignments: list[Row]
    contributor_id: str
    collected_at: str


class Todo(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="type", tag="todo_snapshot"):
    items: list[Item]
    contributor_id: str
    collected_at: str


_DECODER = msgspec.json.Decoder(Course | Todo)


def decode(line: bytes) -> Course | Todo | None:
    """The record on the line, or None. Never raises."""
    try:
        record = _DECODER.decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    if isinstance(record, Course):
        members = _COURSE_MEMBERS + _ROW_MEMBERS * len(record.assignments)
    else:
        members = _TODO_MEMBERS + _ITEM_MEMBERS * len(record.items)
    if line.count(b'":') != members or b" :" in line or any(byte in line for byte in (b"\t", b"\r", b"\n")):
        return None
    return None if b"\\" in line and b"\\u0000" in line else record
