from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from canvas_pipeline.models.gemma4.wire import ToolCall
from canvas_pipeline.tracks.canvas.bench.equality import same_call, same_instant, same_words

CREATE = {
    "title": "Study for the calculus midterm",
    "start_iso": "2026-03-03T09:00:00Z",
    "end_iso": "2026-03-03T10:00:00Z",
}


def create(**changes: Any) -> ToolCall:
    return ToolCall("calendar.create_event", {**CREATE, **changes})


@pytest.mark.parametrize(
    "changes",
    [
        {"title": "study for  the Calculus midterm "},
        {"title": "Study for calculus midterm"},
        {"start_iso": "2026-03-03T04:00:00-05:00"},
        {"start_iso": "2026-03-03T09:00:00+00:00"},
        {"start_iso": "2026-03-03T09:00"},
    ],
)
def test_the_same_event_in_other_words_or_another_offset_is_the_same_call(changes: dict[str, Any]) -> None:
    assert same_call(create(), create(**changes))


@pytest.mark.parametrize(
    "changes",
    [
        {"title": "Go to the gym"},
        {"title": 7},
        {"start_iso": "2026-03-03T09:30:00Z"},
        {"start_iso": "tomorrow"},
        {"description": None},
        {"calendar_id": "primary"},
    ],
)
def test_another_time_another_title_or_another_argument_is_another_call(changes: dict[str, Any]) -> None:
    assert not same_call(create(), create(**changes))


@pytest.mark.parametrize(
    ("given", "same"), [(7, True), (7.0, True), ("7", False), (True, False), (8, False), (None, False)]
)
def test_an_id_is_equal_or_it_is_not(given: Any, same: bool) -> None:
    assert (
        same_call(ToolCall("canvas.get_course", {"course_id": 7}), ToolCall("canvas.get_course", {"course_id": given}))
        is same
    )


def test_true_is_not_one() -> None:
    one = ToolCall("canvas.list_courses", {"active_only": True})
    assert not same_call(one, ToolCall("canvas.list_courses", {"active_only": 1}))


def test_event_ids_are_never_fuzzy() -> None:
    ids = [
        ToolCall("calendar.delete_event", {"event_id": e, "rationale": "x"})
        for e in ("evt_0123456789a", "evt_0123456789A")
    ]
    assert not same_call(*ids)


def test_a_number_inside_a_title_must_be_the_same() -> None:
    assert not same_words("Problem Set 1", "Problem Set 2")
    assert same_words("Read chapters 3 and 4 of the book", "read chapters 3 and 4 of book")


def test_nine_tenths_alike_is_alike_enough() -> None:
    assert same_words("abcdefghij", "abcdefghix") and not same_words("abcdefghi", "abcdefghx")


def test_a_value_of_another_kind_is_another_value() -> None:
    for one, two in ([{"title": "x"}], ["x"]), ([["x"]], [{"x": 1}]), ({"a": 1}, "a"), ([1], 1), (None, []):
        calls = [ToolCall("study.semester_schedule", {"deadlines": value}) for value in (one, two)]
        assert not same_call(*calls) and not same_call(*reversed(calls))


def test_deadlines_are_compared_field_by_field() -> None:
    def plan(**changes: Any) -> ToolCall:
        deadline = {"title": "Essay draft", "due_iso": "2026-04-01T23:59:00Z", "estimated_hours": 6, **changes}
        return ToolCall("study.semester_schedule", {"semester_end_iso": "2026-05-08", "deadlines": [deadline]})

    assert same_call(plan(), plan(title="essay draft", due_iso="2026-04-01T19:59:00-04:00", estimated_hours=6.0))
    assert not same_call(plan(), plan(estimated_hours=5))
    assert not same_call(
        plan(), ToolCall("study.semester_schedule", {"semester_end_iso": "2026-05-08", "deadlines": []})
    )


def test_the_order_of_ids_in_a_list_counts() -> None:
    lists = [ToolCall("canvas.list_announcements", {"course_ids": ids}) for ids in ([1, 2], [2, 1])]
    assert same_call(lists[0], lists[0]) and not same_call(*lists)


@given(st.text(), st.text())
def test_comparing_texts_never_raises_and_is_reflexive(one: str, two: str) -> None:
    same_instant(one, two)
    same_words(one, two)
    assert same_instant(one, one) and same_words(one, one)
