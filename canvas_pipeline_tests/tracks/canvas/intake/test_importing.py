"""What people have of their courses becomes a contributor file, and nothing of other people comes along."""

from __future__ import annotations

import base64
import gzip
import json
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner, Result

from canvas_pipeline.errors import BadConfig, BadInput
from canvas_pipeline.tracks.canvas.commands import imports as imports_commands
from canvas_pipeline.tracks.canvas.intake.checking.validation import validate

DUE = "2031-02-10T04:59:59Z"
COURSES = [
    {
        "id": 77, "name": "Widget Workshop", "course_code": "QX 3120", "term": {"id": 9, "name": "2031 Spring"},
        "teachers": [{"id": 1, "display_name": "Zora Quillfeather"}], "enrollments": [{"user_id": 5, "type": "student"}],
    },
    {"id": 79, "name": "my nickname", "original_name": "Gadget Lab", "course_code": "QX 3130"},
    {"id": 78, "access_restricted_by_date": True},
]  # fmt: skip
CSV = (
    'Student,ID,SIS Login ID,Section,"Essay, draft (12)",Quiz 1 (13),Final Score\r\n'
    ",,,,Manual Posting,,\r\n"
    '"    Points Possible",,,,20.00,5,(read only)\r\n'
    '"Quillfeather, Zora",111,zq1,QX 3120,18,5,92\r\n"Roe, Max",112,mroe,QX 3120,,4,30\r\n"Student, Test",,,QX 3120,,,\r\n'
)


def work(id_: int, of: int, **more: Any) -> dict[str, Any]:
    return {
        "id": id_, "name": f"Homework {id_}", "course_id": of, "due_at": DUE, "points_possible": 10.0,
        "submission_types": ["online_upload"], "description": "<p>ask Zora Quillfeather</p>", **more,
    }  # fmt: skip


def handed_in(id_: int, user: int, state: str) -> dict[str, Any]:
    return {"assignment_id": id_, "user_id": user, "workflow_state": state, "body": "by Zora Quillfeather"}


def put(folder: Path, name: str, content: Any) -> Path:
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else json.dumps(content).encode())
    return path


def run(*arguments: object) -> Result:
    app = typer.Typer()
    imports_commands.register(app)
    return CliRunner().invoke(app, [str(a) for a in arguments])


def imported(folder: Path, *arguments: object) -> tuple[list[dict[str, Any]], str]:
    out = folder / "zed-001.jsonl"
    result = run(*arguments, "--out", out, "--collected-at", "2031-02-01T12:00:00Z")
    assert result.exit_code == 0, result.output
    assert validate(out).ok and b"Quillfeather" not in out.read_bytes() and "Quillfeather" not in result.output
    return [json.loads(line) for line in out.read_bytes().splitlines()], result.output


def titles(record: dict[str, Any]) -> dict[str, Any]:
    return {row["name"]: row for row in record["assignments"]}


def test_courses_and_paginated_assignments_become_course_snapshots(tmp_path: Path) -> None:
    one = [work(1, 77, submission=handed_in(1, 5, "graded")), work(2, 77, submission=handed_in(2, 5, "unsubmitted"))]
    two = [work(3, 77, due_at=None, submission_types=["online_quiz"], quiz_id=33), work(5, 78)]
    pages = b"while(1);" + json.dumps(one).encode() + b"\n" + json.dumps(two).encode()
    records, output = imported(
        tmp_path, "--canvas-api", put(tmp_path, "courses.json", COURSES), put(tmp_path, "pages.json", pages)
    )
    course, todo = records
    assert (course["course_name"], course["course_code"], course["term"]) == (
        "Widget Workshop",
        "QX 3120",
        "2031 Spring",
    )
    rows = titles(course)
    assert [row["submission_status"] for row in rows.values()] == ["GRADED", "NOT_SUBMITTED", None]
    assert rows["Homework 3"]["type"] == "QUIZ" and rows["Homework 3"]["due_at"] is None
    assert todo["items"] == [{"type": "ASGN", "assignment_name": "Homework 5", "due_at": DUE, "course_id": "78"}]
    assert "1 x courses without a name" in output and "2 x people" in output and "4 x descriptions" in output


@pytest.mark.parametrize(
    "content",
    [
        {"courses": COURSES, "assignments": {"77": [{k: v for k, v in work(1, 77).items() if k != "course_id"}]}},
        [{**COURSES[0], "assignments": [work(1, 77)]}],
        [work(1, 77, course=COURSES[0])],
        [COURSES, [{"id": 4, "name": "Group", "group_weight": 1, "assignments": [work(1, 77)]}]],
        [COURSES[0], {"type": "submitting", "assignment": work(1, 77), "course_id": 77}],
        [COURSES[0], {"id": "assignment_1", "title": "Homework 1", "context_code": "course_77", "assignment": work(1, 77)}],
        [{"course": COURSES[0], "assignments": [work(1, 77)]}],
    ],
    ids=["by course", "in a course", "course in it", "in groups", "to-do list", "calendar", "one course"],
)  # fmt: skip
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "gzip"])
def test_work_is_found_however_the_answers_are_nested_and_saved(tmp_path: Path, content: Any, encoding: str) -> None:
    text = json.dumps(content)
    raw = gzip.compress(text.encode()) if encoding == "gzip" else text.encode(encoding)
    records, _ = imported(tmp_path, "--canvas-api", put(tmp_path, "dump.json", raw))
    assert [list(titles(record)) for record in records] == [["Homework 1"]] and records[0]["course_code"] == "QX 3120"


def test_a_quiz_that_is_an_assignment_too_is_taken_once(tmp_path: Path) -> None:
    quizzes = [
        {"id": 33, "title": "Homework 3", "quiz_type": "assignment", "due_at": DUE, "html_url": "https://x/courses/77/quizzes/33"},
        {"id": 34, "title": "Practice", "quiz_type": "practice_quiz", "html_url": "https://x/courses/77/quizzes/34"},
    ]  # fmt: skip
    planner = [
        {"course_id": 77, "plannable_id": 3, "plannable_type": "assignment", "submissions": {"submitted": True},
         "plannable": {"id": 3, "title": "Homework 3", "due_at": DUE}},
        {"plannable_id": 9, "plannable_type": "announcement", "plannable": {"title": "x"}},
    ]  # fmt: skip
    rest = [work(3, 77, due_at=None, quiz_id=33, submission_types=["online_quiz"])]
    for number, order in enumerate(([quizzes, rest, planner], [planner, rest, quizzes])):
        folder = tmp_path / str(number)
        folder.mkdir()
        (record,), output = imported(
            folder, put(folder, "all.json", [COURSES[0], *(x for part in order for x in part)])
        )
        rows = titles(record)
        assert sorted(rows) == ["Homework 3", "Practice"] and "1 x notes, events" in output
        assert rows["Homework 3"]["due_at"] == DUE and rows["Homework 3"]["submission_status"] == "SUBMITTED"


def test_submissions_of_several_people_say_nothing_about_one(tmp_path: Path) -> None:
    states = [handed_in(1, 5, "graded"), handed_in(1, 6, "submitted")]
    (record,), output = imported(tmp_path, put(tmp_path, "dump.json", [COURSES[0], work(1, 77), states]))
    assert titles(record)["Homework 1"]["submission_status"] is None and "4 x people" in output


@pytest.mark.parametrize("delimiter", [",", ";"])
def test_a_gradebook_gives_titles_and_points_and_no_row_of_a_student(tmp_path: Path, delimiter: str) -> None:
    text = "\ufeff" + CSV if delimiter == "," else CSV.replace(",", ";").replace("y; d", "y, d")
    path = put(tmp_path, "2031-02-01T1200_Grades-QX_3120.csv", text.encode())
    (record,), output = imported(tmp_path, "--gradebook", path)
    assert record["course_code"] == "QX_3120" and "3 x people" in output
    assert [row["points_possible"] for row in record["assignments"]] == [20.0, 5.0]
    assert all(row["submission_status"] is None and row["due_at"] is None for row in record["assignments"])
    (named,), _ = imported(tmp_path / ".", "--gradebook", path, "--course", "QX 3120", "--overwrite")
    assert named["course_code"] == "QX 3120"


def test_a_feed_gives_deadlines_and_a_day_only_with_the_zone(tmp_path: Path) -> None:
    event = "BEGIN:VEVENT\r\nUID:event-{0}\r\nDTSTART{1}\r\nSUMMARY:{2}\r\nURL:https://x/calendar?include_contexts=course_77\r\nEND:VEVENT\r\n"
    text = "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:x\r\n" + "".join((
        event.format("assignment-12", ";VALUE=DATE:20310210", "Essay\\, draft [QX 3120]"),
        event.format("assignment-13", ":20310211T045959Z", "Quiz 1 [QX 3120]"),
        event.format("assignment-14", ":garbage", "Lab [QX 3120]"),
        event.format("calendar-event-9", ":20310211T045959Z", "Party with Zora Quillfeather"),
    )) + "END:VCALENDAR\r\n"  # fmt: skip
    path = put(tmp_path, "feed.ics", text.encode())
    (record,), output = imported(tmp_path, "--ics", path)
    assert [row["due_at"] for row in record["assignments"]] == [None, "2031-02-11T04:59:59Z", None]
    assert "1 x due days without a time" in output and "1 x calendar events" in output and "1 x due dates" in output
    (record,), _ = imported(tmp_path, "--ics", path, "--timezone", "America/New_York", "--overwrite")
    assert titles(record)["Essay, draft"]["due_at"] == "2031-02-11T04:59:59Z" and record["course_code"] == "QX 3120"


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"<html>log in</html>",
        b'[{"id": 1, "name": "cut o',
        b"BEGIN:VCALENDAR",
        b"a,b\n1,2\n",
        b"[" * 99_999,
        b"\0\0",
    ],
)
def test_what_is_none_of_the_three_is_refused_by_name_and_nothing_is_written(tmp_path: Path, raw: bytes) -> None:
    result = run(put(tmp_path, "dump.dat", raw), "--out", tmp_path / "zed-001.jsonl")
    assert isinstance(result.exception, BadInput) and "dump.dat" in str(result.exception)
    assert not (tmp_path / "zed-001.jsonl").exists()


def test_hopeless_options_are_refused(tmp_path: Path) -> None:
    path = put(tmp_path, "dump.json", [COURSES[0], work(1, 77)])
    there = put(tmp_path, "there-1.jsonl", b"KEEP")
    for arguments in ([path], [path, "--out", there], [path, "--out", tmp_path / "my export.jsonl"], ["--out", there]):
        assert isinstance(run(*arguments).exception, BadInput)
    for arguments in (["--timezone", "Mars"], ["--collected-at", "today"], ["--contributor", "bo-1"]):
        assert isinstance(run(path, "--out", tmp_path / "new-1.jsonl", *arguments).exception, BadConfig)
    assert there.read_bytes() == b"KEEP"
    nothing = run(put(tmp_path, "courses.json", COURSES), "--out", tmp_path / "new-1.jsonl")
    assert isinstance(nothing.exception, BadInput) and not (tmp_path / "new-1.jsonl").exists()


def global_id(kind: str, number: int) -> str:
    return base64.b64encode(f"{kind}-{number}".encode()).decode()


ASKED = {"name": "Homework 1", "dueAt": DUE, "pointsPossible": 10.0, "submissionTypes": ["online_upload"]}
ABOUT = {"name": "Widget Workshop", "courseCode": "QX 3120", "term": {"name": "2031 Spring"}}


@pytest.mark.parametrize(
    "data",
    [
        {"course": {**ABOUT, "_id": "77", "assignmentsConnection": {"nodes": [{**ASKED, "_id": "1"}]}}},
        {"course": {**ABOUT, "id": global_id("Course", 77), "assignmentsConnection": {
            "edges": [{"cursor": "MQ", "node": {**ASKED, "id": global_id("Assignment", 1)}}], "pageInfo": {"hasNextPage": False}}}},
        {"course": {**ABOUT, "assignmentsConnection": {"nodes": [ASKED]}}},
        {"allCourses": [{**ABOUT, "_id": "77", "assignmentGroupsConnection": {
            "nodes": [{"_id": "4", "name": "Group", "assignmentsConnection": {"nodes": [{**ASKED, "_id": "1"}]}}]}}]},
        {"node": {"__typename": "Course", **ABOUT, "_id": "77", "usersConnection": {"nodes": [{"name": "Zora Quillfeather"}]},
                  "assignmentsConnection": {"nodes": [{**ASKED, "_id": "1", "quiz": None}]}}},
        {"assignment": {**ASKED, "_id": "1", "course": {**ABOUT, "_id": "77"}}},
    ],
    ids=["nodes", "edges and global ids", "no ids", "groups", "node", "one assignment"],
)  # fmt: skip
def test_answers_of_graphql_are_read_like_those_of_rest(tmp_path: Path, data: dict[str, Any]) -> None:
    (record,), output = imported(tmp_path, "--canvas-api", put(tmp_path, "dump.json", {"data": data}))
    assert (record["course_name"], record["course_code"], record["term"]) == (
        "Widget Workshop",
        "QX 3120",
        "2031 Spring",
    )
    (row,) = record["assignments"]
    assert (row["name"], row["due_at"], row["points_possible"]) == ("Homework 1", DUE, 10.0)
    assert "Quillfeather" not in output + json.dumps(record)


def test_graphql_and_rest_of_one_course_are_one(tmp_path: Path) -> None:
    more = {**ABOUT, "_id": "77", "assignmentsConnection": {"nodes": [{**ASKED, "_id": "1"}, {"_id": "2", "name": "Only a name"}],
            "pageInfo": {"hasNextPage": True}}}  # fmt: skip
    files = put(tmp_path, "rest.json", [COURSES[0], work(1, 77)]), put(tmp_path, "g.json", {"data": {"course": more}})
    (record,), output = imported(tmp_path, *files)
    assert list(titles(record)) == ["Homework 1", "Only a name"] and "1 x further pages" in output


def test_what_graphql_says_without_a_course_becomes_a_to_do_list(tmp_path: Path) -> None:
    dump = {"data": {"course": {"assignmentsConnection": {"nodes": [ASKED]}}}}
    (record,), _ = imported(tmp_path, put(tmp_path, "dump.json", dump))
    assert [item["assignment_name"] for item in record["items"]] == ["Homework 1"]


@pytest.mark.parametrize(
    ("submissions", "status"),
    [
        ([{"state": "graded", "user": {"_id": "5", "name": "Zora Quillfeather"}}], "GRADED"),
        ([{"state": "unsubmitted"}], "NOT_SUBMITTED"),
        ([{"state": "graded", "userId": "5"}, {"state": "submitted", "userId": "6"}], None),
        ([{"state": "graded"}, {"state": "submitted"}], None),
    ],
    ids=["one person's", "unsigned", "two people's", "two, unsigned"],
)
def test_graphql_submissions_count_where_they_are_of_one_person(
    tmp_path: Path, submissions: list[dict[str, Any]], status: str | None
) -> None:
    node = {**ASKED, "_id": "1", "submissionsConnection": {"nodes": submissions}}
    course = {**ABOUT, "_id": "77", "assignmentsConnection": {"nodes": [node]}}
    (record,), output = imported(tmp_path, put(tmp_path, "dump.json", {"data": {"course": course}}))
    assert [row["submission_status"] for row in record["assignments"]] == [status]
    assert "Quillfeather" not in output + json.dumps(record)
