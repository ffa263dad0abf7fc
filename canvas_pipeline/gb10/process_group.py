"""Find, measure and end all processes of a step.

Descendants that left the session or lost their parent are found too, because the watchdog inherits orphans. When the watchdog was
killed, members are found by their session and by the mark in their environment. A process with a reused id is never signalled.

``/proc`` is read with psutil, except for what that does not offer: the kernel's lists of children, and proportional swap.
"""

from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import Iterable
from pathlib import Path

import psutil

from canvas_pipeline.gb10.owner import PROC, started

MARK = "CANVAS_STEP_TOKEN"
"""Environment variable of every program that a step starts; its value is the step's token."""


def descendants(pid: int) -> list[int]:
    """Return all descendants of a process, zombies included."""
    pids: list[int] = []
    waiting = [pid]
    while waiting:
        children = _children(waiting.pop())
        pids += children
        waiting += children
    return pids


def _children(pid: int) -> list[int]:
    """Read the kernel's lists of children: a watchdog needs them ten times a second, and psutil would read every process."""
    tasks = PROC / str(pid) / "task"
    try:
        threads = os.listdir(tasks)
    except OSError:
        return []
    pids: list[int] = []
    for thread in threads:
        try:
            pids += map(int, (tasks / thread / "children").read_text(encoding="ascii").split())
        except FileNotFoundError:
            if (tasks / thread).exists():  # a kernel without CONFIG_PROC_CHILDREN
                with contextlib.suppress(psutil.NoSuchProcess):
                    return [child.pid for child in psutil.Process(pid).children()]
        except OSError:
            continue
    return pids


def step_processes(token: str, session: int | None = None, started_after: int = 0) -> list[int]:
    """Return the processes that remain of a step whose watchdog has ended.

    These are the processes of this user with the step's token in their environment, and those of its POSIX session that started at
    ``started_after`` or later (unless the session's id has been reused since)."""
    leader = None if session is None else started(session)
    reused = session is not None and leader is not None and leader > started_after and not has_mark(session, token)
    mine = os.getuid()
    pids = []
    for other in psutil.process_iter():
        with contextlib.suppress(psutil.Error, ProcessLookupError):
            birth = started(other.pid)
            if birth is None or other.pid == os.getpid() or other.uids().real != mine:
                continue
            of_session = (
                session is not None and not reused and os.getsid(other.pid) == session and birth >= started_after
            )
            if of_session or has_mark(other.pid, token):
                pids.append(other.pid)
    return pids


def has_mark(pid: int, token: str) -> bool:
    """Return whether a process was started with the step's mark in its environment."""
    try:
        return bool(psutil.Process(pid).environ().get(MARK) == token)
    except psutil.Error:
        return False


def resident(pids: Iterable[int]) -> int:
    """Return the sum of the resident sets in bytes: cheap, and an upper bound, since shared pages count for each process."""
    total = 0
    for pid in pids:
        with contextlib.suppress(psutil.Error):
            total += int(psutil.Process(pid).memory_info().rss)
    return total


def proportional(pids: Iterable[int]) -> dict[int, int]:
    """Return the proportional set size of each process in bytes, swap included: their sum counts a shared page once.

    psutil's ``memory_full_info`` counts shared swap for each process, so a step could be ended for memory it does not have.
    """
    sizes = {}
    for pid in pids:
        try:
            lines = (PROC / str(pid) / "smaps_rollup").read_bytes().splitlines()
            sizes[pid] = sum(int(line.split()[1]) << 10 for line in lines if line.startswith((b"Pss:", b"SwapPss:")))
        except (FileNotFoundError, PermissionError):
            # A kernel before 4.14, or a process we may not inspect (another user's, not dumpable): an upper bound.
            if psutil.pid_exists(pid):
                sizes[pid] = resident([pid])
        except (OSError, IndexError):
            continue  # it has ended
    return sizes


def described(pid: int) -> str:
    """Describe a process by its program or Python module, never by its arguments, which may name people's files."""
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
    """Signal each process that still exists; returns those that we may not signal because they changed their user (sudo)."""
    refused = []
    for pid in pids:
        try:
            os.kill(pid, number)
        except ProcessLookupError:
            continue
        except PermissionError:
            refused.append(pid)
    return refused


def reap(token: str, session: int | None, started_after: int) -> bool:
    """Kill what is left of a step whose watchdog has ended, without waiting; returns whether nothing was left."""
    left = step_processes(token, session, started_after)
    send(left, signal.SIGKILL)
    return not left
