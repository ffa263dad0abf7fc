"""Send a long command's own output to the terminal and all other output to a log file, and stop cleanly on Ctrl-C."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TextIO

from rich.console import Console

SIGNALS = (signal.SIGINT, signal.SIGTERM)
KEPT_LOGS = 30


@contextlib.contextmanager
def logged(log: Path, *, verbose: bool = False) -> Iterator[Console]:
    """Send what this process and its children write to ``log``, with ``verbose`` to the terminal too. Yields a console.

    Descriptors are redirected, not ``sys.stdout``, because native libraries and child processes write to descriptors."""
    log.parent.mkdir(parents=True, exist_ok=True)
    # Names end in the time, so the last ones are the newest.
    for old in sorted(log.parent.glob("*.log"), key=lambda path: path.stem[-16:])[: -KEPT_LOGS + 1]:
        old.unlink(missing_ok=True)
    terminal = _terminal()
    before = [os.dup(1), os.dup(2)]
    tee = None
    if verbose:
        # In its own session: Ctrl-C must not end it before the processes that write to it.
        tee = subprocess.Popen(["tee", "-a", str(log)], stdin=subprocess.PIPE, start_new_session=True)
        assert tee.stdin is not None
        target = os.dup(tee.stdin.fileno())
        tee.stdin.close()
    else:
        target = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    _redirect(target, target)
    os.close(target)
    try:
        yield Console(file=terminal, highlight=False)
    finally:
        terminal.flush()
        _redirect(*before)
        for descriptor in before:
            os.close(descriptor)
        if terminal is not sys.stdout:
            terminal.close()


def _terminal() -> TextIO:
    try:
        return os.fdopen(os.dup(sys.stdout.fileno()), "w", encoding=sys.stdout.encoding, errors="replace")
    except OSError:  # standard output is not a file here
        return sys.stdout


def _redirect(out: int, err: int) -> None:
    sys.stdout.flush()
    sys.stderr.flush()
    os.dup2(out, 1)
    os.dup2(err, 2)


class StopSignals:
    """Listen for SIGINT and SIGTERM, whatever handlers are installed: Dagster's own do not show which of them arrived.

    ``number`` is the first that arrived; ``on_stop`` is called for it in a separate thread. Use in the main thread."""

    def __init__(self) -> None:
        self.number: int | None = None
        self.on_stop: Callable[[], object] = lambda: None

    def __enter__(self) -> StopSignals:
        self._handlers = {number: signal.signal(number, signal.default_int_handler) for number in SIGNALS}
        self._reading, self._writing = os.pipe()
        os.set_blocking(self._writing, False)
        self._wakeup = signal.set_wakeup_fd(self._writing, warn_on_full_buffer=False)
        self._thread = threading.Thread(target=self._listen, name="stops", daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        signal.set_wakeup_fd(self._wakeup)
        os.close(self._writing)
        self._thread.join()
        os.close(self._reading)
        for number, handler in self._handlers.items():
            signal.signal(number, handler)

    def _listen(self) -> None:
        while received := os.read(self._reading, 1):
            if received[0] in SIGNALS and self.number is None:
                self.number = received[0]
                self.on_stop()

    @property
    def exit_code(self) -> int:
        """The exit code as a shell reports it."""
        return 128 + (self.number or signal.SIGINT)
