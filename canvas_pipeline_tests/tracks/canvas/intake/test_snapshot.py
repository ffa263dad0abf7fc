"""The reader of contributors' files: nothing crashes it, nothing is lost, nothing is quoted."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from canvas_pipeline.errors import MissingInput
from canvas_pipeline.privacy.quarantine import MAX_ROWS, REASONS
from canvas_pipeline.records import Refusal
from canvas_pipeline.tracks.canvas.intake.reading.snapshot import (
    ARRAY,
    CourseSnapshot,
    TodoSnapshot,
    lines,
    parse,
    source_keys,
)
from canvas_pipeline_tests.tracks.canvas.intake.contributions import COURSE, TODO, course_line, read, work_line


def _read(tmp_path: Path, data: bytes, **options: int) -> list[Any]:
    path = tmp_path / "zed-001.jsonl"
    path.write_bytes(data)
    return list(read(path, **options))


def test_both_record_kinds_are_read_with_their_line_numbers(tmp_path: Path) -> None:
    course, todo = _read(tmp_path, course_line() + b"\n" + json.dumps(TODO).encode() + b"\n")
    assert isinstance(course, CourseSnapshot) and (course.line, len(course)) == (1, 1)
    assert isinstance(todo, TodoSnapshot) and (todo.line, len(todo)) == (2, 1)


def test_a_byte_order_mark_and_a_missing_final_newline_are_accepted(tmp_path: Path) -> None:
    assert [type(r) for r in _read(tmp_path, b"\xef\xbb\xbf" + course_line() + b"\r\n" + course_line())] == [
        CourseSnapshot
    ] * 2


BAD_LINES: dict[str, bytes] = {
    "malformed_json": b'{"type": ',
    "not_an_object": b"[1, 2]",
    "several_objects_on_line": course_line() + b" " + course_line(),
    "invalid_utf8": b'{"type": "\xff"}',
    "nul_byte": b'{"type": "\x00"}',
    "too_deep": b'{"type": ' + b"[" * 40 + b"]" * 40 + b"}",
    "duplicate_key": b'{"type": "course_snapshot", "type": "course_snapshot"}',
    "non_finite_number": b'{"type": "course_snapshot", "x": NaN}',
    "wrong_type": course_line(course_code=5),
    "unknown_kind": course_line(type="grade_snapshot"),
    "bad_date": course_line(collected_at="2026-02-16T14:05:33"),
    "contributor_mismatch": course_line(contributor_id="somebody-else"),
    "unsafe_id": course_line(contributor_id="../zed-001"),
    "too_many_rows": course_line(assignments=[0] * (MAX_ROWS + 1)),
    "blank": b"   ",
}


@pytest.mark.parametrize("reason", BAD_LINES)
def test_a_bad_line_is_quarantined_with_its_reason_and_the_run_goes_on(tmp_path: Path, reason: str) -> None:
    first, second = _read(tmp_path, BAD_LINES[reason] + b"\n" + course_line() + b"\n")
    assert isinstance(first, Refusal) and (first.reason, first.line) == (reason, 1)
    assert isinstance(second, CourseSnapshot)


BAD_WORK: dict[str, tuple[str, dict[str, Any]]] = {
    "a date without an offset": ("bad_date", {"due_at": "2026-03-01 04:59"}),
    "negative points": ("negative_points", {"points_possible": -1}),
    "infinite points": ("non_finite_number", {"points_possible": 1e999}),
    "points beyond every number": ("wrong_type", {"points_possible": 10**400}),
    "a day that does not exist": ("bad_date", {"due_at": "2026-02-30T04:59:59Z"}),
    "an hour that does not exist": ("bad_date", {"due_at": "2026-02-28T25:00:00Z"}),
    "a date outside of the calendar": ("bad_date", {"due_at": "0001-01-01T00:00:00+14:00"}),
    "a name that is a number": ("wrong_type", {"name": 7}),
    "submission types that are a text": ("wrong_type", {"submission_types": "none"}),
}


@pytest.mark.parametrize("case", BAD_WORK)
def test_one_bad_assignment_is_refused_alone(tmp_path: Path, case: str) -> None:
    reason, change = BAD_WORK[case]
    line = work_line(**change).replace(b"Infinity", b"1e999")
    record, refusal = _read(tmp_path, line)
    assert len(record) == 1
    assert refusal.reason == reason and refusal.detail == f"assignments[1].{next(iter(change))}"


def test_a_line_over_the_limit_is_skipped_without_holding_it(tmp_path: Path) -> None:
    results = _read(tmp_path, b'{"x": "' + b"a" * 5000 + b'"}\n' + course_line(), max_line=1000)
    assert [getattr(r, "reason", "read") for r in results] == ["line_too_long", "read"]


def test_lone_surrogates_and_escaped_nul_are_refused(tmp_path: Path) -> None:
    lone, nul, fine = _read(
        tmp_path,
        b"\n".join(
            (course_line(course_name="\ud800"), course_line(course_name="a\0b"), course_line(course_name="\U0001f4da"))
        ),
    )
    assert (lone.reason, nul.reason) == ("invalid_utf8", "nul_byte") and fine.course_name == "\U0001f4da"


def test_every_reason_has_advice_and_every_bad_line_is_in_the_table() -> None:
    of_files = {
        "duplicate_contributor", "empty_file", "no_record", "other_suffix", "other_format", "is_folder", "not_a_file",
        "no_such_file", "cut_off", "damaged_gzip", "gzip_bomb",
    }  # fmt: skip
    assert set(BAD_LINES) | {"line_too_long", "negative_points"} | of_files == set(REASONS)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(MissingInput, match="nobody.jsonl"):
        list(read(tmp_path / "nobody.jsonl"))


def test_a_file_whose_name_is_no_safe_id_gives_no_record_at_all(tmp_path: Path) -> None:
    for stem in ("..x", ".hidden", "CON", "a\u202eb", "x" * 80):
        path = tmp_path / f"{stem}.jsonl"
        path.write_bytes(json.dumps({**COURSE, "contributor_id": path.stem}).encode())
        (refusal,) = read(path)
        assert isinstance(refusal, Refusal) and refusal.reason == "unsafe_id" and refusal.source.isprintable()


def test_batches_hold_every_line_once_and_workers_parse_them_as_the_stream_does(tmp_path: Path) -> None:
    path = tmp_path / "zed-001.jsonl"
    path.write_bytes(
        b"\n".join(
            [course_line(), b"", course_line(type="x"), course_line(course_name="y" * 3000), *[course_line()] * 20]
        )
    )
    batches = list(lines(path, max_line=2000, batch=1500))
    assert len(batches) > 5 and [n for batch in batches for n, _ in batch] == list(range(1, 25))
    parsed = [r for batch in batches for n, line in batch for r in parse(path.name, path.stem, n, line)]
    assert parsed == list(read(path, max_line=2000))


def test_a_source_row_is_named_by_what_it_says_and_not_by_where_it_stands() -> None:
    def keys(line: bytes, number: int) -> list[bytes]:
        (record,) = parse("zed-001.jsonl", "zed-001", number, line)
        assert not isinstance(record, Refusal)
        return list(source_keys(record))

    two = keys(work_line(name="Quiz 2"), 1)
    assert len(set(two)) == 2
    assert (
        keys(course_line(assignments=list(reversed(json.loads(work_line(name="Quiz 2"))["assignments"]))), 9)
        == two[::-1]
    )
    assert not set(keys(course_line(term="2025 Fall"), 1)) & set(two)
    assert keys(json.dumps(TODO).encode(), 1) != keys(
        json.dumps({**TODO, "collected_at": "2026-02-16T14:05:33Z"}).encode(), 1
    )


@settings(max_examples=150, deadline=None)
@given(st.binary(max_size=400))
def test_arbitrary_bytes_never_crash_the_reader_and_every_line_is_accounted_for(
    tmp_path_factory: Any, data: bytes
) -> None:
    assume(not ARRAY.match(data.lstrip()) and not data.startswith(b"\x1f\x8b"))
    path = tmp_path_factory.getbasetemp() / "bytes.jsonl"
    path.write_bytes(data)
    lines = data.count(b"\n") + (1 if data and not data.endswith(b"\n") else 0)
    assert [r.line for r in read(path)] == list(range(1, lines + 1))


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.sampled_from(("name", "type", "due_at", "x")), inner, max_size=4)
    ),
    max_leaves=12,
)


@settings(max_examples=150, deadline=None)
@given(st.lists(_JSON, max_size=6))
def test_rows_are_conserved_whatever_the_assignments_are(tmp_path_factory: Any, works: list[Any]) -> None:
    path = tmp_path_factory.getbasetemp() / "zed-001.jsonl"
    path.write_text(json.dumps({**COURSE, "assignments": works}))
    results = list(read(path))
    if isinstance(results[0], CourseSnapshot):
        assert len(results[0]) + len(results) - 1 == len(works)
    else:  # NaN or a lone surrogate makes the whole line unreadable: one row
        assert len(results) == 1 and results[0].reason in ("non_finite_number", "invalid_utf8", "nul_byte")


_COLON = st.sampled_from((":", ": ", " :", "\t:", "\n:", " : "))
_FULL = [
    ("name", '"Quiz"'), ("type", '"QUIZ"'), ("due_at", "null"), ("points_possible", "5"), ("submission_types", "[]"),
    ("submission_status", "null"),
]  # fmt: skip


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_a_doubled_key_is_refused_whatever_surrounds_it(data: st.DataObject) -> None:
    """A member is inserted into a good line that has one of that name."""
    texts = st.text(st.sampled_from('a":\\ {}[],'), max_size=6).map(json.dumps)
    row = [(key, data.draw(texts) if key in ("name", "type") else value) for key, value in _FULL]
    twice = data.draw(st.integers(0, len(row) - 1))
    row.insert(
        data.draw(st.integers(0, len(row))), row[twice] if data.draw(st.booleans()) else (row[twice][0], row[twice][1])
    )
    colon = data.draw(_COLON)
    inner = "{" + ",".join(f'"{key}"{colon}{value}' for key, value in row) + "}"
    line = json.dumps({**COURSE, "assignments": [0]}).replace("[0]", f"[{inner}]").encode()
    assert [r.reason for r in parse("zed-001.jsonl", "zed-001", 1, line) if isinstance(r, Refusal)] == ["duplicate_key"]
