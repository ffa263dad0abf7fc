"""Compare expressions with ``math-verify`` in a process of its own that may be killed.

The library limits its time by ``signal.alarm``, which needs the main thread, raises ``ValueError`` in any other, and interrupts
no computation inside C code. Here the kernel ends the worker after its limit of processor time, whatever it computes, and a new
one is started. Works from every thread, and from forked processes, which start a worker of their own.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from types import TracebackType
from typing import Literal, Protocol, Self, cast

from canvas_pipeline.errors import MissingTool

Comparison = Literal["equal", "different", "gold_unreadable", "answer_unreadable", "undecided"]


class Comparer(Protocol):
    """Decide whether two expressions in LaTeX are equal."""

    def compare(self, gold: str, answer: str) -> Comparison: ...


class SymbolicComparer:
    """Compare expressions by ``math-verify``. Use it in a ``with`` block; the worker starts at the first comparison.

    ``seconds`` of processor time and ``memory_mib`` limit one comparison; beyond either it is ``undecided``."""

    def __init__(self, *, seconds: float = 5.0, memory_mib: int = 2048) -> None:
        self._limits = (str(seconds), str(memory_mib))
        self._forget()

    def _forget(self) -> None:
        self._pid = os.getpid()
        self._lock = threading.Lock()
        self._process: subprocess.Popen[str] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def compare(self, gold: str, answer: str) -> Comparison:
        """Compare an answer with the gold one, both in LaTeX without delimiters. Raises ``MissingTool`` without the library."""
        if self._pid != os.getpid():
            self._forget()
        with self._lock:
            if self._process is None:
                self._process = self._start()
            reply = self._ask(self._process, json.dumps([gold, answer]))
            if not reply:
                self._end()
                return "undecided"
            return cast(Comparison, reply)

    def close(self) -> None:
        """End the worker. A later comparison starts a new one."""
        if self._pid == os.getpid():
            with self._lock:
                self._end()

    def _start(self) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, "-m", "canvas_pipeline.verifiers.symbolic_worker", *self._limits],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,  # the library prints what it cannot read: texts of rows
            text=True,
            encoding="utf-8",
            env={**os.environ, "PYTHONHASHSEED": "0"},
        )
        assert process.stdout is not None
        if process.stdout.readline().strip() != "ready":
            process.kill()
            process.wait()
            raise MissingTool("math-verify is not installed or does not start; install it with `uv sync --extra math`")
        return process

    @staticmethod
    def _ask(process: subprocess.Popen[str], request: str) -> str:
        """Return the worker's reply; empty if it ended."""
        assert process.stdin is not None and process.stdout is not None
        try:
            process.stdin.write(request + "\n")
            process.stdin.flush()
        except BrokenPipeError:
            return ""
        return process.stdout.readline().strip()

    def _end(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.communicate()
            self._process = None
