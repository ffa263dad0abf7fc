"""Lock between processes.

A lock ends with the process that holds it, however that ends: the kernel releases it (``flock``). ``alone`` is for work that one
process does at a time. ``flocked`` locks a file that is open anyway, for one or for several: filelock knows neither.
"""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import filelock

from canvas_pipeline.errors import BadConfig

POLL_S = 0.02


@contextmanager
def alone(path: Path, busy: str | None = None) -> Iterator[None]:
    """Hold the lock file ``path``, which is made (0600) where it is not there and stays. Waits for whoever holds it; with ``busy``
    it does not wait, and raises ``BadConfig`` that says so."""
    lock = filelock.FileLock(path, mode=0o600, blocking=busy is None, poll_interval=POLL_S, thread_local=False)
    try:
        lock.acquire()
    except filelock.Timeout:
        raise BadConfig(busy or f"{path} is held") from None
    try:
        yield
    finally:
        lock.release()


def flocked(file: int, *, shared: bool = False, wait: bool = True) -> bool:
    """Lock an open file until it is closed everywhere; whether that worked. Without ``wait``, False where another holds it."""
    try:
        fcntl.flock(file, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | (0 if wait else fcntl.LOCK_NB))
    except BlockingIOError:
        return False
    return True
