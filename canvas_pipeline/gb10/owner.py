"""Identify the process that owns a reservation, and check whether it is alive.

An ``Owner`` names exactly one process of one boot: a reused process id, a process of an earlier boot and a zombie count as dead.
"""

from __future__ import annotations

import os
from pathlib import Path

import msgspec

PROC = Path("/proc")


class Owner(msgspec.Struct, frozen=True):
    """A process: its id, its start (clock ticks since the boot), the boot, and the pid namespace."""

    pid: int
    start: int
    boot: str
    namespace: str


def owner() -> Owner:
    """Return the owner that names this process."""
    start = started(os.getpid())
    assert start is not None, "this process is alive"
    return Owner(os.getpid(), start, boot_id(), namespace())


def alive(who: Owner) -> bool:
    """Return whether the process still runs.

    True for a process of another namespace (a container that shares the ledger), which is not in our /proc: the heartbeat of its
    entries decides instead."""
    if who.boot != boot_id():
        return False
    return foreign(who) or started(who.pid) == who.start


def foreign(who: Owner) -> bool:
    """Return whether the process id belongs to another namespace than ours."""
    return who.namespace != namespace()


def started(pid: int) -> int | None:
    """Return the start of a process in clock ticks since the boot; None if it has ended or is a zombie.

    psutil is not used: its start time moves when the clock is set."""
    try:
        text = (PROC / str(pid) / "stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    fields = text.rpartition(")")[2].split()
    return None if fields[0] in "ZX" else int(fields[19])


def boot_id() -> str:
    """Return the id of the current boot."""
    return (PROC / "sys/kernel/random/boot_id").read_text(encoding="ascii").strip()


def namespace() -> str:
    """Return the pid namespace of this process."""
    return os.readlink(PROC / "self/ns/pid")
