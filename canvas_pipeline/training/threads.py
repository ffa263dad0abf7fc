"""Choose how many threads a training process computes with, by timing its own work.

Threads of a small model wait for each other after every layer; on two cores beside other work one thread is often faster. The
embedded model's weights are the same for any number (docs/experiments.md). Where a library sums in another order, their last bits
may differ: a resumed run reuses its number, and ``CANVAS_THREADS`` fixes it.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from canvas_pipeline.errors import BadConfig
from canvas_pipeline.training.progress import Reporter

SETTING = "CANVAS_THREADS"
MACHINE = "machine.json"
"""A checkpoint's file about the machine that computed it; not part of the content that is hashed."""
ROUNDS = 3
GAIN = 0.9
"""More threads are used where they take at most this share of one thread's time."""


def cores() -> int:
    """Count the processors that this process may run on."""
    return len(os.sched_getaffinity(0))


def fixed(environ: Mapping[str, str] = os.environ) -> int | None:
    """Return the number in ``CANVAS_THREADS``, or None. Raises ``BadConfig`` where it is no number of threads."""
    text = environ.get(SETTING, "")
    if not text:
        return None
    if not text.isdigit() or not 1 <= int(text) <= 1024:
        raise BadConfig(f"{SETTING} is {text!r}; give a number of threads, or leave it unset to have it measured")
    return int(text)


def calibrate(
    step: Callable[[], object],
    use: Callable[[int], object],
    most: int,
    clock: Callable[[], float] = time.perf_counter,
) -> tuple[int, dict[int, float]]:
    """Time ``step`` with one thread and with ``most``, in turn. Return the better number, and the shortest time of each in seconds.

    ``use`` sets the number; the last call sets the one returned."""
    if most < 2:
        use(1)
        return 1, {}
    times: dict[int, float] = {}
    for turn in range(ROUNDS + 1):
        for count in (1, most):
            use(count)
            began = clock()
            step()
            spent = clock() - began
            if turn:  # the first turn includes compiling kernels
                times[count] = min(spent, times.get(count, spent))
    chosen = most if times[most] <= GAIN * times[1] else 1
    use(chosen)
    return chosen, times


def choose_threads(
    step: Callable[[], object], use: Callable[[int], object], record: Path, report: Reporter, most: int | None = None
) -> int:
    """Set the number of threads for a run and return it:

    the fixed one, the one in ``record`` (from before the run was resumed), or a measured one of at most ``most`` (default: all
    cores), which is written to ``record``."""
    known = fixed()
    if known is None and record.is_file():
        known = int(record.read_text(encoding="ascii"))
    if known is not None:
        use(known)
        return known
    chosen, times = calibrate(step, use, most or cores())
    record.write_text(str(chosen), encoding="ascii")
    report.emit(
        "threads", chosen=chosen, **{f"seconds_with_{count}": round(spent, 4) for count, spent in times.items()}
    )
    return chosen
