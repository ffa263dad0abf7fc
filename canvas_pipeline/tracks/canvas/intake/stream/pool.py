"""Mask batches of one contributor's lines in worker processes.

The detector is loaded once for all workers. Workers read the registry and never write it. The key is passed through a pipe, not
through a file or an environment variable. Few batches are in flight at a time, so that memory does not grow with the file.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from types import TracebackType
from typing import Any

from canvas_pipeline.privacy.courses.registry import Registry
from canvas_pipeline.tracks.canvas.intake.reading.raw_file import Digest
from canvas_pipeline.tracks.canvas.intake.reading.snapshot import Batch as Lines
from canvas_pipeline.tracks.canvas.intake.reading.snapshot import lines
from canvas_pipeline.tracks.canvas.intake.stream.batch import Batch, Masker, Survey
from canvas_pipeline.tracks.canvas.intake.stream.spill import Run, write_run

Tick = Callable[[int], None]

_AHEAD = 2  # batches in flight for each worker
_MASKER: Masker | None = None


class Pool:
    """Worker processes for one contributor. Use as a context manager."""

    def __init__(self, workers: int, key: bytes, registry_path: Path, survey: Survey) -> None:
        self._workers = workers
        self._pool = processes(workers, _start, key, registry_path, survey)

    def __enter__(self) -> Pool:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._pool.shutdown(wait=True, cancel_futures=True)

    def masked(
        self, path: Path, folder: Path, digest: Digest, tick: Tick | None = None
    ) -> Iterator[tuple[Batch, Run | None]]:
        """Yield each batch of the file, in order: its assignments in the run, everything else in the batch.

        ``digest`` is updated with the file's bytes; ``tick`` is called with the number of bytes done."""
        waiting: deque[tuple[int, Future[tuple[Batch, Run | None]]]] = deque()

        def first() -> tuple[Batch, Run | None]:
            size, future = waiting.popleft()
            result = future.result()
            if tick:
                tick(size)
            return result

        for part in lines(path, digest=digest):
            waiting.append((size_of(part), self._pool.submit(_work, path.name, part, folder)))
            if len(waiting) >= _AHEAD * self._workers:
                yield first()
        while waiting:
            yield first()


def processes(workers: int, start: Callable[..., None], *arguments: Any) -> ProcessPoolExecutor:
    """Create worker processes that each call ``start(*arguments)`` first.

    A fork server starts them: it is safe with threads in this process and loads the detector once for all pools (``preload``)."""
    context = get_context("forkserver")
    context.set_forkserver_preload(["canvas_pipeline.tracks.canvas.intake.stream.preload"])
    return ProcessPoolExecutor(workers, mp_context=context, initializer=start, initargs=arguments)


def size_of(part: Lines) -> int:
    """Return the number of bytes of some lines."""
    return sum(len(line) + 1 for _, line in part)


def _start(key: bytes, registry_path: Path, survey: Survey) -> None:
    global _MASKER
    _MASKER = Masker(key, Registry(key, registry_path, writable=False), survey)


def _work(source: str, part: Lines, folder: Path) -> tuple[Batch, Run | None]:
    assert _MASKER is not None
    masked = _MASKER.batch(source, part)
    if not masked.assignments:
        return masked, None
    return masked._replace(assignments=[]), write_run(masked.assignments, folder)
