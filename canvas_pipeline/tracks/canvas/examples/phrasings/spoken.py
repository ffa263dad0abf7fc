"""Say days, times, spans and lengths of time as people do, relative to an instant.

Every form means one day or time only: "next Tuesday" is the Tuesday of the next calendar week (weeks begin on Monday), a weekday
alone is the nearest one to come within six days, "in N days" counts from today. A span of days that ends on a day counts that day:
"by Friday" on a Monday is a horizon of five days. The tests resolve the forms with dateparser and dateutil."""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import date, datetime, timedelta

WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
MONTHS = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December",
)  # fmt: skip
NUMBERS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve")
LISTED = 13
"""How many days after today the calendar of a prompt can list at most: two weeks, from a Monday."""
RELATIVE = 0.7
"""The share of days that are said relative to today where they can be."""


@dataclass(frozen=True, slots=True)
class Day:
    """A day in words: ``bare`` as a noun ("Friday"), ``adverbial`` with its preposition ("on Friday")."""

    bare: str
    adverbial: str


def relative_days(day: date, now: datetime) -> list[Day]:
    """Return the forms of a day that are relative to ``now``; none for the past and for days after the next week."""
    today = now.date()
    ahead = (day - today).days
    name = WEEKDAYS[day.weekday()]
    if ahead < 0 or ahead > LISTED - today.weekday():
        return []
    if ahead == 0:
        return [Day("today", "today")]
    found = [Day(f"{ahead} days from now", f"in {ahead} days")] if ahead > 1 else [Day("tomorrow", "tomorrow")] * 4
    if ahead == 2:
        found.append(Day("the day after tomorrow", "the day after tomorrow"))
    if ahead < 7:
        found += [Day(name, f"on {name}"), Day(name[:3], f"on {name[:3]}")]
    if ahead <= 6 - today.weekday():
        found.append(Day(f"this {name}", f"this {name}"))
    else:
        found += [Day(f"next {name}", f"next {name}"), Day(f"{name} next week", f"{name} next week")]
    if ahead == 7:
        found.append(Day("a week from today", "in a week"))
    return found


def dates(day: date) -> list[Day]:
    """Return the forms of a day by month and day of the month, and as ISO."""
    month, number = MONTHS[day.month - 1], day.day
    bare = [
        f"{month} {number}", f"{month} {ordinal(number)}", f"the {ordinal(number)} of {month}", f"{number} {month}",
        f"{month[:3]} {number}", day.isoformat(),
    ]  # fmt: skip
    return [Day(text, f"on {text}") for text in bare]


def say_day(day: date, now: datetime, rng: random.Random) -> Day:
    """Choose a form of a day."""
    near = relative_days(day, now)
    return rng.choice(near) if near and rng.random() < RELATIVE else rng.choice(dates(day))


def ordinal(number: int) -> str:
    """Return 1st, 2nd, 3rd, 4th … 11th, 12th, 13th …"""
    ending = "th" if number % 100 in (11, 12, 13) else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number}{ending}"


def times(hour: int, minute: int) -> list[str]:
    """Return the forms of a time of day."""
    twelve, half = (hour - 1) % 12 + 1, "am" if hour < 12 else "pm"
    part = "in the morning" if hour < 12 else "in the afternoon" if hour < 18 else "in the evening"
    if minute:
        found = [f"{twelve}:{minute:02d}{half}", f"{twelve}:{minute:02d} {half}", f"{hour:02d}:{minute:02d}"]
        return [*found, f"half past {NUMBERS[twelve]} {part}"] if minute == 30 and hour != 12 else found
    if hour == 12:
        return ["noon", "12pm", "12:00"]
    return [f"{twelve}{half}", f"{twelve}{half}", f"{twelve} {half}", f"{hour:02d}:00", f"{twelve} {part}"]


def say_time(hour: int, minute: int, rng: random.Random) -> str:
    """Choose a form of a time of day."""
    return rng.choice(times(hour, minute))


def say_span(start: datetime, end: datetime, rng: random.Random) -> str:
    """Say from when to when on one day, as an adverbial."""
    a, b = say_time(start.hour, start.minute, rng), say_time(end.hour, end.minute, rng)
    forms = [
        f"from {a} to {b}",
        f"{a} to {b}",
        f"between {a} and {b}",
        f"at {a} for {say_minutes(_minutes(start, end), rng)}",
    ]
    if (start.hour < 12) == (end.hour < 12) and start.hour % 12 and end.hour % 12:
        short = f"{_twelve(start)}-{_twelve(end)}{'am' if start.hour < 12 else 'pm'}"
        forms += [short, short, f"from {_twelve(start)} to {short.split('-')[1]}"]
    return rng.choice(forms)


def _minutes(start: datetime, end: datetime) -> int:
    return int((end - start).total_seconds() // 60)


def _twelve(instant: datetime) -> str:
    hour = (instant.hour - 1) % 12 + 1
    return f"{hour}:{instant.minute:02d}" if instant.minute else str(hour)


def lengths(minutes: int) -> list[str]:
    """Return the forms of a length of time."""
    found = [f"{minutes} minutes", f"{minutes} min"]
    if minutes % 60 == 0:
        hours = minutes // 60
        found += (
            ["an hour", "one hour", "1 hour"]
            if hours == 1
            else [f"{hours} hours", f"{number(hours)} hours", f"{hours}h"]
        )
    return found + {30: ["half an hour"], 90: ["an hour and a half", "1.5 hours"]}.get(minutes, [])


def say_minutes(minutes: int, rng: random.Random) -> str:
    """Choose a form of a length of time."""
    return rng.choice(lengths(minutes))


def number(value: int) -> str:
    """Return a whole number as a word where it is small."""
    return NUMBERS[value] if value < len(NUMBERS) else str(value)


def horizons(days: int, now: datetime) -> list[str]:
    """Return the adverbials that mean today and the days up to ``days`` - 1 days ahead (see the module's docstring)."""
    if days == 1:
        return ["today"]
    last = now.date() + timedelta(days=days - 1)
    found = [f"in the next {days} days", f"over the next {days} days", f"within {days} days"]
    if days <= 12:
        found.append(f"in the next {number(days)} days")
    if days == 2:
        found += ["by tomorrow", "until tomorrow"] * 2
    elif days <= 7:
        name = WEEKDAYS[last.weekday()]
        found += [f"by {name}", f"until {name}", f"till {name}"]
    if last.weekday() == 6 and days <= 7:
        found += ["this week"] * 4
    weeks = {7: "week", 14: "two weeks", 21: "three weeks", 28: "four weeks", 30: "month"}
    return found + [f"in the next {weeks[days]}", f"over the next {weeks[days]}"] if days in weeks else found


def pasts(days: int) -> list[str]:
    """Return the adverbials that mean the last ``days`` days."""
    weeks = {7: "week", 14: "two weeks", 21: "three weeks", 30: "month"}
    spans = [f"{days} days" if days > 1 else "day", *([weeks[days]] if days in weeks else [])]
    return [
        f"{words} {span}"
        for span in spans
        for words in ("in the last", "in the past", "from the last", "over the past")
    ]


PARTS: tuple[tuple[str, int | None, int | None], ...] = (
    ("in the morning", None, 12), ("in the mornings", None, 12), ("before noon", None, 12), ("in the afternoon", 12, 18),
    ("in the evening", 18, None), ("after noon", 12, None), ("after lunch", 13, None),
)  # fmt: skip
"""Parts of a day with their first and last hour; None is open."""


def say_part(rng: random.Random) -> tuple[str, int | None, int | None]:
    """Choose a part of a day, with its first and last hour."""
    kind = rng.randrange(4)
    if kind == 0:
        return rng.choice(PARTS)
    first, last = rng.randint(8, 14), rng.randint(16, 21)
    if kind == 1:
        return f"after {say_time(first, 0, rng)}", first, None
    if kind == 2:
        return f"before {say_time(last, 0, rng)}", None, last
    return f"between {say_time(first, 0, rng)} and {say_time(last, 0, rng)}", first, last


ORDINALS = ("first", "second", "third", "fourth", "fifth", "sixth")


def say_nth(index: int, count: int, rng: random.Random) -> str:
    """Say which one of ``count`` things in a list."""
    forms = [f"the {ORDINALS[index]} one", f"the {ORDINALS[index]}", f"number {index + 1}"]
    return rng.choice([*forms, "the last one", "the last"] if index == count - 1 and count > 1 else forms)
