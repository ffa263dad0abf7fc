"""Write a clean copy of a contributor's export: repair what can be repaired without guessing, leave out and report the rest.

The copy validates clean. Good lines are copied byte for byte. The copy appears whole or not at all, and replaces the input only on
request and only if nothing is left out. ``rows`` and ``left_out`` add up to the input's rows. The report contains no text of the
file.
"""

from __future__ import annotations

import io
import json
import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, BinaryIO

import msgspec

from canvas_pipeline.errors import BadInput, InputChanged
from canvas_pipeline.privacy.contributor_id import contributor_of, is_safe, printable, usable
from canvas_pipeline.privacy.quarantine import MAX_DEPTH, MAX_LINE, MAX_ROWS, REASONS, Problem
from canvas_pipeline.records import Refusal
from canvas_pipeline.storage.atomic import whole_file
from canvas_pipeline.tracks.canvas.intake.checking import lenient_json, mending
from canvas_pipeline.tracks.canvas.intake.checking.lenient_json import Ambiguous, NotJson
from canvas_pipeline.tracks.canvas.intake.reading.snapshot import Line, is_array, lines, numbered, parse
from canvas_pipeline.tracks.canvas.intake.reading.strict_json import depth_over

MENDED: Mapping[str, str] = {**lenient_json.MENDED, **mending.MENDED}
"""Code → what was repaired, as a sentence for the contributor."""
WHOLE = 32 << 20  # bytes of a file that is decoded as one JSON value; a larger one is read line by line
LIMIT = 1000
_POSITION = re.compile(r"\[(\d+)\]")


class RepairReport(msgspec.Struct, frozen=True, kw_only=True):
    """The result of a repair.

    ``rows`` counts the assignments and to-do items of the copy, ``unchanged`` the lines copied as they were, ``mended`` the repairs
    by code, ``left_out`` the rows by reason (an unreadable record counts as one). ``problems`` are the first rows left out.
    ``out`` is None if nothing was written."""

    file: str
    out: str | None
    records: int
    rows: int
    unchanged: int
    mended: dict[str, int]
    left_out: dict[str, int]
    problems: tuple[Problem, ...]


def repair(
    path: Path, out: Path, *, in_place: bool = False, limit: int = LIMIT, progress: Callable[[int], None] | None = None
) -> RepairReport:
    """Write a clean copy to ``out``, whose name without suffix must equal the input's (it is the contributor's id).

    Nothing is written if no record remains, or if ``in_place`` is set and something would be left out. Raises ``BadInput`` for
    unusable names, ``MissingInput``, and ``InputChanged`` if the file to be replaced was changed meanwhile."""
    path, out = usable(Path(path)), Path(out)
    shown, contributor = printable(str(path)), contributor_of(path)
    if not is_safe(contributor):
        raise BadInput(f"{shown}: {REASONS['unsafe_id']}; rename the file first")
    if contributor_of(out) != contributor:
        raise BadInput(
            f"{printable(str(out))}: a copy keeps the name {contributor}, which is the contributor's id; name a folder"
        )
    if out.name.lower().endswith(".gz"):
        raise BadInput(f"{printable(str(out))}: a clean copy is plain text; name a folder, or {contributor}.jsonl")
    if out.resolve() == path.resolve() and not in_place:
        raise BadInput(f"{shown}: the input is not written over unless --in-place is given")
    work = _Work(shown, contributor, limit)
    before = path.stat()
    try:
        with whole_file(out) as temporary, temporary.open("wb") as file:
            work.run(path, file, progress or (lambda _: None))
            if not work.records or (in_place and work.left_out):
                raise _NotWritten
            now = path.stat()
            if in_place and (before.st_ino, before.st_size, before.st_mtime_ns) != (
                now.st_ino,
                now.st_size,
                now.st_mtime_ns,
            ):
                raise InputChanged(
                    f"{shown}: the file was changed while it was read, so it is not written over; run again"
                )
    except _NotWritten:
        return work.report(None)
    return work.report(str(out))


class _NotWritten(Exception):
    """Aborts writing the copy."""


class _Work:
    """Repairs one file: writes the copy and counts."""

    def __init__(self, shown: str, contributor: str, limit: int) -> None:
        self.shown, self.contributor, self.limit = shown, contributor, limit
        self.records = self.rows = self.unchanged = 0
        self.mended: Counter[str] = Counter()
        self.left_out: Counter[str] = Counter()
        self.problems: list[Problem] = []
        self.file: BinaryIO = io.BytesIO()

    def report(self, out: str | None) -> RepairReport:
        return RepairReport(
            file=self.shown, out=out, records=self.records, rows=self.rows, unchanged=self.unchanged,
            mended=dict(sorted(self.mended.items())), left_out=dict(sorted(self.left_out.items())),
            problems=tuple(self.problems),
        )  # fmt: skip

    def run(self, path: Path, file: BinaryIO, progress: Callable[[int], None]) -> None:
        self.file = file
        if (found := _multiline_values(path)) is not None:
            values, self.mended = found
            for number, value in values:
                self._value(number, value)
            progress(path.stat().st_size)
            return
        arrays = path.stat().st_size > WHOLE and is_array(path)
        self.mended.update(["one_value_per_line"] if arrays else [])
        for number, line in _entries(path, self.mended, arrays):
            self._line(number, line)
            progress(1 + len(line))

    def _line(self, number: int, line: Line) -> None:
        results = parse(self.shown, self.contributor, number, line)
        first = results[0]
        if isinstance(line, str):
            self._leave_out(number, line)
        elif len(results) == 1 and not isinstance(first, Refusal) and b"\n" not in line:
            self.unchanged += 1
            self._write(line, len(first))
        elif isinstance(first, Refusal) and first.reason == "blank":
            self.mended["blank"] += 1
        else:
            mended: Counter[str] = Counter()
            try:
                values = list(lenient_json.values_of(lenient_json.text_of(line, mended), mended))
            except NotJson:
                self._leave_out(number, first.reason if isinstance(first, Refusal) else "malformed_json")
                return
            self.mended.update(mended)
            if not values:  # commas or an empty list
                self.mended["blank"] += 1
            for _, value in values:
                self._value(number, value)

    def _value(self, number: int, value: Any) -> None:
        if not isinstance(value, dict):
            self._leave_out(number, "not_an_object")
        elif depth_over(value, MAX_DEPTH):
            self._leave_out(number, "too_deep")
        else:
            record = mending.mend(value, self.contributor, self.mended)
            name = mending.rows_field(record)
            if name is not None and not isinstance(record.get(name), list):
                name = None
            rows = [] if name is None else list(enumerate(record[name]))
            if _ambiguous({**record, **({} if name is None else {name: None})}) or isinstance(record, Ambiguous):
                self._leave_out(number, "duplicate_key")
                return
            for position, row in rows:
                if _ambiguous(row):
                    self._leave_out(number, "duplicate_key", f"{name}[{position}]")
            self._emit(number, record, name, [entry for entry in rows if not _ambiguous(entry[1])])

    def _emit(self, number: int, record: dict[str, Any], name: str | None, rows: list[tuple[int, Any]]) -> None:
        """Write the record with these rows (position in the source, row), split into several records if it is too large."""
        whole = record if name is None else {**record, name: [row for _, row in rows]}
        line = json.dumps(whole, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode()
        if name is not None and len(rows) > 1 and (len(rows) > MAX_ROWS or len(line) > MAX_LINE):
            self.mended["row_split"] += 1
            self._emit(number, record, name, rows[: len(rows) // 2])
            self._emit(number, record, name, rows[len(rows) // 2 :])
            return
        results = parse(self.shown, self.contributor, number, "line_too_long" if len(line) > MAX_LINE else line)
        first, refused = results[0], [r for r in results[1:] if isinstance(r, Refusal)]
        if isinstance(first, Refusal):
            self._leave_out(number, first.reason, first.detail)
        elif not refused:
            self._write(line, len(first))
        else:
            wrong = {}
            for refusal in refused:
                position = int(_POSITION.findall(refusal.detail)[0])
                wrong[position] = refusal
                where = refusal.detail.replace(f"[{position}]", f"[{rows[position][0]}]", 1)
                self._leave_out(number, refusal.reason, where)
            self._emit(number, record, name, [row for at, row in enumerate(rows) if at not in wrong])

    def _write(self, line: bytes, rows: int) -> None:
        self.file.write(line)
        self.file.write(b"\n")
        self.records += 1
        self.rows += rows

    def _leave_out(self, number: int, reason: str, field: str = "") -> None:
        self.left_out[reason] += 1
        if len(self.problems) < self.limit:
            self.problems.append(
                Problem(file=self.shown, line=number, field=field, reason=reason, message=REASONS[reason])
            )


def _entries(path: Path, mended: Counter[str], arrays: bool = False) -> Iterator[tuple[int, Line]]:
    """Yield numbered lines, those of a UTF-16 file as UTF-8. Splits a JSON array into its elements only if ``arrays`` is set."""
    with path.open("rb") as file:
        start = file.read(4)
    encoding = _utf16(start)
    if encoding is None:
        for batch in lines(path, arrays=arrays):
            yield from batch
        return
    mended["utf16"] += 1
    with path.open("r", encoding=encoding, errors="replace", newline="\n") as text:
        yield from numbered(_Utf8(text), arrays=arrays)


class _Utf8:
    """Reads the lines of a text file as UTF-8 bytes, for ``numbered``."""

    def __init__(self, text: io.TextIOWrapper) -> None:
        self._text = text

    def readline(self, size: int, /) -> bytes:
        return self._text.readline(size).encode("utf-8", "replace")


def _utf16(start: bytes) -> str | None:
    if start[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return "utf-16"
    if len(start) == 4 and start[0] and start[2] and not start[1] and not start[3]:
        return "utf-16-le"
    if len(start) == 4 and start[1] and start[3] and not start[0] and not start[2]:
        return "utf-16-be"
    return None


def _multiline_values(path: Path) -> tuple[list[tuple[int, Any]], Counter[str]] | None:
    """Return (line, value) for each object of a file of multi-line JSON (a list, or indented objects); None for other files."""
    mended: Counter[str] = Counter()
    for _, line in _entries(path, Counter()):
        if isinstance(line, str) or not line.strip():
            continue
        try:
            list(lenient_json.values_of(lenient_json.text_of(line, Counter()), Counter()))
            return None
        except NotJson:
            break
    else:
        return None
    raw = bytearray()
    for _, line in _entries(path, mended):
        raw += (b"\xff" if isinstance(line, str) else line) + b"\n"
        if len(raw) > WHOLE:
            return None
    text = lenient_json.text_of(bytes(raw), mended)
    try:
        found = list(lenient_json.values_of(text, mended))
    except NotJson:
        return None
    mended["one_value_per_line"] = 1
    values, number, at = [], 1, 0
    for offset, value in found:
        number, at = number + text.count("\n", at, offset), offset
        values.append((number, value))
    return values, mended


def _ambiguous(value: Any) -> bool:
    """Return whether a value contains an ``Ambiguous`` at any depth."""
    stack = [value]
    while stack:
        node = stack.pop()
        if isinstance(node, Ambiguous):
            return True
        if isinstance(node, dict):
            stack += node.values()
        elif isinstance(node, list):
            stack += node
    return False
