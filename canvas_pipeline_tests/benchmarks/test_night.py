"""A night in which nothing changed: the nightly of all nine methods, twice, each a run worker of its own with ``gb10_executor`` on
an instance with the shipped dagster.yaml.

The line is made beforehand by the stage functions (good_line.py: what needs torch is stood in for, weights are those of an
untrained micro model); the first night finds it, writes what only a night writes, and the second finds everything."""

from __future__ import annotations

import os
import re
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import dagster as dg

from canvas_pipeline.defs.automation import nightly_job
from canvas_pipeline.methods import CHOICES
from canvas_pipeline_tests.dagster_instance.daemon import program, settle
from canvas_pipeline_tests.dagster_instance.homes import ROOT
from canvas_pipeline_tests.gb10.runs import Result
from canvas_pipeline_tests.pipeline.good_line import BASE, make_good_line

BOUND_S = 60.0


@contextmanager
def nights(root: Path, home: Path) -> Iterator[dg.DagsterInstance]:
    """The instance, with the environment in which a night of this line runs."""
    before = dict(os.environ)
    os.environ.update(
        CANVAS_DATA=str(root),
        CANVAS_DEPLOY=str(root / "deploy"),
        CANVAS_BASE_MODEL=str(root / BASE),
        CANVAS_UMA_LEDGER=str(home / "uma.sqlite"),
    )
    try:
        with settle(home) as instance:
            yield instance
    finally:
        os.environ.clear()
        os.environ.update(before)


def night(instance: dg.DagsterInstance) -> tuple[float, Result]:
    """Seconds from the start of the run worker to its end, and what it said."""
    command = [
        program("dagster"),
        "job",
        "execute",
        "--module-name",
        "canvas_pipeline.definitions",
        "--job",
        "nightly",
    ]
    began = time.perf_counter()
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    took = time.perf_counter() - began
    (run,) = instance.get_runs(limit=1)
    assert run.job_name == nightly_job.name and run.is_success, (done.stdout + done.stderr)[-4000:]
    return took, Result(run.run_id, instance)


def reused(found: Result) -> dict[str, bool]:
    """Asset → whether its stage was found as it was, as its materialisation says."""
    made = [e.step_materialization_data.materialization for e in found.events if e.is_step_materialization]
    return {m.asset_key.to_user_string(): bool(m.metadata["reused"].value) for m in made}


def stages(root: Path) -> dict[str, tuple[int, int]]:
    """Every file of every stage: when it was written, and its size."""
    files = [path for path in (root / "artifacts").rglob("*") if path.is_file()]
    return {path.relative_to(root).as_posix(): (path.stat().st_mtime_ns, path.stat().st_size) for path in files}


def test_a_quiet_night_recomputes_nothing_within_a_minute(tmp_path: Path) -> None:
    root, home = tmp_path / "line", tmp_path / "home"
    make_good_line(root, CHOICES)
    with nights(root, home) as instance:
        first_s, first = night(instance)
        before = stages(root)
        second_s, second = night(instance)
    again, once = reused(second), reused(first)
    steps = {event.step_key for event in second.events if event.event_type_value == "STEP_SUCCESS"}
    admitted = [event for event in second.events if re.match("Admitted", str(event.message))]
    print(
        f"\nnightly, {len(CHOICES)} methods, {len(steps)} steps: first night {first_s:.1f} s with {sum(once.values())} of "
        f"{len(once)} assets reused; nothing changed {second_s:.1f} s with {sum(again.values())} of {len(again)} reused, "
        f"{len(admitted)} admissions"
    )
    assert [key for key, found in again.items() if not found] == [] and set(again) == set(once)
    assert {f"canvas/{name}_{kind}" for kind in ("run_spec", "checkpoint", "bench") for name in CHOICES} <= set(again)
    assert stages(root) == before
    assert len(admitted) >= len(steps)
    assert second_s <= BOUND_S
