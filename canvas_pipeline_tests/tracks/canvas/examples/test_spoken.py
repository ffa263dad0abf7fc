"""Days and times in words mean what a kept date library, and the calendar of the prompt, say that they mean."""

from __future__ import annotations

import random
import re
from datetime import datetime, timedelta

import dateparser
import pytest
from dateutil.relativedelta import MO, relativedelta
from hypothesis import given
from hypothesis import strategies as st

from canvas_pipeline.tracks.canvas.examples.phrasings import spoken
from canvas_pipeline.tracks.canvas.tools.prompt import coming_days

NOWS = st.datetimes(datetime(2026, 1, 1), datetime(2028, 12, 31)).map(
    lambda now: now.replace(minute=0, second=0, microsecond=0)
)


def resolved(text: str, now: datetime) -> datetime | None:
    """Resolve a text with dateparser, into the future."""
    settings = {"RELATIVE_BASE": now, "PREFER_DATES_FROM": "future"}
    return dateparser.parse(text, languages=["en"], settings=settings)


@given(NOWS, st.integers(1, 120))
def test_a_day_in_words_is_that_day_to_dateparser(now: datetime, ahead: int) -> None:
    day = now.date() + timedelta(days=ahead)
    for form in spoken.relative_days(day, now) + spoken.dates(day):
        for text in (form.bare, form.adverbial):
            if "next" in text or text.endswith("from today"):
                continue  # dateparser takes "next Friday" on a Monday for this week's
            found = resolved(text, now)
            assert found is not None and found.date() == day, (text, now)


@given(NOWS, st.integers(1, 13))
def test_next_weekday_is_that_day_of_the_next_calendar_week(now: datetime, ahead: int) -> None:
    day = now.date() + timedelta(days=ahead)
    monday = now.date() + relativedelta(days=1, weekday=MO)
    says_next = [form.bare for form in spoken.relative_days(day, now) if "next" in form.bare]
    assert bool(says_next) == (monday <= day < monday + timedelta(days=7))
    assert all(spoken.WEEKDAYS[day.weekday()] in text for text in says_next)


@given(NOWS, st.integers(1, 13))
def test_the_calendar_of_the_prompt_lists_every_day_that_is_said_by_its_weekday(now: datetime, ahead: int) -> None:
    day = now.date() + timedelta(days=ahead)
    this_week, _, next_week = coming_days(now).rpartition("Next week: ")
    for form in spoken.relative_days(day, now):
        if not any(name in form.bare for name in spoken.WEEKDAYS):
            continue
        weeks = {"next": next_week, "this": this_week}
        where = next((week for word, week in weeks.items() if word in form.bare), this_week + next_week)
        first = re.search(rf"{day:%a} (\d\d-\d\d)", where)
        assert first is not None and first.group(1) == f"{day:%m-%d}", form


@given(st.integers(0, 23), st.sampled_from((0, 15, 30, 45)))
def test_a_time_in_words_is_that_time_to_dateparser(hour: int, minute: int) -> None:
    now = datetime(2026, 3, 2, 6)
    for text in spoken.times(hour, minute):
        if "half past" in text or " in the " in text or text == "noon":
            continue  # not known to dateparser: see below
        found = resolved(f"tomorrow at {text}", now)
        assert found is not None and (found.hour, found.minute) == (hour, minute), text


@pytest.mark.parametrize(
    ("hour", "minute", "text"),
    [(15, 0, "3 in the afternoon"), (8, 0, "8 in the morning"), (20, 0, "8 in the evening"), (12, 0, "noon"),
     (15, 30, "half past three in the afternoon"), (9, 30, "half past nine in the morning")],
)  # fmt: skip
def test_times_by_the_part_of_the_day(hour: int, minute: int, text: str) -> None:
    assert text in spoken.times(hour, minute)
    assert not any(text in spoken.times(h, m) for h in range(24) for m in (0, 30) if (h, m) != (hour, minute))


@given(NOWS, st.integers(0, 23), st.sampled_from((0, 30)), st.integers(1, 6), st.randoms(use_true_random=False))
def test_a_span_in_words_has_its_start_and_its_end_or_its_length(
    day: datetime, hour: int, minute: int, halves: int, rng: random.Random
) -> None:
    start = day.replace(hour=hour, minute=minute)
    end = start + timedelta(minutes=30 * halves)
    if end.date() != start.date():
        return
    text = spoken.say_span(start, end, rng)
    if " for " in text:
        first, length = text.removeprefix("at ").split(" for ")
        assert first in spoken.times(start.hour, start.minute) and length in spoken.lengths(30 * halves)
        return
    first, last = re.split(r" to | and |-", text.removeprefix("from ").removeprefix("between "))
    assert last in spoken.times(end.hour, end.minute)
    half = last[-2:] if re.fullmatch(r"[\d:]+", first) and last.endswith("m") and len(first) < 5 else ""
    assert first in spoken.times(start.hour, start.minute) or first + half in spoken.times(start.hour, start.minute)


@given(st.integers(1, 60).map(lambda tens: tens * 10))
def test_a_length_in_words_is_that_length_to_dateparser(minutes: int) -> None:
    now = datetime(2026, 3, 2, 6)
    for text in spoken.lengths(minutes):
        if "half" in text:
            assert (minutes, text) in {(30, "half an hour"), (90, "an hour and a half")}
            continue
        found = resolved(f"in {text}", now)
        assert found == now + timedelta(minutes=minutes), text


@given(NOWS, st.integers(1, 30))
def test_a_horizon_ends_on_the_day_that_it_names(now: datetime, days: int) -> None:
    last = now.date() + timedelta(days=days - 1)
    for text in spoken.horizons(days, now):
        if match := re.fullmatch(r"(?:by|until|till) (\w+day)", text):
            assert spoken.WEEKDAYS[last.weekday()] == match.group(1) and 3 <= days <= 7
        elif text == "this week":
            assert last.weekday() == 6 and days <= 7


@pytest.mark.parametrize(
    ("number", "text"), [(1, "1st"), (2, "2nd"), (3, "3rd"), (4, "4th"), (11, "11th"), (12, "12th"), (13, "13th"),
                         (21, "21st"), (22, "22nd"), (23, "23rd"), (30, "30th"), (31, "31st")],
)  # fmt: skip
def test_ordinals(number: int, text: str) -> None:
    assert spoken.ordinal(number) == text


def test_the_calendar_of_the_prompt_on_a_monday_and_on_a_sunday() -> None:
    assert coming_days(datetime(2026, 3, 2, 8)) == (
        "This week: Tue 03-03 Wed 03-04 Thu 03-05 Fri 03-06 Sat 03-07 Sun 03-08. "
        "Next week: Mon 03-09 Tue 03-10 Wed 03-11 Thu 03-12 Fri 03-13 Sat 03-14 Sun 03-15."
    )
    assert coming_days(datetime(2026, 3, 29, 8)) == (
        "Next week: Mon 03-30 Tue 03-31 Wed 04-01 Thu 04-02 Fri 04-03 Sat 04-04 Sun 04-05."
    )
