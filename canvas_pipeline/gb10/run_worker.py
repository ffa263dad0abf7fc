"""Which process works on a run: written into the run's tags by the executor, read by who asks whether the run still lives.

In: a run's id, its tags. Out: an ``Owner``. What must hold: the tags of a run are copied to the run that retries it, so a worker
speaks for the run that it names and for no other.
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from canvas_pipeline.gb10.owner import Owner, owner

TAG = "canvas/worker"


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
