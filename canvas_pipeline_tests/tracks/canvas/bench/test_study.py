from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from canvas_pipeline.tracks.canvas.mock import study
from canvas_pipeline.tracks.canvas.tools.tool_table import BLOCK_MINUTES

EXAM = datetime(2026, 4, 20, 14, 0, tzinfo=UTC)


@pytest.mark.parametrize(("sessions", "days"), [(3, [10, 4, 1]), (4, [10, 5, 2, 1]), (5, [14, 7, 3, 2, 1])])
def test_spaced_sessions_lie_the_days_of_the_table_before_the_exam(sessions: int, days: list[int]) -> None:
    plan = study.spaced_schedule(EXAM, sessions, 90, 9)
    assert [(EXAM.date() - datetime.fromisoformat(s["start_iso"]).date()).days for s in plan] == days
    assert plan[0] == {
        "start_iso": f"{(EXAM - timedelta(days=days[0])).date()}T09:00Z",
        "end_iso": f"{(EXAM - timedelta(days=days[0])).date()}T10:30Z",
        "label": "Session 1",
        "minutes": 90,
    }


@given(sessions=st.integers(3, 5), minutes=st.integers(1, 600), hour=st.integers(0, 23))
def test_no_session_touches_the_sleep_whatever_hour_is_preferred(sessions: int, minutes: int, hour: int) -> None:
    for session in study.spaced_schedule(EXAM, sessions, minutes, hour):
        start, end = datetime.fromisoformat(session["start_iso"]), datetime.fromisoformat(session["end_iso"])
        assert start.hour >= 7 and end <= start.replace(hour=23, minute=0)
        assert (end - start).total_seconds() == minutes * 60 == session["minutes"] * 60


def test_a_semester_plan_starts_early_enough_and_is_sorted_by_due_date() -> None:
    end = datetime(2026, 5, 8, tzinfo=UTC)
    late, soon = ("Paper", datetime(2026, 4, 20, tzinfo=UTC), 30.0), ("Essay", datetime(2026, 3, 10, tzinfo=UTC), 2.0)
    first, second = study.semester_schedule(end, [late, soon], 10, 1.5)
    assert first == {
        "milestone": "Essay", "due_iso": "2026-03-10T00:00Z", "estimated_hours": 2, "start_work_iso": "2026-03-03T00:00Z",
        "recommended_hours_per_week": 2, "weeks_allocated": 1, "intensity": "light",
    }  # fmt: skip
    assert second["weeks_allocated"] == 5  # 30 hours * 1.5 / 10 hours a week, rounded up
    assert second["start_work_iso"] == "2026-03-16T00:00Z"
    assert second["recommended_hours_per_week"] == 6


def test_a_deadline_after_the_semester_is_planned_back_from_its_end() -> None:
    (plan,) = study.semester_schedule(EXAM, [("Paper", EXAM + timedelta(days=30), 1.0)], 10, 1.5)
    assert plan["due_iso"] == "2026-05-20T14:00Z" and plan["start_work_iso"] == "2026-04-13T14:00Z"


@given(hours=st.floats(0, 500), weekly=st.floats(0.5, 80), ramp=st.floats(0, 5))
def test_a_week_never_holds_more_hours_than_there_are_where_work_ramps_up(
    hours: float, weekly: float, ramp: float
) -> None:
    (plan,) = study.semester_schedule(EXAM, [("x", EXAM, hours)], weekly, max(ramp, 1.0))
    assert plan["recommended_hours_per_week"] <= weekly + 0.05
    assert plan["weeks_allocated"] >= 1


@pytest.mark.parametrize(("task", "minutes"), list(BLOCK_MINUTES.items()))
def test_block_sizes_are_those_of_the_table_with_a_reason(task: str, minutes: int) -> None:
    found = study.recommend_block_size(task)
    assert found["minutes"] == minutes and found["rationale"]


def test_a_review_ends_15_minutes_before_the_exam_and_the_rest_after_it_takes_30() -> None:
    review, rest = study.exam_bracket(EXAM, EXAM + timedelta(hours=2), 45)
    assert review == {"label": "Review", "start_iso": "2026-04-20T13:00Z", "end_iso": "2026-04-20T13:45Z"}
    assert rest == {"label": "Decompression", "start_iso": "2026-04-20T16:00Z", "end_iso": "2026-04-20T16:30Z"}
