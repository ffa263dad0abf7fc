"""Throw hostile files at the reader and at the repair, and count what must not happen.

    python -m canvas_pipeline_tests.tracks.canvas.intake.fuzz_reader --inputs 1000000 --seed 1 [--processes 2] [--first N]

Exit 0 when there was no crash, no hang and no lost row; else 1, with the number of each bad input: ``--seed S --first NUMBER
--inputs 1`` plays it again. A hang is an input that does not end: the limit is processor time and far above what the slowest input
takes. That reading takes time in proportion to the input is
``test_reading_takes_steps_in_proportion_to_the_input`` and ``make bench``.
"""

from __future__ import annotations

import argparse
import io
import json
import re
import shutil
import signal
import sys
import tempfile
import time
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from multiprocessing import get_context
from pathlib import Path
from types import FrameType

from canvas_pipeline.privacy.quarantine import REASONS
from canvas_pipeline.records import Refusal
from canvas_pipeline.tracks.canvas.intake.checking.repair import repair
from canvas_pipeline.tracks.canvas.intake.checking.validation import validate
from canvas_pipeline.tracks.canvas.intake.reading.snapshot import (
    ARRAY,
    Assignment,
    CourseSnapshot,
    TodoItem,
    TodoSnapshot,
    numbered,
    parse,
)
from canvas_pipeline_tests.tracks.canvas.intake.hostile_files import CONTRIBUTOR, hostile

_GIVE_UP = 600.0  # seconds of processor time for one input; the slowest ones take less than one
REPAIR_EVERY = 25
_CHUNK = 20_000
_FIELDS = {f for type_ in (Assignment, TodoItem, CourseSnapshot, TodoSnapshot) for f in type_.__struct_fields__} | {
    "contributor_id",
    "",
}


@dataclass
class Findings:
    """Counts of a run; the lists hold (number of the input, what happened)."""

    inputs: int = 0
    lines: int = 0
    rows_in: int = 0
    kept: int = 0
    repaired: int = 0
    reasons: Counter[str] = field(default_factory=Counter)
    crashes: list[tuple[int, str]] = field(default_factory=list)
    hangs: list[tuple[int, str]] = field(default_factory=list)
    lost: list[tuple[int, str]] = field(default_factory=list)
    slowest: tuple[float, int] = (0.0, -1)

    def add(self, other: Findings) -> None:
        for name in (
            "inputs",
            "lines",
            "rows_in",
            "kept",
            "repaired",
            "reasons",
            "crashes",
            "hangs",
            "lost",
        ):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        self.slowest = max(self.slowest, other.slowest)

    @property
    def clean(self) -> bool:
        return not (self.crashes or self.hangs or self.lost)


class Hang(BaseException):
    """Not an Exception: nothing on the way may swallow it."""


def fuzz(seed: int, first: int, inputs: int) -> Findings:
    """Inputs ``first`` … ``first + inputs - 1`` of run ``seed``, in this process (its main thread: a timer cuts off what hangs)."""
    found = Findings()
    folder = Path(tempfile.mkdtemp(prefix="fuzz-reader-", dir="/dev/shm" if Path("/dev/shm").is_dir() else None))
    before = signal.signal(signal.SIGVTALRM, _cut_off)
    try:
        for number in range(first, first + inputs):
            case = hostile(seed, number)
            signal.setitimer(signal.ITIMER_VIRTUAL, _GIVE_UP)
            try:
                _try(case.data, case.max_line, number, found)
                if number % REPAIR_EVERY == 0:
                    _try_repair(case.data, number, folder, found)
            except Hang:
                found.hangs.append((number, f"over {_GIVE_UP:.0f} s"))
            except Exception as error:
                found.crashes.append((number, f"{type(error).__name__}: {error}"[:200]))
            finally:
                signal.setitimer(signal.ITIMER_VIRTUAL, 0)
            found.inputs += 1
    finally:
        signal.signal(signal.SIGVTALRM, before)
        shutil.rmtree(folder, ignore_errors=True)
    return found


def _cut_off(signum: int, frame: FrameType | None) -> None:
    raise Hang


def _try(data: bytes, max_line: int, number: int, found: Findings) -> None:
    source = f"{CONTRIBUTOR}.jsonl"
    start = time.process_time()
    read = [(n, line, parse(source, CONTRIBUTOR, n, line)) for n, line in numbered(io.BytesIO(data), max_line)]
    found.slowest = max(found.slowest, (time.process_time() - start, number))
    as_array = ARRAY.match(data.removeprefix(b"\xef\xbb\xbf").lstrip()) is not None  # its elements are not its lines
    if not as_array and len(read) != data.count(b"\n") + bool(data and not data.endswith(b"\n")):
        found.lost.append((number, "a line is missing"))
    for n, line, results in read:
        found.lines += 1
        rows, kept = _rows(line, results)
        found.rows_in += rows
        found.kept += kept
        refused = [r for r in results if isinstance(r, Refusal)]
        found.reasons.update(r.reason for r in refused)
        if rows != kept + len(refused) or not results:
            found.lost.append((number, f"line {n}: {rows} rows in, {kept} kept, {len(refused)} refused"))
        if any(
            r.reason not in REASONS or not set(re.split(r"\[(?:\d+|\.\.\.)\]|\.", r.detail)) <= _FIELDS for r in refused
        ):
            found.crashes.append((number, f"line {n}: a refusal names what is not ours"))


def _rows(line: bytes | str, results: list[object]) -> tuple[int, int]:
    """(rows that came in, rows kept), counted by a reader that is not ours: an unreadable line is one row."""
    record = results[0] if results else None
    if not isinstance(record, (CourseSnapshot, TodoSnapshot)) or isinstance(line, str):
        return 1, 0
    value = json.loads(line.decode("utf-8"))
    return len(value["assignments" if value["type"] == "course_snapshot" else "items"]), len(record)


def _try_repair(data: bytes, number: int, folder: Path, found: Findings) -> None:
    path, copy = folder / f"{CONTRIBUTOR}.jsonl", folder / "fixed" / f"{CONTRIBUTOR}.jsonl"
    path.write_bytes(data)
    copy.unlink(missing_ok=True)
    before = validate(path)
    report = repair(path, copy)
    found.repaired += 1
    if (report.out is None) != (report.records == 0):
        found.lost.append((number, "repair: a copy without records, or records without a copy"))
    if report.rows < before.rows:
        found.lost.append((number, f"repair: {before.rows} readable rows became {report.rows}"))
    if report.out is None:
        return
    after = validate(copy)
    if not after.ok or after.notes or (after.records, after.rows) != (report.records, report.rows):
        found.lost.append((number, "repair: the copy is not clean, or not as long as reported"))
    again = repair(copy, path)
    if again.mended or again.left_out or path.read_bytes() != copy.read_bytes():
        found.lost.append((number, "repair: mending a clean file changed it"))


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--inputs", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--first", type=int, default=0, help="number of the first input, to play one again")
    parser.add_argument("--processes", type=int, default=1)
    options = parser.parse_args(arguments)
    chunks = [
        (at, min(_CHUNK, options.first + options.inputs - at))
        for at in range(options.first, options.first + options.inputs, _CHUNK)
    ]
    found, start = Findings(), time.monotonic()
    if options.processes == 1:
        parts = (fuzz(options.seed, at, count) for at, count in chunks)
        _collect(parts, found)
    else:
        with ProcessPoolExecutor(options.processes, mp_context=get_context("spawn")) as pool:
            _collect(pool.map(fuzz, [options.seed] * len(chunks), *zip(*chunks, strict=True)), found)
    print(f"{found.inputs} inputs, {found.lines} lines, {found.repaired} repaired, {time.monotonic() - start:.0f} s")
    print(f"rows in {found.rows_in} = kept {found.kept} + refused {found.reasons.total()}")
    print("refused: " + ", ".join(f"{reason} {n}" for reason, n in sorted(found.reasons.items())))
    print(f"slowest input: {found.slowest[0]:.3f} s of processor time (number {found.slowest[1]})")
    for name in ("crashes", "hangs", "lost"):
        cases = getattr(found, name)
        print(f"{name}: {len(cases)}" + "".join(f"\n  input {number}: {what}" for number, what in cases[:20]))
    return 0 if found.clean else 1


def _collect(parts: object, found: Findings) -> None:
    for part in parts:  # type: ignore[attr-defined]
        found.add(part)
        print(f"{found.inputs} inputs …", file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main())
