"""Requests that a tool refuses, cannot serve, or answers with nothing, and what to do then: say so, ask, or look it up elsewhere.

``FAILURES`` are the kinds. Each gives a request, the canvas that answers it (with a fault where the mock's own account has none),
and, where the tool's own answer does not fit, what to say in the end."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import msgspec

from canvas_pipeline.models.family import ToolCall
from canvas_pipeline.tracks.canvas.examples import campus
from canvas_pipeline.tracks.canvas.examples.fillers import Value, new_title, reason
from canvas_pipeline.tracks.canvas.examples.phrasings import spoken
from canvas_pipeline.tracks.canvas.examples.phrasings.steps import STEPS
from canvas_pipeline.tracks.canvas.examples.phrasings.wording import Wording, WordingRole, fill, of_role
from canvas_pipeline.tracks.canvas.examples.requests import REFERRING, WORDINGS, NextCall, Request, ask, constant
from canvas_pipeline.tracks.canvas.examples.sequences import day_of
from canvas_pipeline.tracks.canvas.examples.students import Canvas, CanvasFactory, Event, Snapshot, iso
from canvas_pipeline.tracks.canvas.tools.prompt import ALL_TOOLS

OUTAGES: Mapping[str, str] = {
    "unavailable": "Canvas does not answer at the moment",
    "timeout": "Canvas took too long to answer",
    "rate_limited": "there were too many requests",
    "forbidden": "this account may not do that",
    "login_expired": "the login to Canvas has expired",
}
"""Codes and messages of faults that are not the call's."""

Say = Callable[[Sequence[Any]], str]


@dataclass(frozen=True, slots=True)
class Failure:
    """A request that fails. ``say`` makes the answer from the results where the tool's own answer does not fit."""

    account: Snapshot
    canvas: Canvas
    request: Request
    say: Say | None = None


class FaultyCanvas:
    """A canvas of which one tool fails for a reason of its own."""

    def __init__(self, canvas: Canvas, tool: str, code: str) -> None:
        self._canvas, self._tool, self._code = canvas, tool, code

    def dispatch(self, name: str, arguments: Mapping[str, Any]) -> Any:
        if name == self._tool:
            return {"error": {"code": self._code, "tool": name, "message": OUTAGES[self._code]}}
        return self._canvas.dispatch(name, arguments)


Maker = Callable[[Snapshot, CanvasFactory, WordingRole, random.Random], Failure | None]


def _outage(account: Snapshot, of: CanvasFactory, role: WordingRole, rng: random.Random) -> Failure | None:
    tool = rng.choice(ALL_TOOLS)
    request = ask(account, tool, role, rng, named=tool in REFERRING and rng.random() < 0.5)
    return (
        None
        if request is None
        else Failure(account, FaultyCanvas(of(account), tool, rng.choice(list(OUTAGES))), request)
    )


def _unknown_id(account: Snapshot, of: CanvasFactory, role: WordingRole, rng: random.Random) -> Failure | None:
    """A course id that the student does not have: the tool says so, and the list of courses helps on."""
    request = ask(account, rng.choice(REFERRING[:4]), role, rng)
    if request is None or request.call.arguments.get("course_id") is None:
        return None
    right, wrong = request.call.arguments["course_id"], rng.randrange(1000, 10000)
    if wrong in {course.id for course in account.courses} or str(right) not in request.text:
        return None
    call = ToolCall(request.call.name, {**request.call.arguments, "course_id": wrong})
    text = request.text.replace(str(right), str(wrong), 1)
    plan = (constant(call.name, call.arguments), constant("canvas.list_courses", {}))
    return Failure(
        account, of(account), Request(text, plan, request.phrasing, request.cased),
        lambda results: f"You have no course with the id {wrong}. {_courses(results[-1])}",
    )  # fmt: skip


def _courses(rows: Sequence[Any]) -> str:
    listed = ", ".join(f"{row['name']} ({row['id']})" for row in rows)
    return f"Your courses: {listed}. Which one do you mean?"


def _unknown_name(account: Snapshot, of: CanvasFactory, role: WordingRole, rng: random.Random) -> Failure | None:
    """A course that is not in the student's list."""
    tool = rng.choice(REFERRING)
    lines = [wording for wording in of_role(WORDINGS[tool], role) if set(wording.slots) in ({"course"}, {"courses"})]
    name = rng.choice(campus.OTHER_COURSES)
    if any(course.name.casefold() == name.casefold() for course in account.courses):
        return None
    wording = rng.choice(lines)
    request = _written(wording, {"course": name, "courses": name}, (constant("canvas.list_courses", {}),), rng)
    return Failure(
        account, of(account), request, lambda results: f"I find no course called {name}. {_courses(results[-1])}"
    )


def _written(wording: Wording, texts: Mapping[str, str], plan: tuple[NextCall, ...], rng: random.Random) -> Request:
    return Request(fill(wording.choose(rng), texts), plan, wording.id, wording.cased)


def _about_event(account: Snapshot, role: WordingRole, rng: random.Random, title: str, day: datetime) -> Request:
    """Ask to cancel an event by its title and day; the first call lists the day's events."""
    said = spoken.say_day(day.date(), account.instant, rng)
    wording = rng.choice(of_role(STEPS["cancel_by_title"], role))
    texts = {"event": title, "day": said.bare, "on_day": said.adverbial, "rationale": reason(rng).text}
    date = day.date().isoformat()
    return _written(wording, texts, (constant("calendar.list_events", {"start_iso": date, "end_iso": date}),), rng)


def _missing_event(account: Snapshot, of: CanvasFactory, role: WordingRole, rng: random.Random) -> Failure | None:
    """An event that is not in the calendar on that day."""
    day = account.instant + timedelta(days=rng.randint(0, 9))
    there = [event for event in account.events if day_of(event) == day.date()]
    title = rng.choice([name for name in campus.PERSONAL_EVENTS if name not in {event.title for event in there}])

    def say(results: Sequence[Any]) -> str:
        names = ", ".join(row["title"] for row in results[-1])
        return f"I find no {title} on {day.date().isoformat()}; " + (
            f"there is only {names}." if names else "your calendar is empty then."
        )

    return Failure(account, of(account), _about_event(account, role, rng, title, day), say)


def _two_events(account: Snapshot, of: CanvasFactory, role: WordingRole, rng: random.Random) -> Failure | None:
    """Two events of the same title on one day: which one is meant?"""
    timed = [e for e in account.events if not e.all_day and e.end_iso[11:16] <= "18:00"]
    if not timed:
        return None
    event = rng.choice(timed)
    later = datetime.fromisoformat(event.end_iso) + timedelta(hours=1)
    used = {e.id for e in account.events}
    twin = msgspec.structs.replace(
        event, id=next(f"ev{n}" for n in range(rng.randrange(10, 900), 2000) if f"ev{n}" not in used),
        start_iso=iso(later), end_iso=iso(later + timedelta(hours=1)),
    )  # fmt: skip
    both = msgspec.structs.replace(account, events=(*account.events, twin))

    def say(results: Sequence[Any]) -> str:
        times = " and ".join(row["start_iso"][11:16] for row in results[-1] if row["title"] == event.title)
        return f"There are two: {event.title} at {times}. Which one do you mean?"

    request = _about_event(both, role, rng, event.title, datetime.fromisoformat(event.start_iso))
    return Failure(both, of(both), request, say)


def _refused_booking(
    account: Snapshot, of: CanvasFactory, role: WordingRole, rng: random.Random, start: datetime, end: datetime
) -> Failure:
    title: Value = new_title(account, rng)
    wording = rng.choice([w for w in of_role(WORDINGS["calendar.create_event"], role) if "description" not in w.slots
                          and "rationale" not in w.slots])  # fmt: skip
    day = spoken.say_day(start.date(), account.instant, rng)
    texts = {
        "title": title.text, "day": day.bare, "on_day": day.adverbial, "span": spoken.say_span(start, end, rng),
    }  # fmt: skip
    arguments = {**title.arguments, "start_iso": iso(start), "end_iso": iso(end), **wording.sets}
    return Failure(account, of(account), _written(wording, texts, (constant("calendar.create_event", arguments),), rng))


def _conflict(account: Snapshot, of: CanvasFactory, role: WordingRole, rng: random.Random) -> Failure | None:
    """A booking at a time that is taken."""
    timed: list[Event] = [event for event in account.events if not event.all_day]
    if not timed:
        return None
    start = datetime.fromisoformat(rng.choice(timed).start_iso)
    return _refused_booking(account, of, role, rng, start, start + timedelta(minutes=60))


def _at_night(account: Snapshot, of: CanvasFactory, role: WordingRole, rng: random.Random) -> Failure | None:
    """A booking in the sleep."""
    day = account.instant.replace(hour=0, minute=0) + timedelta(days=rng.randint(1, 9))
    start = day + timedelta(hours=rng.choice((1, 2, 3, 4, 5)))
    return _refused_booking(account, of, role, rng, start, start + timedelta(hours=rng.choice((1, 2))))


def _exam_is_over(account: Snapshot, of: CanvasFactory, role: WordingRole, rng: random.Random) -> Failure | None:
    """A plan for an exam in the past."""
    day = account.instant.date() - timedelta(days=rng.randint(2, 40))
    if day.year != account.instant.year:
        return None
    lines = [w for w in of_role(WORDINGS["study.spaced_schedule"], role) if set(w.slots) in ({"day"}, {"on_day"})]
    said = rng.choice(spoken.dates(day))
    wording = rng.choice(lines)
    texts = {"day": said.bare, "on_day": said.adverbial}
    plan = (constant("study.spaced_schedule", {"exam_iso": day.isoformat(), **wording.sets}),)
    return Failure(account, of(account), _written(wording, texts, plan, rng))


def _nothing_there(account: Snapshot, of: CanvasFactory, role: WordingRole, rng: random.Random) -> Failure | None:
    """A list that is empty."""
    tool = rng.choice(
        ("calendar.list_events", "canvas.get_todo", "canvas.list_announcements", "canvas.list_planner_items")
    )
    empty = msgspec.structs.replace(account, events=(), assignments=(), announcements=(), planner=())
    request = ask(account, tool, role, rng)
    return None if request is None else Failure(empty, of(empty), request)


FAILURES: tuple[Maker, ...] = (
    _outage, _unknown_id, _missing_event, _conflict, _unknown_name, _nothing_there, _two_events, _at_night, _outage,
    _exam_is_over,
)  # fmt: skip
"""In the order in which situations take them: outages, which can hit any tool, are a fifth."""
