"""Store a teacher's votes on disk, so that none is paid for twice.

An added vote survives a kill. A torn last line is dropped and that vote asked for again; a damaged line anywhere else raises an
error that names it. One process at a time writes to a journal."""

from __future__ import annotations

import threading
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import BinaryIO

import msgspec

from canvas_pipeline.errors import BadInput
from canvas_pipeline.records import dumps
from canvas_pipeline.storage.locks import alone
from canvas_pipeline.tracks.canvas.rows import Vote


class Journal:
    """Votes on disk, one JSON line each. Safe to share between threads."""

    def __init__(self, path: Path | None) -> None:
        self._known: dict[tuple[str, str, str, str], Vote] = {}
        self._lock = threading.Lock()
        self._file: BinaryIO | None = None
        self._open = ExitStack()
        if path is not None:
            path.parent.mkdir(parents=True, exist_ok=True)
            with ExitStack() as stack:
                busy = f"{path} is in use by another labelling; wait for it, or name another --journal"
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
                break  # a kill tore the last line: that vote is asked for again
            whole += len(line)
            try:
                vote = msgspec.json.decode(line, type=Vote)
            except msgspec.DecodeError:
                raise BadInput(f"{path}:{number}: not a vote; remove the line, or the journal to start over") from None
            self._known[_key(vote)] = vote
        self._file.truncate(whole)

    def __enter__(self) -> Journal:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._open.close()

    def find(self, pair: str, presentation: str, prompt_sha256: str, teacher: str) -> Vote | None:
        return self._known.get((pair, presentation, prompt_sha256, teacher))

    def add(self, vote: Vote) -> None:
        """Add a vote. It is written to the operating system, and so survives this process, before the call returns."""
        with self._lock:
            self._known[_key(vote)] = vote
            if self._file is not None:
                self._file.write(dumps(vote) + b"\n")
                self._file.flush()


def _key(vote: Vote) -> tuple[str, str, str, str]:
    return (vote.pair_id, vote.presentation, vote.prompt_sha256, vote.teacher)
