"""Merge the items of all contributors into one corpus that may exceed memory.

The corpus has one item for each (normalised title, course), sorted by id. The same items give the same bytes in any order. Of
several items the one collected last is kept (on a tie, the one with the greatest bytes) with the contributors and parents of all.
Every row is kept or merged.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import msgspec

from canvas_pipeline.errors import BadInput, MissingInput, SchemaMismatch
from canvas_pipeline.records import Funnel, digest, dumps
from canvas_pipeline.tracks.canvas.intake.reading.normalise import microseconds, normalise
from canvas_pipeline.tracks.canvas.intake.stream.spill import HELD, Spill, SpilledRow
from canvas_pipeline.tracks.canvas.rows import Item

_DECODER = msgspec.json.Decoder(Item)


class _Head(msgspec.Struct, frozen=True):
    """The fields that determine an item's group and its position there."""

    id: str
    title: str
    course: str | None
    collected_at: str


class Merge:
    """Use as a context manager: call ``add_file``, then read ``rows`` once to the end, then call ``funnel``."""

    def __init__(self, scratch: Path | None = None, held: int = HELD) -> None:
        """Write rows beyond ``held`` bytes to files below ``scratch``."""
        self._stack = ExitStack()
        self._items = self._stack.enter_context(Spill(scratch, held))
        self._united = self._stack.enter_context(Spill(scratch, held))
        self._heads = msgspec.json.Decoder(_Head)
        self._rows_in = self._kept = 0

    def __enter__(self) -> Merge:
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def add_file(self, path: Path) -> None:
        """Add a file of ``Item`` rows in canonical JSON.

        Raises ``MissingInput`` for a missing file, ``BadInput`` (file and line) for a line that is not an item."""
        try:
            file = path.open("rb", buffering=1 << 20)
        except FileNotFoundError:
            raise MissingInput(f"{path}: no such file; materialise the stage that writes it first") from None
        with file:
            for number, line in enumerate(file, 1):
                try:
                    entry = self._entry(line.rstrip(b"\n"))
                except (msgspec.DecodeError, UnicodeDecodeError):
                    raise BadInput(f"{path}:{number}: not an Item row; take this contributor in again") from None
                self._items.add((entry,))

    def rows(self) -> Iterator[msgspec.Raw]:
        """Yield the rows of the corpus as JSON."""
        for group in self._groups():
            self._united.add((SpilledRow(group[-1].group, 0, "-", _united([entry.line for entry in group])),))
        last = ""
        for entry in self._united.entries():
            if entry.key == last:
                raise SchemaMismatch(
                    "the corpus table is not as it must be: id (unique); two different items have one id, please report it"
                )
            last = entry.key
            self._kept += 1
            yield msgspec.Raw(entry.line)

    def funnel(self) -> Funnel:
        """Return the counts of rows in, kept and merged, after ``rows`` was read."""
        return Funnel(stage="corpus", rows_in=self._rows_in, kept=self._kept, merged=self._rows_in - self._kept).check()

    def _entry(self, line: bytes) -> SpilledRow:
        head = self._heads.decode(line)
        self._rows_in += 1
        # Sorted by group, then by time of collection, then by bytes: the last row of a group is kept. `SpilledRow.group` holds the
        # item's id, since the kept row keeps its id.
        group = digest(normalise(head.title), head.course or "", "" if head.course is None else "course")
        return SpilledRow(group[:32], microseconds(head.collected_at), head.id, line)

    def _groups(self) -> Iterator[list[SpilledRow]]:
        """Yield the rows of each group, in order."""
        group: list[SpilledRow] = []
        last = ""
        for entry in self._items.entries():
            if entry.key != last and group:
                yield group
                group = []
            last = entry.key
            group.append(entry)
        if group:
            yield group


def _united(group: list[bytes]) -> bytes:
    if len(group) == 1:
        return group[0]
    contributors: set[str] = set()
    parents: set[str] = set()
    for line in group:
        item = _DECODER.decode(line)
        contributors.update(item.contributors)
        parents.update(item.parents)
    kept = _DECODER.decode(group[-1])
    return dumps(
        msgspec.structs.replace(kept, contributors=tuple(sorted(contributors)), parents=tuple(sorted(parents)))
    )
