"""How a step becomes a process: a multiprocessing context whose processes are born under guard.

In: the context that Dagster would start a step's process with, an ``Order``. Out: the same context, but for ``Process``. What must
hold: Dagster sees a process like any other (``is_alive``, ``exitcode``, ``join``, ``pid``): the guard, which ends as the step ends;
asking a step to end never waits for it.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Sequence
from multiprocessing import forkserver
from multiprocessing.connection import Connection
from multiprocessing.context import BaseContext
from multiprocessing.process import BaseProcess
from multiprocessing.synchronize import Event
from typing import Any

import msgspec
from dagster import serialize_value

from canvas_pipeline.gb10.dagster_compat import ReconstructableJob
from canvas_pipeline.gb10.preload import JOB
from canvas_pipeline.gb10.watchdog import Order, Report, guard


class GuardedContext:
    """Queues and events of a real context; a process is started as a guard with the step inside."""

    def __init__(self, context: BaseContext, order: Order) -> None:
        self._context, self._order = context, order
        self._lifeline: Connection | None = None
        self._reports: Connection | None = None
        self._given: tuple[Connection, ...] = ()
        self.process: BaseProcess | None = None
        self.Queue = context.Queue

    def Event(self) -> TermEvent:
        """What the step is asked to end by."""
        return TermEvent(self._context)

    def Process(self, *, target: Callable[..., None], args: tuple[Any, ...]) -> BaseProcess:
        """A process that is not started yet."""
        # The guard's end reads: end of file says that this process is gone, however it went.
        watched, self._lifeline = self._context.Pipe(duplex=False)
        self._reports, said = self._context.Pipe(duplex=False)
        born = _forkserver_pid() if self._context.get_start_method() == "forkserver" else os.getpid()
        made: BaseProcess = self._context.Process(  # type: ignore[attr-defined]
            target=guard, args=(self._order, watched, said, born, target, args), name=self._order.step
        )
        self._given = (watched, said)
        self.process = made
        return made

    def report(self) -> Report | None:
        """What the guard said when it ended; None where it was killed before it could."""
        if self._reports is None or not self._reports.poll(0):
            return None
        try:
            return msgspec.json.decode(self._reports.recv_bytes(), type=Report)
        except (EOFError, OSError):
            return None

    def close(self) -> None:
        """Let go of the pipes; a guard that still lives ends its step."""
        for end in (self._lifeline, self._reports, *self._given):
            if end is not None:
                end.close()


class TermEvent(Event):
    """The event by which Dagster's loop asks a step to end. Setting the stock one waits until the step's thread that listens has
    woken up: for ever where the guard has frozen the step or killed it, which a SIGTERM to run worker and fork server does."""

    def __init__(self, context: BaseContext) -> None:
        super().__init__(ctx=context)
        self._made_by = os.getpid()

    def set(self) -> None:
        """In the run worker: returns at once. In the step: as ever."""
        if os.getpid() != self._made_by:
            super().set()
            return
        threading.Thread(target=super().set, name="term-event", daemon=True).start()


def preload(job: ReconstructableJob, modules: Sequence[str]) -> None:
    """Start the fork server, which loads the job's definitions once for all steps while this process plans."""
    forkserver.set_forkserver_preload(list(modules))
    os.environ[JOB] = serialize_value(job)
    try:
        forkserver.ensure_running()
    finally:
        del os.environ[JOB]


def _forkserver_pid() -> int:
    """The fork server's process id, the parent of its processes; 0 where this Python does not say."""
    return int(getattr(forkserver._forkserver, "_forkserver_pid", None) or 0)
