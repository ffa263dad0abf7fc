"""Find, measure and end all processes of a step.

A descendant that left the session, or whose parent ended, is found: the guard inherits orphans. When the guard itself was killed,
members are found by their session and by the mark in their environment. A process with a reused id is never touched.

psutil reads ``/proc``, with two exceptions, which it does not offer: the kernel's own lists of children, and swap that is shared.
"""

from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import Iterable
from pathlib import Path

import psutil

from canvas_pipeline.gb10.owner import started

PROC = Path("/proc")
MARK = "CANVAS_STEP_TOKEN"
"""Environment variable that every program started by a step carries."""


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
    """By the kernel's own lists where it keeps them: a guard asks ten times a second, and psutil reads every process for that."""
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
                with contextlib.suppress(psutil.NoSuchProcess):
                    return [child.pid for child in psutil.Process(pid).children()]
        except OSError:
            continue
    return found


def marked(token: str, session: int | None = None, born_after: int = 0) -> list[int]:
    """Processes of a step whose guard is gone: those that carry its mark, and those of its session that started after it did."""
    leader = None if session is None else started(session)
    reused = session is not None and leader is not None and leader > born_after and not carries(session, token)
    mine = os.getuid()
    found = []
    for other in psutil.process_iter():
        with contextlib.suppress(psutil.Error, ProcessLookupError):
            birth = started(other.pid)
            if birth is None or other.pid == os.getpid() or other.uids().real != mine:
                continue
            of_session = session is not None and not reused and os.getsid(other.pid) == session and birth >= born_after
            if of_session or carries(other.pid, token):
                found.append(other.pid)
    return found


def carries(pid: int, token: str) -> bool:
    """Whether the environment it was started with has the step's mark."""
    try:
        return bool(psutil.Process(pid).environ().get(MARK) == token)
    except psutil.Error:
        return False


def resident(pids: Iterable[int]) -> int:
    """Sum of the resident sets, in bytes: cheap, and never less than ``proportional`` (shared pages count for each)."""
    total = 0
    for pid in pids:
        with contextlib.suppress(psutil.Error):
            total += int(psutil.Process(pid).memory_info().rss)
    return total


def proportional(pids: Iterable[int]) -> dict[int, int]:
    """Proportional set size of each, in bytes, with what lies in swap: their sum counts a shared page once.

    psutil's ``memory_full_info`` counts swap that is shared for each, so that a step would end for memory it does not have.
    """
    sizes = {}
    for pid in pids:
        try:
            lines = (PROC / str(pid) / "smaps_rollup").read_bytes().splitlines()
            sizes[pid] = sum(int(line.split()[1]) << 10 for line in lines if line.startswith((b"Pss:", b"SwapPss:")))
        except (FileNotFoundError, PermissionError):
            # A kernel before 4.14, or a process that lets nobody look into it (another user's, not dumpable): an upper bound.
            if psutil.pid_exists(pid):
                sizes[pid] = resident([pid])
        except (OSError, IndexError):
            continue  # it ended meanwhile
    return sizes


def described(pid: int) -> str:
    """A process for people: its program or Python module, never its arguments (they may name people's files)."""
    try:
        process = psutil.Process(pid)
        words = process.cmdline()
        name = Path(words[0]).name if words and words[0] else process.name()
    except psutil.Error:
        words, name = [], "a process that ended"
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
