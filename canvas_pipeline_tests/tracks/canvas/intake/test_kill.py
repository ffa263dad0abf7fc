"""The intake survives kill -9 at any moment of its writing, and the killing really happens there."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from canvas_pipeline_tests.tracks.canvas.intake.boundaries import Boundaries
from canvas_pipeline_tests.tracks.canvas.intake.kills import in_child

ROOT = Path(__file__).resolve().parents[4]
EVERY = "CANVAS_EVERY_KILL"
"""Set it to kill at every boundary there is; the command alone kills at 200."""
COUNT = 32


def test_after_each_kill_nothing_is_torn_and_the_next_run_gives_the_same_bytes() -> None:
    how = ["--all"] if EVERY in os.environ else ["--count", str(COUNT), "--seed", "7"]
    done = subprocess.run(
        [sys.executable, "-m", "canvas_pipeline_tests.tracks.canvas.intake.kills", *how], cwd=ROOT, capture_output=True, text=True,
        check=False,
    )  # fmt: skip
    assert done.returncode in (0, 1), done.stderr[-3000:]
    figures = json.loads(done.stdout.splitlines()[-1])
    assert figures["wrong"] == []
    assert figures["kills"] == (figures["boundaries"] if EVERY in os.environ else COUNT)
    assert figures["boundaries"] >= 200
    for kind in ("in write", "before fsync", "after fsync", "before rename", "after rename", "before replace"):
        assert figures["kinds"][kind] > 0, kind


@pytest.mark.parametrize(("deadly", "left"), [(1, b""), (2, b""), (3, b"ab"), (4, b"abcd"), (5, b"abcd")])
def test_a_process_dies_at_the_very_boundary_that_was_chosen(deadly: int, left: bytes, tmp_path: Path) -> None:
    """After opening; before, in the middle of and after the write; before the fsync."""
    path = tmp_path / "file"

    def write() -> None:
        Boundaries(deadly).install()
        with path.open("wb") as file:
            file.write(b"abcd")
            file.flush()
            os.fsync(file.fileno())

    assert in_child(write) == -signal.SIGKILL
    assert path.read_bytes() == left


def test_a_process_that_meets_no_deadly_boundary_lives() -> None:
    assert in_child(lambda: Boundaries(10_000).install()) == 0
