"""Lock files between processes.

The kernel releases a lock when the process that holds it ends, however it ends (``flock``). ``alone`` is for work that one process
does at a time. ``flocked`` locks a file that is already open, exclusively or shared, which filelock cannot do.
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
    """Hold the lock file ``path``, which is created with mode 0600 and stays.

    Waits until the lock is free; with ``busy`` it does not wait but raises ``BadConfig`` with that message."""
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
    """Lock an open file until it is closed everywhere; returns whether it is locked, False only without ``wait``."""
    try:
        fcntl.flock(file, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | (0 if wait else fcntl.LOCK_NB))
    except BlockingIOError:
        return False
    return True
