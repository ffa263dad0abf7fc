"""What is asked of the kernel for a step: die with your parent, inherit orphans, be bounded, go first when memory ends.

In: this process. Out: nothing. What must hold: a request that the kernel refuses (an old one, a container's filter) is told to the
caller as ``False`` and never ends a step; the watchdog does not rely on any of them alone.
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
    """Have this process signalled when its parent ends; if the parent is gone already, be signalled now."""
    done = _prctl(_PR_SET_PDEATHSIG, signal_number)
    if os.getppid() != parent:
        os.kill(os.getpid(), signal_number)
    return done


def inherit_orphans() -> bool:
    """Become the parent of every descendant whose own parent ends, also of one that left the session."""
    return _prctl(_PR_SET_CHILD_SUBREAPER, 1)


def bound_data(size: int) -> bool:
    """Refuse private writable memory beyond ``size`` bytes to this process and each it starts (``MemoryError`` in Python).

    RLIMIT_DATA counts what is mapped, not what is used: a bound for leaps that are faster than a watchdog, no budget."""
    return _limit(resource.RLIMIT_DATA, size)


def no_core_dump() -> bool:
    """A core file would hold everything the step had in memory."""
    return _limit(resource.RLIMIT_CORE, 0)


def go_first(score: int = 800) -> bool:
    """If the kernel itself runs out of memory, it takes steps before Dagster, and Dagster before ssh (-1000 … 1000)."""
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
