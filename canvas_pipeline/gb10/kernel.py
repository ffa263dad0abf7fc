"""Ask the kernel to bound a step's process and to end it with its parent.

A request that the kernel refuses (an old kernel, a container's filter) changes nothing: the watchdog does not rely on any of them
alone.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import resource
from pathlib import Path

_PR_SET_PDEATHSIG = 1
_PR_SET_CHILD_SUBREAPER = 36


def die_with_parent(signal_number: int, parent: int) -> None:
    """Signal this process when its parent ends, or now if the parent is gone already."""
    _prctl(_PR_SET_PDEATHSIG, signal_number)
    if os.getppid() != parent:
        os.kill(os.getpid(), signal_number)


def inherit_orphans() -> None:
    """Become the parent of every descendant whose own parent ends, even of one that left the session."""
    _prctl(_PR_SET_CHILD_SUBREAPER, 1)


def limit_data(size: int) -> None:
    """Refuse this process, and each that it starts, private writable memory beyond ``size`` bytes (``MemoryError`` in Python).

    RLIMIT_DATA counts mapped memory, not used memory: it stops growth that is faster than the watchdog and is no budget."""
    _limit(resource.RLIMIT_DATA, size)


def no_core_dump() -> None:
    """Write no core file: it would hold everything the step had in memory."""
    _limit(resource.RLIMIT_CORE, 0)


def prefer_oom_kill(score: int = 800) -> None:
    """Make the kernel kill this process before Dagster and ssh when memory runs out (score: -1000 … 1000)."""
    with contextlib.suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text(str(score), encoding="ascii")


def _limit(kind: int, size: int) -> None:
    _, hard = resource.getrlimit(kind)
    wanted = size if hard == resource.RLIM_INFINITY else min(size, hard)
    with contextlib.suppress(OSError, ValueError):
        resource.setrlimit(kind, (wanted, hard))


def _prctl(option: int, argument: int) -> None:
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(option, argument, 0, 0, 0)
