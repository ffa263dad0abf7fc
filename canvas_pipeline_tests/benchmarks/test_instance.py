"""What an event costs: a chain of steps in process, on Dagster's own SQLite storage and on ours, side by side on disk.

The tax of a step is its time less its time with everything in memory. ``CANVAS_BENCH_STEPS`` (default 40) steps, the best of
``CANVAS_BENCH_ROUNDS`` (default 5) rounds that take turns; ``CANVAS_BENCH_DISK`` is a folder on the disk to measure (default: the
folder one starts in, since /tmp is often memory)."""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import dagster as dg
import pytest

from canvas_pipeline_tests.dagster_instance.homes import QUIET, chain, instance_at

STEPS, ROUNDS = int(os.environ.get("CANVAS_BENCH_STEPS", "40")), int(os.environ.get("CANVAS_BENCH_ROUNDS", "5"))
DISK = Path(os.environ.get("CANVAS_BENCH_DISK", "."))


@contextmanager
def stock(home: Path) -> Iterator[dg.DagsterInstance]:
    (home / "dagster.yaml").write_text(f"storage: {{sqlite: {{base_dir: {home}}}}}\ntelemetry: {{enabled: false}}\n")
    with dg.DagsterInstance.from_config(str(home)) as instance:
        yield instance


def step_ms(instance: dg.DagsterInstance) -> float:
    job = chain(STEPS)
    chain(1).execute_in_process(instance=instance, run_config=QUIET)  # tables are made, modules imported
    began = time.perf_counter()
    assert job.execute_in_process(instance=instance, run_config=QUIET).success
    return (time.perf_counter() - began) / STEPS * 1000


def test_the_event_log_costs_less_than_dagsters_own(monkeypatch: pytest.MonkeyPatch) -> None:
    found: dict[str, list[float]] = {"memory": [], "stock": [], "ours": []}
    for _ in range(ROUNDS):
        with dg.DagsterInstance.ephemeral() as instance:
            found["memory"].append(step_ms(instance))
        for kind in ("stock", "ours"):
            home = Path(tempfile.mkdtemp(prefix=".bench-", dir=DISK)).resolve()
            try:
                with stock(home) if kind == "stock" else instance_at(home, monkeypatch) as instance:
                    found[kind].append(step_ms(instance))
            finally:
                shutil.rmtree(home)
    best = {kind: min(times) for kind, times in found.items()}
    tax = {kind: best[kind] - best["memory"] for kind in ("stock", "ours")}
    print(f"\nms a step, best of {ROUNDS}: { ({k: round(v, 1) for k, v in best.items()}) }; all: {found}")
    print(f"tax: stock {tax['stock']:.1f} ms, ours {tax['ours']:.1f} ms, ratio {tax['ours'] / tax['stock']:.2f}")
    assert tax["ours"] < tax["stock"]
