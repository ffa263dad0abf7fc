"""A clean copy: what can be mended is, what cannot is left out and reported, good lines keep their bytes, the input is safe."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from canvas_pipeline.errors import BadInput, MissingInput
from canvas_pipeline.privacy.quarantine import MAX_ROWS, REASONS
from canvas_pipeline.tracks.canvas.intake.checking.repair import MENDED, RepairReport, repair
from canvas_pipeline.tracks.canvas.intake.checking.validation import validate
from canvas_pipeline_tests.tracks.canvas.intake.contributions import (
    COURSE,
    TODO,
    contribution,
    course_line,
    read,
    work_line,
)


def mended(path: Path) -> tuple[RepairReport, list[Any]]:
    """The report and the records of the copy, which is clean and stays as it is when it is mended again."""
    copy = path.parent / "fixed" / path.name
    report = repair(path, copy)
    if report.out is None:
        return report, []
    assert validate(copy).ok and not validate(copy).notes
    again = repair(copy, path.parent / "again" / path.name)
    assert (
        not again.mended
        and not again.left_out
        and (path.parent / "again" / path.name).read_bytes() == copy.read_bytes()
    )
    return report, [json.loads(line) for line in copy.read_bytes().splitlines()]


def test_a_clean_file_keeps_its_bytes(tmp_path: Path) -> None:
    path = contribution(tmp_path, course_line(extra={"a": [1.50]}), json.dumps(TODO, indent=None).encode())
    report, _ = mended(path)
    assert (tmp_path / "fixed" / path.name).read_bytes() == path.read_bytes()
    assert (report.records, report.rows, report.unchanged, report.mended, report.left_out) == (2, 2, 2, {}, {})


_DUE = "2026-03-01T04:59:59Z"
ROWS: dict[str, tuple[dict[str, Any], str, Any]] = {
    "a date without an offset": ({"due_at": "2026-03-01T04:59"}, "date_unknown", None),
    "a day that does not exist": ({"due_at": "2026-02-30T04:59:59Z"}, "date_unknown", None),
    "a date with spaces around it": ({"due_at": f" {_DUE} "}, "date_spaces", _DUE),
    "negative points": ({"points_possible": -5}, "points_unknown", None),
    "points written as a text": ({"points_possible": "7.5"}, "number_as_text", 7.5),
    "points beyond every number": ({"points_possible": 10**400}, "points_unknown", None),
    "a title that is a number": ({"name": 7}, "number_as_text", "7"),
    "a single submission type": ({"submission_types": "none"}, "no_list", ["none"]),
    "no submission types": ({"submission_types": None}, "no_list", []),
    "a status that is a number": ({"submission_status": 3}, "status_unknown", None),
    "half an emoji": ({"name": "a\ud83d"}, "half_character", "a\ufffd"),
    "a NUL": ({"name": "a\0b"}, "nul_removed", "ab"),
}  # fmt: skip


@pytest.mark.parametrize("case", ROWS)
def test_a_row_is_mended_without_inventing_anything(case: str, tmp_path: Path) -> None:
    change, code, expected = ROWS[case]
    report, (record,) = mended(contribution(tmp_path, work_line(**change)))
    assert record["assignments"][1][next(iter(change))] == expected and len(record["assignments"]) == 2
    assert report.mended == {code: 1} and not report.left_out


_TEXT = course_line().decode()
FILES: dict[str, tuple[bytes, str, int]] = {
    "blank lines": (_TEXT.encode() + b"\n\n  \n", "blank", 1),
    "two objects on a line": (f"{_TEXT} {_TEXT}\n".encode(), "one_value_per_line", 2),
    "a list, an element a line": (f"[\n{_TEXT},\n{_TEXT}\n]\n".encode(), "one_value_per_line", 2),
    "indented objects": (json.dumps([COURSE, TODO], indent=2).encode(), "one_value_per_line", 2),
    "a list on one line": (f"[{_TEXT},{_TEXT}]".encode(), "one_value_per_line", 2),
    "UTF-16 as Windows saves it": (f"{_TEXT}\r\n{_TEXT}\r\n".encode("utf-16"), "utf16", 2),
    "UTF-16 without a mark": (_TEXT.encode("utf-16-le"), "utf16", 1),
    "old Windows text": (_TEXT.replace("Calculus", "Caf\u00e9").encode("latin-1"), "windows_1252", 1),
    "files put one behind the other": (f"{_TEXT}\n\ufeff{_TEXT}\n".encode(), "byte_order_mark", 2),
    "a comma too many": (_TEXT.replace("}]", "},]").encode(), "extra_comma", 1),
    "a tab in a title": (_TEXT.replace("Quiz 1", "Quiz\t1").encode(), "control_character", 1),
    "NaN": (_TEXT.replace('"points_possible": 5', '"points_possible": NaN').encode(), "not_a_number", 1),
    "a key twice, the same": (_TEXT.replace("{", '{"term": "2026 Spring", ', 1).encode(), "same_key_twice", 1),
    "no contributor_id": (_TEXT.replace('"contributor_id": "zed-001", ', "").encode(), "own_id", 1),
    "contributor_id in capitals": (_TEXT.replace("zed-001", "ZED-001 ").encode(), "own_id", 1),
}  # fmt: skip


@pytest.mark.parametrize("case", FILES)
def test_a_file_is_mended_whole(case: str, tmp_path: Path) -> None:
    data, code, records = FILES[case]
    path = tmp_path / "zed-001.jsonl"
    path.write_bytes(data)
    report, found = mended(path)
    assert code in report.mended and not report.left_out and len(found) == records
    assert all(r.get("course_name", "Calculus") in ("Calculus", "Caf\u00e9") for r in found)


def test_every_code_has_a_sentence_and_every_sentence_can_come_up() -> None:
    seen = {code for _, code, _ in [*ROWS.values(), *FILES.values()]}
    assert seen | {"row_split", "site_unknown"} == set(MENDED)


def test_a_course_id_of_neither_kind_is_unknown_and_a_whole_float_is_a_number(tmp_path: Path) -> None:
    items = [{**TODO["items"][0], "course_id": value} for value in ([1], 7.0, "x")]
    report, (record,) = mended(contribution(tmp_path, json.dumps({**TODO, "items": items}).encode()))
    assert [item["course_id"] for item in record["items"]] == [None, 7, "x"]
    assert report.mended == {"site_unknown": 1, "number_as_text": 1}


def test_a_record_with_too_many_rows_is_split_and_loses_none(tmp_path: Path) -> None:
    report, found = mended(contribution(tmp_path, course_line(assignments=COURSE["assignments"] * (MAX_ROWS + 1))))
    assert len(found) == 2 and report.rows == MAX_ROWS + 1 and report.mended == {"row_split": 1}


def test_the_rows_of_a_record_are_those_of_its_type(tmp_path: Path) -> None:
    bad = {**TODO["items"][0], "assignment_name": None}
    report, (record,) = mended(
        contribution(tmp_path, json.dumps({"assignments": [], **TODO, "items": [bad, *TODO["items"]]}).encode())
    )
    assert (
        record["items"] == TODO["items"]
        and report.left_out == {"wrong_type": 1}
        and report.problems[0].field.startswith("items[0]")
    )


LOST: dict[str, tuple[bytes, str, str]] = {
    "a line cut off": (course_line()[:-20], "malformed_json", ""),
    "a number instead of an object": (b"7", "not_an_object", ""),
    "somebody else's record": (course_line(contributor_id="bo-002"), "contributor_mismatch", "contributor_id"),
    "another kind": (course_line(type="grade_snapshot"), "unknown_kind", "type"),
    "no collection date": (course_line(collected_at="2026"), "bad_date", "collected_at"),
    "a key twice, differing": (course_line().replace(b"{", b'{"term": "x", ', 1), "duplicate_key", ""),
    "an assignment with a key twice": (work_line(name="B").replace(b'"name": "B"', b'"name": "B", "name": "C"'), "duplicate_key",
                                       "assignments[1]"),
    "an assignment without a title": (work_line(name=None), "wrong_type", "assignments[1].name"),
    "nesting without end": (course_line(x=0).replace(b'"x": 0', b'"x": ' + b"[" * 40 + b"]" * 40), "too_deep", ""),
}  # fmt: skip


@pytest.mark.parametrize("case", LOST)
def test_what_cannot_be_mended_is_left_out_and_told(case: str, tmp_path: Path) -> None:
    line, reason, field = LOST[case]
    report, _ = mended(contribution(tmp_path, course_line(), line))
    (problem,) = report.problems
    assert report.left_out == {reason: 1} and (problem.line, problem.reason, problem.field) == (2, reason, field)
    assert problem.message == REASONS[reason]


def test_nothing_is_written_where_no_record_is_left_and_an_older_copy_stays(tmp_path: Path) -> None:
    path = contribution(tmp_path, b"7")
    (tmp_path / "fixed").mkdir()
    (tmp_path / "fixed" / path.name).write_text("older")
    report, _ = mended(path)
    assert report.out is None and (tmp_path / "fixed" / path.name).read_text() == "older"
    assert [p.name for p in (tmp_path / "fixed").iterdir()] == [path.name]


def test_the_input_is_written_over_only_when_asked_and_only_where_nothing_is_lost(tmp_path: Path) -> None:
    path = contribution(tmp_path, work_line(points_possible=-1), b"7")
    before = path.read_bytes()
    with pytest.raises(BadInput, match="--in-place"):
        repair(path, path)
    report = repair(path, path, in_place=True)
    assert report.out is None and report.left_out == {"not_an_object": 1} and path.read_bytes() == before
    path = contribution(tmp_path, work_line(points_possible=-1))
    assert repair(path, path, in_place=True).out == str(path) and validate(path).ok


def test_names_that_cannot_be_are_refused_before_anything_is_read(tmp_path: Path) -> None:
    path = contribution(tmp_path, course_line())
    with pytest.raises(BadInput, match="keeps the name"):
        repair(path, tmp_path / "other.jsonl")
    (tmp_path / ".hidden.jsonl").write_bytes(course_line())
    with pytest.raises(BadInput, match="rename the file"):
        repair(tmp_path / ".hidden.jsonl", tmp_path / "fixed" / ".hidden.jsonl")
    with pytest.raises(MissingInput):
        repair(tmp_path / "none.jsonl", tmp_path / "fixed" / "none.jsonl")


_BAD = st.sampled_from(
    (None, 7, -1, 1.5, " ", "2026-02-30T00:00:00Z", _DUE, [], ["x"], [1], {}, {"a": []}, float("nan"), float("inf"), True, "a\0")
)  # fmt: skip
_ASSIGNMENT = st.fixed_dictionaries(
    {"name": st.just("Quiz") | _BAD, "type": st.just("QUIZ") | _BAD},
    optional=dict.fromkeys(("due_at", "points_possible", "submission_types", "submission_status", "x"), _BAD),
)


@settings(max_examples=100)
@given(st.lists(_ASSIGNMENT | _BAD, max_size=5))
def test_every_row_is_in_the_copy_or_left_out(tmp_path_factory: Any, rows: list[Any]) -> None:
    path = contribution(tmp_path_factory.getbasetemp(), course_line(assignments=rows))
    report = repair(path, path.parent / "fixed" / path.name)
    assert report.rows + sum(report.left_out.values()) == len(rows) and report.records == 1
    readable = sum(len(r) for r in read(path) if hasattr(r, "assignments"))
    assert report.rows >= readable
