"""Store the reservations and waiting claims of this machine in one SQLite file that all processes of a user share.

Invariants: every request is one transaction (``BEGIN IMMEDIATE``), so two runs never reserve the same memory; an entry is
removed when its owner has ended, even by SIGKILL or a reboot, but only once no process of the step is left; a forked process
opens its own connection.

The file is in the user's state folder, not in a Dagster home: memory belongs to the machine, whatever instance a run is of.
"""

from __future__ import annotations

import errno
import os
import sqlite3
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import msgspec

from canvas_pipeline.errors import BadInput, CanvasPipelineError, DiskFull
from canvas_pipeline.gb10 import owner as owners
from canvas_pipeline.gb10.admission import Admitted, Claim, Decision, Headroom, Refused, Reservation, decide, victim
from canvas_pipeline.gb10.owner import Owner

BUSY_S = 30
CLAIM_EXPIRES_S = 3.0
"""A claim that was not requested again for this many seconds (its run's own limits block it) blocks no other."""
HEARTBEAT_S = 30.0
"""An entry of another namespace is dead when its watchdog has not measured for this many seconds."""
NEXT_VICTIM_S = 2.0
VERSION = 1
"""The file's version; it changes with the columns."""

_SCHEMA = """
CREATE TABLE IF NOT EXISTS entries (
  token TEXT PRIMARY KEY, state TEXT NOT NULL, run TEXT NOT NULL, step TEXT NOT NULL,
  size INTEGER NOT NULL, declared INTEGER NOT NULL, used INTEGER NOT NULL, peak INTEGER NOT NULL,
  since REAL NOT NULL, started REAL NOT NULL, seen REAL NOT NULL,
  pid INTEGER NOT NULL, start INTEGER NOT NULL, boot TEXT NOT NULL, namespace TEXT NOT NULL,
  session INTEGER, expected INTEGER NOT NULL, until REAL NOT NULL, others INTEGER NOT NULL, stop TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS notes (name TEXT PRIMARY KEY, value TEXT NOT NULL, at REAL NOT NULL);
"""


class LedgerEntry(msgspec.Struct, frozen=True, kw_only=True):
    """One row of the ledger. ``state`` is waiting, held, or returning: its processes have ended, but their memory is not free yet.

    Sizes are bytes, times seconds since the boot. ``stop`` is the reason why the watchdog has to end the step."""

    token: str
    state: str
    run: str
    step: str
    size: int
    declared: int = 0
    used: int = 0
    peak: int = 0
    since: float
    started: float = 0.0
    seen: float = 0.0
    pid: int
    start: int
    boot: str
    namespace: str
    session: int | None = None
    expected: int = 0
    until: float = 0.0
    others: int = 0
    stop: str = ""

    @property
    def owner(self) -> Owner:
        return Owner(self.pid, self.start, self.boot, self.namespace)

    def reservation(self) -> Reservation:
        used = self.size if self.state == "returning" else self.used
        return Reservation(token=self.token, size=self.size, used=used, started=self.started, name=self.step)


def since_boot() -> float:
    """Return the seconds since the boot: one clock for all processes, which cannot be set."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


def nothing_left(entry: LedgerEntry) -> bool:
    """Reap nothing: the default reaper, for ledgers that reap no entry."""
    return True


class Ledger:
    """Reserve the machine's memory for steps and queue the steps that must wait.

    ``reaper`` is called with an entry whose owner has ended: it stops the entry's remaining processes and returns whether none is
    left, so that the entry can be removed. ``alive`` and ``clock`` are replaced in tests."""

    def __init__(
        self,
        path: Path,
        *,
        alive: Callable[[Owner], bool] = owners.alive,
        clock: Callable[[], float] = since_boot,
        reaper: Callable[[LedgerEntry], bool] = nothing_left,
    ) -> None:
        self.path = path
        self._alive, self._clock, self._reaper = alive, clock, reaper
        self._connection: sqlite3.Connection | None = None
        self._pid = 0

    # --- admission

    def request(
        self, claim: Claim, run: str, who: Owner, headroom: Headroom, patience: float, declared: int = 0
    ) -> Decision:
        """Decide whether the claim may start now. Admitted: the reservation is made, owned by ``who``. Queued: the claim is queued
        at its position as long as it is requested again."""
        now = self._clock()
        with self._transaction() as db:
            self._reap(db, now, headroom)
            entries = list(_rows(db))
            queue = [
                Claim(token=e.token, size=e.size, since=e.since, name=e.step)
                for e in entries
                if e.state == "waiting" and e.token != claim.token and now - e.seen <= CLAIM_EXPIRES_S
            ]
            known = next((e for e in entries if e.token == claim.token), None)
            if known is not None:
                claim = msgspec.structs.replace(claim, since=known.since)
            reservations = [e.reservation() for e in entries if e.state != "waiting"]
            decision = decide(claim, queue, reservations, headroom, patience, now)
            state = "held" if isinstance(decision, Admitted) else "waiting"
            if isinstance(decision, Refused):
                db.execute("DELETE FROM entries WHERE token = ?", (claim.token,))
            else:
                entry = LedgerEntry(
                    token=claim.token, state=state, run=run, step=claim.name, size=claim.size, declared=declared,
                    since=claim.since, started=now, seen=now, pid=who.pid, start=who.start, boot=who.boot,
                    namespace=who.namespace,
                )  # fmt: skip
                _put(db, entry)
        return decision

    def release(self, token: str) -> None:
        """Remove an entry: its reservation, or its position in the queue."""
        with self._transaction() as db:
            db.execute("DELETE FROM entries WHERE token = ?", (token,))

    def release_all(self, who: Owner) -> None:
        """Remove every entry of a process."""
        with self._transaction() as db:
            db.execute("DELETE FROM entries WHERE pid = ? AND start = ? AND boot = ?", (who.pid, who.start, who.boot))

    # --- while it runs

    def transfer(self, token: str, who: Owner, session: int) -> bool:
        """Make ``who`` the owner of an entry; returns False if there is no such entry."""
        with self._transaction() as db:
            return bool(
                db.execute(
                    "UPDATE entries SET pid = ?, start = ?, boot = ?, namespace = ?, session = ?, seen = ? WHERE token = ?",
                    (who.pid, who.start, who.boot, who.namespace, session, self._clock(), token),
                ).rowcount
            )

    def measure(self, token: str, used: int) -> str:
        """Store what a step uses now; returns the reason why it has to be ended, or ""."""
        with self._transaction() as db:
            db.execute(
                "UPDATE entries SET used = ?, peak = MAX(peak, ?), seen = ? WHERE token = ?",
                (used, used, self._clock(), token),
            )
            row = db.execute("SELECT stop FROM entries WHERE token = ?", (token,)).fetchone()
        return str(row[0]) if row else ""

    def mark_returning(self, token: str, who: Owner, left: int, expected: int, bound_s: float) -> None:
        """Reserve ``left`` bytes of an ended step until ``expected`` are available again, at most for ``bound_s`` seconds."""
        now = self._clock()
        with self._transaction() as db:
            others = sum(e.used for e in _rows(db) if e.state == "held" and e.token != token)
            db.execute(
                "UPDATE entries SET state = 'returning', size = ?, used = 0, expected = ?, until = ?, others = ?, seen = ?, "
                "pid = ?, start = ?, boot = ?, namespace = ? WHERE token = ?",
                (left, expected, now + bound_s, others, now, who.pid, who.start, who.boot, who.namespace, token),
            )

    def choose_victim(self, missing: int, reason: str) -> str:
        """Choose the step to end because the floor is touched, once for all watchdogs.

        Returns its token, or "" if one was just chosen."""
        now = self._clock()
        with self._transaction() as db:
            row = db.execute("SELECT at FROM notes WHERE name = 'victim'").fetchone()
            if row is not None and 0 <= now - row[0] < NEXT_VICTIM_S:
                return ""
            chosen = victim([e.reservation() for e in _rows(db) if e.state == "held" and not e.stop], missing)
            if chosen is None:
                return ""
            db.execute("UPDATE entries SET stop = ? WHERE token = ?", (reason, chosen.token))
            db.execute("INSERT OR REPLACE INTO notes VALUES ('victim', ?, ?)", (chosen.token, now))
            return chosen.token

    # --- reading

    def entries(self, headroom: Headroom | None = None) -> list[LedgerEntry]:
        """Return every living entry: reservations first, then waiting claims, the oldest first."""
        with self._transaction() as db:
            self._reap(db, self._clock(), headroom)
            return sorted(_rows(db), key=lambda e: (e.state == "waiting", e.since, e.token))

    def note(self, name: str) -> tuple[str, float] | None:
        """Return a value that ``store_note`` stored, and its age in seconds."""
        with self._transaction() as db:
            row = db.execute("SELECT value, at FROM notes WHERE name = ?", (name,)).fetchone()
        age = self._clock() - row[1] if row else 0.0
        return (str(row[0]), age) if row and age >= 0 else None

    def store_note(self, name: str, value: str) -> None:
        """Store a value for all processes."""
        with self._transaction() as db:
            db.execute("INSERT OR REPLACE INTO notes VALUES (?, ?, ?)", (name, value, self._clock()))

    def _reap(self, db: sqlite3.Connection, now: float, headroom: Headroom | None) -> None:
        """Remove entries whose owner is dead, and those whose memory is back."""
        entries = list(_rows(db))
        in_use = sum(e.used for e in entries if e.state == "held")
        for entry in entries:
            if entry.state == "returning":
                back = headroom is not None and headroom.available + (in_use - entry.others) >= entry.expected
                ended = back or now >= entry.until or not self._alive(entry.owner)
            elif not self._living(entry, now):
                # After a reboot none of its processes is left, and its process ids belong to others.
                ended = entry.state == "waiting" or entry.boot != owners.boot_id() or self._reaper(entry)
            else:
                ended = False
            if ended:
                db.execute("DELETE FROM entries WHERE token = ?", (entry.token,))

    def _living(self, entry: LedgerEntry, now: float) -> bool:
        if owners.foreign(entry.owner) and entry.boot == owners.boot_id():
            return now - entry.seen <= HEARTBEAT_S
        return self._alive(entry.owner)

    # --- the file

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        """Open one exclusive transaction; raises ``BadInput`` or ``DiskFull`` naming the file."""
        try:
            db = self._open()
            db.execute("BEGIN IMMEDIATE")
            try:
                yield db
            except BaseException:
                db.rollback()
                raise
            db.commit()
        except sqlite3.Error as error:
            # Closing rolls back what a full disk did not allow to be written; the next request opens the file again.
            self.close()
            raise unusable(self.path, error) from error

    def _open(self) -> sqlite3.Connection:
        if self._connection is None or self._pid != os.getpid():
            db = open_ledger(self.path, _SCHEMA)
            self._connection, self._pid = db, os.getpid()
        return self._connection

    def close(self) -> None:
        """Close this process's connection."""
        if self._connection is not None and self._pid == os.getpid():
            self._connection.close()
        self._connection = None


def open_ledger(path: Path, schema: str) -> sqlite3.Connection:
    """Open the ledger's file, and create it if it is missing; raises ``BadInput`` if another version of this package wrote it."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise unusable(path, error) from error
    db = sqlite3.connect(path, timeout=BUSY_S, isolation_level=None, check_same_thread=False)
    try:
        db.execute("PRAGMA journal_mode = WAL")
        # After a power cut the entries are worthless, but the file must be intact: NORMAL ensures that and syncs rarely.
        db.execute("PRAGMA synchronous = NORMAL")
        (version,) = db.execute("PRAGMA user_version").fetchone()
        if version not in (0, VERSION):
            raise unusable(path, f"it is of version {version}, this package writes version {VERSION}")
        if version == 0:
            db.execute(f"PRAGMA user_version = {VERSION}")
        db.executescript(schema)
    except BaseException:
        db.close()
        raise
    return db


def unusable(path: Path, error: Exception | str) -> CanvasPipelineError:
    """Return the error for a ledger that cannot be read or written, with what to do about it."""
    if getattr(error, "sqlite_errorcode", None) == sqlite3.SQLITE_FULL or getattr(error, "errno", None) == errno.ENOSPC:
        return DiskFull(
            f"{path}: no free disk space for the memory ledger, which takes a few hundred kilobytes; free some, or name a file "
            "on another disk with CANVAS_UMA_LEDGER"
        )
    return BadInput(
        f"{path}: the memory ledger cannot be used ({error}). It holds nothing but current reservations and learned peaks: "
        "stop the runs, delete it, start them again; or name another file with CANVAS_UMA_LEDGER"
    )


_COLUMNS: Sequence[str] = LedgerEntry.__struct_fields__


def _rows(db: sqlite3.Connection) -> Iterator[LedgerEntry]:
    for row in db.execute(f"SELECT {', '.join(_COLUMNS)} FROM entries").fetchall():
        yield LedgerEntry(**dict(zip(_COLUMNS, row, strict=True)))


def _put(db: sqlite3.Connection, entry: LedgerEntry) -> None:
    marks = ", ".join("?" * len(_COLUMNS))
    values = [getattr(entry, name) for name in _COLUMNS]
    db.execute(f"INSERT OR REPLACE INTO entries ({', '.join(_COLUMNS)}) VALUES ({marks})", values)
