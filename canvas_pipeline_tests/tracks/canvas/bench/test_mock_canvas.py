from __future__ import annotations

import copy
import json
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from canvas_pipeline.models.family import ToolCall
from canvas_pipeline.tracks.canvas.bench.scenarios.students import student
from canvas_pipeline.tracks.canvas.examples.answers import answer
from canvas_pipeline.tracks.canvas.mock.canvas import MockCanvas
from canvas_pipeline.tracks.canvas.tools.tool_table import TOOLS
from canvas_pipeline_tests.tracks.canvas.bench.week import code

SHAPES: dict[str, tuple[dict[str, Any], set[str]]] = {
    "canvas.list_courses": ({}, {"id", "name", "course_code", "credits", "term"}),
    "canvas.get_assignments": (
        {},
        {"id", "title", "course_id", "due_iso", "points_possible", "submission_types", "submitted", "late", "missing"},
    ),
    "canvas.get_course": (
        {"course_id": 4264},
        {"id", "name", "course_code", "credits", "term", "instructors", "total_students"},
    ),
    "canvas.get_syllabus": ({"course_id": 4264}, set()),
    "canvas.get_todo": ({}, {"type", "course_id", "title", "due_iso", "points_possible"}),
    "canvas.get_grades": ({}, {"course_id", "current_score"}),
    "canvas.list_announcements": ({"course_ids": [4264]}, {"id", "title", "course_id", "posted_iso", "message_preview"}),
    "canvas.list_planner_items": ({}, {"id", "title", "todo_date", "course_id", "details"}),
    "calendar.list_events": ({}, {"id", "title", "start_iso", "end_iso", "all_day", "description", "calendar_id"}),
    "calendar.find_free_blocks": ({}, {"start_iso", "end_iso", "minutes"}),
    "calendar.create_event": (
        {"title": "x", "start_iso": "2026-03-04T10:00Z", "end_iso": "2026-03-04T11:00Z"},
        {"id", "title", "start_iso", "end_iso", "status"},
    ),
    "calendar.modify_event": ({"event_id": "ev41", "title": "y"}, {"status", "event_id", "title", "rationale"}),
    "calendar.delete_event": ({"event_id": "ev41", "rationale": "z"}, {"status", "event_id", "rationale"}),
    "study.spaced_schedule": ({"exam_iso": "2026-04-20"}, {"start_iso", "end_iso", "label", "minutes"}),
    "study.semester_schedule": (
        {"semester_end_iso": "2026-05-08", "deadlines": [{"title": "a", "due_iso": "2026-04-01", "estimated_hours": 3}]},
        {
            "milestone", "due_iso", "estimated_hours", "start_work_iso", "recommended_hours_per_week", "weeks_allocated",
            "intensity",
        },
    ),
    "study.recommend_block_size": ({"task_type": "lab"}, {"minutes", "rationale"}),
    "study.exam_bracket": (
        {"exam_start_iso": "2026-03-09T10:00Z", "exam_end_iso": "2026-03-09T12:00Z"},
        {"label", "start_iso", "end_iso"},
    ),
    "reranker.priority_hint": ({"query": "q", "item_a": "Lab 3", "item_b": "Essay 2"}, {"winner", "rationale"}),
}  # fmt: skip


@pytest.mark.parametrize("tool", list(TOOLS))
def test_all_18_tools_answer_in_the_shape_of_the_table(tool: str, canvas: MockCanvas) -> None:
    arguments, keys = SHAPES[tool]
    result = canvas.dispatch(tool, arguments)
    assert code(result) is None
    rows = result if isinstance(result, list) else [result]
    assert rows
    for row in rows:
        assert (set(row) == keys) if keys else isinstance(row, str)
    json.dumps(result, allow_nan=False)


def test_an_unknown_tool_bad_arguments_and_a_tool_s_own_error_are_three_different_things(canvas: MockCanvas) -> None:
    assert code(canvas.dispatch("canvas.list_assignments", {})) == "unknown_tool"
    bad = canvas.dispatch("canvas.get_course", {"course_id": "4264"})
    assert code(bad) == "invalid_arguments"
    assert bad["error"]["problems"] == [
        {"argument": "course_id", "code": "wrong_type", "message": bad["error"]["message"]}
    ]
    assert code(canvas.dispatch("canvas.get_course", {"course_id": 99})) == "not_found"


ANY = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=20)
    | st.dates().map(str)
    | st.datetimes().map(str),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
EDGES = st.sampled_from((
    "0001-01-01", "9999-12-31", "0001-01-01T00:00+14:00",
    "2026-03-02", "2026-W10-1", "20260304", 0, 1, 365, 4264, "ev41", "", 1e308, 1e-300,
    "writing", [4264], [], "primary", float("inf"), True, "9999-12-31T23:59:59-12:00",
    [{"title": "a", "due_iso": "0001-01-01", "estimated_hours": 1e308}],
))  # fmt: skip


@settings(max_examples=400, deadline=None)
@given(st.data())
def test_dispatch_never_raises_and_its_result_is_json(data: st.DataObject) -> None:
    name = data.draw(st.sampled_from(list(TOOLS)))
    names = [p.name for p in TOOLS[name].parameters]
    arguments = data.draw(
        st.dictionaries(st.sampled_from(names) if names else st.text(max_size=3), EDGES | ANY, max_size=5) | ANY
    )
    json.dumps(MockCanvas(student()).dispatch(name, arguments), allow_nan=False)


@given(name=ANY, arguments=ANY)
@settings(max_examples=100, deadline=None)
def test_dispatch_answers_any_name_with_an_error_value(name: Any, arguments: Any) -> None:
    assert code(MockCanvas(student()).dispatch(name, arguments)) == "unknown_tool"


def test_arguments_are_not_changed_by_a_dispatch(canvas: MockCanvas) -> None:
    for tool, (arguments, _) in SHAPES.items():
        before = copy.deepcopy(arguments)
        canvas.dispatch(tool, arguments)
        assert arguments == before


def test_assignments_are_those_due_within_the_horizon_from_the_reference_instant(canvas: MockCanvas) -> None:
    def titles(**arguments: Any) -> list[str]:
        return [row["title"] for row in canvas.dispatch("canvas.get_assignments", arguments)]

    assert titles() == ["Lab 3", "Essay 2"]
    assert titles(horizon_days=7) == ["Lab 3"]
    assert titles(course_id=5310) == ["Essay 2"]
    assert titles(include_submitted=True, course_id=4264) == ["Quiz 4", "Lab 3"]
    assert titles(horizon_days=0) == []
    assert titles(course_id=None) == titles()


def test_another_reference_instant_gives_another_answer_and_shows_what_is_missing() -> None:
    later = MockCanvas(student(), "2026-03-06T08:00Z").dispatch("canvas.get_assignments", {})
    assert [(row["title"], row["missing"]) for row in later] == [("Lab 3", True), ("Essay 2", False)]


def test_an_undated_item_is_on_the_to_do_list_without_a_date_and_in_no_horizon(canvas: MockCanvas) -> None:
    todo = canvas.dispatch("canvas.get_todo", {})
    assert [row["title"] for row in todo] == ["Lab 3", "Essay 2", "Reading log"]
    assert todo[-1]["due_iso"] is None and todo[-1]["points_possible"] is None
    everything = canvas.dispatch("canvas.get_assignments", {"horizon_days": 365, "include_submitted": True})
    assert "Reading log" not in [row["title"] for row in everything]


def test_inactive_courses_come_only_when_asked_for() -> None:
    snapshot = student()
    old = msgspec.structs.replace(snapshot.courses[1], active=False)
    canvas = MockCanvas(msgspec.structs.replace(snapshot, courses=(snapshot.courses[0], old)))
    assert len(canvas.dispatch("canvas.list_courses", {})) == 1
    assert len(canvas.dispatch("canvas.list_courses", {"active_only": False})) == 2


def test_a_missing_score_stays_null(canvas: MockCanvas) -> None:
    assert canvas.dispatch("canvas.get_grades", {}) == [
        {"course_id": 4264, "current_score": 88.5}, {"course_id": 5310, "current_score": None},
    ]  # fmt: skip


def test_announcements_are_recent_ones_of_the_courses_asked_for_with_a_bounded_preview(canvas: MockCanvas) -> None:
    (row,) = canvas.dispatch("canvas.list_announcements", {"course_ids": [4264]})
    assert (row["id"], len(row["message_preview"])) == (801, 300)
    assert len(canvas.dispatch("canvas.list_announcements", {"course_ids": [4264], "past_days": 30})) == 2
    assert canvas.dispatch("canvas.list_announcements", {"course_ids": [5310]}) == []
    assert code(canvas.dispatch("canvas.list_announcements", {"course_ids": [4264, 7]})) == "not_found"


@pytest.mark.parametrize(
    ("first", "second", "winner"),
    [
        ("Lab 3", "Essay 2", "A"),
        ("Essay 2", "Lab 3", "B"),
        ("Reading log", "Essay 2", "B"),
        ("Reading log", "nothing we know", None),
        ("Quiz due 2026-03-01", "Lab 3", "A"),
        ("Lab 3", "Lab 3", None),
    ],
)
def test_the_item_due_first_has_priority_and_nothing_is_made_up(
    first: str, second: str, winner: str | None, canvas: MockCanvas
) -> None:
    result = canvas.dispatch("reranker.priority_hint", {"query": "which first", "item_a": first, "item_b": second})
    assert result["winner"] == winner and result["rationale"]


def test_a_semester_without_hours_is_a_tool_error(canvas: MockCanvas) -> None:
    arguments = {**SHAPES["study.semester_schedule"][0], "weekly_hours_available": 0}
    assert code(canvas.dispatch("study.semester_schedule", arguments)) == "bad_span"


def test_sessions_that_would_be_in_the_past_are_marked_and_said(canvas: MockCanvas) -> None:
    """Now is 2026-03-02, 08:00."""
    plan = canvas.dispatch("study.spaced_schedule", {"exam_iso": "2026-03-08T10:00Z"})
    assert [(row["start_iso"][:10], row.get("past")) for row in plan] == [
        ("2026-02-26", True), ("2026-03-03", None), ("2026-03-06", None), ("2026-03-07", None),
    ]  # fmt: skip
    assert answer(ToolCall("study.spaced_schedule"), plan).endswith("2026-03-07. The first is already past.")
    (review, rest) = canvas.dispatch(
        "study.exam_bracket", {"exam_start_iso": "2026-03-02T08:30Z", "exam_end_iso": "2026-03-02T10:00Z"}
    )
    assert review["past"] and "past" not in rest


@pytest.mark.parametrize(
    ("tool", "arguments"),
    [
        ("study.spaced_schedule", {"exam_iso": "2026-03-01"}),
        ("study.spaced_schedule", {"exam_iso": "2026-03-02T07:59Z"}),
        ("study.exam_bracket", {"exam_start_iso": "2026-03-01T08:30Z", "exam_end_iso": "2026-03-01T10:00Z"}),
    ],
)
def test_nothing_is_planned_for_an_exam_that_is_over(tool: str, arguments: dict[str, Any], canvas: MockCanvas) -> None:
    assert code(canvas.dispatch(tool, arguments)) == "in_the_past"
    assert code(canvas.dispatch("study.spaced_schedule", {"exam_iso": "2026-03-02"})) is None, "it may be later today"
