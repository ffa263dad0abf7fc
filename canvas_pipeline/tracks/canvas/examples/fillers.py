"""Fill the slots of a request to one tool: the words, and the arguments they state.

Values come from the student's account (ids, titles) or from seeded ranges; days and times are said as ``phrasings.spoken`` does."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from canvas_pipeline.tracks.canvas.examples import campus
from canvas_pipeline.tracks.canvas.examples.phrasings import spoken
from canvas_pipeline.tracks.canvas.examples.phrasings.values import (
    ACTIVITIES,
    DEADLINE_FORMS,
    DESCRIPTIONS,
    QUERIES,
    REASONS,
    TASK_WORDS,
)
from canvas_pipeline.tracks.canvas.examples.students import CALENDAR_DAYS, Course, Event, Snapshot, iso


@dataclass(frozen=True, slots=True)
class Value:
    """The text of a slot, and the arguments it states. ``courses`` are those it names other than by id."""

    text: str
    arguments: Mapping[str, Any]
    courses: tuple[Course, ...] = ()


Values = dict[str, Value]
Filler = Callable[[Snapshot, random.Random, tuple[str, ...], bool], Values]
"""Takes the account, the slots of the wording, and whether courses are named as people do, and not by id."""

_MINUTES = (30, 40, 45, 50, 60, 75, 80, 90, 100, 120)
_FAR_HORIZONS = (8, 9, 10, 12, 14, 15, 20, 21, 25, 28, 30)


def by_id(course: Course, rng: random.Random) -> str:
    """Name a course by its id."""
    return f"{rng.choice(('course ', 'class ', 'my course ', ''))}{course.id}"


def nameable(account: Snapshot) -> list[Course]:
    """Return the courses of the current term that can be told from each other by name."""
    active = [course for course in account.courses if course.active]
    names = [course.name.casefold() for course in active]
    return [course for course, name in zip(active, names, strict=True) if names.count(name) == 1]


def by_name(account: Snapshot, course: Course, rng: random.Random) -> str:
    """Name a course by its name, the first word of that, or its code."""
    kind = rng.random()
    if kind < 0.35:
        name = course.course_code if rng.random() < 0.7 else course.course_code.lower()
    else:
        name = course.name if rng.random() < 0.7 else course.name.lower()
        first = course.name.split()[0]
        alone = [other for other in account.courses if other.name.casefold().startswith(first.casefold())]
        if len(first) > 4 and len(alone) == 1 and rng.random() < 0.2:
            return f"my {first} {rng.choice(('class', 'course'))}"
    return rng.choice(("{}", "{}", "my {} class", "the {} course", "{} class")).format(name)


def _course(account: Snapshot, rng: random.Random, named: bool) -> Value:
    if named:
        course = rng.choice(nameable(account))
        return Value(by_name(account, course, rng), {}, (course,))
    course = rng.choice(account.courses)
    return Value(by_id(course, rng), {"course_id": course.id})


def _horizon(account: Snapshot, rng: random.Random) -> Value:
    days = rng.randint(1, 7) if rng.random() < 0.6 else rng.choice(_FAR_HORIZONS)
    return Value(rng.choice(spoken.horizons(days, account.instant)), {"horizon_days": days})


def _of_course(account: Snapshot, rng: random.Random, slots: tuple[str, ...], named: bool) -> Values:
    return {"course": _course(account, rng, named), "horizon": _horizon(account, rng)}


def _of_announcements(account: Snapshot, rng: random.Random, slots: tuple[str, ...], named: bool) -> Values:
    known = nameable(account) if named else list(account.courses)
    chosen = tuple(rng.sample(known, 2 if len(known) > 1 and rng.random() < 0.25 else 1))
    days = rng.choice((*range(1, 15), 7, 7, 14, 20, 30))
    past = Value(rng.choice(spoken.pasts(days)), {"past_days": days})
    if named:
        courses = Value(" and ".join(by_name(account, course, rng) for course in chosen), {}, chosen)
    else:
        ids = [course.id for course in chosen]
        courses = Value(" and ".join(by_id(course, rng) for course in chosen), {"course_ids": ids})
    return {"courses": courses, "past": past}


def _days(day: date, account: Snapshot, rng: random.Random, arguments: Mapping[str, Any]) -> Values:
    said = spoken.say_day(day, account.instant, rng)
    return {"day": Value(said.bare, arguments), "on_day": Value(said.adverbial, arguments)}


def _of_range(account: Snapshot, rng: random.Random, slots: tuple[str, ...], named: bool) -> Values:
    """Choose a day or range that usually has an event."""
    today = account.instant.date()
    day = today + timedelta(days=rng.choice((0, 1, 1, 2, 3, rng.randint(0, CALENDAR_DAYS))))
    if account.events and rng.random() < 0.5:
        day = datetime.fromisoformat(rng.choice(account.events).start_iso).date()
    one = {"start_iso": day.isoformat(), "end_iso": day.isoformat()}
    words, first, last = say_range(day, account.instant, rng)
    return {
        **_days(day, account, rng, one),
        "range": Value(words, {"start_iso": first.isoformat(), "end_iso": last.isoformat()}),
    }


def say_range(day: date, now: datetime, rng: random.Random) -> tuple[str, date, date]:
    """Say a range of days near ``day``: the words, the first and the last day."""
    today = now.date()
    sunday = today + timedelta(days=6 - today.weekday())
    named = [("this week", today, sunday), ("next week", sunday + timedelta(days=1), sunday + timedelta(days=7))]
    if today.weekday() < 5:
        named.append(("this weekend", sunday - timedelta(days=1), sunday))
    if rng.random() < 0.45:
        return rng.choice(named)
    first, last = max(day - timedelta(days=rng.randint(0, 1)), today), day + timedelta(days=rng.randint(1, 3))
    a, b = spoken.say_day(first, now, rng).bare, spoken.say_day(last, now, rng).bare
    return rng.choice((f"from {a} to {b}", f"between {a} and {b}", f"from {a} until {b}")), first, last


def _of_blocks(account: Snapshot, rng: random.Random, slots: tuple[str, ...], named: bool) -> Values:
    minutes = rng.choice(_MINUTES)
    words, earliest, latest = spoken.say_part(rng)
    hours = {"earliest_hour": earliest, "latest_hour": latest}
    tomorrow = rng.random() < 0.75
    soon = Value("tomorrow" if tomorrow else "today", {"horizon_days": 2 if tomorrow else 1})
    days = rng.choice((1, 2, 2, 3, 3, 4, 5, 6, 7, 8, 10, 14))
    return {
        "duration": Value(spoken.say_minutes(minutes, rng), {"min_minutes": minutes}),
        "horizon": Value(rng.choice(spoken.horizons(days, account.instant)), {"horizon_days": days}),
        "part": Value(words, {name: hour for name, hour in hours.items() if hour is not None}),
        "on_day": soon,
        "day": soon,
    }


def span(account: Snapshot, start: datetime, end: datetime, rng: random.Random, before: str = "") -> Values:
    """State one span: its day, and from when to when."""
    both = {before + "start_iso": iso(start), before + "end_iso": iso(end)}
    return {**_days(start.date(), account, rng, {}), "span": Value(spoken.say_span(start, end, rng), both)}


def free_span(account: Snapshot, rng: random.Random) -> tuple[datetime, datetime]:
    """Choose an hour or two in the daytime of a day without an event, mostly in the next days."""
    busy = {datetime.fromisoformat(event.start_iso).date() for event in account.events}
    days = [
        day for n in range(1, CALENDAR_DAYS + 3) if (day := _midnight(account) + timedelta(days=n)).date() not in busy
    ]
    day = rng.choice(days[:4] if rng.random() < 0.5 else days)
    start = day + timedelta(hours=rng.randint(8, 20), minutes=rng.choice((0, 0, 0, 30)))
    return start, start + timedelta(minutes=rng.choice((60, 60, 90, 120)))


def _midnight(account: Snapshot) -> datetime:
    return account.instant.replace(hour=0, minute=0, second=0, microsecond=0)


def new_title(account: Snapshot, rng: random.Random) -> Value:
    """Choose a title for an event from the student's own work or activities, in quotes or without."""
    if rng.random() < 0.6:
        title = f"{rng.choice(ACTIVITIES)} {rng.choice(account.assignments).title}"
    else:
        title = rng.choice(campus.PERSONAL_EVENTS)
    return Value(f'"{title}"' if rng.random() < 0.4 else title, {"title": title})


def reason(rng: random.Random) -> Value:
    """Choose a reason."""
    words = rng.choice(REASONS)
    return Value(words, {"rationale": words})


def _of_new_event(account: Snapshot, rng: random.Random, slots: tuple[str, ...], named: bool) -> Values:
    description = rng.choice(DESCRIPTIONS)
    return {
        **span(account, *free_span(account, rng), rng),
        "title": new_title(account, rng),
        "description": Value(description, {"description": description}),
        "rationale": reason(rng),
    }


def _of_old_event(account: Snapshot, rng: random.Random, slots: tuple[str, ...], named: bool) -> Values:
    event: Event = rng.choice(account.events)
    return {
        **span(account, *free_span(account, rng), rng),
        "event_id": Value(event.id, {"event_id": event.id}),
        "title": new_title(account, rng),
        "rationale": reason(rng),
    }


def _exam_day(account: Snapshot, rng: random.Random) -> date:
    return account.instant.date() + timedelta(days=rng.randint(4, 13) if rng.random() < 0.4 else rng.randint(14, 60))


def _of_spacing(account: Snapshot, rng: random.Random, slots: tuple[str, ...], named: bool) -> Values:
    day = _exam_day(account, rng)
    count, minutes, hour = rng.choice((3, 3, 4, 4, 5)), rng.choice(_MINUTES), rng.randint(8, 19)
    return {
        **_days(day, account, rng, {"exam_iso": day.isoformat()}),
        "n_sessions": Value(rng.choice((str(count), spoken.number(count))), {"n_sessions": count}),
        "minutes": Value(str(minutes), {"minutes_per_session": minutes}),
        "at_hour": Value(f"at {spoken.say_time(hour, 0, rng)}", {"preferred_hour": hour}),
    }


def _of_semester(account: Snapshot, rng: random.Random, slots: tuple[str, ...], named: bool) -> Values:
    titles = list(dict.fromkeys(item.title for item in account.assignments))
    form = rng.choice(DEADLINE_FORMS)
    deadlines, texts = [], []
    for title in rng.sample(titles, min(len(titles), rng.choice((1, 1, 2)))):
        due = account.instant.date() + timedelta(days=rng.randint(2, 60))
        hours = rng.randint(2, 24)
        said = spoken.say_day(due, account.instant, rng)
        deadlines.append({"title": title, "due_iso": due.isoformat(), "estimated_hours": hours})
        texts.append(form.format(title=title, bare=said.bare, adverbial=said.adverbial, hours=hours))
    end = account.instant.date() + timedelta(days=rng.randint(61, 110))
    weekly = rng.randint(3, 20)
    return {
        **_days(end, account, rng, {"semester_end_iso": end.isoformat()}),
        "deadlines": Value("; ".join(texts), {"deadlines": deadlines}),
        "weekly_hours": Value(f"{weekly} hours a week", {"weekly_hours_available": weekly}),
    }


def task(rng: random.Random) -> Value:
    """Choose a kind of work, in plain words."""
    kind = rng.choice(list(TASK_WORDS))
    return Value(rng.choice(TASK_WORDS[kind]), {"task_type": kind})


def _of_task(account: Snapshot, rng: random.Random, slots: tuple[str, ...], named: bool) -> Values:
    return {"task_type": task(rng)}


def _of_bracket(account: Snapshot, rng: random.Random, slots: tuple[str, ...], named: bool) -> Values:
    day = _midnight(account) + timedelta(days=rng.choice((1, 2, 3, 4, 5, 7, rng.randint(2, 30))))
    start = day + timedelta(hours=rng.randint(8, 17), minutes=rng.choice((0, 0, 30)))
    minutes = rng.choice((20, 30, 40, 45, 60, 75, 90))
    return {
        **span(account, start, start + timedelta(minutes=rng.choice((60, 90, 120, 180))), rng, "exam_"),
        "review": Value(spoken.say_minutes(minutes, rng), {"review_minutes": minutes}),
    }


def _of_two_items(account: Snapshot, rng: random.Random, slots: tuple[str, ...], named: bool) -> Values:
    titles = list(dict.fromkeys(item.title for item in account.assignments))
    if len(titles) < 2:
        titles += [title for title, _ in rng.sample(campus.PLANNER_NOTES, 2)]
    (first, second), query = rng.sample(titles, 2), rng.choice(QUERIES)
    return {
        "query": Value(query, {"query": query}),
        "item_a": Value(first, {"item_a": first}),
        "item_b": Value(second, {"item_b": second}),
    }


FILLERS: Mapping[str, Filler] = {
    "canvas.get_assignments": _of_course,
    "canvas.get_course": _of_course,
    "canvas.get_syllabus": _of_course,
    "canvas.get_grades": _of_course,
    "canvas.list_announcements": _of_announcements,
    "calendar.list_events": _of_range,
    "calendar.find_free_blocks": _of_blocks,
    "calendar.create_event": _of_new_event,
    "calendar.modify_event": _of_old_event,
    "calendar.delete_event": _of_old_event,
    "study.spaced_schedule": _of_spacing,
    "study.semester_schedule": _of_semester,
    "study.recommend_block_size": _of_task,
    "study.exam_bracket": _of_bracket,
    "reranker.priority_hint": _of_two_items,
}
"""The tools whose wordings have slots."""
