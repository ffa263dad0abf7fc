"""The host-wide ledger: one SQLite file that all runs and processes of a user share.

In: claims of steps, measurements of their guards. Out: decisions, and who holds what. What must hold: every question and its
answer are one transaction (``BEGIN IMMEDIATE``), so that two runs never give the same memory away twice; an entry dies with its
owner, also after SIGKILL or a reboot, and only when nothing of the step is left; a process that forks opens its own connection.

The file lies in the user's state folder, not in a Dagster home: memory belongs to the machine, whatever instance a run is of.
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
from canvas_pipeline.gb10.admission import Admitted, Claim, Decision, Holding, Refused, Room, decide, victim
from canvas_pipeline.gb10.owner import Owner

BUSY_S = 30
ASKING_S = 3.0
"""A claim that has not asked for so long (its run's own limits keep it back) keeps nobody waiting."""
HEARTBEAT_S = 30.0
"""An entry of another namespace is dead when its guard has said nothing for so long."""
NEXT_VICTIM_S = 2.0
VERSION = 1
"""Of the file: another number where columns change."""

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


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """One row. ``state``: waiting, held, or returning (its processes are gone, its memory is not back yet). Sizes are bytes, times
    seconds since the boot; ``stop`` is the reason for which its guard is asked to end it."""

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

    def holding(self) -> Holding:
        used = self.size if self.state == "returning" else self.used
        return Holding(token=self.token, size=self.size, used=used, started=self.started, name=self.step)


def since_boot() -> float:
    """Seconds since the boot: one clock for all processes, which nobody sets."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


def nothing_left(entry: Entry) -> bool:
    """The default undertaker: nothing to clear away."""
    return True


class Ledger:
    """``alive`` and ``clock`` are the machine's; ``undertaker`` is given an entry whose owner is dead, ends what is left of its
    processes and says whether they are gone."""

    def __init__(
        self,
        path: Path,
        *,
        alive: Callable[[Owner], bool] = owners.alive,
        clock: Callable[[], float] = since_boot,
        undertaker: Callable[[Entry], bool] = nothing_left,
    ) -> None:
        self.path = path
        self._alive, self._clock, self._undertaker = alive, clock, undertaker
        self._connection: sqlite3.Connection | None = None
        self._pid = 0

    # --- admission

    def ask(self, claim: Claim, run: str, who: Owner, room: Room, patience: float, declared: int = 0) -> Decision:
        """Whether the claim may start now. Admitted: the reservation is made, in the name of ``who``. Waits: it stands in the
        queue, where it keeps its place as long as it asks again."""
        now = self._clock()
        with self._transaction() as db:
            self._bury(db, now, room)
            entries = list(_rows(db))
            queue = [
                Claim(token=e.token, size=e.size, since=e.since, name=e.step)
                for e in entries
                if e.state == "waiting" and e.token != claim.token and now - e.seen <= ASKING_S
            ]
            known = next((e for e in entries if e.token == claim.token), None)
            if known is not None:
                claim = msgspec.structs.replace(claim, since=known.since)
            holdings = [e.holding() for e in entries if e.state != "waiting"]
            decision = decide(claim, queue, holdings, room, patience, now)
            state = "held" if isinstance(decision, Admitted) else "waiting"
            if isinstance(decision, Refused):  # it will not ask again
                db.execute("DELETE FROM entries WHERE token = ?", (claim.token,))
            elif state == "held" or known is None or now - known.seen > ASKING_S / 4:
                entry = Entry(
                    token=claim.token, state=state, run=run, step=claim.name, size=claim.size, declared=declared,
                    since=claim.since, started=now, seen=now, pid=who.pid, start=who.start, boot=who.boot,
                    namespace=who.namespace,
                )  # fmt: skip
                _put(db, entry)
        return decision

    def forget(self, token: str) -> None:
        """Leave the queue, or give the reservation back."""
        with self._transaction() as db:
            db.execute("DELETE FROM entries WHERE token = ?", (token,))

    release = forget

    def leave(self, who: Owner) -> int:
        """Remove everything that a process still has here (its queue places above all); returns how many."""
        with self._transaction() as db:
            return db.execute(
                "DELETE FROM entries WHERE pid = ? AND start = ? AND boot = ?", (who.pid, who.start, who.boot)
            ).rowcount

    # --- while it runs

    def hand_over(self, token: str, who: Owner, session: int) -> bool:
        """From now on the entry lives and dies with ``who``; False where there is no such entry any more."""
        with self._transaction() as db:
            return bool(
                db.execute(
                    "UPDATE entries SET pid = ?, start = ?, boot = ?, namespace = ?, session = ?, seen = ? WHERE token = ?",
                    (who.pid, who.start, who.boot, who.namespace, session, self._clock(), token),
                ).rowcount
            )

    def measure(self, token: str, used: int) -> str:
        """Note what a step uses now; returns the reason for which it is to be ended ("" for none)."""
        with self._transaction() as db:
            db.execute(
                "UPDATE entries SET used = ?, peak = MAX(peak, ?), seen = ? WHERE token = ?",
                (used, used, self._clock(), token),
            )
            row = db.execute("SELECT stop FROM entries WHERE token = ?", (token,)).fetchone()
        return str(row[0]) if row else ""

    def grow(self, token: str, size: int, room: Room) -> bool:
        """A larger reservation for an entry that is held, if the difference fits now."""
        with self._transaction() as db:
            entries = list(_rows(db))
            known = next((e for e in entries if e.token == token and e.state == "held"), None)
            if known is None:
                return False
            more = Claim(token=token, size=size, since=known.since, name=known.step)
            others = [e.holding() for e in entries if e.state != "waiting" and e.token != token]
            back = msgspec.structs.replace(room, available=room.available + known.used)
            if not isinstance(decide(more, (), others, back, 0.0, self._clock()), Admitted):
                return False
            db.execute("UPDATE entries SET size = ? WHERE token = ?", (size, token))
            return True

    def shrink(self, token: str, size: int) -> None:
        """A smaller reservation; a larger ``size`` changes nothing."""
        with self._transaction() as db:
            db.execute("UPDATE entries SET size = MIN(size, ?) WHERE token = ?", (size, token))

    def returning(self, token: str, who: Owner, left: int, expected: int, bound_s: float) -> None:
        """The processes are gone; hold ``left`` bytes until ``expected`` are available again, at most for ``bound_s``."""
        now = self._clock()
        with self._transaction() as db:
            others = sum(e.used for e in _rows(db) if e.state == "held" and e.token != token)
            db.execute(
                "UPDATE entries SET state = 'returning', size = ?, used = 0, expected = ?, until = ?, others = ?, seen = ?, "
                "pid = ?, start = ?, boot = ?, namespace = ? WHERE token = ?",
                (left, expected, now + bound_s, others, now, who.pid, who.start, who.boot, who.namespace, token),
            )

    def elect(self, missing: int, reason: str) -> str:
        """The floor is touched: choose who goes, once for all guards; returns its token, or "" where one is going already."""
        now = self._clock()
        with self._transaction() as db:
            row = db.execute("SELECT at FROM notes WHERE name = 'victim'").fetchone()
            if row is not None and 0 <= now - row[0] < NEXT_VICTIM_S:
                return ""
            chosen = victim([e.holding() for e in _rows(db) if e.state == "held" and not e.stop], missing)
            if chosen is None:
                return ""
            db.execute("UPDATE entries SET stop = ? WHERE token = ?", (reason, chosen.token))
            db.execute("INSERT OR REPLACE INTO notes VALUES ('victim', ?, ?)", (chosen.token, now))
            return chosen.token

    # --- who holds what

    def entries(self, room: Room | None = None) -> list[Entry]:
        """Every living entry, those that hold first, the eldest first."""
        with self._transaction() as db:
            self._bury(db, self._clock(), room)
            return sorted(_rows(db), key=lambda e: (e.state == "waiting", e.since, e.token))

    def note(self, name: str) -> tuple[str, float] | None:
        """A remembered value and its age in seconds."""
        with self._transaction() as db:
            row = db.execute("SELECT value, at FROM notes WHERE name = ?", (name,)).fetchone()
        age = self._clock() - row[1] if row else 0.0
        return (str(row[0]), age) if row and age >= 0 else None

    def remember(self, name: str, value: str) -> None:
        """Keep a value for all processes."""
        with self._transaction() as db:
            db.execute("INSERT OR REPLACE INTO notes VALUES (?, ?, ?)", (name, value, self._clock()))

    def _bury(self, db: sqlite3.Connection, now: float, room: Room | None) -> None:
        """Remove what belongs to the dead, and what has returned."""
        entries = list(_rows(db))
        in_use = sum(e.used for e in entries if e.state == "held")
        for entry in entries:
            if entry.state == "returning":
                back = room is not None and room.available + (in_use - entry.others) >= entry.expected
                gone = back or now >= entry.until or not self._alive(entry.owner)
            elif not self._living(entry, now):
                # After a reboot nothing of it can be left, and its process ids are somebody else's.
                gone = entry.state == "waiting" or entry.boot != owners.boot_id() or self._undertaker(entry)
            else:
                gone = False
            if gone:
                db.execute("DELETE FROM entries WHERE token = ?", (entry.token,))

    def _living(self, entry: Entry, now: float) -> bool:
        if owners.foreign(entry.owner) and entry.boot == owners.boot_id():
            return now - entry.seen <= HEARTBEAT_S
        return self._alive(entry.owner)

    # --- the file

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        """One question and its answer, alone in the file; raises ``BadInput`` naming the file where it cannot be used."""
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
            # Closing undoes what a full disk kept from being written; the next question opens the file anew.
            self.close()
            raise unusable(self.path, error) from error

    def _open(self) -> sqlite3.Connection:
        if self._connection is None or self._pid != os.getpid():
            db = opened(self.path, _SCHEMA)
            self._connection, self._pid = db, os.getpid()
        return self._connection

    def close(self) -> None:
        """Close the connection of this process."""
        if self._connection is not None and self._pid == os.getpid():
            self._connection.close()
        self._connection = None


def opened(path: Path, schema: str) -> sqlite3.Connection:
    """A connection to the ledger's file, which is made where there is none; raises ``BadInput`` where another version of this
    package made it: its columns may mean something else."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise unusable(path, error) from error
    db = sqlite3.connect(path, timeout=BUSY_S, isolation_level=None, check_same_thread=False)
    try:
        db.execute("PRAGMA journal_mode = WAL")
        # An entry means nothing after a power cut; a torn file would: NORMAL keeps the file whole and syncs rarely.
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
    """What to do about a ledger that cannot be read or written."""
    if getattr(error, "sqlite_errorcode", None) == sqlite3.SQLITE_FULL or getattr(error, "errno", None) == errno.ENOSPC:
        return DiskFull(
            f"{path}: no room for the memory ledger, which is a few hundred kilobytes; make room on its disk, or name a file on "
            "another one with CANVAS_UMA_LEDGER"
        )
    return BadInput(
        f"{path}: the memory ledger cannot be used ({error}). It holds nothing but current reservations and learned peaks: "
        "stop the runs, delete it, start them again; or name another file with CANVAS_UMA_LEDGER"
    )


_COLUMNS: Sequence[str] = Entry.__struct_fields__


def _rows(db: sqlite3.Connection) -> Iterator[Entry]:
    for row in db.execute(f"SELECT {', '.join(_COLUMNS)} FROM entries").fetchall():
        yield Entry(**dict(zip(_COLUMNS, row, strict=True)))


def _put(db: sqlite3.Connection, entry: Entry) -> None:
    marks = ", ".join("?" * len(_COLUMNS))
    values = [getattr(entry, name) for name in _COLUMNS]
    db.execute(f"INSERT OR REPLACE INTO entries ({', '.join(_COLUMNS)}) VALUES ({marks})", values)
