"""What a run says while it runs, and what it leaves to plot.

In: events with plain fields. Out: a JSON line on stdout each, a log line in Dagster when a Pipes session is open, and the rows
of ``metrics.jsonl``. What must hold: about fifty progress lines a run, whatever its length; the rows that stay hold no
clock and no machine, so that the same run leaves the same bytes.
"""

from __future__ import annotations

import json
import os
import resource
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, TextIO

from canvas_pipeline.training.precision import has_gpu

PIPES = "DAGSTER_PIPES_CONTEXT"
SHARE = 0.02
# Wall-clock figures, counters that start again after a resume, and the trainer's idea of an epoch (a run is one to it).
_VOLATILE = ("runtime", "per_second", "num_tokens", "total_flos", "epoch")


class Reporter:
    """Says events. ``clock`` gives seconds; it only ever enters what is said, never what is kept."""

    def __init__(self, stream: TextIO | None = None, pipes: Any = None, clock: Any = time.monotonic) -> None:
        self.stream = stream if stream is not None else sys.stdout
        self.pipes = pipes
        self.clock = clock
        self.started = clock()
        self._said: dict[str, float] = {}

    def say(self, event: str, **fields: Any) -> None:
        """One event, now."""
        line = json.dumps({"event": event, **fields}, sort_keys=True, default=str)
        if self.pipes is not None:
            self.pipes.log.info(line)
        else:
            print(line, file=self.stream, flush=True)

    def step(self, event: str, done: int, total: int, **fields: Any) -> None:
        """A progress event, said when at least 2 % more is done than at the last one, and at the end."""
        share, said = (done / total if total else 1.0), self._said.get(event, -1.0)
        said = -1.0 if share < said else said  # the same kind of work has begun anew
        if share - said >= SHARE - 1e-9 or (done >= total and said < 1.0):
            self._said[event] = share
            self.say(event, done=done, total=total, seconds=round(self.clock() - self.started, 1), **fields)

    def usage(self) -> dict[str, float]:
        """Seconds since the start and the process's peak memory in GiB (resident, children included)."""
        peak = max(resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
        return {"seconds": round(self.clock() - self.started, 1), "peak_gib": round(peak / 2**20, 3)}


@contextmanager
def reporter() -> Iterator[Reporter]:
    """A ``Reporter`` on stdout, joined to Dagster where the process was started with a Pipes session."""
    if not os.environ.get(PIPES):
        yield Reporter()
        return
    from dagster_pipes import open_dagster_pipes

    with open_dagster_pipes() as pipes:
        yield Reporter(pipes=pipes)


def kept(history: list[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """A trainer's log history as metric rows: numbers only, without clock and machine; the closing summary left out."""
    rows = []
    for entry in history:
        if "train_runtime" in entry:
            continue
        row = {key: value for key, value in entry.items() if not any(part in key for part in _VOLATILE)}
        rows.append({key: value for key, value in row.items() if isinstance(value, (int, float))})
    return rows


def child_environment(base: Mapping[str, str], *, gpu: bool | None = None) -> dict[str, str]:
    """The environment a training or generation process must be *started* with (it is too late once it runs).

    Threads wait passively and are not pinned: spinning ones take the processor from whatever else runs, and are several
    times slower beside it. On a CPU the C library keeps its blocks: given back to the kernel after every step, they are
    faulted in again. With a ``gpu`` (by default: where a driver is) it does not: what a shared pool has lent must return."""
    settings = {
        "OMP_WAIT_POLICY": "passive",
        # One primitive is kept for each shape; with rows of many lengths the default of 1,024 grows to gigabytes.
        "ONEDNN_PRIMITIVE_CACHE_CAPACITY": "64",
        "TOKENIZERS_PARALLELISM": "false",
        "HF_HUB_DISABLE_TELEMETRY": "1",
        "HF_DATASETS_DISABLE_PROGRESS_BARS": "1",
        "TQDM_DISABLE": "1",
        "PYTHONHASHSEED": "0",
    }
    if not (has_gpu(base) if gpu is None else gpu):
        settings |= {
            "MALLOC_MMAP_THRESHOLD_": "8589934592",
            "MALLOC_TRIM_THRESHOLD_": "8589934592",
            "MALLOC_MMAP_MAX_": "0",
            "MALLOC_TOP_PAD_": "268435456",
        }
    return {**base, **settings}
