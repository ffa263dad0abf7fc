"""Report the progress of a run, and reduce a trainer's log to the rows of ``metrics.jsonl``.

Each event is a JSON line on stdout, or a log line in Dagster where a Pipes session is open; about fifty progress events a run.
Metric rows contain no times and nothing about the machine, so that the same run writes the same bytes.
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

from canvas_pipeline.training import launched
from canvas_pipeline.training.precision import has_gpu

PIPES = "DAGSTER_PIPES_CONTEXT"
SHARE = 0.02
# Times, counters that restart after a resume, and the trainer's epoch (to it, a run is one epoch).
_VOLATILE = ("runtime", "per_second", "num_tokens", "total_flos", "epoch")


class Reporter:
    """Emit events. ``clock`` returns seconds."""

    def __init__(self, stream: TextIO | None = None, pipes: Any = None, clock: Any = time.monotonic) -> None:
        self.stream = stream if stream is not None else sys.stdout
        self.pipes = pipes
        self.clock = clock
        self.started = clock()
        self._emitted: dict[str, float] = {}

    def emit(self, event: str, **fields: Any) -> None:
        """Emit one event."""
        line = json.dumps({"event": event, **fields}, sort_keys=True, default=str)
        if self.pipes is not None:
            self.pipes.log.info(line)
        else:
            print(line, file=self.stream, flush=True)

    def step(self, event: str, done: int, total: int, **fields: Any) -> None:
        """Emit a progress event where at least 2 % more is done than at the last one, and at the end."""
        share, last = (done / total if total else 1.0), self._emitted.get(event, -1.0)
        last = -1.0 if share < last else last  # work of this kind has started again
        if share - last >= SHARE - 1e-9 or (done >= total and last < 1.0):
            self._emitted[event] = share
            self.emit(event, done=done, total=total, seconds=round(self.clock() - self.started, 1), **fields)

    def usage(self) -> dict[str, float]:
        """Return the seconds since the start and the process's peak resident memory in GiB, children included."""
        peak = max(resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
        return {"seconds": round(self.clock() - self.started, 1), "peak_gib": round(peak / 2**20, 3)}


@contextmanager
def reporter() -> Iterator[Reporter]:
    """Open a ``Reporter`` on stdout, or on Dagster's log where the process was started with a Pipes session. Of several ranks only
    the first one is heard."""
    if not launched.first():
        with open(os.devnull, "w", encoding="utf-8") as nowhere:
            yield Reporter(nowhere)
        return
    if not os.environ.get(PIPES):
        yield Reporter()
        return
    from dagster_pipes import open_dagster_pipes

    with open_dagster_pipes() as pipes:
        yield Reporter(pipes=pipes)


def metric_rows(history: list[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return a trainer's log history as metric rows: numbers only, without times and the closing summary."""
    rows = []
    for entry in history:
        if "train_runtime" in entry:
            continue
        row = {key: value for key, value in entry.items() if not any(part in key for part in _VOLATILE)}
        rows.append({key: value for key, value in row.items() if isinstance(value, (int, float))})
    return rows


def child_environment(base: Mapping[str, str], *, gpu: bool | None = None) -> dict[str, str]:
    """Return the environment to *start* a training or generation process with; a running process does not read it again.

    Threads wait passively and are not pinned: spinning ones compete with other processes and are several times slower beside
    them. On a CPU the C library does not return freed blocks to the kernel, which would fault them in again at every step. With
    a ``gpu`` (by default: where a driver is loaded) it does, since CPU and GPU may share the memory."""
    settings = {
        "OMP_WAIT_POLICY": "passive",
        # One primitive is cached per shape; with rows of many lengths the default of 1,024 grows to gigabytes.
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
