"""Kill processes in the middle of a run: ``python -m canvas_pipeline_tests.gb10.kills --count 20``.

A run worker executes ``jobs.killable``. Once its middle step has started a program in a session of its own and filled memory, one
of four is killed: the step, its child, its watchdog, or the run worker; or the run is cancelled; or the process group of the run
worker gets SIGTERM, as from a terminal or a service manager. Then no process of the step may live, the ledger must be empty, the
run must have ended with a reason (Dagster's monitoring finds a dead worker), and re-execution must complete with the same bytes
as an undisturbed run.

``daemon``: a real daemon with the shipped dagster.yaml is killed after it took the run from the queue. The run must go on without
it, a restarted daemon must leave it alone, and no process of the dead daemon may be left. ``everybody``: daemon, code server, run
worker, watchdog and step are killed at once, as by a power cut. The restarted daemon must end the run, free its place in the
queue and retry it. Both are left out of the test suite because of Dagster's own intervals (20 s until a code server misses its
daemon, 15 s of monitoring, 30 s until a run is retried).
"""

from __future__ import annotations

import argparse
import contextlib
import os
import signal
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Sequence
from pathlib import Path

import dagster as dg
import psutil
from dagster._core.launcher import WorkerStatus

from canvas_pipeline.dagster_instance.launcher import WatchedRunLauncher
from canvas_pipeline.gb10 import process_group
from canvas_pipeline.gb10.owner import started
from canvas_pipeline.gb10.uma import UmaCap
from canvas_pipeline_tests.dagster_instance.daemon import Daemon, program
from canvas_pipeline_tests.dagster_instance.homes import ROOT
from canvas_pipeline_tests.gb10.runs import LIMIT_S, Result, Sandbox, open_sandbox, until

EXPECTED = b"prepared, 6 pieces\n"
WORKER = """
import sys
from pathlib import Path
from canvas_pipeline_tests.gb10.runs import open_sandbox
if __name__ == "__main__":
    with open_sandbox(Path(sys.argv[1])) as sandbox:
        sandbox.run("killable", run_id=sys.argv[2])
"""
VICTIMS = ("step", "child", "watchdog", "worker", "cancel", "terminal")
DAEMON, EVERYBODY = "daemon", "everybody"
TARGET = ("--module-name", "canvas_pipeline_tests.gb10.jobs", "--attribute", "killable")


class Kill:
    """A run of which one process is killed."""

    def __init__(self, sandbox: Sandbox, victim: str) -> None:
        self.sandbox, self.victim = sandbox, victim
        self.run_id = str(uuid.uuid4())
        script = sandbox.home / "worker.py"
        script.write_text(WORKER)
        with (sandbox.home / "worker.log").open("w") as log:
            self.worker = subprocess.Popen(
                [sys.executable, str(script), str(sandbox.home), self.run_id], stdout=log, stderr=log,
                start_new_session=True,
            )  # fmt: skip
        self.step = self.watchdog = self.child = 0

    def play(self) -> float:
        """Kill the process and check that nothing is left; returns the seconds until every process was gone."""
        note = self.sandbox.home / "work.pid"
        until(
            "the step to start its child",
            lambda: self.worker.poll() or note.is_file() and len(note.read_text().split()) == 3,
        )
        assert self.worker.poll() is None, (self.sandbox.home / "worker.log").read_text()[-2000:]
        self.step, self.watchdog, self.child = map(int, note.read_text().split())
        until("the child to take its memory", lambda: process_group.resident([self.child]) > 30 << 20)
        began = time.monotonic()
        pids = {"step": self.step, "child": self.child, "watchdog": self.watchdog}
        if self.victim == "cancel":  # as a run launcher does it: the request is written down, then the worker is asked
            self.sandbox.instance.report_run_canceling(self.recorded())
        number = signal.SIGTERM if self.victim == "cancel" else signal.SIGKILL
        if self.victim == "terminal":
            os.killpg(self.worker.pid, signal.SIGTERM)
        else:
            os.kill(pids.get(self.victim, self.worker.pid), number)
        until(
            "everybody to end",
            lambda: not any(started(pid) is not None for pid in (self.step, self.watchdog, self.child)),
        )
        seconds = time.monotonic() - began
        self.worker.wait(LIMIT_S)
        ledger = UmaCap().open()
        until("the ledger to be empty", lambda: ledger.entries() == [])
        ledger.close()
        assert list((self.sandbox.home / "reports").iterdir()) == [], "what its allocators reported was left behind"
        self.fails_with_a_reason()
        self.completes_when_taken_up()
        return seconds

    def recorded(self) -> dg.DagsterRun:
        """Return the run as the instance stores it now."""
        run = self.sandbox.instance.get_run_by_id(self.run_id)
        assert run is not None
        return run

    def fails_with_a_reason(self) -> None:
        instance, run = self.sandbox.instance, self.recorded()
        if self.victim == "worker":
            assert run.status is dg.DagsterRunStatus.STARTED
            launcher = WatchedRunLauncher()
            launcher.register_instance(instance)
            found = launcher.check_run_worker_health(run)
            assert found.status is WorkerStatus.NOT_FOUND
            instance.report_run_failed(run, str(found))  # as run monitoring does with such an answer
        elif self.victim == "cancel":
            assert run.status is dg.DagsterRunStatus.CANCELED
        elif self.victim == "terminal":  # nobody had asked for it
            assert run.status is dg.DagsterRunStatus.FAILURE
        else:
            assert run.status is dg.DagsterRunStatus.FAILURE
            failed = [
                e.dagster_event
                for e in instance.all_logs(self.run_id)
                if e.dagster_event and e.dagster_event.is_step_failure
            ]
            assert [event.step_key for event in failed] == ["work"]

    def completes_when_taken_up(self) -> None:
        (self.sandbox.home / "go").touch()
        again = self.sandbox.run(
            "killable", reexecution=dg.ReexecutionOptions.from_failure(self.run_id, self.sandbox.instance)
        )
        assert again.success and not again.of("prepare", "STEP_START")
        assert (self.sandbox.home / "artefact").read_bytes() == EXPECTED
        assert self.sandbox.entries() == []


class DaemonKill:
    """A queued run whose daemon is killed and restarted while its step works, alone or with all other processes."""

    def __init__(self, sandbox: Sandbox) -> None:
        self.sandbox, self.run_id = sandbox, str(uuid.uuid4())
        self.daemon = Daemon(sandbox.home, TARGET)

    def play(self) -> float:
        """Kill the daemon and check that the run is not affected; returns the seconds from the release of its step to its end."""
        try:
            self.daemon.start()
            self.queued()
            self.working()
            left = self.daemon.kill()
            self.daemon.start()
            until("the new daemon to look at the run", lambda: self.daemon.logged(f"Checking run {self.run_id}"))
            began = time.monotonic()
            (self.sandbox.home / "go").touch()
            until("the run to end", lambda: self.recorded().is_finished)
            seconds = time.monotonic() - began
            self.succeeded_once()
            until(
                "everybody of the dead daemon to end",
                lambda: not any(started(process.pid) is not None for process in left),
            )
        finally:
            self.daemon.stop()
        return seconds

    def lose_power(self) -> float:
        """Kill all processes and check that the run is retried; returns the seconds from the new daemon's start to its end."""
        try:
            self.daemon.start()
            self.queued()
            self.working()
            left = self.daemon.kill()
            for process in left:
                with contextlib.suppress(psutil.NoSuchProcess):
                    process.kill()
            until("everybody to end", lambda: not any(started(process.pid) is not None for process in left))
            (self.sandbox.home / "go").touch()
            began = time.monotonic()
            self.daemon.start()
            until("the run to be ended", lambda: self.daemon.logged("") and self.recorded().is_finished)
            until(
                "another run to end",
                lambda: (
                    self.daemon.logged("") and len(self.runs()) == 2 and all(run.is_finished for run in self.runs())
                ),
            )
            seconds = time.monotonic() - began
            again, before = self.runs()
            self.succeeded(again.run_id)
            assert before.run_id == self.run_id and before.status is dg.DagsterRunStatus.FAILURE
            messages = [str(event.message) for event in Result(self.run_id, self.sandbox.instance).events]
            assert any("is gone" in message for message in messages), messages[-3:]
        finally:
            self.daemon.stop()
        return seconds

    def runs(self) -> Sequence[dg.DagsterRun]:
        """Return all runs of the instance, the newest first."""
        return self.sandbox.instance.get_runs()

    def queued(self) -> None:
        """Put the run into the queue, as a schedule or the web UI does."""
        command = [program("dagster"), "job", "launch", *TARGET, "--job", "killable", "--run-id", self.run_id]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
        assert done.returncode == 0, (done.stdout + done.stderr)[-2000:]

    def working(self) -> None:
        """Wait until the step, its watchdog and its child are in the middle of their work, all below the daemon."""
        note = self.sandbox.home / "work.pid"
        until(
            "the step to start its child",
            lambda: self.daemon.logged("") and note.is_file() and len(note.read_text().split()) == 3,
        )
        pids = [int(pid) for pid in note.read_text().split()]
        until("the child to take its memory", lambda: process_group.resident(pids[2:]) > 30 << 20)
        assert set(pids) <= {process.pid for process in self.daemon.family()}

    def recorded(self) -> dg.DagsterRun:
        run = self.sandbox.instance.get_run_by_id(self.run_id)
        assert run is not None
        return run

    def succeeded_once(self) -> None:
        """Check that there is no other run, that it succeeded and that each step ran once."""
        assert [run.run_id for run in self.runs()] == [self.run_id]
        found = self.succeeded(self.run_id)
        assert all(len(found.of(step, "STEP_START")) == 1 for step in ("prepare", "work", "finish"))

    def succeeded(self, run_id: str) -> Result:
        """Check that the run succeeded, with the right artefact and nothing reserved."""
        found = Result(run_id, self.sandbox.instance)
        assert found.success, [event.message for event in found.events][-5:]
        assert (self.sandbox.home / "artefact").read_bytes() == EXPECTED
        until("the ledger to be empty", lambda: self.sandbox.entries() == [])
        return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--count", type=int, default=20)
    parser.add_argument("--victims", default=",".join((*VICTIMS, DAEMON, EVERYBODY)))
    options = parser.parse_args()
    for victim in options.victims.split(","):
        slowest = 0.0
        for _ in range(options.count):
            with (
                tempfile.TemporaryDirectory() as folder,
                open_sandbox(Path(folder), shipped=victim not in VICTIMS) as sandbox,
            ):
                slowest = max(slowest, _play(sandbox, victim))
        ended = {DAEMON: "the run ended", EVERYBODY: "the run taken up and at its end"}.get(victim, "everybody gone")
        print(f"{victim}: {options.count} of {options.count} clean, {ended} within {slowest:.2f} s", flush=True)


def _play(sandbox: Sandbox, victim: str) -> float:
    if victim == EVERYBODY:
        return DaemonKill(sandbox).lose_power()
    return DaemonKill(sandbox).play() if victim == DAEMON else Kill(sandbox, victim).play()


if __name__ == "__main__":
    main()
