"""The reader of contributors' files: nothing crashes it, nothing is lost, nothing is quoted."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from canvas_pipeline.errors import MissingInput
from canvas_pipeline.intake.snapshot import REASONS, CourseSnapshot, TodoSnapshot, read, validate
from canvas_pipeline.records import Refusal

COURSE: dict[str, Any] = {
    "type": "course_snapshot", "course_name": "Calculus", "course_code": "MATH_1226_11111_202601", "term": "2026 Spring",
    "assignments": [{"name": "Quiz 1", "type": "QUIZ", "due_at": None, "points_possible": 5, "submission_types": ["none"],
                     "submission_status": "GRADED"}],
    "contributor_id": "zed-001", "collected_at": "2026-02-16T14:05:33.482913-05:00",
}  # fmt: skip
TODO: dict[str, Any] = {
    "type": "todo_snapshot",
    "items": [{"type": "ASGN", "assignment_name": "Essay", "due_at": "2026-03-01T04:59:59Z", "course_id": 7}],
    "contributor_id": "zed-001", "collected_at": "2026-02-16T14:05:33.482913-05:00",
}  # fmt: skip


def _read(tmp_path: Path, data: bytes, **options: int) -> list[Any]:
    path = tmp_path / "zed-001.jsonl"
    path.write_bytes(data)
    return list(read(path, **options))


def _line(**changes: Any) -> bytes:
    return json.dumps({**COURSE, **changes}).encode()


def _work(**changes: Any) -> bytes:
    return _line(assignments=[COURSE["assignments"][0], {**COURSE["assignments"][0], **changes}])


def test_both_record_kinds_are_read_with_their_line_numbers(tmp_path: Path) -> None:
    course, todo = _read(tmp_path, _line() + b"\n" + json.dumps(TODO).encode() + b"\n")
    assert isinstance(course, CourseSnapshot) and (course.line, len(course)) == (1, 1)
    assert isinstance(todo, TodoSnapshot) and (todo.line, len(todo)) == (2, 1)


def test_a_byte_order_mark_and_a_missing_final_newline_are_accepted(tmp_path: Path) -> None:
    assert [type(r) for r in _read(tmp_path, b"\xef\xbb\xbf" + _line() + b"\r\n" + _line())] == [CourseSnapshot] * 2


BAD_LINES: dict[str, bytes] = {
    "malformed_json": b'{"type": ',
    "not_an_object": b"[1, 2]",
    "several_objects_on_line": _line() + b" " + _line(),
    "invalid_utf8": b'{"type": "\xff"}',
    "nul_byte": b'{"type": "\x00"}',
    "too_deep": b'{"type": ' + b"[" * 40 + b"]" * 40 + b"}",
    "duplicate_key": b'{"type": "course_snapshot", "type": "course_snapshot"}',
    "non_finite_number": b'{"type": "course_snapshot", "x": NaN}',
    "wrong_type": _line(course_code=5),
    "unknown_kind": _line(type="grade_snapshot"),
    "bad_date": _line(collected_at="2026-02-16T14:05:33"),
    "contributor_mismatch": _line(contributor_id="somebody-else"),
    "blank": b"   ",
}


@pytest.mark.parametrize("reason", BAD_LINES)
def test_a_bad_line_is_quarantined_with_its_reason_and_the_run_goes_on(tmp_path: Path, reason: str) -> None:
    first, second = _read(tmp_path, BAD_LINES[reason] + b"\n" + _line() + b"\n")
    assert isinstance(first, Refusal) and (first.reason, first.line) == (reason, 1)
    assert isinstance(second, CourseSnapshot)


BAD_WORK: dict[str, tuple[str, dict[str, Any]]] = {
    "a date without an offset": ("bad_date", {"due_at": "2026-03-01 04:59"}),
    "negative points": ("negative_points", {"points_possible": -1}),
    "infinite points": ("non_finite_number", {"points_possible": 1e999}),
    "a name that is a number": ("wrong_type", {"name": 7}),
    "submission types that are a text": ("wrong_type", {"submission_types": "none"}),
}


@pytest.mark.parametrize("case", BAD_WORK)
def test_one_bad_assignment_is_refused_alone(tmp_path: Path, case: str) -> None:
    reason, change = BAD_WORK[case]
    line = _work(**change).replace(b"Infinity", b"1e999")
    record, refusal = _read(tmp_path, line)
    assert len(record) == 1
    assert refusal.reason == reason and refusal.detail == f"assignments[1].{next(iter(change))}"


def test_a_line_over_the_limit_is_skipped_without_holding_it(tmp_path: Path) -> None:
    results = _read(tmp_path, b'{"x": "' + b"a" * 5000 + b'"}\n' + _line(), max_line=1000)
    assert [getattr(r, "reason", "read") for r in results] == ["line_too_long", "read"]


def test_lone_surrogates_and_escaped_nul_are_refused(tmp_path: Path) -> None:
    lone, nul, fine = _read(
        tmp_path, b"\n".join((_line(course_name="\ud800"), _line(course_name="a\0b"), _line(course_name="\U0001f4da")))
    )
    assert (lone.reason, nul.reason) == ("invalid_utf8", "nul_byte") and fine.course_name == "\U0001f4da"


def test_every_reason_has_advice_and_every_bad_line_is_in_the_table() -> None:
    assert set(BAD_LINES) | {"line_too_long", "negative_points"} == set(REASONS)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(MissingInput, match="nobody.jsonl"):
        list(read(tmp_path / "nobody.jsonl"))


def test_validation_names_file_line_and_field_and_never_the_text(tmp_path: Path) -> None:
    path = tmp_path / "zed-001.jsonl"
    path.write_bytes(
        b"\n"
        + _work(name=["secret text"], due_at="secret text")
        + b"\n"
        + _line(type="secret text")
        + b'\n{"secret text'
    )
    report = validate(path)
    assert not report.ok and report.notes == {"blank": 1} and (report.records, report.rows) == (1, 1)
    shown = "\n".join(map(str, report.problems))
    assert f"{path}:2:assignments[1].name: " in shown and f"{path}:3:type: " in shown and "secret" not in shown


@settings(max_examples=150, deadline=None)
@given(st.binary(max_size=400))
def test_arbitrary_bytes_never_crash_the_reader_and_every_line_is_accounted_for(
    tmp_path_factory: Any, data: bytes
) -> None:
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
