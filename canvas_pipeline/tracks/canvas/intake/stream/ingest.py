"""Ingest one contributor's file of any size: read, mask, assign courses, sort.

The items go to a ``Sink`` as ``rows.jsonl``, with two reports: the location of each source row (``sources.jsonl``) and the refused
rows (``refusals.jsonl``). The items' bytes depend only on the set of lines, the key and the registry. Memory does not grow with
the file. The registry is written once, by this process.

The file is read twice. The first pass collects what the contributor's own records reveal (courses, instructors); the second pass
masks, in a process pool if the file is large, and collects masked rows in a spill that sorts out of core. Both passes hash the
file: rows are written only if its content was the same both times.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import BinaryIO, NamedTuple, Protocol, cast

import msgspec

from canvas_pipeline.errors import InputChanged
from canvas_pipeline.privacy.contributor_id import contributor_of, printable
from canvas_pipeline.privacy.courses.registry import Registry
from canvas_pipeline.records import Funnel, Refusal, dumps
from canvas_pipeline.tracks.canvas.intake.reading.normalise import is_overdue
from canvas_pipeline.tracks.canvas.intake.reading.raw_file import Digest
from canvas_pipeline.tracks.canvas.intake.reading.snapshot import lines, parse
from canvas_pipeline.tracks.canvas.intake.stream.batch import Batch, Masker, Survey, Surveyor
from canvas_pipeline.tracks.canvas.intake.stream.placement import NOWHERE, placed
from canvas_pipeline.tracks.canvas.intake.stream.pool import Pool, Tick, size_of
from canvas_pipeline.tracks.canvas.intake.stream.spill import HELD, Run, Spill, SpilledRow

POOL_BYTES = 4 << 20  # about 15,000 rows: below, starting processes costs more than they save
_REPORT_HELD = 4 << 20
ROWS, SOURCES, REFUSALS = "rows.jsonl", "sources.jsonl", "refusals.jsonl"


class Sink(Protocol):
    """Receives rows, as ``Writer.rows`` does. It is called once per file and must read the stream to its end."""

    def __call__(self, rows: Iterable[msgspec.Raw], name: str, /, *, report: bool = False) -> object: ...


class IngestResult(NamedTuple):
    """A funnel, and counts of masked identities (``masked_EMAIL``), courses, unknown types, undated and overdue rows."""

    funnel: Funnel
    counts: dict[str, int]


def default_workers() -> int:
    """Return the number of cores, at most 4."""
    return min(4, os.cpu_count() or 1)


def ingest(
    path: Path,
    key: bytes,
    registry_path: Path | None,
    sink: Sink,
    *,
    workers: int | None = None,
    scratch: Path | None = None,
    held: int = HELD,
    pool_bytes: int = POOL_BYTES,
    tick: Tick | None = None,
    sha256: str | None = None,
) -> IngestResult:
    """Read, mask and normalise one contributor's file.

    ``key`` has at least 16 bytes. ``registry_path`` is the private registry; with None, handles are derived without being stored,
    in this process alone. ``workers`` processes are used for a file of ``pool_bytes`` or more. Rows beyond ``held`` bytes are
    written to files below ``scratch``. ``tick`` is called with the number of bytes done. ``sha256`` is the expected hash of the
    file.

    Raises ``InputChanged`` if the content differs from ``sha256`` or between the two passes, ``MissingInput`` or ``BadInput`` for
    an unusable path, ``MissingTool`` or ``ServiceUnavailable`` if the detector is not available.
    """
    path = Path(path)
    workers = default_workers() if workers is None else workers
    content = _Content(path, sha256)
    survey = _survey(content)
    registry = Registry(key, registry_path, writable=False)
    while True:
        with ExitStack() as stack:
            output = _Output(stack, scratch, held)
            with content.read() as digest:
                if registry_path is not None and workers > 1 and path.stat().st_size >= pool_bytes:
                    pool = stack.enter_context(Pool(workers, key, registry_path, survey))
                    batches = pool.masked(path, output.assignments.folder, digest, tick)
                else:
                    batches = _masked(path, Masker(key, registry, survey), digest, tick)
                for batch, run in batches:
                    output.add(batch, run)
            registry = Registry(key, registry_path)
            if not output.new.intersection(registry.add(output.new)):
                return output.write(path, sink)
            # Two identities collided in one handle, which is rare: mask again, now that the registry holds both.


def ingest_unregistered(path: Path, key: bytes, registry: Registry, sink: Sink) -> tuple[IngestResult, frozenset[str]]:
    """Ingest a file with a registry that is not writable; also return the identities for a writable registry to ``add``.

    If ``Registry.add`` returns one of these identities, the file must be ingested again."""
    content = _Content(path)
    survey = _survey(content)
    with ExitStack() as stack:
        output = _Output(stack, None, HELD)
        with content.read() as digest:
            for batch, run in _masked(path, Masker(key, registry, survey), digest, None):
                output.add(batch, run)
        return output.write(path, sink), frozenset(output.new)


class _Content:
    """Compares a file's hash between passes."""

    def __init__(self, path: Path, sha256: str | None = None) -> None:
        self.path = path
        self._sha256 = sha256

    @contextmanager
    def read(self) -> Iterator[Digest]:
        """Yield a digest to update with the bytes of one pass. Raises ``InputChanged`` if they differ from the expected ones."""
        digest = hashlib.sha256()
        yield digest
        self._sha256 = self._sha256 or digest.hexdigest()
        if digest.hexdigest() != self._sha256:
            raise InputChanged(
                f"{printable(str(self.path))}: the file was changed while it was read; take it in again when nobody writes to it"
            )


def _masked(path: Path, masker: Masker, digest: Digest, tick: Tick | None) -> Iterator[tuple[Batch, Run | None]]:
    """Yield each batch of the file, masked in this process."""
    for part in lines(path, digest=digest):
        yield masker.batch(path.name, part), None
        if tick:
            tick(size_of(part))


def _survey(content: _Content) -> Survey:
    """Make the first pass over a file."""
    path = content.path
    contributor = contributor_of(path)
    surveyor = Surveyor(contributor)
    with content.read() as digest:
        for batch in lines(path, digest=digest):
            for number, line in batch:
                for result in parse(path.name, contributor, number, line):
                    if not isinstance(result, Refusal):
                        surveyor.add(result)
    return surveyor.survey()


class _Output:
    """Collects the results of batches and writes them to a sink."""

    def __init__(self, stack: ExitStack, scratch: Path | None, held: int) -> None:
        self.assignments = stack.enter_context(Spill(scratch, held))
        self.todos = stack.enter_context(Spill(scratch, held))
        self.new: set[str] = set()
        self._sources = _report(stack, scratch)
        self._refusals = _report(stack, scratch)
        self._rows_in = 0
        self._refused: Counter[str] = Counter()
        self._counts: Counter[str] = Counter()

    def add(self, batch: Batch, run: Run | None) -> None:
        if run is not None:
            self.assignments.adopt(run)
        self.assignments.add(batch.assignments)
        self.todos.add(batch.todos)
        self._sources.write(batch.sources)
        self._refusals.write(batch.refusals)
        self._rows_in += batch.rows_in
        self._refused += batch.refused
        self._counts += batch.counts
        self.new |= batch.new

    def write(self, path: Path, sink: Sink) -> IngestResult:
        self._assign_courses()
        kept = 0

        def rows() -> Iterator[msgspec.Raw]:
            nonlocal kept
            for line in self.assignments.lines():
                kept += 1
                yield msgspec.Raw(line)

        sink(rows(), ROWS)
        sink(_lines(self._sources), SOURCES, report=True)
        sink(_lines(self._refusals), REFUSALS, report=True)
        refused = dict(sorted(self._refused.items()))
        flow = Funnel(stage=f"collab/{contributor_of(path)}", rows_in=self._rows_in, kept=kept, refused=refused).check()
        return IngestResult(flow, dict(sorted(_named(self._counts).items())))

    def _assign_courses(self) -> None:
        with Spill(self.assignments.folder) as found:  # a separate spill: all is read before anything is added
            for item in placed(self.assignments, self.todos):
                self._counts["overdue"] += is_overdue(item)
                found.add((SpilledRow(item.id, 0, item.course or NOWHERE, dumps(item)),))
            self.assignments.add(found.entries())


def _named(counts: Counter[str]) -> dict[str, int]:
    """Prefix types of identity, which are in capitals: ``masked_EMAIL``."""
    always = dict.fromkeys(("due_unknown", "overdue"), 0)
    return always | {f"masked_{name}" if name.isupper() else name: count for name, count in counts.items()}


def _report(stack: ExitStack, scratch: Path | None) -> BinaryIO:
    return cast(
        BinaryIO,
        stack.enter_context(tempfile.SpooledTemporaryFile(_REPORT_HELD, dir=None if scratch is None else str(scratch))),
    )


def _lines(file: BinaryIO) -> Iterator[msgspec.Raw]:
    file.seek(0)
    for line in file:
        yield msgspec.Raw(line[:-1])


def hashed_key(key: bytes) -> str:
    """Return a hash of a key, for a stage's recipe. The key cannot be derived from it."""
    return hashlib.scrypt(key, salt=b"recipe", n=1 << 12, r=8, p=1, dklen=16).hex()
