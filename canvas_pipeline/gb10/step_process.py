"""Start a step's process below a watchdog, through a multiprocessing context that Dagster uses like any other.

Dagster sees the watchdog's process (``is_alive``, ``exitcode``, ``join``, ``pid``), which ends as the step ends.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from multiprocessing import forkserver
from multiprocessing.connection import Connection
from multiprocessing.context import BaseContext
from multiprocessing.process import BaseProcess
from multiprocessing.synchronize import Event
from typing import Any

import msgspec

from canvas_pipeline.gb10.watchdog import Report, WatchSpec, run_watchdog


class WatchedContext:
    """A multiprocessing context whose process is a watchdog with the step as its child."""

    def __init__(self, context: BaseContext, spec: WatchSpec) -> None:
        self._context, self._spec = context, spec
        self._lifeline: Connection | None = None
        self._reports: Connection | None = None
        self._given: tuple[Connection, ...] = ()
        self.process: BaseProcess | None = None
        self.Queue = context.Queue

    def Event(self) -> TermEvent:
        """Create the event that asks the step to end."""
        return TermEvent(self._context)

    def Process(self, *, target: Callable[..., None], args: tuple[Any, ...]) -> BaseProcess:
        """Create the watchdog's process, not started yet."""
        # The watchdog reads its end: end of file means that this process has ended, however.
        watched, self._lifeline = self._context.Pipe(duplex=False)
        self._reports, sender = self._context.Pipe(duplex=False)
        parent = _forkserver_pid() if self._context.get_start_method() == "forkserver" else os.getpid()
        process: BaseProcess = self._context.Process(  # type: ignore[attr-defined]
            target=run_watchdog, args=(self._spec, watched, sender, parent, target, args), name=self._spec.step
        )
        self._given = (watched, sender)
        self.process = process
        return process

    def report(self) -> Report | None:
        """Return the watchdog's report; None if it was killed before it sent one."""
        if self._reports is None or not self._reports.poll(0):
            return None
        try:
            return msgspec.json.decode(self._reports.recv_bytes(), type=Report)
        except (EOFError, OSError):
            return None

    def close(self) -> None:
        """Close the pipes; a watchdog that still lives then ends its step."""
        for end in (self._lifeline, self._reports, *self._given):
            if end is not None:
                end.close()


class TermEvent(Event):
    """The event by which Dagster's loop asks a step to end; ``set`` does not wait for the step.

    Setting the stock event waits until the step's listening thread wakes up: forever if the watchdog has frozen or killed the step,
    which happens when run worker and fork server get a SIGTERM."""

    def __init__(self, context: BaseContext) -> None:
        super().__init__(ctx=context)
        self._created_by = os.getpid()

    def set(self) -> None:
        """Set the event; returns at once in the process that created it."""
        if os.getpid() != self._created_by:
            super().set()
            return
        threading.Thread(target=super().set, name="term-event", daemon=True).start()


def _forkserver_pid() -> int:
    """Return the process id of the fork server, the parent of its processes; 0 if it is unknown."""
    return int(getattr(forkserver._forkserver, "_forkserver_pid", None) or 0)
