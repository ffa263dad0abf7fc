from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from canvas_pipeline.tracks.canvas.bench.scenarios.students import student
from canvas_pipeline.tracks.canvas.examples.students import Event
from canvas_pipeline.tracks.canvas.mock.canvas import MockCanvas
from canvas_pipeline_tests.tracks.canvas.bench.week import code


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


def test_a_full_calendar_bounds_the_list_of_events() -> None:
    def event(number: int) -> Event:
        clock = f"2026-03-03T{7 + number // 6:02}:{number % 6}"
        return Event(
            id=f"ev{number}", title="x", start_iso=f"{clock}0Z", end_iso=f"{clock}5Z", all_day=False, description=""
        )

    events = tuple(event(number) for number in range(60))
    canvas = MockCanvas(msgspec.structs.replace(student(), events=events))
    assert len(canvas.dispatch("calendar.list_events", {})) == 20


MOVE = {"event_id": "ev41", "start_iso": "2026-03-04T16:00Z", "end_iso": "2026-03-04T20:00Z", "rationale": "I am ill"}


@pytest.mark.parametrize(
    ("tool", "arguments"),
    [
        ("calendar.modify_event", {"event_id": "ev41", "title": "Another title"}),
        ("calendar.modify_event", {**MOVE, "rationale": "I am tired"}),
        ("calendar.delete_event", {"event_id": "ev41", "rationale": "not needed"}),
    ],
)
def test_a_pending_change_is_not_replaced_by_another_one(
    tool: str, arguments: dict[str, Any], canvas: MockCanvas
) -> None:
    """The student approves what they were asked: neither a later change nor a deletion takes its place unseen."""
    first = canvas.dispatch("calendar.modify_event", MOVE)
    asked = canvas.pending["ev41"]
    assert code(canvas.dispatch(tool, arguments)) == "pending" and canvas.pending == {"ev41": asked}
    assert canvas.dispatch("calendar.modify_event", MOVE) == first, "the same proposal again is the same proposal"
    assert canvas.decline("ev41") and not canvas.decline("ev41") and not canvas.approve("ev41")
    assert canvas.events["ev41"].start_iso == "2026-03-03T16:00Z"
    assert code(canvas.dispatch(tool, arguments)) is None and canvas.approve("ev41")


def test_a_deletion_that_is_pending_is_not_replaced_by_a_change(canvas: MockCanvas) -> None:
    canvas.dispatch("calendar.delete_event", {"event_id": "ev41", "rationale": "I am ill"})
    assert code(canvas.dispatch("calendar.modify_event", MOVE)) == "pending"
    assert canvas.approve("ev41") and "ev41" not in canvas.events


@pytest.mark.parametrize("rationale", ["", "  ", "\u00a0\n"])
def test_a_blank_rationale_is_none_and_is_refused(rationale: str, canvas: MockCanvas) -> None:
    for tool in ("calendar.modify_event", "calendar.delete_event"):
        arguments = (MOVE if tool == "calendar.modify_event" else {"event_id": "ev41"}) | {"rationale": rationale}
        assert code(canvas.dispatch(tool, arguments)) == "invalid_arguments"
    assert canvas.pending == {}
