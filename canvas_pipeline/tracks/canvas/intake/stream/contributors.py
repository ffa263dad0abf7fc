"""Ingest many contributors: small files side by side in a process pool, each large file with a pool of its own."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import repeat
from pathlib import Path

import msgspec

from canvas_pipeline.records import write_jsonl
from canvas_pipeline.tracks.canvas.intake.stream.ingest import (
    POOL_BYTES,
    ROWS,
    IngestResult,
    Sink,
    default_workers,
    ingest,
)
from canvas_pipeline.tracks.canvas.intake.stream.pool import Tick, processes


def ingest_all(
    paths: Sequence[Path],
    key: bytes,
    registry_path: Path | None,
    folder: Path,
    *,
    workers: int | None = None,
    pool_bytes: int = POOL_BYTES,
    tick: Tick | None = None,
) -> list[tuple[IngestResult, Path]]:
    """Ingest each file into a folder of its own below ``folder``; return its result and the path of its items, in the order given.

    Arguments and errors are those of ``ingest``. Files below ``pool_bytes`` are distributed over the workers, unless they are
    smaller than that together. Without a registry file everything runs in this process."""
    workers = default_workers() if workers is None else workers
    folders = [folder / str(number) for number in range(len(paths))]  # numbered: a file's name is never used as a path
    for home in folders:
        home.mkdir(parents=True, exist_ok=True)
    small = {path: home for path, home in zip(paths, folders, strict=True) if path.stat().st_size < pool_bytes}
    results: dict[Path, IngestResult] = {}
    if workers > 1 and registry_path is not None and sum(path.stat().st_size for path in small) >= pool_bytes:
        with processes(min(workers, len(small))) as pool:
            for path, result in zip(
                small, pool.map(_ingest_alone, small, small.values(), repeat(key), repeat(registry_path)), strict=False
            ):
                results[path] = result
                if tick:
                    tick(path.stat().st_size)
    for path, home in zip(paths, folders, strict=True):
        if path not in results:
            results[path] = ingest(
                path,
                key,
                registry_path,
                write_into(home),
                workers=workers,
                scratch=home,
                pool_bytes=pool_bytes,
                tick=tick,
            )
    return [(results[path], home / ROWS) for path, home in zip(paths, folders, strict=True)]


def write_into(folder: Path) -> Sink:
    """Return a sink that writes its files into a folder."""

    def sink(rows: Iterable[msgspec.Raw], name: str, /, *, report: bool = False) -> None:
        write_jsonl(folder / name, rows)

    return sink


def _ingest_alone(path: Path, home: Path, key: bytes, registry_path: Path) -> IngestResult:
    return ingest(path, key, registry_path, write_into(home), workers=1, scratch=home)
