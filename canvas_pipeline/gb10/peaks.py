"""Record the peak memory of steps, and look up the expected peak of a step.

The largest of a step's last ``KEPT`` peaks is expected. The peak of a step that was stopped at its cap is a lower bound. Without a
peak for the same code and input size, one for similar input is used and marked as not exact.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import msgspec

from canvas_pipeline.gb10.ledger import open_ledger, unusable

KEPT = 5
"""Number of peaks kept for each key."""

_SCHEMA = """
CREATE TABLE IF NOT EXISTS peaks (
  step TEXT NOT NULL, version TEXT NOT NULL, size_class INTEGER NOT NULL,
  peak INTEGER NOT NULL, stopped INTEGER NOT NULL, at REAL NOT NULL
);
CREATE INDEX IF NOT EXISTS peaks_of_a_step ON peaks (step, version, size_class);
"""


class Key(msgspec.Struct, frozen=True, kw_only=True):
    """Step, code version and input size of a peak. ``size_class`` is that of the input rows, 0 if their number is unknown."""

    step: str
    version: str = ""
    size_class: int = 0


class Learned(msgspec.Struct, frozen=True, kw_only=True):
    """The expected peak in bytes; whether a run was stopped there; whether it is for exactly this code and input size."""

    peak: int
    stopped: bool = False
    exact: bool = True


def size_class(rows: int) -> int:
    """Return the number of bits of a row count: inputs within a factor of two share their peaks."""
    return rows.bit_length()


class Peaks:
    """Store the peak memory of steps in the ledger's SQLite file, which survives reboots."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def record(self, key: Key, peak: int, *, stopped: bool = False, complete: bool = True) -> None:
        """Record the peak of one run. ``stopped``: the step was ended at its cap. ``complete``: it did all of its work.

        The peak of a stopped, failed or reused step is recorded only if it is larger than the known one."""
        if stopped or not complete:
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
        """Return the largest peak for this code and input size, else for the nearest size class (at most one below) with any code.

        None if there is none."""
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
        """Open one transaction; an error names the file."""
        try:
            with closing(open_ledger(self.path, _SCHEMA)) as db:
                db.execute("BEGIN IMMEDIATE")
                yield db
                db.commit()
        except sqlite3.Error as error:
            raise unusable(self.path, error) from error
