"""Intake of any size: the same bytes for any order of lines, memory and number of processes; masked input unchanged."""

from __future__ import annotations

import json
import random
import tempfile
from collections.abc import Callable, Iterable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from canvas_pipeline.privacy.courses.registry import Registry
from canvas_pipeline.tracks.canvas.intake.stream.contributors import ingest_all
from canvas_pipeline.tracks.canvas.intake.stream.ingest import REFUSALS, ROWS, SOURCES, IngestResult, ingest
from canvas_pipeline.tracks.canvas.intake.stream.merge import Merge
from canvas_pipeline.tracks.canvas.intake.synthetic.synthesize import synthesize
from canvas_pipeline.tracks.canvas.rows import Item

KEY = b"a key for tests only"
AT = "2026-02-16T14:05:33.482913-05:00"
LATER = "2026-03-16T14:05:33.482913-04:00"

Files = dict[str, bytes]


def ingested(path: Path, registry: Path | None = None, **options: Any) -> tuple[IngestResult, Files]:
    """What intake gives for a file, by name."""
    files: Files = {}

    def sink(rows: Iterable[msgspec.Raw], name: str, /, *, report: bool = False) -> None:
        assert report == (name != ROWS)
        files[name] = b"".join(bytes(row) + b"\n" for row in rows)

    return ingest(path, KEY, registry, sink, **options), files


def merged(*files: bytes, **options: Any) -> bytes:
    with Merge(**options) as merging, tempfile.TemporaryDirectory() as folder:
        for number, file in enumerate(files):
            path = Path(folder) / str(number)
            path.write_bytes(file)
            merging.add_file(path)
        rows = b"".join(bytes(row) + b"\n" for row in merging.rows())
        merging.funnel()
        return rows


@pytest.fixture(scope="module")
def collab(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    return synthesize(3, 7, 30, 5, tmp_path_factory.mktemp("collab"))


TITLES = st.sampled_from([
    "Essay", "essay ", "Meet Dr. Okonjo", "mail jo@x.edu", "CS 3704 exam", "Notes on 21936", "Lab\u00a01 – “Café”", "😀", "",
    "Okonjo’s talk",
])  # fmt: skip
DUES = st.sampled_from([None, "2026-03-01T04:59:59Z", "2026-02-28T23:59:59-05:00"])
WORKS = st.fixed_dictionaries({
    "name": TITLES, "type": st.sampled_from(["ASGN", "QUIZ", "odd"]), "due_at": DUES,
    "points_possible": st.sampled_from([None, 5.0, -1]), "submission_types": st.just(["none", "odd"]),
    "submission_status": st.sampled_from([None, "GRADED", "NOT_SUBMITTED"]),
})  # fmt: skip
COURSES = st.fixed_dictionaries({
    "type": st.just("course_snapshot"), "course_name": st.sampled_from(["Design - Okonjo", "Graphs (21936)", "Calculus"]),
    "course_code": st.sampled_from(["CS_3704_21936_202601", "MATH 1226", "@COURSE3", "math1226", "CS 3704"]),
    "term": st.sampled_from(["2026 Spring", "Default Term"]), "assignments": st.lists(WORKS, max_size=4),
    "collected_at": st.sampled_from([AT, LATER]),
})  # fmt: skip
TODOS = st.fixed_dictionaries({
    "type": st.just("todo_snapshot"), "collected_at": st.just(AT),
    "items": st.lists(st.fixed_dictionaries({
        "type": st.just("ASGN"), "assignment_name": TITLES, "due_at": DUES, "course_id": st.sampled_from([7, 8, "x", None]),
    }), max_size=4),
})  # fmt: skip
RECORDS = st.lists(st.one_of(COURSES, TODOS), max_size=6)
TRASH = st.sampled_from([b"", b"no JSON", b'{"type": "odd"}'])


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(RECORDS, st.lists(TRASH, max_size=2), st.randoms(use_true_random=False))
def test_any_order_of_lines_gives_the_same_bytes_and_every_row_is_accounted_for(
    records: list[dict[str, Any]], trash: list[bytes], rng: random.Random
) -> None:
    lines = [*(json.dumps({"contributor_id": "zed-001", **r}).encode() for r in records), *trash]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "zed-001.jsonl"
        path.write_bytes(b"".join(line + b"\n" for line in lines))
        first, files = ingested(path)
        rng.shuffle(lines)
        path.write_bytes(b"".join(line + b"\n" for line in lines))
        again, shuffled = ingested(path, held=0)  # and everything goes through the disk
    assert shuffled[ROWS] == files[ROWS] and again == first
    rows = sum(len(r.get("assignments", r.get("items", ()))) for r in records)
    assert first.funnel.rows_in == rows + len(trash) == first.funnel.kept + sum(first.funnel.refused.values())
    assert len(files[ROWS].splitlines()) == first.funnel.kept == len(files[SOURCES].splitlines())
    assert len(files[REFUSALS].splitlines()) == sum(first.funnel.refused.values())
    parents = [p for line in files[ROWS].splitlines() for p in msgspec.json.decode(line, type=Item).parents]
    assert sorted(parents) == sorted(json.loads(line)["id"] for line in files[SOURCES].splitlines())


def test_a_cached_text_is_still_searched_for_the_contributors_own_people(tmp_path: Path) -> None:
    """A title without an identity in one file names a teacher in the next."""
    title = "Reading Stone 4"
    for name, course in (("a-001", "Calculus"), ("b-001", "Calculus - Stone")):
        record = {
            "type": "course_snapshot", "contributor_id": name, "collected_at": AT, "course_name": course,
            "course_code": "MATH 1226", "term": None, "assignments": [
                {"name": title, "type": "ASGN", "due_at": None, "points_possible": 1, "submission_types": []}
            ],
        }  # fmt: skip
        path = tmp_path / f"{name}.jsonl"
        path.write_text(json.dumps(record) + "\n")
        rows = ingested(path)[1][ROWS]
        assert (b"Stone" in rows) == (name == "a-001"), rows


def test_a_pool_and_a_full_memory_change_no_byte(collab: list[Path], tmp_path: Path) -> None:
    alone = [ingested(path, tmp_path / "a.jsonl") for path in collab]
    pooled = ingested(collab[0], tmp_path / "b.jsonl", workers=2, pool_bytes=0, held=1000, scratch=tmp_path)
    assert pooled == alone[0]
    both = ingest_all(collab, KEY, tmp_path / "c.jsonl", tmp_path / "out", workers=2, pool_bytes=50_000)
    assert [(one, path.read_bytes()) for one, path in both] == [(one, files[ROWS]) for one, files in alone]
    assert sorted((tmp_path / "a.jsonl").read_bytes().splitlines()) == sorted(
        (tmp_path / "c.jsonl").read_bytes().splitlines()
    )
    rows = [files[ROWS] for _, files in alone]
    assert merged(*rows) == merged(*reversed(rows), held=1000) == merged(b"".join(rows), held=0, scratch=tmp_path)
    assert not list(tmp_path.glob(".spill-*"))


def test_lines_of_a_record_may_stand_in_several_records_and_nothing_changes(collab: list[Path], tmp_path: Path) -> None:
    """So a contributor's file that was cut and joined anew is the same contribution."""
    path = tmp_path / collab[0].name
    pieces = []
    for line in collab[0].read_text().splitlines():
        record = json.loads(line)
        field = "assignments" if "assignments" in record else "items"
        pieces += [json.dumps({**record, field: [row]}) for row in record[field]]
    random.Random(3).shuffle(pieces)
    path.write_text("\n".join(pieces))
    assert ingested(path)[1][ROWS] == ingested(collab[0])[1][ROWS]


def test_masked_input_comes_out_unchanged(collab: list[Path], tmp_path: Path) -> None:
    first = [msgspec.json.decode(line, type=Item) for line in ingested(collab[1])[1][ROWS].splitlines()]
    path = tmp_path / collab[1].name
    with path.open("w") as file:
        for item in first:
            if item.course is None or item.course_name is None:
                continue
            work = {
                "name": item.title, "type": item.type, "due_at": item.due_at, "points_possible": item.points_possible,
                "submission_types": item.submission_types, "submission_status": item.submission_status,
            }  # fmt: skip
            record = {
                "type": "course_snapshot", "contributor_id": path.stem, "collected_at": item.collected_at, "term": item.term,
                "course_name": item.course_name, "course_code": item.course, "assignments": [work],
            }  # fmt: skip
            file.write(json.dumps(record) + "\n")
    again = [msgspec.json.decode(line, type=Item) for line in ingested(path)[1][ROWS].splitlines()]
    # The "other" of an unknown kind of submission stays "other"; only the names of the source rows are of the new file.
    compared = [
        [msgspec.structs.replace(item, parents=()) for item in items if item.course_name] for items in (first, again)
    ]
    assert len(compared[0]) > 150 and sorted(compared[0], key=repr) == sorted(compared[1], key=repr)


def test_two_courses_that_meet_in_one_handle_are_told_apart_in_any_order(tmp_path: Path) -> None:
    seen: dict[str, str] = {}
    registry = Registry(KEY, writable=False)
    for number in range(10**6):
        crn = f"{10_000 + number % 80_000}"
        code = f"CS_{1000 + number // 80_000}_{crn}_202601"
        subject, course, crn, term = code.split("_")
        handle = Registry._derive(registry, f"course/{subject}/{course}/{crn}/{term}", 0)
        if handle in seen:
            break
        seen[handle] = code
    lines = [
        json.dumps({
            "type": "course_snapshot", "contributor_id": "zed-001", "collected_at": AT, "course_name": "Calculus",
            "course_code": one, "term": "2026 Spring",
            "assignments": [{"name": "Essay", "type": "ASGN"}],
        })
        for one in (code, seen[handle])
    ]  # fmt: skip
    path = tmp_path / "zed-001.jsonl"
    found = []
    for order in (lines, lines[::-1]):
        path.write_text("\n".join(order))
        for name, options in (("alone", {}), ("pooled", {"workers": 2, "pool_bytes": 0})):
            private = tmp_path / f"{name}-{len(found)}.jsonl"
            found.append(ingested(path, private, **options)[1][ROWS])
        found.append(ingested(path)[1][ROWS])
    courses = {msgspec.json.decode(line, type=Item).course for line in found[0].splitlines()}
    assert len(courses) == 2 and handle in courses and set(found) == {found[0]}


def forked(workers: int, start: Callable[..., None], *given: Any) -> ProcessPoolExecutor:
    return ProcessPoolExecutor(workers, get_context("fork"), start, given)


def test_contributors_side_by_side_tell_courses_apart_that_meet_in_one_handle(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So few handles that courses meet; forked workers count with the same few."""
    monkeypatch.setattr("canvas_pipeline.privacy.courses.registry._SPAN", 150)
    monkeypatch.setattr("canvas_pipeline.tracks.canvas.intake.stream.contributors.processes", forked)
    paths = synthesize(6, 5, 3, 3, tmp_path / "collab")
    small = max(path.stat().st_size for path in paths) + 1  # each of them, and not all of them together
    counts = []
    for name, options in (("together", {"workers": 2, "pool_bytes": small}), ("alone", {"workers": 1})):
        private = tmp_path / f"{name}.jsonl"
        made = []
        for turn in range(2):
            found = ingest_all(paths, KEY, private, tmp_path / f"{name}{turn}", **options)  # type: ignore[arg-type]
            made.append([rows.read_bytes() for _, rows in found])
        assert made[0] == made[1]
        courses = [{msgspec.json.decode(line, type=Item).course for line in rows.splitlines()} for rows in made[0]]
        counts.append([len(of_one) for of_one in courses])
        entries = [msgspec.json.decode(line) for line in private.read_bytes().splitlines()[1:]]
        assert len(entries) == len({entry["handle"] for entry in entries}) > 15
        plain = Registry(KEY, writable=False)
        assert any(plain.handle(entry["identity"]) != entry["handle"] for entry in entries), "none met"
    assert counts[0] == counts[1]
