"""From all contributors' items to one corpus, more than memory holds.

In: files of ``Item`` rows, in any order. Out: one item for each (normalised title, course), sorted by id. What must hold: the
same items give the same bytes, whatever file or line they stood in; of several, the one collected last is kept (then the one
with the greatest bytes), and contributors and parents are united; every row is kept or merged.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from pathlib import Path

import msgspec

from canvas_pipeline.errors import BadInput, MissingInput, SchemaMismatch
from canvas_pipeline.records import Funnel, digest, dumps
from canvas_pipeline.tracks.canvas.intake.reading.normalise import microseconds, normalise
from canvas_pipeline.tracks.canvas.intake.stream.spill import HELD, Entry, Spill
from canvas_pipeline.tracks.canvas.rows import Item

_DECODER = msgspec.json.Decoder(Item)


class _Head(msgspec.Struct, frozen=True):
    """What decides where an item goes."""

    id: str
    title: str
    course: str | None
    collected_at: str


class Merge:
    """A context manager: ``add`` lines, then read ``rows`` once to the end, then ask for the ``funnel``."""

    def __init__(self, scratch: Path | None = None, held: int = HELD) -> None:
        """``scratch`` is the folder for what memory (``held`` bytes) does not hold."""
        self._stack = ExitStack()
        self._items = self._stack.enter_context(Spill(scratch, held))
        self._united = self._stack.enter_context(Spill(scratch, held))
        self._heads = msgspec.json.Decoder(_Head)
        self._rows_in = self._kept = 0

    def __enter__(self) -> Merge:
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def add(self, lines: Iterable[bytes]) -> None:
        """Rows of ``Item`` as canonical JSON, one a line."""
        self._items.add(map(self._entry, lines))

    def add_file(self, path: Path) -> None:
        """Raises ``MissingInput`` for no such file, ``BadInput`` (file and line) for a line that is no item."""
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
        """The corpus, each row as the JSON it is written as."""
        for group in self._groups():
            self._united.add((Entry(group[-1].group, 0, "-", _united([entry.line for entry in group])),))
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
        return Funnel(stage="corpus", rows_in=self._rows_in, kept=self._kept, merged=self._rows_in - self._kept).check()

    def _entry(self, line: bytes) -> Entry:
        head = self._heads.decode(line)
        self._rows_in += 1
        # Sorted by group, then by the instant of collection, then by bytes: the last of a group is the one to keep. What an entry
        # calls its group is the item's id here: the row that is kept keeps it.
        group = digest(normalise(head.title), head.course or "", "" if head.course is None else "course")
        return Entry(group[:32], microseconds(head.collected_at), head.id, line)

    def _groups(self) -> Iterator[list[Entry]]:
        """Rows of each group, in order."""
        group: list[Entry] = []
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
