"""Ingest many contributors: small files side by side in a process pool, each large file with a pool of its own."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import msgspec

from canvas_pipeline.privacy.courses.registry import Registry
from canvas_pipeline.records import write_jsonl
from canvas_pipeline.tracks.canvas.intake.stream.ingest import (
    POOL_BYTES,
    ROWS,
    IngestResult,
    Sink,
    default_workers,
    ingest,
    ingest_unregistered,
)
from canvas_pipeline.tracks.canvas.intake.stream.merge import Merge
from canvas_pipeline.tracks.canvas.intake.stream.pool import Tick, processes
from canvas_pipeline.tracks.canvas.rows import Item

_KEY: bytes = b""
_REGISTRY: Registry | None = None
"""Of a worker process: loaded once, since a registry may be large."""


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
        results = _side_by_side(small, key, registry_path, workers, tick)
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


def items_of(paths: Sequence[Path], key: bytes) -> list[Item]:
    """Ingest and merge small files into the items of a corpus. The registry under ``key`` is not stored."""
    with TemporaryDirectory() as folder, Merge() as merging:
        for _, path in ingest_all(paths, key, None, Path(folder)):
            merging.add_file(path)
        return [msgspec.json.decode(row, type=Item) for row in merging.rows()]


def write_into(folder: Path) -> Sink:
    """Return a sink that writes its files into a folder."""

    def sink(rows: Iterable[msgspec.Raw], name: str, /, *, report: bool = False) -> None:
        write_jsonl(folder / name, rows)

    return sink


def _side_by_side(
    folders: Mapping[Path, Path], key: bytes, registry_path: Path, workers: int, tick: Tick | None
) -> dict[Path, IngestResult]:
    """Ingest each file in a worker, and write the registry once, so that handles do not depend on which worker is first."""
    results: dict[Path, IngestResult] = {}
    new: dict[Path, frozenset[str]] = {}
    with processes(min(workers, len(folders)), _start, key, registry_path) as pool:
        for path, found in zip(folders, pool.map(_work, folders, folders.values()), strict=True):
            results[path], new[path] = found
            if tick:
                tick(path.stat().st_size)
    # Contributors with one of two courses that collided in one handle are left out, for the caller to ingest again.
    collided = Registry(key, registry_path).add(frozenset().union(*new.values())).keys()
    return {path: result for path, result in results.items() if collided.isdisjoint(new[path])}


def _start(key: bytes, registry_path: Path) -> None:
    global _KEY, _REGISTRY
    _KEY, _REGISTRY = key, Registry(key, registry_path, writable=False)


def _work(path: Path, home: Path) -> tuple[IngestResult, frozenset[str]]:
    assert _REGISTRY is not None
    _REGISTRY.discard_new()
    return ingest_unregistered(path, _KEY, _REGISTRY, write_into(home))
