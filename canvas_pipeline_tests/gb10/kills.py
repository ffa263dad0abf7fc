"""SIGKILL in the middle of a run: ``python -m canvas_pipeline_tests.gb10.kills --count 20``.

A run worker executes ``jobs.killable``. When its middle step has started a program in a session of its own and filled memory, one
of the four is killed: the step, its child, its guard, or the run worker; or the run is cancelled. Then nobody of the step may
live, the ledger is empty, the run has ended with a reason (a dead worker is found by Dagster's own monitoring), and taking
the run up again completes with an artefact that is byte for byte that of an undisturbed run.
"""

from __future__ import annotations

import argparse
import os
import signal
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Callable
from pathlib import Path

import dagster as dg

from canvas_pipeline.gb10 import process_group
from canvas_pipeline.gb10.owner import started
from canvas_pipeline.gb10.uma import UmaCap
from canvas_pipeline_tests.gb10.runs import Bench, bench

LIMIT_S = 300.0
EXPECTED = b"prepared, 6 pieces\n"
WORKER = """
import sys
from pathlib import Path
from canvas_pipeline_tests.gb10.runs import bench
if __name__ == "__main__":
    with bench(Path(sys.argv[1])) as house:
        house.run("killable", run_id=sys.argv[2])
"""
VICTIMS = ("step", "child", "guard", "worker", "cancel")


def until(what: str, holds: Callable[[], object]) -> None:
    """Wait for something to become true; raises ``AssertionError`` after five minutes."""
    deadline = time.monotonic() + LIMIT_S
    while not holds():
        assert time.monotonic() < deadline, f"waited in vain: {what}"
        time.sleep(0.02)


class Kill:
    """One run, one victim."""

    def __init__(self, house: Bench, victim: str) -> None:
        self.house, self.victim = house, victim
        self.run_id = str(uuid.uuid4())
        script = house.home / "worker.py"
        script.write_text(WORKER)
        with (house.home / "worker.log").open("w") as log:
            self.worker = subprocess.Popen(
                [sys.executable, str(script), str(house.home), self.run_id], stdout=log, stderr=log
            )
        self.step = self.guard = self.child = 0

    def play(self) -> float:
        """Kill, and see that nothing is left; returns the seconds until nobody was."""
        note = self.house.home / "work.pid"
        until(
            "the step to start its child",
            lambda: self.worker.poll() or note.is_file() and len(note.read_text().split()) == 3,
        )
        assert self.worker.poll() is None, (self.house.home / "worker.log").read_text()[-2000:]
        self.step, self.guard, self.child = map(int, note.read_text().split())
        until("the child to take its memory", lambda: process_group.resident([self.child]) > 30 << 20)
        began = time.monotonic()
        pids = {"step": self.step, "child": self.child, "guard": self.guard}
        if self.victim == "cancel":  # as a run launcher does it: the request is written down, then the worker is asked
            self.house.instance.report_run_canceling(self.recorded())
        number = signal.SIGTERM if self.victim == "cancel" else signal.SIGKILL
        os.kill(pids.get(self.victim, self.worker.pid), number)
        until(
            "everybody to end", lambda: not any(started(pid) is not None for pid in (self.step, self.guard, self.child))
        )
        seconds = time.monotonic() - began
        self.worker.wait(LIMIT_S)
        ledger = UmaCap().open()
        until("the ledger to be empty", lambda: ledger.entries() == [])
        ledger.close()
        assert list((self.house.home / "reports").iterdir()) == [], "what its allocators reported was left behind"
        self.fails_with_a_reason()
        self.completes_when_taken_up()
        return seconds

    def recorded(self) -> dg.DagsterRun:
        """The run as the instance knows it now."""
        run = self.house.instance.get_run_by_id(self.run_id)
        assert run is not None
        return run

    def fails_with_a_reason(self) -> None:
        instance, run = self.house.instance, self.recorded()
        if self.victim == "worker":
            assert run.status is dg.DagsterRunStatus.STARTED
            # What run monitoring does when its health check fails.
            instance.report_run_failed(run, "the run worker is gone")
        elif self.victim == "cancel":
            assert run.status is dg.DagsterRunStatus.CANCELED
        else:
            assert run.status is dg.DagsterRunStatus.FAILURE
            failed = [
                e.dagster_event
                for e in instance.all_logs(self.run_id)
                if e.dagster_event and e.dagster_event.is_step_failure
            ]
            assert [event.step_key for event in failed] == ["work"]

    def completes_when_taken_up(self) -> None:
        (self.house.home / "told").touch()
        again = self.house.run(
            "killable", reexecution=dg.ReexecutionOptions.from_failure(self.run_id, self.house.instance)
        )
        assert again.success and not again.of("prepare", "STEP_START")
        assert (self.house.home / "artefact").read_bytes() == EXPECTED
        assert self.house.entries() == []


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--count", type=int, default=20)
    parser.add_argument("--victims", default=",".join(VICTIMS))
    options = parser.parse_args()
    for victim in options.victims.split(","):
        slowest = 0.0
        for _ in range(options.count):
            with tempfile.TemporaryDirectory() as folder, bench(Path(folder)) as house:
                slowest = max(slowest, Kill(house, victim).play())
        print(f"{victim}: {options.count} of {options.count} clean, everybody gone within {slowest:.2f} s", flush=True)


if __name__ == "__main__":
    main()
