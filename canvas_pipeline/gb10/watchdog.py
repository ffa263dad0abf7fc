"""The guard of one step: a process of its own, parent of the step, which measures it and ends it at its cap.

In: an ``Order`` (the step's token, its cap, the ledger's file), the step's work as a function. Out: a ``Report`` through a pipe.
What must hold:

- the guard inherits every orphan of the step, so that it knows the whole group, and ends when, and only when, nobody is left
  whom it may signal;
- the group is measured at least four times a second; past its cap it is ended within a second: the step's own process is frozen
  (it must not report a misleading failure), the others get TERM, then all get KILL; no process of another step is touched;
- when the run worker is gone, or the fork server, the group ends too; when the guard is killed, the step dies with it;
- the step ends as it would have without a guard: same exit code, same signal.

Memory is the sum of proportional set sizes, plus what CUDA's allocator reports. PSS is costly to ask for (the kernel walks the page
tables) and grows by no more than RSS does: it is read where RSS says that it could matter, and every two seconds.
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
LOOK_S = 2.0
"""How often PSS is read at least; in between it is reckoned from RSS, and read where that says it could matter."""
NOTE_S = 1.0
"""How often the ledger hears of a step at least, and at once when it uses a tenth more."""
GRACE_S = 0.5
RUNAWAY = 1.25
"""Past so much of its cap a group gets no grace."""
FAREWELL_S = 0.3
"""How long what a step left behind may take to end by itself."""


class Order(msgspec.Struct, frozen=True, kw_only=True):
    """What to guard. Bytes; ``floor`` of 0 leaves the host's floor to others; ``data_limit`` of 0 sets no RLIMIT_DATA. ``environ``
    is the run's environment: the fork server, from which the step is born, may be older than that."""

    token: str
    step: str
    cap: int
    floor: int
    ledger: str
    reports: str
    environ: Mapping[str, str]
    data_limit: int = 0


class Stop(msgspec.Struct, frozen=True, kw_only=True):
    """Why a group was ended: ``cap``, ``floor`` or ``abandoned``; what it used then; its largest process."""

    kind: str
    reason: str
    used: int
    largest: str
    at: float


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """What a guard saw. ``expected``: bytes that should be available once the group's memory is back."""

    peak: int
    used: int
    expected: int
    samples: int
    seconds: float
    left_behind: int = 0
    stop: Stop | None = None


class Guard:
    """Measures and ends; its methods are called from one loop."""

    def __init__(self, order: Order, step: BaseProcess, ledger: Ledger) -> None:
        self.order, self.step, self.ledger = order, step, ledger
        self.peak = self.used = self.samples = 0
        self.available = 0
        self.stop: Stop | None = None
        self.sizes: dict[int, int] = {}
        self._proportional = self._resident = 0
        self._looked_at = 0.0
        self._noted, self._noted_at = -1, 0.0
        self._under_floor = 0
        self._silent = False

    def members(self) -> list[int]:
        return group.descendants(os.getpid())

    def sample(self) -> None:
        """Measure once; find out whether the group has to end."""
        members = self.members()
        device = allocator.reported(Path(self.order.reports), members)
        resident = group.resident(members) + device
        # Since the last look at PSS it has grown by what RSS has grown by, at most.
        self.used = max(0, self._proportional + resident - self._resident)
        due = time.monotonic() - self._looked_at >= LOOK_S
        if due or self.used > self.order.cap or self.used > self.peak + max(self.peak // 50, 4 << 20):
            self.sizes = group.proportional(members)
            self.used = sum(self.sizes.values()) + device
            self._proportional, self._resident, self._looked_at = self.used, resident, time.monotonic()
        self.samples += 1
        self.peak = max(self.peak, self.used)
        self.available = memory().available
        if self.used > self.order.cap:
            over = f"it used {gib(self.used)} of the {gib(self.order.cap)} it had reserved"
            self.stop = self._stop("cap", over)
        elif reason := self._ordered():
            self.stop = self._stop("floor", reason)

    def _ordered(self) -> str:
        """Tell the ledger, hear from it; look after the host's floor."""
        now = time.monotonic()
        missing = self.order.floor - self.available
        self._under_floor = self._under_floor + 1 if missing > 0 else 0
        due = now - self._noted_at >= NOTE_S or self._under_floor
        if not due and abs(self.used - self._noted) * 10 <= max(self._noted, 64 << 20):
            return ""
        try:
            if self._under_floor >= 2:
                self.ledger.elect(
                    missing,
                    f"only {gib(self.available)} were available on this machine and {gib(self.order.floor)} are to stay free; "
                    "no step was over its reservation by more, and none was younger",
                )
            reason = self.ledger.measure(self.order.token, self.used)
        except (CanvasPipelineError, sqlite3.Error) as error:
            # The step must not pay for a full disk: it stays under its cap, and its neighbours reckon with the whole reservation.
            if not self._silent:
                print(f"guard of {self.order.step}: {error}", file=sys.stderr, flush=True)
            self._silent = True
            return ""
        self._noted, self._noted_at = self.used, now
        return reason

    def _stop(self, kind: str, reason: str) -> Stop:
        sizes = self.sizes or group.proportional(self.members())
        largest = max(sizes, key=lambda pid: sizes[pid], default=os.getpid())
        name = f"the step itself (pid {largest})" if largest == self.step.pid else group.described(largest)
        text = f"{name} with {gib(sizes.get(largest, 0))}"
        return Stop(kind=kind, reason=reason, used=self.used, largest=text, at=time.time())

    def end(self, grace_s: float) -> int:
        """TERM to the group but the step itself, which is frozen; KILL to all after the grace, or at once past the cap by far.
        Returns how many got the signal."""
        members = self.members()
        step = self.step.pid
        assert step is not None
        group.send([step], signal.SIGSTOP)
        others = [pid for pid in members if pid != step]
        group.send(others, signal.SIGTERM)
        deadline = time.monotonic() + grace_s
        while others and time.monotonic() < deadline and group.resident(self.members()) < self.order.cap * RUNAWAY:
            time.sleep(0.02)
            self.collect()
            others = [pid for pid in self.members() if pid != step]
        beyond_us: set[int] = set()
        while members := [pid for pid in self.members() if pid not in beyond_us]:
            beyond_us.update(group.send(members, signal.SIGKILL))
            self.collect()
            self.step.join(0.01)
            time.sleep(0.01)
        return len(others)

    def farewell(self) -> int:
        """The step has ended: give what it left behind a moment, then end it; returns how many had to be ended."""
        deadline = time.monotonic() + FAREWELL_S
        while (left := self.living()) and time.monotonic() < deadline:
            time.sleep(0.01)
        if left:
            self.end(GRACE_S)
        return len(left)

    def living(self) -> list[int]:
        self.collect()
        return self.members()

    def collect(self) -> None:
        """Take the exit of every orphan that ended; the step's own is left to its ``Process``."""
        for pid in group.descendants(os.getpid()):
            if pid != self.step.pid:
                with contextlib.suppress(ChildProcessError):  # a child of a child: its parent's to collect
                    os.waitpid(pid, os.WNOHANG)


def guard(
    order: Order,
    lifeline: Connection,
    reports: Connection,
    born: int,
    target: Callable[..., None],
    args: tuple[Any, ...],
) -> None:
    """The guard's whole life. ``lifeline`` ends with the run worker; ``born`` is the process id that started this one (0: it is
    not watched)."""
    os.setsid()
    kernel.no_core_dump()
    kernel.inherit_orphans()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    Path(order.reports).mkdir(parents=True, exist_ok=True)
    ledger = Ledger(Path(order.ledger))
    started = time.monotonic()
    if not ledger.hand_over(order.token, owner(), os.getpid()):
        raise CanvasPipelineError(f"{order.step}: its reservation is gone (the run that asked for it has ended)")
    step = get_context("fork").Process(target=_step, args=(order, os.getpid(), target, args), name=order.step)
    step.start()
    warden = Guard(order, step, ledger)
    asked_to_end: list[int] = []
    signal.signal(signal.SIGTERM, lambda number, _: asked_to_end.append(number))
    if born:
        kernel.die_with_parent(signal.SIGTERM, born)
    _watch(warden, lifeline, asked_to_end)
    expected = memory().available + warden.used * 8 // 10
    left = 0
    if warden.stop is not None:
        warden.end(GRACE_S)
    else:
        step.join()
        left = warden.farewell()
    step.join()
    report = Report(
        peak=warden.peak, used=warden.used, expected=expected, samples=warden.samples,
        seconds=time.monotonic() - started, left_behind=left, stop=warden.stop,
    )  # fmt: skip
    with contextlib.suppress(OSError):  # the run worker may be gone
        reports.send_bytes(msgspec.json.encode(report))
    allocator.forget(Path(order.reports))
    _leave_like(step.exitcode or 0)


def _watch(warden: Guard, lifeline: Connection, asked_to_end: list[int]) -> None:
    """Until the step has ended, or has to."""
    assert warden.step.pid is not None
    poll = select.poll()
    with contextlib.ExitStack() as open_files:
        pidfd = os.pidfd_open(warden.step.pid)
        open_files.callback(os.close, pidfd)
        poll.register(pidfd, select.POLLIN)
        poll.register(lifeline.fileno(), select.POLLIN | select.POLLHUP)
        while warden.stop is None:
            events = [number for number, _ in poll.poll(SAMPLE_S * 1000)]
            if pidfd in events:
                return
            warden.sample()
            warden.collect()
            if lifeline.fileno() in events or asked_to_end:
                warden.stop = warden._stop("abandoned", "the run it belongs to has ended")


def _step(order: Order, guard_pid: int, target: Callable[..., None], args: tuple[Any, ...]) -> None:
    """In the step's own process: its bounds and its mark, then its work."""
    kernel.die_with_parent(signal.SIGKILL, guard_pid)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    kernel.go_first()
    if order.data_limit:
        kernel.bound_data(order.data_limit)
    os.environ.clear()
    os.environ.update(order.environ)
    os.environ[group.MARK] = order.token
    os.environ.update(allocator.environment(order.cap, Path(order.reports)))
    target(*args)


def _leave_like(code: int) -> None:
    """End as the step ended: by the same signal, or with the same code."""
    if code < 0:
        with contextlib.suppress(OSError, ValueError):
            signal.signal(-code, signal.SIG_DFL)
        sys.stderr.flush()
        os.kill(os.getpid(), -code)
        time.sleep(1.0)
    if code:
        sys.exit(code)
