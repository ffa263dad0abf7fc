"""The reason codes for refused lines and rows of a contribution, each with advice for the contributor.

The advice is constant: it never contains anything from a file.
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

MAX_LINE = 4 << 20  # bytes; a real contributor's longest line is under 100 KB
MAX_ROWS = 20_000  # rows of one record; a real course has under 200
MAX_RATIO = 200  # decompressed bytes per byte of a .gz file; text has 5 to 30
FREE_RATIO = 64 << 20  # decompressed bytes up to which the ratio is not checked
MAX_DEPTH = 32  # levels of nesting; an export has four

REASONS: Mapping[str, str] = {
    "malformed_json": "the line is not valid JSON; export it again, or remove the line",
    "not_an_object": "the line is JSON but not an object; every line must be {...}",
    "several_objects_on_line": "more than one JSON value stands on the line; put each object on a line of its own",
    "invalid_utf8": "the line holds bytes that are not UTF-8 text; save the file as UTF-8",
    "nul_byte": "the line holds a NUL character; the file may be UTF-16 or damaged, save it as UTF-8",
    "line_too_long": f"the line is longer than {MAX_LINE >> 20} MiB; split the snapshot into several lines",
    "too_many_rows": f"the record has more than {MAX_ROWS} assignments or items; split it into several lines",
    "too_deep": f"the JSON is nested deeper than {MAX_DEPTH} levels; an export is not, so export it again",
    "duplicate_key": "a key stands twice in one object, so one of its values would be lost; remove the wrong one",
    "non_finite_number": "NaN and infinities are not numbers; write null where a number is not known",
    "wrong_type": "the field is missing or has the wrong type; compare it with another line, or export it again",
    "unknown_kind": "the record's type is not course_snapshot or todo_snapshot; remove the line",
    "bad_date": "not an ISO-8601 date with time and offset (2026-03-01T04:59:59Z), or no such day; correct it or write null",
    "negative_points": "points are negative; correct them, or write null",
    "cut_off": "the JSON array has no closing bracket, so the end of the file is missing; export it again",
    "damaged_gzip": "the .gz file is cut off or damaged from here on; copy or pack it again",
    "gzip_bomb": f"the .gz file unpacks to more than {MAX_RATIO} times its size; unpack it, look at it, and hand over the .jsonl",
    "contributor_mismatch": "not the file's name without .jsonl; rename the file, or move the line to its owner's file",
    "unsafe_id": "not a safe name; use letters a-z, digits, - and _ only, and name the file the same",
    "duplicate_contributor": "another file has this name but for upper and lower case, folder or suffix; rename or remove one",
    "blank": "the line is blank",
    # about a file as a whole
    "empty_file": "the file holds no record; export it again",
    "no_record": "nothing in the file is a record, one {...} a line: canvas-data validate --fix mends JSON over many lines "
    "or what is not UTF-8; canvas-data import turns a raw Canvas dump, a gradebook's .csv or an .ics feed into a contributor file",
    "other_suffix": "the name does not end in .jsonl or .jsonl.gz; rename it (a JSON array may stay one), unless the same data "
    "lies beside it",
    "other_format": "not JSON; canvas-data import turns a gradebook's .csv and an .ics feed into a contributor file",
    "is_folder": "a folder, not a file; name the files in it, or move them out of it",
    "not_a_file": "a pipe, a device or a link to nothing; give a regular file, since it is read more than once",
    "no_such_file": "no such file; give the path of a contributor's .jsonl export",
}
FORM = frozenset({"malformed_json", "not_an_object", "several_objects_on_line", "invalid_utf8", "nul_byte"})
"""If every line is refused for one of these, the file as a whole is in another format."""
NOTES = frozenset({"blank"})  # counted and shown, but not a problem


class Problem(msgspec.Struct, frozen=True, kw_only=True):
    """A problem of a contribution and the advice, shown as ``file:line:field: message``. ``line`` 0 is the file as a whole."""

    file: str
    line: int
    field: str
    reason: str
    message: str

    def __str__(self) -> str:
        return ":".join(part for part in (self.file, str(self.line or ""), self.field) if part) + f": {self.message}"


class Unreadable(Exception):
    """Refuses a line or a row with a reason code, and the field of our schema where one is at fault."""

    def __init__(self, reason: str, field: str = "") -> None:
        super().__init__(reason)
        self.reason = reason
        self.field = field
