"""Watch one step: a watchdog is the parent process of the step, measures its process group and ends it at its cap.

Invariants:

- the watchdog inherits every orphan of the step, so it can list the whole group, and exits only when no member is left that it may
  signal;
- the group is measured at least four times a second; past its cap it is ended within a second: the step's own process is frozen
  (it must not report a misleading failure), the others get TERM, then all get KILL; no process of another step is touched;
- when the run worker or the fork server ends, the group is ended too; when the watchdog is killed, the step is killed with it;
- the watchdog exits as the step did: same exit code, same signal.

Memory is the sum of proportional set sizes (PSS), plus what CUDA's allocator reports. Reading PSS is costly (the kernel walks the
page tables) and it never grows by more than RSS, so it is read every two seconds and whenever RSS shows that it could matter.
"""

from __future__ import annotations

import contextlib
import os
import select
import signal
import sqlite3
import sys
import time
from collections.abc import Callable, Mapping
from multiprocessing import get_context
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

import msgspec

from canvas_pipeline.errors import CanvasPipelineError
from canvas_pipeline.gb10 import kernel
from canvas_pipeline.gb10 import process_group as group
from canvas_pipeline.gb10.host import gib, memory
from canvas_pipeline.gb10.ledger import Ledger
from canvas_pipeline.gb10.owner import owner
from canvas_pipeline.training import allocator

SAMPLE_S = 0.1
PSS_S = 2.0
"""Longest interval between readings of PSS; in between it is estimated from RSS."""
REPORT_S = 1.0
"""Longest interval between reports to the ledger; a change of a tenth is reported at once."""
GRACE_S = 0.5
RUNAWAY = 1.25
"""A group that uses this many times its cap gets no grace."""
LEFTOVER_GRACE_S = 0.3
"""Seconds that processes left behind by an ended step get to end by themselves."""


class WatchSpec(msgspec.Struct, frozen=True, kw_only=True):
    """What to watch. Sizes are bytes; a ``floor`` of 0 does not protect the host's floor, a ``data_limit`` of 0 sets no limit.

    ``environ`` is the run's environment: that of the fork server, from which the step is forked, may be older."""

    token: str
    step: str
    cap: int
    floor: int
    ledger: str
    reports: str
    environ: Mapping[str, str]
    data_limit: int = 0


class Stop(msgspec.Struct, frozen=True, kw_only=True):
    """Rule a group was ended (``kind``: cap, floor or abandoned), what it used then, and its largest process."""

    kind: str
    reason: str
    used: int
    largest: str
    at: float


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """The measurements of a watchdog. ``expected``: bytes that should be available once the group's memory is back."""

    peak: int
    used: int
    expected: int
    samples: int
    seconds: float
    left_behind: int = 0
    stop: Stop | None = None


class Watchdog:
    """Measures a step's process group and ends it; its methods are called from one loop."""

    def __init__(self, spec: WatchSpec, step: BaseProcess, ledger: Ledger) -> None:
        self.spec, self.step, self.ledger = spec, step, ledger
        self.peak = self.used = self.samples = 0
        self.available = 0
        self.stop: Stop | None = None
        self.sizes: dict[int, int] = {}
        self._proportional = self._resident = 0
        self._pss_read_at = 0.0
        self._reported, self._reported_at = -1, 0.0
        self._under_floor = 0
        self._ledger_failed = False

    def members(self) -> list[int]:
        return group.descendants(os.getpid())

    def sample(self) -> None:
        """Measure once, and set ``stop`` if the group has to end."""
        members = self.members()
        device = allocator.reported(Path(self.spec.reports), members)
        resident = group.resident(members) + device
        # Since it was last read, PSS has grown by at most what RSS has grown by.
        self.used = max(0, self._proportional + resident - self._resident)
        due = time.monotonic() - self._pss_read_at >= PSS_S
        if due or self.used > self.spec.cap or self.used > self.peak + max(self.peak // 50, 4 << 20):
            self.sizes = group.proportional(members)
            self.used = sum(self.sizes.values()) + device
            self._proportional, self._resident, self._pss_read_at = self.used, resident, time.monotonic()
        self.samples += 1
        self.peak = max(self.peak, self.used)
        self.available = memory().available
        if self.used > self.spec.cap:
            over = f"it used {gib(self.used)} of the {gib(self.spec.cap)} it had reserved"
            self.stop = self._stop("cap", over)
        elif reason := self._floor_reason():
            self.stop = self._stop("floor", reason)

    def _floor_reason(self) -> str:
        """Report to the ledger and protect the host's floor; returns the ledger's reason to end this step, or ""."""
        now = time.monotonic()
        missing = self.spec.floor - self.available
        self._under_floor = self._under_floor + 1 if missing > 0 else 0
        due = now - self._reported_at >= REPORT_S or self._under_floor
        if not due and abs(self.used - self._reported) * 10 <= max(self._reported, 64 << 20):
            return ""
        try:
            if self._under_floor >= 2:
                self.ledger.choose_victim(
                    missing,
                    f"only {gib(self.available)} were available on this machine and {gib(self.spec.floor)} are to stay free; "
                    "no step was over its reservation by more, and none was younger",
                )
            reason = self.ledger.measure(self.spec.token, self.used)
        except (CanvasPipelineError, sqlite3.Error) as error:
            # A full disk must not end the step: its cap is still enforced, and other steps count its whole reservation.
            if not self._ledger_failed:
                print(f"watchdog of {self.spec.step}: {error}", file=sys.stderr, flush=True)
            self._ledger_failed = True
            return ""
        self._reported, self._reported_at = self.used, now
        return reason

    def _stop(self, kind: str, reason: str) -> Stop:
        sizes = self.sizes or group.proportional(self.members())
        largest = max(sizes, key=lambda pid: sizes[pid], default=os.getpid())
        name = f"the step itself (pid {largest})" if largest == self.step.pid else group.described(largest)
        text = f"{name} with {gib(sizes.get(largest, 0))}"
        return Stop(kind=kind, reason=reason, used=self.used, largest=text, at=time.time())

    def end(self) -> None:
        """Freeze the step and send TERM to the rest of the group; KILL all after the grace, or at once if far past the cap."""
        members = self.members()
        step = self.step.pid
        assert step is not None
        group.send([step], signal.SIGSTOP)
        others = [pid for pid in members if pid != step]
        group.send(others, signal.SIGTERM)
        deadline = time.monotonic() + GRACE_S
        while others and time.monotonic() < deadline and group.resident(self.members()) < self.spec.cap * RUNAWAY:
            time.sleep(0.02)
            self.collect()
            others = [pid for pid in self.members() if pid != step]
        beyond_us: set[int] = set()
        while members := [pid for pid in self.members() if pid not in beyond_us]:
            beyond_us.update(group.send(members, signal.SIGKILL))
            self.collect()
            self.step.join(0.01)
            time.sleep(0.01)

    def end_leftovers(self) -> int:
        """End what an ended step left behind, after ``LEFTOVER_GRACE_S``; returns how many processes had to be ended."""
        deadline = time.monotonic() + LEFTOVER_GRACE_S
        self.collect()
        while (left := self.members()) and time.monotonic() < deadline:
            time.sleep(0.01)
            self.collect()
        if left:
            self.end()
        return len(left)

    def collect(self) -> None:
        """Collect the exit status of every ended orphan; the step's own is left to its ``Process``."""
        for pid in group.descendants(os.getpid()):
            if pid != self.step.pid:
                with contextlib.suppress(ChildProcessError):  # a child of a child: only its parent can collect it
                    os.waitpid(pid, os.WNOHANG)


def run_watchdog(
    spec: WatchSpec,
    lifeline: Connection,
    reports: Connection,
    parent: int,
    target: Callable[..., None],
    args: tuple[Any, ...],
) -> None:
    """Run a watchdog from its start to its exit: the target of its process.

    ``lifeline`` is closed when the run worker ends. ``parent`` is the process that started this one (0: do not end with it)."""
    os.setsid()
    kernel.no_core_dump()
    kernel.inherit_orphans()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    Path(spec.reports).mkdir(parents=True, exist_ok=True)
    ledger = Ledger(Path(spec.ledger))
    started = time.monotonic()
    if not ledger.transfer(spec.token, owner(), os.getpid()):
        raise CanvasPipelineError(
            f"{spec.step}: its reservation no longer exists (the run that requested it has ended)"
        )
    step = get_context("fork").Process(target=_step, args=(spec, os.getpid(), target, args), name=spec.step)
    step.start()
    watchdog = Watchdog(spec, step, ledger)
    terminations: list[int] = []
    signal.signal(signal.SIGTERM, lambda number, _: terminations.append(number))
    if parent:
        kernel.die_with_parent(signal.SIGTERM, parent)
    _watch(watchdog, lifeline, terminations)
    expected = memory().available + watchdog.used * 8 // 10
    left = 0
    if watchdog.stop is not None:
        watchdog.end()
    else:
        step.join()
        left = watchdog.end_leftovers()
    step.join()
    report = Report(
        peak=watchdog.peak, used=watchdog.used, expected=expected, samples=watchdog.samples,
        seconds=time.monotonic() - started, left_behind=left, stop=watchdog.stop,
    )  # fmt: skip
    with contextlib.suppress(OSError):  # the run worker may be gone
        reports.send_bytes(msgspec.json.encode(report))
    allocator.remove_reports(Path(spec.reports))
    _exit_like(step.exitcode or 0)


def _watch(watchdog: Watchdog, lifeline: Connection, terminations: list[int]) -> None:
    """Sample until the step has ended or has to be ended."""
    assert watchdog.step.pid is not None
    poll = select.poll()
    with contextlib.ExitStack() as open_files:
        pidfd = os.pidfd_open(watchdog.step.pid)
        open_files.callback(os.close, pidfd)
        poll.register(pidfd, select.POLLIN)
        poll.register(lifeline.fileno(), select.POLLIN | select.POLLHUP)
        while watchdog.stop is None:
            events = [number for number, _ in poll.poll(SAMPLE_S * 1000)]
            if pidfd in events:
                return
            watchdog.sample()
            watchdog.collect()
            if lifeline.fileno() in events or terminations:
                watchdog.stop = watchdog._stop("abandoned", "the run it belongs to has ended")


def _step(spec: WatchSpec, watchdog_pid: int, target: Callable[..., None], args: tuple[Any, ...]) -> None:
    """Set the bounds and the mark of the step's own process, then run its work."""
    kernel.die_with_parent(signal.SIGKILL, watchdog_pid)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    kernel.prefer_oom_kill()
    if spec.data_limit:
        kernel.limit_data(spec.data_limit)
    os.environ.clear()
    os.environ.update(spec.environ)
    os.environ[group.MARK] = spec.token
    os.environ.update(allocator.environment(spec.cap, Path(spec.reports)))
    target(*args)


def _exit_like(code: int) -> None:
    """Exit as the step did: by the same signal, or with the same code."""
    if code < 0:
        with contextlib.suppress(OSError, ValueError):
            signal.signal(-code, signal.SIG_DFL)
        sys.stderr.flush()
        os.kill(os.getpid(), -code)
        time.sleep(1.0)
    if code:
        sys.exit(code)
