"""Whether anybody works on a run: a lock in the run's folder, held by its worker for as long as that lives.

The kernel releases a lock when its process is gone, whichever namespace, user or boot that was of, and not before. Nothing is
copied to the run that retries another.
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
"""A file in a run's folder, beside what it printed."""


def hold(folder: Path, run_id: str) -> int | None:
    """Lock a run for this process; returns the open file, whose closing (or the end of the process) releases the lock. Several
    holders of one run are allowed.

    None where the disk takes no locks: that stops no run, but nobody can tell then whether it lives."""
    path = folder / run_id / LOCK
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        held = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
    except OSError as error:
        log.warning("run %s: no %s (%s); if its worker dies, nobody will know", run_id, LOCK, error.strerror)
        return None
    try:
        flocked(held, shared=True)  # shared: it waits for who is looking just now, and for nobody else
        os.fsync(held)  # after a power cut the file must not be missing where the run's start was written
    except OSError as error:
        log.warning(
            "run %s: %s cannot be locked (%s); if its worker dies, nobody will know", run_id, LOCK, error.strerror
        )
        os.close(held)
        path.unlink(missing_ok=True)
        return None
    return held


@contextlib.contextmanager
def holding(folder: Path, run_id: str) -> Iterator[None]:
    """Hold a run's lock within a block."""
    held = hold(folder, run_id)
    try:
        yield
    finally:
        if held is not None:
            os.close(held)


def holds(folder: Path, run_id: str) -> bool | None:
    """Whether somebody holds it; None where that cannot be told: no worker has begun, its folder is elsewhere, the disk has no
    locks."""
    try:
        found = os.open(folder / run_id / LOCK, os.O_RDONLY)
    except OSError:
        return None
    try:
        return not flocked(found, wait=False)
    except OSError:
        return None
    finally:
        os.close(found)
