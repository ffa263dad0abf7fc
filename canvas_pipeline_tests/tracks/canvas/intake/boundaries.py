"""Every place where a process may die while it writes: before, in the middle of and after each write that reaches the operating
system, each fsync, rename, link and removal. ``Boundaries`` counts them, and at the chosen one the process kills itself.

Buffered files are opened over a raw file of our own, so that a write counts when the buffer is really handed on, and can be torn
in half. What a C library writes by itself (a spill file of duckdb) is not seen; nothing of it is an output.
"""

from __future__ import annotations

import builtins
import io
import os
import signal
from collections.abc import Callable
from typing import Any

REAL_OPEN = io.open
CALLS = (
    "fsync",
    "rename",
    "replace",
    "symlink",
    "link",
    "unlink",
    "remove",
    "rmdir",
    "mkdir",
    "truncate",
    "ftruncate",
    "write",
)


class Boundaries:
    """Counts boundaries, by kind, from the moment it is installed; never uninstalled: the process is a child's, and ends."""

    def __init__(self, deadly: int | None = None) -> None:
        self.deadly, self.passed = deadly, 0
        self.kinds: dict[str, int] = {}

    def cross(self, kind: str) -> None:
        """One more boundary; at the deadly one nothing after this line happens, no ``finally`` and no flush."""
        self.passed += 1
        self.kinds[kind] = self.kinds.get(kind, 0) + 1
        if self.passed == self.deadly:
            os.kill(os.getpid(), signal.SIGKILL)

    def install(self) -> None:
        """Put the counter around this process's writes."""
        for name in CALLS:
            setattr(os, name, self._around(name, getattr(os, name)))
        os.fdopen = self._fdopen
        io.open = builtins.open = self._open

    def _around(self, kind: str, call: Callable[..., Any]) -> Callable[..., Any]:
        def counted(*arguments: Any, **options: Any) -> Any:
            self.cross(f"before {kind}")
            result = call(*arguments, **options)
            self.cross(f"after {kind}")
            return result

        return counted

    def _fdopen(self, fd: int, mode: str = "r", *arguments: Any, **options: Any) -> Any:
        return self._open(fd, mode, *arguments, **options)

    def _open(
        self, file: Any, mode: str = "r", buffering: int = -1, encoding: str | None = None, errors: str | None = None,
        newline: str | None = None, closefd: bool = True, opener: Any = None,
    ) -> Any:  # fmt: skip
        if not set(mode) & set("wax+") or buffering == 0:
            return REAL_OPEN(file, mode, buffering, encoding, errors, newline, closefd, opener)
        raw = _Raw(self, file, mode.replace("b", "").replace("t", ""), closefd, opener)
        size = buffering if buffering > 1 else io.DEFAULT_BUFFER_SIZE
        buffered = io.BufferedRandom(raw, size) if "+" in mode else io.BufferedWriter(raw, size)
        return buffered if "b" in mode else io.TextIOWrapper(buffered, encoding, errors, newline)


class _Raw(io.FileIO):
    """A file that tells of each write: nothing of it is there yet, half of it is, all of it is."""

    def __init__(self, boundaries: Boundaries, file: Any, mode: str, closefd: bool, opener: Any) -> None:
        super().__init__(file, mode, closefd, opener)
        self._boundaries = boundaries
        boundaries.cross("after open for writing")

    def write(self, data: Any) -> int:
        view = memoryview(data).cast("B")
        self._boundaries.cross("before write")
        half = super().write(view[: len(view) // 2]) if len(view) > 1 else 0
        self._boundaries.cross("in write")
        rest = super().write(view[half:])
        self._boundaries.cross("after write")
        return (half or 0) + (rest or 0)
