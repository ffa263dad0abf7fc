from __future__ import annotations

import copy
import json
from datetime import datetime, timedelta
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from canvas_pipeline.bench.mock_canvas import MockCanvas
from canvas_pipeline.bench.scenarios import student
from canvas_pipeline.examples.students import Announcement, Event, PlannerItem
from canvas_pipeline.tools.registry import TOOLS

ANNOUNCED = Announcement(
    id=801, title="Slides posted", course_id=4264, posted_iso="2026-03-01T10:00Z", message="m" * 400
)
OLD = Announcement(id=802, title="Old news", course_id=4264, posted_iso="2026-02-10T10:00Z", message="long ago")
NOTE = PlannerItem(id=901, title="Read chapter", todo_date="2026-03-05", course_id=None, details="take notes")
HOLIDAY = Event(
    id="ev50", title="Reading day", start_iso="2026-03-03T00:00Z", end_iso="2026-03-04T00:00Z", all_day=True, description=""
)  # fmt: skip


@pytest.fixture
def canvas() -> MockCanvas:
    """The scenarios' student (Monday 2026-03-02, 08:00) with news, a note and a holiday."""
    world = student()
    return MockCanvas(
        msgspec.structs.replace(world, announcements=(ANNOUNCED, OLD), planner=(NOTE,), events=(*world.events, HOLIDAY))
    )


def code(result: Any) -> str | None:
    return result["error"]["code"] if isinstance(result, dict) and "error" in result else None


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
    world = student()
    old = msgspec.structs.replace(world.courses[1], active=False)
    canvas = MockCanvas(msgspec.structs.replace(world, courses=(world.courses[0], old)))
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


def test_events_lie_in_the_range_and_a_bare_end_date_is_meant_whole(canvas: MockCanvas) -> None:
    def ids(**arguments: Any) -> list[str]:
        return [row["id"] for row in canvas.dispatch("calendar.list_events", arguments)]

    assert ids() == ["ev42", "ev50", "ev41", "ev43"]
    assert ids(start_iso="2026-03-03", end_iso="2026-03-03") == ["ev50", "ev41"]
    assert ids(start_iso="2026-03-03", end_iso="2026-03-03", include_all_day=False) == ["ev41"]
    assert ids(calendar_id="work") == []
    assert ids(start_iso="2026-03-17") == []
    assert (
        code(canvas.dispatch("calendar.list_events", {"start_iso": "2026-03-05", "end_iso": "2026-03-04"}))
        == "bad_span"
    )


@settings(max_examples=60, deadline=None)
@given(
    minutes=st.integers(1, 1440), days=st.integers(1, 60), first=st.integers(0, 24), last=st.integers(0, 24), weekends=st.booleans()
)  # fmt: skip
def test_free_blocks_are_free_awake_long_enough_and_at_most_20(
    minutes: int, days: int, first: int, last: int, weekends: bool
) -> None:
    canvas = MockCanvas(student())
    blocks = canvas.dispatch(
        "calendar.find_free_blocks",
        {
            "min_minutes": minutes,
            "horizon_days": days,
            "earliest_hour": first,
            "latest_hour": last,
            "exclude_weekends": weekends,
        },
    )
    assert len(blocks) <= 20
    for block in blocks:
        start, end = datetime.fromisoformat(block["start_iso"]), datetime.fromisoformat(block["end_iso"])
        assert (end - start).total_seconds() / 60 == block["minutes"] >= minutes
        assert canvas.now <= start and end <= canvas.now + timedelta(days=days)
        assert start.hour >= max(first, 7) and end <= start.replace(hour=0) + timedelta(hours=min(last, 23))
        assert not (weekends and start.weekday() >= 5)
        for event in canvas.events.values():
            assert event.all_day or not (
                start < datetime.fromisoformat(event.end_iso) and datetime.fromisoformat(event.start_iso) < end
            )
    assert blocks == sorted(blocks, key=lambda block: block["start_iso"])


def test_free_blocks_with_the_defaults_begin_now_and_go_around_the_events(canvas: MockCanvas) -> None:
    blocks = canvas.dispatch("calendar.find_free_blocks", {})
    assert blocks[:3] == [
        {"start_iso": "2026-03-02T08:00Z", "end_iso": "2026-03-02T18:00Z", "minutes": 600},
        {"start_iso": "2026-03-02T19:30Z", "end_iso": "2026-03-02T22:00Z", "minutes": 150},
        {"start_iso": "2026-03-03T07:00Z", "end_iso": "2026-03-03T16:00Z", "minutes": 540},
    ]


def book(canvas: MockCanvas, start: str, end: str, **more: Any) -> Any:
    return canvas.dispatch("calendar.create_event", {"title": "Study", "start_iso": start, "end_iso": end, **more})


def test_a_created_event_is_there_in_the_next_turn_and_takes_its_time(canvas: MockCanvas) -> None:
    made = book(canvas, "2026-03-02T09:00Z", "2026-03-02T10:30Z")
    assert made == {
        "id": "ev1", "title": "Study", "start_iso": "2026-03-02T09:00Z", "end_iso": "2026-03-02T10:30Z", "status": "created",
    }  # fmt: skip
    assert "ev1" in [row["id"] for row in canvas.dispatch("calendar.list_events", {})]
    assert canvas.dispatch("calendar.find_free_blocks", {})[0]["start_iso"] == "2026-03-02T10:30Z"
    assert book(canvas, "2026-03-04T09:00Z", "2026-03-04T10:00Z")["id"] == "ev2"
    assert code(canvas.dispatch("calendar.delete_event", {"event_id": "ev1", "rationale": "done"})) is None


@pytest.mark.parametrize(
    ("start", "end", "expected"),
    [
        ("2026-03-02T18:30Z", "2026-03-02T19:00Z", "conflict"),
        ("2026-03-02T22:30Z", "2026-03-02T23:30Z", "sleep_time"),
        ("2026-03-04T06:30Z", "2026-03-04T08:00Z", "sleep_time"),
        ("2026-03-04T22:00Z", "2026-03-05T10:00Z", "sleep_time"),
        ("2026-03-04T10:00Z", "2026-03-04T10:00Z", "bad_span"),
        ("9999-12-31T22:00Z", "9999-12-31T23:00-12:00", "out_of_calendar"),
    ],
)
def test_sleep_and_other_events_are_never_booked_over(start: str, end: str, expected: str, canvas: MockCanvas) -> None:
    before = dict(canvas.events)
    assert code(book(canvas, start, end)) == expected
    assert canvas.events == before


def test_times_are_understood_in_the_student_s_zone() -> None:
    canvas = MockCanvas(student(), "2026-03-02T03:00-05:00")
    assert book(canvas, "2026-03-04T09:00", "2026-03-04T10:00")["start_iso"] == "2026-03-04T09:00-05:00"
    assert code(book(canvas, "2026-03-05T05:00Z", "2026-03-05T06:00Z")) == "sleep_time"


def test_a_change_stays_pending_with_a_rationale_until_the_student_agrees(canvas: MockCanvas) -> None:
    before = canvas.events["ev41"]
    change = {"event_id": "ev41", "start_iso": "2026-03-04T16:00Z", "end_iso": "2026-03-04T20:00Z"}
    result = canvas.dispatch("calendar.modify_event", change)
    assert result["status"] == "pending" and result["rationale"]
    assert canvas.events["ev41"] == before
    assert canvas.approve("ev41")
    assert canvas.events["ev41"].start_iso == "2026-03-04T16:00Z" and canvas.events["ev41"].title == "Work shift"
    assert not canvas.approve("ev41")


def test_a_deletion_stays_pending_with_its_rationale_until_the_student_agrees(canvas: MockCanvas) -> None:
    result = canvas.dispatch("calendar.delete_event", {"event_id": "ev41", "rationale": "I am ill"})
    assert result == {"status": "pending_delete", "event_id": "ev41", "rationale": "I am ill"}
    assert "ev41" in canvas.events
    assert canvas.approve("ev41") and "ev41" not in canvas.events
    assert code(canvas.dispatch("calendar.delete_event", {"event_id": "ev41", "rationale": "again"})) == "not_found"


def test_a_change_that_no_longer_fits_is_not_approved(canvas: MockCanvas) -> None:
    change = {"event_id": "ev41", "start_iso": "2026-03-04T10:00Z", "end_iso": "2026-03-04T11:00Z"}
    canvas.dispatch("calendar.modify_event", change)
    book(canvas, "2026-03-04T10:00Z", "2026-03-04T11:00Z")
    assert not canvas.approve("ev41")
    assert canvas.events["ev41"].start_iso == "2026-03-03T16:00Z"


def test_a_change_of_nothing_and_a_change_into_a_conflict_are_errors(canvas: MockCanvas) -> None:
    assert code(canvas.dispatch("calendar.modify_event", {"event_id": "ev41"})) == "bad_span"
    change = {"event_id": "ev41", "start_iso": "2026-03-02T18:30Z", "end_iso": "2026-03-02T20:00Z"}
    assert code(canvas.dispatch("calendar.modify_event", change)) == "conflict"
    assert canvas.pending == {}


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


def test_a_full_calendar_bounds_the_list_of_events() -> None:
    def event(number: int) -> Event:
        clock = f"2026-03-03T{7 + number // 6:02}:{number % 6}"
        return Event(
            id=f"ev{number}", title="x", start_iso=f"{clock}0Z", end_iso=f"{clock}5Z", all_day=False, description=""
        )

    events = tuple(event(number) for number in range(60))
    canvas = MockCanvas(msgspec.structs.replace(student(), events=events))
    assert len(canvas.dispatch("calendar.list_events", {})) == 20
