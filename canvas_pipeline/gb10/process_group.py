"""All processes of a step: who they are, what they take, how they are ended.

In: the process that guards the step, and the step's mark. Out: process ids, bytes, ends. What must hold: a descendant that left the
session or whose parent ended is found (the guard inherits orphans); when the guard itself was killed, members are still found by
their session and by the mark in their environment; a process that only looks like one of them (a reused id) is never touched.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Iterable, Iterator
from pathlib import Path

import msgspec

PROC = Path("/proc")
MARK = "CANVAS_STEP_TOKEN"
"""Environment variable that every program started by a step carries."""
_PAGE = os.sysconf("SC_PAGE_SIZE")


class Member(msgspec.Struct, frozen=True, kw_only=True):
    """One process as ``/proc/<pid>/stat`` shows it; ``start`` is in clock ticks since the boot."""

    pid: int
    parent: int
    session: int
    start: int
    zombie: bool
    name: str


def member(pid: int) -> Member | None:
    """The process, or None if it is gone."""
    try:
        text = (PROC / str(pid) / "stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    head, _, tail = text.rpartition(")")
    fields = tail.split()
    return Member(
        pid=pid, parent=int(fields[1]), session=int(fields[3]), start=int(fields[19]), zombie=fields[0] in "ZX",
        name=head.partition("(")[2],
    )  # fmt: skip


def descendants(pid: int) -> list[int]:
    """Children, their children and so on, without ``pid`` itself; zombies too."""
    found: list[int] = []
    waiting = [pid]
    while waiting:
        children = _children(waiting.pop())
        found += children
        waiting += children
    return found


def _children(pid: int) -> list[int]:
    """By the kernel's own lists where it keeps them, else by looking at every process."""
    tasks = PROC / str(pid) / "task"
    try:
        threads = os.listdir(tasks)
    except OSError:
        return []
    found: list[int] = []
    for thread in threads:
        try:
            found += map(int, (tasks / thread / "children").read_text(encoding="ascii").split())
        except FileNotFoundError:
            if (tasks / thread).exists():  # a kernel without CONFIG_PROC_CHILDREN
                return [other.pid for other in everybody() if other.parent == pid]
        except OSError:
            continue
    return found


def everybody() -> Iterator[Member]:
    """Every process of this namespace."""
    for entry in os.listdir(PROC):
        if entry.isdigit() and (found := member(int(entry))) is not None:
            yield found


def marked(token: str, session: int | None = None, born_after: int = 0) -> list[int]:
    """Processes of a step whose guard is gone: those that carry its mark, and those of its session that started after it did."""
    leader = None if session is None else member(session)
    reused = leader is not None and leader.start > born_after and not carries(leader.pid, token)
    mine = os.getuid()
    found = []
    for other in everybody():
        if other.zombie or other.pid == os.getpid() or _owner_of(other.pid) != mine:
            continue
        of_session = session is not None and not reused and other.session == session and other.start >= born_after
        if of_session or carries(other.pid, token):
            found.append(other.pid)
    return found


def carries(pid: int, token: str) -> bool:
    """Whether the environment it was started with has the step's mark."""
    try:
        return f"{MARK}={token}".encode() in (PROC / str(pid) / "environ").read_bytes().split(b"\0")
    except OSError:
        return False


def _owner_of(pid: int) -> int:
    try:
        return os.stat(PROC / str(pid)).st_uid
    except OSError:
        return -1


def resident(pids: Iterable[int]) -> int:
    """Sum of the resident sets, in bytes: cheap, and never less than ``proportional`` (shared pages count for each)."""
    total = 0
    for pid in pids:
        try:
            total += int((PROC / str(pid) / "statm").read_bytes().split()[1]) * _PAGE
        except (OSError, IndexError):
            continue
    return total


def proportional(pids: Iterable[int]) -> dict[int, int]:
    """Proportional set size of each, in bytes, with what lies in swap: their sum counts a shared page once."""
    sizes = {}
    for pid in pids:
        try:
            lines = (PROC / str(pid) / "smaps_rollup").read_bytes().splitlines()
            sizes[pid] = sum(int(line.split()[1]) << 10 for line in lines if line.startswith((b"Pss:", b"SwapPss:")))
        except (FileNotFoundError, PermissionError):
            # A kernel before 4.14, or a process that lets nobody look into it (another user's, not dumpable): an upper bound.
            if (PROC / str(pid)).exists():
                sizes[pid] = resident([pid])
        except (OSError, IndexError):
            continue  # it ended meanwhile
    return sizes


def described(pid: int) -> str:
    """A process for people: its program or Python module, never its arguments (they may name people's files)."""
    try:
        words = (PROC / str(pid) / "cmdline").read_bytes().decode("utf-8", "replace").split("\0")
    except OSError:
        words = []
    name = (
        Path(words[0]).name
        if words and words[0]
        else (found.name if (found := member(pid)) else "a process that ended")
    )
    if "-m" in words[:6] and words.index("-m") + 1 < len(words):
        name = f"{name} -m {words[words.index('-m') + 1]}"
    return f"{name} (pid {pid})"


def send(pids: Iterable[int], number: signal.Signals) -> list[int]:
    """Signal each that is still there; returns those that may not be signalled, having become another user (sudo)."""
    refused = []
    for pid in pids:
        try:
            os.kill(pid, number)
        except ProcessLookupError:
            continue
        except PermissionError:
            refused.append(pid)
    return refused


def reap(token: str, session: int | None, born_after: int) -> bool:
    """Kill what is left of a step whose guard is gone, without waiting; whether nothing was left."""
    left = marked(token, session, born_after)
    send(left, signal.SIGKILL)
    return not left
