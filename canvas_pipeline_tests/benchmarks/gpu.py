"""``make gpu``: measure on a GPU what was computed without one, in at most 7 minutes, with random weights of the real sizes.

Each section prints a line of JSON. One that fails prints its error, and the others follow; after the time is up they are skipped.
``--tiny`` does the same with a tiny model on a CPU, where memory is not measured.
"""

from __future__ import annotations

import argparse
import gc
import json
import signal
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, redirect_stdout
from typing import Any

from canvas_pipeline_tests.benchmarks import gpu_shapes as shapes
from canvas_pipeline_tests.benchmarks.gpu_sections import SECTIONS, Figures
from canvas_pipeline_tests.benchmarks.gpu_shapes import Place


@contextmanager
def deadline(seconds: float) -> Iterator[None]:
    """Raise ``TimeoutError`` in the block after some seconds."""

    def raised(*_: object) -> None:
        raise TimeoutError("the time is up")

    before = signal.signal(signal.SIGALRM, raised)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def rounded(figures: Any) -> Any:
    if isinstance(figures, dict):
        return {name: rounded(value) for name, value in figures.items()}
    return float(f"{figures:.4g}") if isinstance(figures, float) else figures


def run(place: Place, seconds: float, sections: Mapping[str, Callable[[Place], Figures]] = SECTIONS) -> int:
    """Print a line for each section. Return 1 if one failed, else 0."""
    import torch

    end = time.monotonic() + seconds
    failed = 0
    for name, section in sections.items():
        began = time.monotonic()
        line: Figures = {"section": name}
        if began >= end:
            print(json.dumps({**line, "skipped": "the time is up"}), flush=True)
            continue
        try:
            with deadline(end - began), redirect_stdout(sys.stderr):
                figures = rounded(section(place))
            line = {**line, "seconds": round(time.monotonic() - began, 2), **figures}
            text = json.dumps(line, allow_nan=False)
        except Exception as error:
            failed = 1
            text = json.dumps({"section": name, "error": f"{type(error).__name__}: {error}"[:500]})
        print(text, flush=True)
        gc.collect()
        if place.cuda:
            torch.cuda.empty_cache()
    return failed


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--tiny", action="store_true", help="a tiny model on the CPU")
    parser.add_argument("--seconds", type=float, default=420.0, help="after which no section begins")
    given = parser.parse_args(argv)
    place = shapes.tiny() if given.tiny else shapes.real()
    if not (given.tiny or place.cuda):
        print(json.dumps({"section": "device", "error": "CUDA sees no GPU; on a CPU only --tiny runs"}))
        return 1
    return run(place, given.seconds)


if __name__ == "__main__":
    sys.exit(main())
