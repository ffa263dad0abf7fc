"""Asking a step to end, whatever became of it."""

from __future__ import annotations

import os
import signal
import threading
from multiprocessing import get_context
from multiprocessing.connection import Connection
from multiprocessing.synchronize import Event

import pytest

from canvas_pipeline.gb10.step_process import TermEvent

PATIENCE_S = 600.0


def listens(event: Event, said: Connection) -> None:
    """A step's thread that waits to be asked; it says that it is there, and that it was asked."""
    said.send("listening")
    event.wait()
    said.send("asked")


def asked(event: Event, within_s: float = PATIENCE_S) -> bool:
    """Whether somebody who asks comes back from it."""
    thread = threading.Thread(target=event.set, daemon=True)
    thread.start()
    thread.join(within_s)
    return not thread.is_alive()


@pytest.mark.parametrize("method", ["forkserver", "fork"])
def test_a_step_that_listens_hears_that_it_should_end(method: str) -> None:
    context = get_context(method)
    heard, said = context.Pipe(duplex=False)
    event = TermEvent(context)
    step = context.Process(target=listens, args=(event, said))  # type: ignore[attr-defined]
    step.start()
    assert heard.poll(PATIENCE_S) and heard.recv() == "listening"
    assert asked(event)
    assert heard.poll(PATIENCE_S) and heard.recv() == "asked"
    step.join(PATIENCE_S)
    assert step.exitcode == 0 and event.is_set()


@pytest.mark.parametrize("number", [signal.SIGSTOP, signal.SIGKILL], ids=["frozen", "killed"])
def test_who_asks_a_frozen_or_killed_step_to_end_is_not_kept_waiting(number: signal.Signals) -> None:
    context = get_context("fork")
    # The stock event waits for the step's thread to wake up, for ever: why there is one of ours.
    for event, returns, within_s in ((TermEvent(context), True, PATIENCE_S), (context.Event(), False, 1.0)):
        heard, said = context.Pipe(duplex=False)
        step = context.Process(target=listens, args=(event, said))
        step.start()
        assert heard.poll(PATIENCE_S) and heard.recv() == "listening"
        while event._cond._sleeping_count.get_value() == 0:  # type: ignore[attr-defined]
            assert step.is_alive()
        assert step.pid is not None
        os.kill(step.pid, number)
        assert asked(event, within_s) is returns
        step.kill()
        step.join()
