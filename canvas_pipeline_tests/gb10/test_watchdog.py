"""Watchdogs around real processes: what they measure, what they end, and what they leave alone."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from multiprocessing import get_context
from multiprocessing.process import BaseProcess
from pathlib import Path

import msgspec
import pytest

from canvas_pipeline.gb10 import process_group as group
from canvas_pipeline.gb10.admission import Admitted, Claim, Headroom
from canvas_pipeline.gb10.host import GIB
from canvas_pipeline.gb10.ledger import Ledger, since_boot
from canvas_pipeline.gb10.owner import owner, started
from canvas_pipeline.gb10.watchdog import Report, WatchSpec, run_watchdog
from canvas_pipeline.training import allocator
from canvas_pipeline_tests.gb10.runs import until

MIB = 1 << 20
LONG_S = 600.0
"""How long what is to be ended would go on, and how long a test waits for what must come."""
CONTEXT = get_context("forkserver")


class Watched:
    """A watchdog with work inside, and both ends of its pipes."""

    def __init__(
        self, folder: Path, token: str, work: Callable[..., None], *arguments: object, cap: int = GIB, floor: int = 0
    ) -> None:
        path, headroom = folder / "uma.sqlite", Headroom(budget=100 * GIB, available=1000 * GIB, floor=0)
        self.ledger = Ledger(path)
        claim = Claim(token=token, size=cap, since=since_boot(), name=token)
        assert isinstance(self.ledger.request(claim, "run", owner(), headroom, 60.0), Admitted)
        watched, self.lifeline = CONTEXT.Pipe(duplex=False)
        self.reports, sender = CONTEXT.Pipe(duplex=False)
        order = WatchSpec(
            token=token,
            step=token,
            cap=cap,
            floor=floor,
            ledger=str(path),
            reports=str(folder / token),
            environ=dict(os.environ),
        )
        self.process: BaseProcess = CONTEXT.Process(
            target=run_watchdog, args=(order, watched, sender, 0, work, arguments)
        )
        self.process.start()

    @property
    def used(self) -> int:
        """Bytes by the watchdog's last report to the ledger."""
        return max((entry.used for entry in self.ledger.entries()), default=0)

    def ended(self) -> Report:
        self.process.join(LONG_S)
        assert self.process.exitcode is not None
        return msgspec.json.decode(self.reports.recv_bytes(), type=Report)


def holds(mib: int, flag: str) -> None:
    """Hold memory until ``flag`` exists."""
    held = bytearray(b"\1" * (mib * MIB))
    until("the flag", lambda: held and Path(flag).exists())


def raises(code: int) -> None:
    sys.exit(code)


def kills_itself() -> None:
    os.kill(os.getpid(), signal.SIGSEGV)


def daemonises(path: str, flag: str) -> None:
    """A grandchild that left the session and lost its parent holds memory; the step goes on until ``flag`` exists."""
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            held = bytearray(b"\1" * (130 * MIB))
            Path(path).write_text(str(os.getpid()))
            time.sleep(LONG_S + len(held) * 0)
        os._exit(0)
    until("the flag", Path(flag).exists)


def reports_device_memory(mib: int) -> None:
    """Report device memory through the same file as a CUDA allocator."""
    folder = Path(os.environ[allocator.REPORTS])
    allocator.write(folder / str(os.getpid()), mib * MIB)
    time.sleep(LONG_S)


def test_a_step_that_keeps_its_cap_is_measured_and_left_alone(tmp_path: Path) -> None:
    watched_step = Watched(tmp_path, "quiet", holds, 100, str(tmp_path / "flag"))
    until("it to be measured", lambda: watched_step.used > 100 * MIB)
    (tmp_path / "flag").touch()
    report = watched_step.ended()
    assert report.stop is None and 100 * MIB < report.peak < 250 * MIB


@pytest.mark.parametrize(
    ("work", "arguments", "code"), [(raises, (7,), 7), (raises, (0,), 0), (kills_itself, (), -signal.SIGSEGV)]
)
def test_a_watchdog_exits_as_its_step_ends(
    work: Callable[..., None], arguments: tuple[object, ...], code: int, tmp_path: Path
) -> None:
    watched_step = Watched(tmp_path, "ends", work, *arguments)
    watched_step.ended()
    assert watched_step.process.exitcode == code


def test_a_grandchild_that_left_the_session_is_measured_and_ended_with_the_step(tmp_path: Path) -> None:
    watched_step = Watched(tmp_path, "daemon", daemonises, str(tmp_path / "pid"), str(tmp_path / "flag"))
    pid = tmp_path / "pid"
    until("it to be measured", lambda: watched_step.used > 100 * MIB and pid.is_file() and pid.read_text())
    (tmp_path / "flag").touch()
    report = watched_step.ended()
    assert report.peak > 100 * MIB and report.left_behind == 1
    assert started(int(pid.read_text())) is None


def test_a_grandchild_that_takes_too_much_ends_its_step_with_it_named(tmp_path: Path) -> None:
    report = Watched(
        tmp_path, "daemon", daemonises, str(tmp_path / "pid"), str(tmp_path / "flag"), cap=64 * MIB
    ).ended()
    assert report.stop is not None and report.stop.kind == "cap"
    assert "pid" in report.stop.largest and "the step itself" not in report.stop.largest


def test_device_memory_counts_as_its_allocator_reports_it(tmp_path: Path) -> None:
    report = Watched(tmp_path, "device", reports_device_memory, 3000, cap=2 * GIB).ended()
    assert report.stop is not None and report.stop.kind == "cap" and report.peak > 3000 * MIB


def test_when_the_run_worker_is_gone_the_step_ends(tmp_path: Path) -> None:
    watched_step = Watched(tmp_path, "abandoned", holds, 10, str(tmp_path / "flag"))
    until("it to be measured", lambda: watched_step.used)
    watched_step.lifeline.close()
    report = watched_step.ended()
    assert report.stop is not None and report.stop.kind == "abandoned"


def test_when_the_floor_is_touched_the_youngest_of_the_largest_overdraft_is_ended_with_a_reason(tmp_path: Path) -> None:
    """No machine has that much free: every sample is below the floor."""
    flag = str(tmp_path / "flag")
    old = Watched(tmp_path, "old", holds, 50, flag, floor=1 << 60)
    until("it to be measured or gone", lambda: old.used or not old.process.is_alive())
    young = Watched(tmp_path, "young", holds, 50, flag, floor=1 << 60)
    first, second = old.ended(), young.ended()
    assert first.stop is not None and second.stop is not None
    assert {first.stop.kind, second.stop.kind} == {"floor"} and "are to stay free" in first.stop.reason


def test_a_process_without_the_mark_is_never_taken_for_a_step() -> None:
    marked = subprocess.Popen(
        [sys.executable, "-c", f"import time; time.sleep({LONG_S})"], env={**os.environ, group.MARK: "a-token"}
    )
    other = subprocess.Popen(
        [sys.executable, "-c", f"import time; time.sleep({LONG_S})"], env={**os.environ, group.MARK: "a-token-more"}
    )
    try:
        until("the mark to show", lambda: group.has_mark(marked.pid, "a-token"))
        assert group.step_processes("a-token") == [marked.pid]
        assert not group.reap("a-token", None, 0)
        assert marked.wait(LONG_S) == -signal.SIGKILL and other.poll() is None
        assert group.reap("a-token", None, 0)
    finally:
        for child in (marked, other):
            child.kill()
            child.wait()


def test_proportional_sets_count_a_shared_page_once() -> None:
    held = bytearray(b"\1" * (64 * MIB))
    child = os.fork()
    if child == 0:
        time.sleep(LONG_S)
        os._exit(0)
    try:
        pids = [os.getpid(), child]
        assert sum(group.proportional(pids).values()) < group.resident(pids) - 50 * MIB + len(held) * 0
    finally:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)


@pytest.mark.skipif(os.getuid() != 0, reason="only root can become another user, whose processes cannot be inspected")
def test_a_process_that_nobody_may_look_into_counts_with_all_it_has_and_spares_its_neighbours_no_signal() -> None:
    hidden = subprocess.Popen(
        [sys.executable, "-c", f"import time; held = bytearray({32 * MIB}); time.sleep({LONG_S})"]
    )
    ours = subprocess.Popen(["sleep", str(LONG_S)], user=65534)
    answers, answer = os.pipe()
    try:
        until("it to have its memory", lambda: group.resident([hidden.pid]) >= 8 * MIB)
        inspector = os.fork()
        if inspector == 0:
            os.setuid(65534)
            with contextlib.suppress(BaseException):
                size = group.proportional([hidden.pid]).get(hidden.pid, 0)
                os.write(answer, f"{size} {group.send([hidden.pid, ours.pid], signal.SIGKILL)}".encode())
            os._exit(0)
        os.waitpid(inspector, 0)
        os.close(answer)
        size, _, refused = os.read(answers, 1000).decode().partition(" ")
        assert (int(size or 0) >= 8 * MIB, refused) == (True, f"[{hidden.pid}]")
        assert ours.wait(LONG_S) == -signal.SIGKILL
    finally:
        for child in (hidden, ours):
            child.kill()
            child.wait()


def test_a_leap_beyond_all_bounds_is_a_memory_error_in_the_step_itself() -> None:
    code = f"from canvas_pipeline.gb10 import kernel; kernel.limit_data({256 * MIB}); bytearray({512 * MIB})"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 1 and "MemoryError" in done.stderr


def test_a_child_dies_with_its_parent() -> None:
    code = (
        "import os, signal, time; from canvas_pipeline.gb10 import kernel\n"
        "parent = os.getpid(); ready, done = os.pipe(); child = os.fork()\n"
        f"if child == 0:\n    kernel.die_with_parent(signal.SIGKILL, parent); os.write(done, b'.'); time.sleep({LONG_S})\n"
        "os.read(ready, 1); print(child, flush=True); os.kill(parent, signal.SIGKILL)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    child = int(done.stdout)
    until("the child to be gone", lambda: started(child) is None)


def test_outside_of_a_watched_step_the_allocator_is_left_as_it_is() -> None:
    assert allocator.bound({}) is None
