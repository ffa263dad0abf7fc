"""Taking in one contributor's file, of any size: learn, mask, place, sort.

In: the path of ``<contributor>.jsonl``, the registry's key and file. Out: to a ``Sink``, the items (``rows.jsonl``) and two
reports: where each source row stands (``sources.jsonl``) and what was refused (``refusals.jsonl``); returned, a funnel that
adds up. What must hold: the items' bytes are a function of the set of lines, the key and the registry; memory does not grow
with the file; the registry is written once, by this process.

The file is read twice. The first look learns what the contributor's own records reveal (courses, instructors); the second
masks, in a process pool if the file is large, and puts masked rows into a spill that sorts out of core. Both hash what they read:
rows are given only of a file whose content was the same both times.
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
from canvas_pipeline.privacy.identities.pii import Model
from canvas_pipeline.records import Funnel, Refusal, dumps
from canvas_pipeline.tracks.canvas.intake.reading.normalise import is_overdue
from canvas_pipeline.tracks.canvas.intake.reading.raw_file import Digest
from canvas_pipeline.tracks.canvas.intake.reading.snapshot import lines, parse
from canvas_pipeline.tracks.canvas.intake.stream.batch import Batch, Masker, Survey, Surveyor
from canvas_pipeline.tracks.canvas.intake.stream.placement import NOWHERE, placed
from canvas_pipeline.tracks.canvas.intake.stream.pool import Pool, Tick, size_of
from canvas_pipeline.tracks.canvas.intake.stream.spill import HELD, Entry, Run, Spill

POOL_BYTES = 4 << 20  # about 15,000 rows: below, starting processes costs more than they save
_REPORT_HELD = 4 << 20
ROWS, SOURCES, REFUSALS = "rows.jsonl", "sources.jsonl", "refusals.jsonl"


class Sink(Protocol):
    """Where rows go (``artifacts.Writer.rows`` is one). Each file is given once, as a stream that must be read to its end."""

    def __call__(self, rows: Iterable[msgspec.Raw], name: str, /, *, report: bool = False) -> object: ...


class IngestResult(NamedTuple):
    """``counts`` are of notable things: masked identities (``masked_EMAIL``), courses, unknown types, rows without a due date,
    overdue rows."""

    funnel: Funnel
    counts: dict[str, int]


def default_workers() -> int:
    return min(4, os.cpu_count() or 1)


def ingest(
    path: Path,
    key: bytes,
    registry_path: Path | None,
    sink: Sink,
    *,
    workers: int | None = None,
    model: Model | None = None,
    scratch: Path | None = None,
    held: int = HELD,
    pool_bytes: int = POOL_BYTES,
    tick: Tick | None = None,
    sha256: str | None = None,
) -> IngestResult:
    """Read, mask and normalise one contributor's file.

    ``key`` has at least 16 bytes; ``registry_path`` is the private registry (None: handles are derived and not remembered, in
    this process alone). ``workers`` processes take part if the file has ``pool_bytes`` or more and there is no ``model``;
    ``scratch`` is the folder for what memory (``held`` bytes) does not hold; ``tick`` hears of the bytes done;
    ``sha256`` is what the file's content must be. Raises ``InputChanged`` where it is not, or changes between the two looks,
    ``MissingInput`` or ``BadInput`` for no such file, ``MissingTool``/``ServiceUnavailable`` where the detector cannot work.
    """
    path = Path(path)
    workers = default_workers() if workers is None else workers
    content = _Content(path, sha256)
    survey = look_through(path, content)
    if registry_path is not None and workers > 1 and model is None and path.stat().st_size >= pool_bytes:
        return _in_pool(content, key, registry_path, sink, survey, workers, scratch, held, tick)
    reading = Registry(key, registry_path, writable=False)
    with _masked(content, Masker(key, reading, survey, model), scratch, held, tick) as gathered:
        registry = Registry(key, registry_path)
        if not gathered.new.intersection(registry.add(gathered.new)):
            return gathered.give(path, sink)
    # Two identities met in one handle (see `Registry.add`): so rare that all is simply done again, all of them being known now.
    with _masked(content, Masker(key, registry, survey, model), scratch, held, tick) as gathered:
        return gathered.give(path, sink)


def ingest_reading(path: Path, key: bytes, registry: Registry, sink: Sink) -> tuple[IngestResult, frozenset[str]]:
    """The same without a word to the registry's file, for a worker that takes in whole contributors: returned are the identities
    that are to be added, too. Should `Registry.add` return one of them, this contributor is to be taken in again."""
    content = _Content(path)
    with _masked(content, Masker(key, registry, look_through(path, content)), None, HELD, None) as gathered:
        return gathered.give(path, sink), frozenset(gathered.new)


class _Content:
    """What a file held when it was first read; each further look must find the same."""

    def __init__(self, path: Path, sha256: str | None = None) -> None:
        self.path = path
        self._sha256 = sha256

    @contextmanager
    def look(self) -> Iterator[Digest]:
        """A digest for the bytes of one look at the file. Raises ``InputChanged`` after a look that found something else."""
        digest = hashlib.sha256()
        yield digest
        self._sha256 = self._sha256 or digest.hexdigest()
        if digest.hexdigest() != self._sha256:
            raise InputChanged(
                f"{printable(str(self.path))}: the file was changed while it was read; take it in again when nobody writes to it"
            )


@contextmanager
def _masked(
    content: _Content, masker: Masker, scratch: Path | None, held: int, tick: Tick | None
) -> Iterator[_Gathered]:
    with ExitStack() as stack:
        gathered = _Gathered(stack, scratch, held)
        with content.look() as digest:
            for part in lines(content.path, digest=digest):
                gathered.add(masker.batch(content.path.name, part), None)
                if tick:
                    tick(size_of(part))
        yield gathered


def _in_pool(
    content: _Content, key: bytes, registry_path: Path, sink: Sink, survey: Survey, workers: int, scratch: Path | None,
    held: int, tick: Tick | None,
) -> IngestResult:  # fmt: skip
    while True:
        with ExitStack() as stack:
            gathered = _Gathered(stack, scratch, held)
            pool = stack.enter_context(Pool(workers, key, registry_path, survey))
            with content.look() as digest:
                for batch, run in pool.masked(content.path, gathered.assignments.folder, digest, tick):
                    gathered.add(batch, run)
            if not gathered.new.intersection(Registry(key, registry_path).add(gathered.new)):
                return gathered.give(content.path, sink)


def look_through(path: Path, content: _Content) -> Survey:
    """The first look through a file."""
    contributor = contributor_of(path)
    surveyor = Surveyor(contributor)
    with content.look() as digest:
        for batch in lines(path, digest=digest):
            for number, line in batch:
                for result in parse(path.name, contributor, number, line):
                    if not isinstance(result, Refusal):
                        surveyor.look(result)
    return surveyor.survey()


class _Gathered:
    """What batches gave, until it is all there."""

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

    def give(self, path: Path, sink: Sink) -> IngestResult:
        self._place()
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

    def _place(self) -> None:
        with Spill(self.assignments.folder) as found:  # all is read before anything is added
            for item in placed(self.assignments, self.todos):
                self._counts["overdue"] += is_overdue(item)
                found.add((Entry(item.id, 0, item.course or NOWHERE, dumps(item)),))
            self.assignments.add(found.entries())


def _named(counts: Counter[str]) -> dict[str, int]:
    """Types of identity are in capitals: ``masked_EMAIL``."""
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
    """A name for a key that does not tell it, as a stage's recipe shows."""
    return hashlib.scrypt(key, salt=b"recipe", n=1 << 12, r=8, p=1, dklen=16).hex()
