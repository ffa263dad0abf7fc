"""Who owns a reservation, so that it can die with them.

In: a process id. Out: an ``Owner`` that names exactly one process of one boot, and whether it is alive. What must hold: a process
id that was given to somebody else, and a machine that was started anew, are both "dead"; a zombie is dead.
"""

from __future__ import annotations

import os
from pathlib import Path

import msgspec

PROC = Path("/proc")


class Owner(msgspec.Struct, frozen=True):
    """A process: its id, its start (clock ticks since the boot), the boot, and the namespace its id is of."""

    pid: int
    start: int
    boot: str
    namespace: str


def owner(pid: int | None = None) -> Owner:
    """The owner that a living process is (this one by default); raises ``ProcessLookupError`` if it is gone."""
    pid = os.getpid() if pid is None else pid
    start = started(pid)
    if start is None:
        raise ProcessLookupError(f"process {pid} is gone")
    return Owner(pid, start, boot_id(), namespace())


def alive(who: Owner) -> bool:
    """Whether it still runs. One of another namespace (a container that shares the ledger) cannot be looked up: ``True``; its
    entries live by their heartbeat instead."""
    if who.boot != boot_id():
        return False
    return foreign(who) or started(who.pid) == who.start


def foreign(who: Owner) -> bool:
    """Whether its process id is of another namespace than ours."""
    return who.namespace != namespace()


def started(pid: int) -> int | None:
    """Start of a process in clock ticks since the boot; None where there is none, or only a zombie is left.

    psutil gives a time of day, which moves when the clock is set."""
    try:
        text = (PROC / str(pid) / "stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    fields = text.rpartition(")")[2].split()
    return None if fields[0] in "ZX" else int(fields[19])


def boot_id() -> str:
    """This boot of this kernel."""
    return (PROC / "sys/kernel/random/boot_id").read_text(encoding="ascii").strip()


def namespace() -> str:
    """The namespace in which process ids are meant."""
    return os.readlink(PROC / "self/ns/pid")
