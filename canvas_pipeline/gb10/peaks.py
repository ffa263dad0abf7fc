"""What steps really took, and what that means for the next run.

In: a step's key, code version and input size, its peak in bytes. Out: the largest of its last peaks. What must hold: a step that
was stopped at its cap counts as "at least that much"; an old peak of an input or code like this one is better than none, and is
named as what it is; one large day is forgotten after a few runs, and a run without work forgets nothing.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import msgspec

from canvas_pipeline.gb10.ledger import opened, unusable

KEPT = 5
"""Peaks kept of one step with one code and size; the largest counts."""

_SCHEMA = """
CREATE TABLE IF NOT EXISTS peaks (
  step TEXT NOT NULL, version TEXT NOT NULL, size_class INTEGER NOT NULL,
  peak INTEGER NOT NULL, stopped INTEGER NOT NULL, at REAL NOT NULL
);
CREATE INDEX IF NOT EXISTS peaks_of_a_step ON peaks (step, version, size_class);
"""


class Key(msgspec.Struct, frozen=True, kw_only=True):
    """What a peak is a peak of. ``size_class`` is the power of two of the input rows, 0 where they are unknown."""

    step: str
    version: str = ""
    size_class: int = 0


class Learned(msgspec.Struct, frozen=True, kw_only=True):
    """The peak to reckon with, in bytes; whether some run was stopped there; whether it is of this very code and size."""

    peak: int
    stopped: bool = False
    exact: bool = True


def size_class(rows: int) -> int:
    """Power of two that holds so many rows: inputs within a factor of two share their peaks."""
    return rows.bit_length()


class Peaks:
    """Kept in the ledger's file, which outlives boots."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def record(self, key: Key, peak: int, *, stopped: bool = False, whole: bool = True) -> None:
        """Remember one run's peak; a stopped one says "at least". One of a step that did not do its whole work (it failed, or found
        its work done) pushes no better one out: it counts only where it is more than what is known."""
        if stopped or not whole:
            known = self.learned(key)
            if peak <= known.peak if known else not stopped:
                return
        with self._open() as db:
            db.execute(
                "INSERT INTO peaks VALUES (?, ?, ?, ?, ?, ?)",
                (key.step, key.version, key.size_class, peak, int(stopped), time.time()),
            )
            db.execute(
                "DELETE FROM peaks WHERE step = ? AND version = ? AND size_class = ? AND rowid NOT IN "
                "(SELECT rowid FROM peaks WHERE step = ? AND version = ? AND size_class = ? ORDER BY rowid DESC LIMIT ?)",
                (key.step, key.version, key.size_class) * 2 + (KEPT,),
            )

    def learned(self, key: Key) -> Learned | None:
        """Of this code and size; else of the nearest input that was not smaller than half of it, whatever its code; None where
        the step is new."""
        with self._open() as db:
            rows = db.execute(
                "SELECT version, size_class, peak, stopped FROM peaks WHERE step = ? ORDER BY rowid", (key.step,)
            ).fetchall()
        exact = [row for row in rows if row[:2] == (key.version, key.size_class)]
        if exact:
            largest = max(exact, key=lambda row: row[2])
            return Learned(peak=largest[2], stopped=bool(largest[3]))
        near = [row for row in rows if row[1] >= key.size_class - 1]
        if not near:
            return None
        distance = min(abs(row[1] - key.size_class) for row in near)
        closest = [row for row in near if abs(row[1] - key.size_class) == distance][-KEPT:]
        largest = max(closest, key=lambda row: row[2])
        return Learned(peak=largest[2], stopped=bool(largest[3]), exact=False)

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        """One transaction; raises an error that names the file where it cannot be used."""
        try:
            with closing(opened(self.path, _SCHEMA)) as db:
                db.execute("BEGIN IMMEDIATE")
                yield db
                db.commit()
        except sqlite3.Error as error:
            raise unusable(self.path, error) from error
