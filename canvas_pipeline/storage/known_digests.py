"""Remember the sha256 of large files, so that an unchanged file is read once and not at every look.

A digest is known by the file's device, inode, size, and times of its last modification and of its last change (ctime, which no
program can set back). It is kept in an SQLite file beside the data folder's key and carries that key's seal: an edited row is not
believed. Publishing and ``canvas-release verify`` read every file again.
"""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Callable
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path

from canvas_pipeline.storage.digests import sha256_file, sha256_path
from canvas_pipeline.storage.seal import Seal

SMALLEST = 1 << 20
"""Bytes. A smaller file is read as fast as its digest is looked up."""
SETTLED_S = 2.0
"""A file that changed less than this before it was read is not remembered: it may change again within one tick of its clock."""
_TABLE = """CREATE TABLE IF NOT EXISTS known (
    device INTEGER, inode INTEGER, size INTEGER, mtime_ns INTEGER, ctime_ns INTEGER, sha256 TEXT, seal TEXT,
    PRIMARY KEY (device, inode))"""
_WAIT_S = 10.0


@dataclass(frozen=True, slots=True)
class KnownDigests:
    """The digests of one data folder. ``read`` hashes a file that is not known."""

    seal: Seal
    read: Callable[[Path], str] = sha256_file

    @property
    def database(self) -> Path:
        return self.seal.path.with_name("digests.db")

    def file(self, path: Path) -> str:
        """Return the sha256 of a file as it is now."""
        before = path.stat()
        if before.st_size < SMALLEST:
            return self.read(path)
        known = self._find(before)
        if known is not None:
            return known
        sha256 = self.read(path)
        after = path.stat()
        if _state(after) == _state(before) and time.time() - after.st_ctime > SETTLED_S:
            self._remember(after, sha256)
        return sha256

    def path(self, path: Path) -> str:
        """Return what ``digests.sha256_path`` does, for a file or a folder."""
        return sha256_path(path, self.file)

    def _find(self, stat: os.stat_result) -> str | None:
        if not self.database.is_file():
            return None
        try:
            with closing(sqlite3.connect(self.database, timeout=_WAIT_S)) as connection:
                row = connection.execute(
                    "SELECT sha256, seal FROM known WHERE (device, inode, size, mtime_ns, ctime_ns) = (?, ?, ?, ?, ?)",
                    _state(stat),
                ).fetchone()
        except sqlite3.OperationalError:  # another process writes for too long, or has not made the table yet
            return None
        except sqlite3.DatabaseError:  # cut or overwritten: the files are read again
            self.database.unlink(missing_ok=True)
            return None
        return row[0] if row and self.seal.signed(_about(stat), row[0], row[1]) else None

    def _remember(self, stat: os.stat_result, sha256: str) -> None:
        folder = self.database.parent
        if folder.is_dir() and not os.access(folder, os.W_OK):  # a data folder that is only read
            return
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        row = (*_state(stat), sha256, self.seal.sign(_about(stat), sha256))
        # Where the database is locked for too long or the disk is full, the file is read once more the next time.
        with (
            suppress(sqlite3.OperationalError),
            closing(sqlite3.connect(self.database, timeout=_WAIT_S)) as connection,
            connection,
        ):
            connection.execute(_TABLE)
            connection.execute("INSERT OR REPLACE INTO known VALUES (?, ?, ?, ?, ?, ?, ?)", row)


def _state(stat: os.stat_result) -> tuple[int, int, int, int, int]:
    # SQLite's integers have a sign; devices and inodes may use all 64 bits.
    device, inode = (number - (1 << 64) if number >> 63 else number for number in (stat.st_dev, stat.st_ino))
    return device, inode, stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns


def _about(stat: os.stat_result) -> str:
    return f"digest of {_state(stat)}"
