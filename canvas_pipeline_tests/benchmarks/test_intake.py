"""``make bench``, intake: ours beside a plain json + re + one-text-at-a-time Presidio pipeline, in one run; and ours tenfold.

Sizes, by the environment; the defaults end within ten minutes on two cores:

- ``CANVAS_BENCH_ASSIGNMENTS`` (100,000; 0 leaves this part out): what ours is given;
- ``CANVAS_BENCH_PLAIN`` (20,000): how many of the same assignments the plain pipeline is given. It keeps nothing from one text to
  the next, so its time is linear in them; half of them are timed too, and the test fails where that is not so. Its time is
  scaled; with 100,000 nothing is scaled;
- ``CANVAS_BENCH_MANY`` (0, leaves it out; 1,000,000 is the size of the requirement): ours at a tenth of it and at all of it;
- ``CANVAS_BENCH_WORKERS`` (default as in the product).

All of it: ``CANVAS_BENCH_PLAIN=100000 CANVAS_BENCH_MANY=1000000 make bench``. Time is wall time; the processor's time of all
processes stands beside it, for who measures on a busy machine. Memory is the sum over the process tree of what each process
holds alone or its share (PSS where the system tells it, else RSS).
"""

from __future__ import annotations

import json
import os
import re
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil
import pytest

from canvas_pipeline.privacy.identities import recognisers
from canvas_pipeline.records import write_jsonl
from canvas_pipeline.tracks.canvas.intake.stream.contributors import ingest_all
from canvas_pipeline.tracks.canvas.intake.stream.ingest import default_workers
from canvas_pipeline.tracks.canvas.intake.stream.merge import Merge
from canvas_pipeline.tracks.canvas.intake.stream.table import checked, loading
from canvas_pipeline.tracks.canvas.intake.synthetic.synthesize import synthesize
from canvas_pipeline_tests.privacy.plain_presidio import analyzer

KEY = b"a key for this measurement"
COURSES, WORKS = 25, 40  # a thousand assignments for each contributor, as real ones have
ASSIGNMENTS = int(os.environ.get("CANVAS_BENCH_ASSIGNMENTS", "100000"))
PLAIN = min(ASSIGNMENTS, int(os.environ.get("CANVAS_BENCH_PLAIN", "20000")))
MANY = int(os.environ.get("CANVAS_BENCH_MANY", "0"))
WORKERS = int(os.environ.get("CANVAS_BENCH_WORKERS", str(default_workers())))
MIB = 1 << 20

# Courses as a plain pipeline finds them: one expression for codes with a CRN or a term, one for subject and number.
CODES = re.compile(
    r"(?<![A-Za-z0-9])(?:(?:19|20)\d{4}[_ -])?[A-Za-z]{2,5}[_ -]?\d{4}[A-Za-z]?"
    r"(?:[_ -]\d{5})?(?:[_ -](?:19|20)\d{4})?(?![A-Za-z0-9])"
)


class Measured:
    """Wall time and processor time (seconds, of this process and its children, however they ended) and the most memory (bytes) that
    they held together."""

    def __init__(self) -> None:
        self._me = psutil.Process()
        self._seen: dict[int, float] = {}  # process → its processor time when last looked at
        self._look()
        self._cpu_before = sum(self._seen.values())
        self.before, self.peak = self._held(), 0
        self.wall = self.cpu = 0.0

    def _tree(self) -> list[psutil.Process]:
        return [self._me, *self._me.children(recursive=True)]

    def _held(self) -> int:
        total = 0
        for process in self._tree():
            with suppress(psutil.Error):  # it ended meanwhile
                info = process.memory_full_info()
                total += getattr(info, "pss", info.rss)
        return total

    def _look(self) -> None:
        for process in self._tree():
            with suppress(psutil.Error):
                times = process.cpu_times()
                self._seen[process.pid] = times.user + times.system

    def watch(self, done: threading.Event) -> None:
        while not done.wait(0.5):
            self.peak = max(self.peak, self._held())
            self._look()

    def end(self, wall: float) -> None:
        self._look()
        self.wall, self.cpu = wall, sum(self._seen.values()) - self._cpu_before


@contextmanager
def measured() -> Iterator[Measured]:
    found, done = Measured(), threading.Event()
    watcher = threading.Thread(target=found.watch, args=(done,))
    watcher.start()
    start = time.perf_counter()
    try:
        yield found
    finally:
        wall = time.perf_counter() - start
        done.set()
        watcher.join()
        found.end(wall)


def line(name: str, rows: int, found: Measured, rest: str = "") -> None:
    print(
        f"  {name:8s}{rows:10,d} rows {found.wall:8.1f} s {rows / found.wall:10,.0f} rows/s {found.cpu:8.1f} s of processor "
        f"{found.peak / MIB:6,.0f} MiB {rest}",
        flush=True,
    )


def ours(paths: Sequence[Path], folder: Path, workers: int) -> int:
    """The whole intake: read, learn, mask, place, sort, merge, check, write. Processes start within the time."""
    folder.mkdir()
    with loading():
        taken = ingest_all(paths, KEY, folder / "registry.jsonl", folder, workers=workers)
    with Merge(scratch=folder) as merging:
        for _, path in taken:
            merging.add_file(path)
        return write_jsonl(folder / "corpus.jsonl", checked(merging.rows()))


def plain(paths: Sequence[Path], out: Path, limit: int) -> int:
    """One line, one row, one text at a time; the same recognisers, through Presidio's own analyser; duplicates by a dictionary."""
    engine = analyzer()
    numbers: dict[tuple[str, str], str] = {}
    kept: dict[tuple[str, str], dict[str, object]] = {}

    def mask(text: str) -> str:
        text = CODES.sub(lambda m: numbers.setdefault(("COURSE", m.group()), f"@COURSE{len(numbers)}"), text)
        spans = sorted(engine.analyze(text, language="en"), key=lambda r: (-r.score, r.start))
        chosen: list[tuple[int, int, str]] = []
        for r in spans:
            if r.score >= 0.5 and all(r.end <= start or r.start >= end for start, end, _ in chosen):
                chosen.append((r.start, r.end, r.entity_type))
        for start, end, type_ in sorted(chosen, reverse=True):
            name = numbers.setdefault((type_, text[start:end].casefold()), f"@{type_}{len(numbers)}")
            text = text[:start] + name + text[end:]
        return text

    seen = 0
    for path in paths:
        for line in path.open(encoding="utf-8"):
            record = json.loads(line)
            rows = record.get("assignments", record.get("items"))
            heading = {name: mask(record[name]) for name in ("course_code", "course_name", "term") if name in record}
            for row in rows:
                title = mask(row.get("name") or row["assignment_name"])
                kept[" ".join(title.casefold().split()), heading.get("course_code", "")] = {
                    **heading,
                    **row,
                    "name": title,
                }
                seen += "name" in row
            if seen >= limit:
                break
        if seen >= limit:
            break
    with out.open("w", encoding="utf-8") as file:
        for row_ in kept.values():
            file.write(json.dumps(row_) + "\n")
    return seen


def contributors_of(folder: Path, assignments: int) -> list[Path]:
    return synthesize(max(1, assignments // (COURSES * WORKS)), COURSES, WORKS, 7, folder)


def distinct(paths: Sequence[Path]) -> tuple[int, int]:
    """Assignments, and distinct titles among them (per contributor a title counts once)."""
    count = titles = 0
    for path in paths:
        names = [row["name"] for line in path.open(encoding="utf-8") for row in json.loads(line).get("assignments", ())]
        count, titles = count + len(names), titles + len(set(names))
    return count, titles


@pytest.mark.skipif(not ASSIGNMENTS, reason="CANVAS_BENCH_ASSIGNMENTS=0")
def test_the_whole_intake_beside_a_plain_pipeline(tmp_path: Path) -> None:
    paths = contributors_of(tmp_path / "collab", ASSIGNMENTS)
    count, titles = distinct(paths)
    print(
        f"\n{count:,} assignments of {len(paths)} contributors, {titles / count:.0%} distinct titles, {WORKERS} workers"
    )
    with measured() as mine:
        kept = ours(paths, tmp_path / "ours", WORKERS)
    line("ours", count, mine, f"({kept:,} items)")
    analyzer()  # loaded before the clock starts, the model too: to its favour
    recognisers.names(["Nobody"])
    rates = []
    for part in (PLAIN // 2, PLAIN):
        with measured() as other:
            done = plain(paths, tmp_path / "plain.jsonl", part)
        line("plain", done, other)
        rates.append(other.cpu / done)
    ratio = other.wall / done * count / mine.wall
    print(
        f"  ours / plain: {ratio:.1f} x by the clock, {rates[-1] * count / mine.cpu:.1f} x by the processor's time "
        f"(plain scaled by {count / done:.2f})"
    )
    assert 0.75 < rates[1] / rates[0] < 1.33, "the plain pipeline is not linear here: give it all rows"
    assert ratio >= 15


@pytest.mark.skipif(not MANY, reason="CANVAS_BENCH_MANY=0")
@pytest.mark.parametrize("shape", ["many contributors", "one contributor"])
def test_ten_times_the_rows_take_ten_times_the_time_and_no_more_memory(shape: str, tmp_path: Path) -> None:
    found = []
    for assignments in (MANY // 10, MANY):
        folder = tmp_path / str(assignments)
        if shape == "many contributors":
            paths = contributors_of(folder / "collab", assignments)
        else:
            paths = synthesize(1, assignments // WORKS, WORKS, 7, folder / "collab")
        size = sum(path.stat().st_size for path in paths)
        with measured() as mine:
            kept = ours(paths, folder / "ours", WORKERS)
        found.append(mine)
        line(
            shape,
            assignments,
            mine,
            f"({mine.before / MIB:,.0f} before, {size / MIB:,.0f} MiB of input, {kept:,} items)",
        )
    small, large = found
    print(f"  {shape}: time x {large.wall / small.wall:.1f}, by the processor's time x {large.cpu / small.cpu:.1f}")
    assert large.wall / small.wall <= 12 and large.peak <= 1536 * MIB
