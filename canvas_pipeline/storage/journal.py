"""Store a paid server's answers on disk, so that none is paid for twice.

An added row survives a kill. A torn last line is dropped and that answer asked for again; a damaged line anywhere else raises an
error that names it. One process at a time writes to a journal."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Generic, Self, TypeVar

import msgspec

from canvas_pipeline.errors import BadInput
from canvas_pipeline.records import Row, dumps
from canvas_pipeline.storage.locks import alone

R = TypeVar("R", bound=Row)


class Journal(Generic[R]):
    """Rows on disk, one JSON line each, found by their key. Safe to share between threads.

    ``busy`` is the error where another process holds the file; without a path the rows are in memory only."""

    def __init__(self, path: Path | None, row: type[R], key: Callable[[R], tuple[str, ...]], busy: str) -> None:
        self._row, self._key = row, key
        self._known: dict[tuple[str, ...], R] = {}
        self._added: list[tuple[str, ...]] = []
        self._size = 0
        self._lock = threading.Lock()
        self._file: BinaryIO | None = None
        self._open = ExitStack()
        if path is not None:
            path.parent.mkdir(parents=True, exist_ok=True)
            with ExitStack() as stack:
                stack.enter_context(alone(path.with_name(f".{path.name}.lock"), busy))
                self._file = stack.enter_context(path.open("a+b"))
                self._load(path)
                self._open = stack.pop_all()

    def _load(self, path: Path) -> None:
        assert self._file is not None
        self._file.seek(0)
        whole = 0
        for number, line in enumerate(self._file, 1):
            if not line.endswith(b"\n"):
                break  # a kill tore the last line: that answer is asked for again
            whole += len(line)
            try:
                row = msgspec.json.decode(line, type=self._row)
            except msgspec.DecodeError:
                name = self._row.__name__.lower()
                raise BadInput(
                    f"{path}:{number}: not a {name}; remove the line, or the journal to start over"
                ) from None
            self._known[self._key(row)] = row
        self._file.truncate(whole)
        self._size = whole

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._open.close()

    def find(self, *key: str) -> R | None:
        return self._known.get(key)

    def add(self, row: R) -> None:
        """Add a row. It is written to the operating system, and so survives this process, before the call returns."""
        with self._lock:
            self._known[self._key(row)] = row
            self._added.append(self._key(row))
            if self._file is not None:
                self._file.write(dumps(row) + b"\n")
                self._file.flush()

    @property
    def added(self) -> int:
        """Count the rows added since the journal was opened."""
        return len(self._added)

    def withdraw(self) -> None:
        """Remove every row added since the journal was opened, because it is not known whose they are."""
        with self._lock:
            for key in self._added:
                self._known.pop(key, None)
            self._added.clear()
            if self._file is not None:
                self._file.flush()
                self._file.truncate(self._size)
