from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from canvas_pipeline.models.gemma4.wire import ToolCall
from canvas_pipeline.tracks.canvas.bench.equality import same_call, same_instant, same_words
from canvas_pipeline.tracks.canvas.examples.students import Snapshot
from canvas_pipeline.tracks.canvas.mock.canvas import MockCanvas
from canvas_pipeline_tests.tracks.canvas.examples.accounts import embedded_students

CREATE = {
    "title": "Study for the calculus midterm",
    "start_iso": "2026-03-03T09:00:00Z",
    "end_iso": "2026-03-03T10:00:00Z",
}


def create(**changes: Any) -> ToolCall:
    return ToolCall("calendar.create_event", {**CREATE, **changes})


def answer(call: ToolCall, account: Snapshot | None = None) -> Any:
    return MockCanvas(account or embedded_students()[0]).dispatch(call.name, call.arguments)


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


def hint(**changes: Any) -> ToolCall:
    return ToolCall(
        "reranker.priority_hint", {"query": "which first", "item_a": "Lab 1", "item_b": "Essay 2", **changes}
    )


def test_what_the_student_asked_may_be_told_in_any_words_but_must_be_told() -> None:
    for query in ("What should be done first?", "Lab 1 or Essay 2", "x"):
        assert same_call(hint(), hint(query=query)) and answer(hint(query=query)) == answer(hint())
    for query in ("", "  \n", 7, None, ["which first"]):
        assert not same_call(hint(), hint(query=query))
    asked = {name: value for name, value in hint().arguments.items() if name != "query"}
    assert not same_call(hint(), ToolCall("reranker.priority_hint", asked))
    assert not same_call(hint(), hint(query="which first", item_a="Lab 2"))
    assert not same_call(hint(), hint(item_a="Essay 2", item_b="Lab 1"))


def events(end: Any, start: Any = "2026-03-04") -> ToolCall:
    return ToolCall("calendar.list_events", {"start_iso": start, "end_iso": end})


END_OF_DAY = ("2026-03-04", "20260304", "2026-03-04T23:59Z", "2026-03-04T23:59:59", "2026-03-04T23:59:59.999Z",
              "2026-03-05T00:00:00Z", "2026-03-04T18:59-05:00")  # fmt: skip
OTHER_ENDS = ("2026-03-05", "2026-03-03", "2026-03-04T00:00Z", "2026-03-04T18:00Z", "2026-03-04T23:58Z", "2026-03-05T23:59Z",
              "2026-03-05T09:00Z", "2026-03-04T23:59-05:00", "tonight", "", None, 20260304)  # fmt: skip


def test_the_end_of_a_range_is_a_day_or_its_last_minute() -> None:
    for one in END_OF_DAY:
        assert all(same_call(events(one), events(other)) for other in END_OF_DAY), one
        assert not [other for other in OTHER_ENDS if same_call(events(one), events(other))], one


def test_ends_that_are_equal_list_the_same_events_and_a_day_with_events_shows_the_difference() -> None:
    """Over every day of many calendars: the tool itself says what is equal."""
    told = 0
    for account in embedded_students():
        days = {event.start_iso[:10] for event in account.events} | {event.end_iso[:10] for event in account.events}
        for day in sorted(days):
            after = (datetime.fromisoformat(day) + timedelta(days=1)).date().isoformat()
            same = (day, f"{day}T23:59Z", f"{day}T23:59:59Z", f"{after}T00:00Z")
            found = [answer(events(end, day), account) for end in same]
            assert all(result == found[0] for result in found), day
            assert all(same_call(events(same[0], day), events(end, day)) for end in same)
            at_noon = answer(events(f"{day}T12:00Z", day), account)
            told += at_noon != found[0]
    assert told > 50


def test_the_start_of_a_range_is_a_day_or_its_midnight_and_never_the_day_s_end() -> None:
    for start in ("2026-03-04T00:00Z", "2026-03-04T00:00"):
        assert same_call(events("2026-03-06"), events("2026-03-06", start))
    for start in ("2026-03-04T23:59Z", "2026-03-05", "2026-03-04T09:00Z"):
        assert not same_call(events("2026-03-06"), events("2026-03-06", start))


def test_only_the_end_of_a_listed_range_is_a_day_s_end() -> None:
    """An event that ends on a date, or an exam, is at the instant that is named."""
    for tool, name in (("calendar.create_event", "end_iso"), ("study.exam_bracket", "exam_end_iso"),
                       ("study.spaced_schedule", "exam_iso"), ("study.semester_schedule", "semester_end_iso")):  # fmt: skip
        day, end = (ToolCall(tool, {name: value}) for value in ("2026-03-04", "2026-03-04T23:59Z"))
        assert not same_call(day, end)


def delete(why: Any) -> ToolCall:
    return ToolCall("calendar.delete_event", {"event_id": "ev7", "rationale": why})


@pytest.mark.parametrize(
    ("expected", "given"),
    [
        ("my plans changed", "Plans changed"),
        ("the date changed", "date changed"),
        ("I have an exam", "have exam"),
        ("it is a duplicate", "It is duplicate"),
        ("it was cancelled", "because it was cancelled"),
        ("I have no time", "have no time"),
    ],
)
def test_a_reason_may_be_told_without_articles_and_the_first_person(expected: str, given: str) -> None:
    assert same_call(delete(expected), delete(given)) and same_call(delete(given), delete(expected))


@pytest.mark.parametrize(
    ("expected", "given"),
    [
        ("I have an exam", "I have no exam"),
        ("the meeting on Tuesday was moved", "the meeting on Tuesday was not moved"),
        ("nobody can come", "anybody can come"),
        ("it was moved", "it was cancelled"),
        ("my plans changed", "requested by the student"),
        ("room 12 is closed", "room 13 is closed"),
        ("I", "my"),
        ("I am ill", ""),
        ("I am ill", None),
    ],
)
def test_another_reason_is_another_reason(expected: str, given: Any) -> None:
    assert not same_call(delete(expected), delete(given))


def test_a_title_keeps_its_articles_and_pronouns() -> None:
    assert not same_call(create(title="My day"), create(title="The day"))
