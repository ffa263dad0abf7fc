"""Whether anybody works on a run: a lock in the run's folder, held by its worker for as long as that lives.

In: the instance's folder, a run's id. Out: whether its lock is held. What must hold: the kernel lets go of a lock when its process
is gone, whichever namespace, user or boot that was of, and not before; nothing is copied to the run that retries another.
"""

from __future__ import annotations

import fcntl
import logging
import os
from pathlib import Path

log = logging.getLogger("canvas_pipeline.gb10")
LOCK = "worker.lock"
"""A file in a run's folder, beside what it printed."""
_held: list[int] = []


def hold(folder: Path, run_id: str) -> None:
    """Hold a run's lock until this process ends, or works on another run: the last event of a run is written after its executor is
    done. A disk that takes no locks stops no run; nobody can tell then whether it lives."""
    path = folder / run_id / LOCK
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        held = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
    except OSError as error:
        log.warning("run %s: no %s (%s); if its worker dies, nobody will know", run_id, LOCK, error.strerror)
        return
    try:
        fcntl.flock(held, fcntl.LOCK_SH)  # shared: it waits for who is looking just now, and for nobody else
    except OSError as error:
        log.warning(
            "run %s: %s cannot be locked (%s); if its worker dies, nobody will know", run_id, LOCK, error.strerror
        )
        os.close(held)
        path.unlink(missing_ok=True)
        return
    while _held:
        os.close(_held.pop())
    _held.append(held)


def holds(folder: Path, run_id: str) -> bool | None:
    """Whether somebody holds it; None where that cannot be told: no worker of ours began, its folder is elsewhere, the disk has no
    locks."""
    try:
        found = os.open(folder / run_id / LOCK, os.O_RDONLY)
    except OSError:
        return None
    try:
        fcntl.flock(found, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return None
    finally:
        os.close(found)
    return False
