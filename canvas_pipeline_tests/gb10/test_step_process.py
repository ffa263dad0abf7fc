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


def listens(event: Event, sender: Connection) -> None:
    """Wait to be asked to end, as a thread of a step does; report both."""
    sender.send("listening")
    event.wait()
    sender.send("asked")


def asked(event: Event, within_s: float = PATIENCE_S) -> bool:
    """Return whether asking the step to end returns in time."""
    thread = threading.Thread(target=event.set, daemon=True)
    thread.start()
    thread.join(within_s)
    return not thread.is_alive()


@pytest.mark.parametrize("method", ["forkserver", "fork"])
def test_a_listening_step_is_asked_to_end(method: str) -> None:
    context = get_context(method)
    receiver, sender = context.Pipe(duplex=False)
    event = TermEvent(context)
    step = context.Process(target=listens, args=(event, sender))  # type: ignore[attr-defined]
    step.start()
    assert receiver.poll(PATIENCE_S) and receiver.recv() == "listening"
    assert asked(event)
    assert receiver.poll(PATIENCE_S) and receiver.recv() == "asked"
    step.join(PATIENCE_S)
    assert step.exitcode == 0 and event.is_set()


@pytest.mark.parametrize("number", [signal.SIGSTOP, signal.SIGKILL], ids=["frozen", "killed"])
def test_asking_a_frozen_or_killed_step_to_end_returns_at_once(number: signal.Signals) -> None:
    context = get_context("fork")
    # The stock event waits for the step's thread to wake up, for ever: why there is one of ours.
    for event, returns, within_s in ((TermEvent(context), True, PATIENCE_S), (context.Event(), False, 1.0)):
        receiver, sender = context.Pipe(duplex=False)
        step = context.Process(target=listens, args=(event, sender))
        step.start()
        assert receiver.poll(PATIENCE_S) and receiver.recv() == "listening"
        while event._cond._sleeping_count.get_value() == 0:  # type: ignore[attr-defined]
            assert step.is_alive()
        assert step.pid is not None
        os.kill(step.pid, number)
        assert asked(event, within_s) is returns
        step.kill()
        step.join()
