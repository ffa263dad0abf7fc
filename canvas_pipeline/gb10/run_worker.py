"""Lock a run while its worker lives, so that any process can check whether the worker is alive.

The kernel releases the lock when the process ends, whatever its namespace or user, and not before.
"""

from __future__ import annotations

import contextlib
import logging
import os
from collections.abc import Iterator
from pathlib import Path

from canvas_pipeline.storage.locks import flocked

log = logging.getLogger("canvas_pipeline.gb10")
LOCK = "worker.lock"
"""The lock file in the run's folder, beside its captured output."""


def lock_run(folder: Path, run_id: str) -> int | None:
    """Lock a run for this process, together with other holders; returns the open file.

    Closing the file, or the end of the process, releases the lock. None if the disk supports no locks: the run goes on, but nobody
    can check whether its worker is alive."""
    path = folder / run_id / LOCK
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        held = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
    except OSError as error:
        log.warning("run %s: no %s (%s): a worker that dies will not be noticed", run_id, LOCK, error.strerror)
        return None
    try:
        flocked(held, shared=True)  # waits only for a process that is just checking the lock
        os.fsync(held)  # after a power cut, a run whose start was stored must have this file
    except OSError as error:
        log.warning(
            "run %s: %s cannot be locked (%s): a worker that dies will not be noticed", run_id, LOCK, error.strerror
        )
        os.close(held)
        path.unlink(missing_ok=True)
        return None
    return held


@contextlib.contextmanager
def run_lock(folder: Path, run_id: str) -> Iterator[None]:
    """Hold a run's lock within a block."""
    held = lock_run(folder, run_id)
    try:
        yield
    finally:
        if held is not None:
            os.close(held)


def run_is_locked(folder: Path, run_id: str) -> bool | None:
    """Return whether a process holds the run's lock; None if that is unknown (no worker has started, the folder is on another
    machine, the disk supports no locks)."""
    try:
        file = os.open(folder / run_id / LOCK, os.O_RDONLY)
    except OSError:
        return None
    try:
        return not flocked(file, wait=False)
    except OSError:
        return None
    finally:
        os.close(file)
