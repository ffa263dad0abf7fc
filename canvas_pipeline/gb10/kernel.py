"""Ask the kernel to bound a step's process and to end it with its parent.

A request that the kernel refuses (an old kernel, a container's filter) returns ``False`` and never ends a step. The watchdog does
not rely on any of them alone.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import resource
from pathlib import Path

_PR_SET_PDEATHSIG = 1
_PR_SET_CHILD_SUBREAPER = 36


def die_with_parent(signal_number: int, parent: int) -> bool:
    """Signal this process when its parent ends, or now if the parent is gone already."""
    done = _prctl(_PR_SET_PDEATHSIG, signal_number)
    if os.getppid() != parent:
        os.kill(os.getpid(), signal_number)
    return done


def inherit_orphans() -> bool:
    """Become the parent of every descendant whose own parent ends, even of one that left the session."""
    return _prctl(_PR_SET_CHILD_SUBREAPER, 1)


def bound_data(size: int) -> bool:
    """Refuse this process, and each that it starts, private writable memory beyond ``size`` bytes (``MemoryError`` in Python).

    RLIMIT_DATA counts mapped memory, not used memory: it stops leaps that are faster than the watchdog and is no budget."""
    return _limit(resource.RLIMIT_DATA, size)


def no_core_dump() -> bool:
    """Write no core file: it would hold everything the step had in memory."""
    return _limit(resource.RLIMIT_CORE, 0)


def go_first(score: int = 800) -> bool:
    """Let the kernel kill this process before Dagster and ssh if it runs out of memory (score: -1000 … 1000)."""
    try:
        Path("/proc/self/oom_score_adj").write_text(str(score), encoding="ascii")
    except OSError:
        return False
    return True


def _limit(kind: int, size: int) -> bool:
    _, hard = resource.getrlimit(kind)
    wanted = size if hard == resource.RLIM_INFINITY else min(size, hard)
    with contextlib.suppress(OSError, ValueError):
        resource.setrlimit(kind, (wanted, hard))
        return True
    return False


def _prctl(option: int, argument: int) -> bool:
    try:
        return bool(ctypes.CDLL(None, use_errno=True).prctl(option, argument, 0, 0, 0) == 0)
    except (OSError, AttributeError):
        return False
