"""Which process works on a run: written into the run's tags by the executor, read by who asks whether the run still lives.

In: a run's id, its tags, the instance's folder. Out: an ``Owner``; whether its lock is held. What must hold: the tags of a run are
copied to the run that retries it, so a worker speaks for the run that it names and for no other; the kernel lets go of a lock when
its process is gone, whichever namespace or user that was of, and not before.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
from collections.abc import Mapping
from pathlib import Path

import msgspec

from canvas_pipeline.gb10.owner import Owner, owner

TAG = "canvas/worker"
LOCK = "worker.lock"
"""A file in a run's folder, beside what it printed."""
_held: list[int] = []


class RunWorker(msgspec.Struct, frozen=True, kw_only=True):
    """The worker of one run."""

    run: str
    process: Owner


def tags(run_id: str) -> dict[str, str]:
    """The tag that names this process as the worker of a run."""
    return {TAG: msgspec.json.encode(RunWorker(run=run_id, process=owner())).decode()}


def worker_of(run_id: str, found: Mapping[str, str]) -> Owner | None:
    """The worker that a run's tags name; None where they name none, or that of the run before."""
    try:
        worker = msgspec.json.decode(found.get(TAG, ""), type=RunWorker)
    except msgspec.DecodeError:  # none, or written by hand in the launch pad
        return None
    return worker.process if worker.run == run_id else None


def hold(folder: Path, run_id: str) -> None:
    """Hold the lock of a run's worker until this process ends: the run's last event is written after its executor is done. A disk
    that takes no lock stops no run; then there is no file, and others are asked."""
    path = folder / run_id / LOCK
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        held = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
    except OSError:
        return
    try:
        fcntl.flock(held, fcntl.LOCK_SH)  # shared: it waits for who is looking, and for nobody else
    except OSError:
        os.close(held)
        with contextlib.suppress(OSError):
            path.unlink()
        return
    while _held:  # a process works on one run at a time
        os.close(_held.pop())
    _held.append(held)


def holds(folder: Path, run_id: str) -> bool | None:
    """Whether somebody holds it; None where that cannot be told: another folder, or one without locks."""
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
