"""What opening the code location costs: every code server, run worker and command of the line starts with it.

That nothing heavy is imported meanwhile is a rule of the house and has its test there (``test_house``)."""

from __future__ import annotations

import resource
import statistics
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
ROUNDS = 5
BOUND_S = 3.0
LOAD = """
from canvas_pipeline.definitions import defs
found = defs()
print(len(found.resolve_asset_graph().get_all_asset_keys()), len(found.resolve_all_job_defs()))
"""
EMPTY = "import dagster; print(0, 0)"


def processor_s() -> float:
    """Processor time of all children that have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def seconds(code: str) -> tuple[float, float, str]:
    """Wall and processor time of a fresh process from its start to its end, and what it printed."""
    before, began = processor_s(), time.perf_counter()
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    return time.perf_counter() - began, processor_s() - before, done.stdout.split("\n")[-2]


def test_the_code_location_loads_in_three_seconds_in_a_fresh_process() -> None:
    """From the start of the process to its end, with all tracks resolved into assets and jobs; beside it, Dagster alone."""
    taken, used, bare = [], [], []
    for _ in range(ROUNDS):
        bare.append(seconds(EMPTY)[0])
        wall, processor, counts = seconds(LOAD)
        taken.append(wall)
        used.append(processor)
    assets, jobs = map(int, counts.split())
    print(
        f"\ncode location, {assets} assets and {jobs} jobs: {statistics.median(taken):.2f} s, median of {ROUNDS} "
        f"({min(taken):.2f} to {max(taken):.2f}; {statistics.median(used):.2f} s of processor); Dagster alone "
        f"{statistics.median(bare):.2f} s, ratio {statistics.median(taken) / statistics.median(bare):.1f}"
    )
    assert assets > 40 and jobs >= 4
    assert statistics.median(taken) <= BOUND_S
