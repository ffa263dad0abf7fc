"""Taking in many contributors at once: the small ones side by side in a pool, each of the large ones with the pool to itself.

In: files, the key, the registry. Out: for each file, in the order given, its ``IngestResult`` and a file of its items. What must
hold: the items are those that ``ingest.ingest`` makes of each file alone; the registry is written once for all the small ones, so
that not even two courses that meet in one handle depend on which file came first.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

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
    ingest_reading,
)
from canvas_pipeline.tracks.canvas.intake.stream.pool import Tick, processes

_KEY: bytes = b""
_REGISTRY: Registry | None = None


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
    """``folder`` gets a folder for each file, with ``rows.jsonl`` and the reports. Arguments and errors are otherwise those
    of ``ingest``; without a registry's file everything is done in this process."""
    workers = default_workers() if workers is None else workers
    homes = {path: folder / str(number) for number, path in enumerate(paths)}  # a file's name is never a path here
    for home in homes.values():
        home.mkdir(parents=True, exist_ok=True)
    small = [path for path in paths if path.stat().st_size < pool_bytes]
    taken: dict[Path, IngestResult] = {}
    if workers > 1 and registry_path is not None and sum(path.stat().st_size for path in small) >= pool_bytes:
        taken = _side_by_side(small, homes, key, registry_path, workers, tick)
    for path, home in homes.items():
        if path not in taken:
            taken[path] = ingest(
                path, key, registry_path, into(home), workers=workers, scratch=home, pool_bytes=pool_bytes, tick=tick
            )
    return [(taken[path], homes[path] / ROWS) for path in paths]


def into(folder: Path) -> Sink:
    """A sink that writes files into a folder."""

    def sink(rows: Iterable[msgspec.Raw], name: str, /, *, report: bool = False) -> None:
        write_jsonl(folder / name, rows)

    return sink


def _side_by_side(
    paths: Sequence[Path], homes: dict[Path, Path], key: bytes, registry_path: Path, workers: int, tick: Tick | None
) -> dict[Path, IngestResult]:
    taken: dict[Path, IngestResult] = {}
    new: dict[Path, frozenset[str]] = {}
    with processes(min(workers, len(paths)), _start, key, registry_path) as pool:
        for path, (result, identities) in zip(
            paths, pool.map(_work, paths, [homes[path] for path in paths]), strict=True
        ):
            taken[path], new[path] = result, identities
            if tick:
                tick(path.stat().st_size)
    # Where two courses met in one handle, those who have one of the two are taken in again, knowing them now.
    met = Registry(key, registry_path).add(frozenset().union(*new.values())).keys()
    return {path: result for path, result in taken.items() if met.isdisjoint(new[path])}


def _start(key: bytes, registry_path: Path) -> None:
    global _KEY, _REGISTRY
    _KEY, _REGISTRY = key, Registry(key, registry_path, writable=False)


def _work(path: Path, home: Path) -> tuple[IngestResult, frozenset[str]]:
    assert _REGISTRY is not None
    _REGISTRY.start_anew()
    return ingest_reading(path, _KEY, _REGISTRY, into(home))
