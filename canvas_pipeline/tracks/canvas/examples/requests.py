"""Build one request of a student: words, and the one call they ask for.

The call's arguments are exactly those the text states and valid by the tool table. Values come from the student's account (ids,
titles) or from seeded ranges."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from canvas_pipeline.models.family import ToolCall
from canvas_pipeline.tracks.canvas.examples import campus
from canvas_pipeline.tracks.canvas.examples.phrasings.calendar import CALENDAR
from canvas_pipeline.tracks.canvas.examples.phrasings.canvas import CANVAS
from canvas_pipeline.tracks.canvas.examples.phrasings.dialogue import JOINERS
from canvas_pipeline.tracks.canvas.examples.phrasings.study import STUDY
from canvas_pipeline.tracks.canvas.examples.phrasings.wording import (
    Wording,
    WordingRole,
    fill,
    polite,
    sentence,
    uncapitalised,
)
from canvas_pipeline.tracks.canvas.examples.students import CALENDAR_DAYS, Event, Snapshot, iso
from canvas_pipeline.tracks.canvas.tools.calls import CALLS
from canvas_pipeline.tracks.canvas.tools.tool_table import TOOLS

WORDINGS: Mapping[str, tuple[Wording, ...]] = {name: {**CANVAS, **CALENDAR, **STUDY}[name] for name in TOOLS}

REASONS: tuple[str, ...] = (
    "it was cancelled", "I am ill", "I have no time", "it clashes with work", "I finished early", "the date changed",
    "I will not go", "it is a duplicate", "I have an exam", "my plans changed", "it was moved", "I need to rest",
    "I am travelling", "I have to study", "we meet online", "nobody can come",
)  # fmt: skip
DESCRIPTIONS: tuple[str, ...] = (
    "bring laptop", "take notes", "phone off", "bring the book", "meet online", "start with the hard part", "quiet place",
    "ask questions", "bring water", "two chapters", "use the template", "with the group",
)  # fmt: skip
ACTIVITIES: tuple[str, ...] = ("Study", "Work on", "Review", "Finish", "Start", "Practise", "Read for", "Prepare")
QUERIES: tuple[str, ...] = (
    "which first", "which one first", "what is more urgent", "which is due first", "what should I do first",
    "which comes first", "what to start with", "which has priority", "what is more important", "which should I start",
)  # fmt: skip
TASK_WORDS: Mapping[str, tuple[str, ...]] = {
    "writing": ("writing", "essay writing", "writing a paper"),
    "problem_set": ("problem sets", "problem set work", "a problem set"),
    "exam_prep": ("exam prep", "exam preparation", "preparing for an exam"),
    "project_work": ("project work", "working on a project", "a project"),
    "reading": ("reading", "reading a chapter", "textbook reading"),
    "review": ("review", "reviewing notes", "a review"),
    "admin": ("admin", "admin tasks", "admin stuff"),
    "discussion": ("discussion posts", "a discussion", "discussion board posts"),
    "lab": ("lab work", "a lab", "lab reports"),
}
DEADLINE_FORMS: tuple[str, ...] = (
    "{title} due {due} ({hours} hours)",
    "{title} on {due}, {hours} hours",
    "{title}, {due}, {hours}h",
)


@dataclass(frozen=True, slots=True)
class Request:
    """One request. ``text`` has no politeness yet; ``phrasing`` is the wording's id.

    ``cased``: the first letter may change (False where the text begins with an id or title that the call must repeat)."""

    text: str
    call: ToolCall
    phrasing: str
    cased: bool

    def typed(self, rng: random.Random) -> str:
        """Return the request as somebody types it, with markers in titles escaped."""
        return CALLS.escape(polite(self.text, rng, cased=self.cased))


@dataclass(frozen=True, slots=True)
class Value:
    """The text of a slot, and the arguments it states."""

    text: str
    arguments: Mapping[str, Any]


Values = dict[str, Value]


def ask(account: Snapshot, tool: str, role: WordingRole, rng: random.Random) -> Request:
    """Build a request for one tool in one of the role's wordings."""
    wording = rng.choice([w for w in WORDINGS[tool] if w.role == role])
    return phrase(account, tool, wording, rng)


def phrase(account: Snapshot, tool: str, wording: Wording, rng: random.Random) -> Request:
    """Build a request in the given wording."""
    values = _FILLERS[tool](account, rng, wording.slots) if wording.slots else {}
    arguments: dict[str, Any] = {}
    for slot in wording.slots:
        arguments.update(values[slot].arguments)
    arguments.update(wording.sets)
    text = fill(wording.choose(rng), {name: value.text for name, value in values.items()})
    return Request(text, ToolCall(tool, arguments), wording.id, not wording.text.startswith("{"))


def joined(first: Request, second: Request, role: WordingRole, rng: random.Random) -> tuple[str, str]:
    """Join two requests in one of the role's wordings. Return the text with markers escaped, and its phrasing."""
    joiner = rng.choice([w for w in JOINERS if w.role == role])
    text = joiner.choose(rng)
    then = uncapitalised(second.text) if second.cased and not text.endswith(": {second}") else second.text
    text = fill(text, {"first": sentence(first.text), "second": then})
    return CALLS.escape(text), f"{joiner.id}+{first.phrasing}+{second.phrasing}"


def _number(name: str, *choices: int) -> Callable[[random.Random], Value]:
    def draw(rng: random.Random) -> Value:
        number = rng.choice(choices)
        return Value(str(number), {name: number})

    return draw


_HORIZON = (2, 3, 4, 5, 6, 7, 8, 9, 10, 12, 14, 15, 20, 21, 25, 28, 30)
_MINUTES = (30, 40, 45, 50, 60, 75, 80, 90, 100, 120)


def _course_id(account: Snapshot, rng: random.Random) -> Value:
    number = rng.choice(account.courses).id
    return Value(str(number), {"course_id": number})


def _of_course(account: Snapshot, rng: random.Random, slots: tuple[str, ...]) -> Values:
    return {"course_id": _course_id(account, rng), "horizon_days": _number("horizon_days", *_HORIZON)(rng)}


def _of_announcements(account: Snapshot, rng: random.Random, slots: tuple[str, ...]) -> Values:
    courses = rng.sample(account.courses, 2 if len(account.courses) > 1 and rng.random() < 0.25 else 1)
    ids = [course.id for course in courses]
    return {
        "course_ids": Value(" and ".join(map(str, ids)), {"course_ids": ids}),
        "past_days": _number("past_days", *range(2, 15), 20, 30)(rng),
    }


def _of_range(account: Snapshot, rng: random.Random, slots: tuple[str, ...]) -> Values:
    """Choose a range or day that usually has an event."""
    day = _midnight(account) + timedelta(days=rng.randint(0, CALENDAR_DAYS))
    if account.events and rng.random() < 0.7:
        day = datetime.fromisoformat(rng.choice(account.events).start_iso)
    start, end = day.date().isoformat(), (day + timedelta(days=rng.choice((1, 1, 2, 3)))).date().isoformat()
    return {
        "start_iso": Value(start, {"start_iso": start}),
        "end_iso": Value(end, {"end_iso": end}),
        "day": Value(start, {"start_iso": start, "end_iso": start}),
    }


def _of_blocks(account: Snapshot, rng: random.Random, slots: tuple[str, ...]) -> Values:
    return {
        "min_minutes": _number("min_minutes", *_MINUTES)(rng),
        "horizon_days": _number("horizon_days", *range(2, 11), 14)(rng),
        "earliest_hour": _number("earliest_hour", *range(8, 14))(rng),
        "latest_hour": _number("latest_hour", *range(16, 22))(rng),
    }


def _span(start: datetime, end: datetime, before: str = "") -> Values:
    """State one span in the ways a text can: two instants, or a day and two clock times."""
    first, last = before + "start_iso", before + "end_iso"
    return {
        "start_iso": Value(clock(start), {first: iso(start)}),
        "end_iso": Value(clock(end), {last: iso(end)}),
        "day": Value(start.date().isoformat(), {}),
        "from": Value(f"{start:%H:%M}", {first: iso(start)}),
        "to": Value(f"{end:%H:%M}", {last: iso(end)}),
    }


def clock(instant: datetime) -> str:
    """Format an instant as a student writes it."""
    return f"{instant:%Y-%m-%d %H:%M}"


def free_span(account: Snapshot, rng: random.Random) -> tuple[datetime, datetime]:
    """Choose an hour or two in the daytime of a day without an event."""
    busy = {datetime.fromisoformat(event.start_iso).date() for event in account.events}
    days = [
        day for n in range(1, CALENDAR_DAYS + 3) if (day := _midnight(account) + timedelta(days=n)).date() not in busy
    ]
    start = rng.choice(days) + timedelta(hours=rng.randint(8, 20), minutes=rng.choice((0, 0, 30)))
    return start, start + timedelta(minutes=rng.choice((60, 60, 90, 120)))


def _midnight(account: Snapshot) -> datetime:
    return account.instant.replace(hour=0, minute=0, second=0, microsecond=0)


def new_title(account: Snapshot, rng: random.Random) -> Value:
    """Choose a title for an event from the student's own work or activities, in quotes or without."""
    if rng.random() < 0.6:
        title = f"{rng.choice(ACTIVITIES)} {rng.choice(account.assignments).title}"
    else:
        title = rng.choice(campus.PERSONAL_EVENTS)
    return Value(f'"{title}"' if rng.random() < 0.5 else title, {"title": title})


def _of_new_event(account: Snapshot, rng: random.Random, slots: tuple[str, ...]) -> Values:
    description, reason = rng.choice(DESCRIPTIONS), rng.choice(REASONS)
    return {
        **_span(*free_span(account, rng)),
        "title": new_title(account, rng),
        "description": Value(description, {"description": description}),
        "rationale": Value(reason, {"rationale": reason}),
    }


def _of_old_event(account: Snapshot, rng: random.Random, slots: tuple[str, ...]) -> Values:
    """Choose a change that fits: a whole new span, or the event's own start or end moved by half an hour."""
    one_side = ("start_iso" in slots) != ("end_iso" in slots)
    event = rng.choice([e for e in account.events if not (one_side and e.all_day)])
    start, end = free_span(account, rng)
    if one_side:
        start, end = _moved(event)
    reason = rng.choice(REASONS)
    return {
        **_span(start, end),
        "event_id": Value(event.id, {"event_id": event.id}),
        "title": new_title(account, rng),
        "rationale": Value(reason, {"rationale": reason}),
    }


def _moved(event: Event) -> tuple[datetime, datetime]:
    half = timedelta(minutes=30)
    return datetime.fromisoformat(event.start_iso) - half, datetime.fromisoformat(event.end_iso) + half


def _of_spacing(account: Snapshot, rng: random.Random, slots: tuple[str, ...]) -> Values:
    exam = (account.instant + timedelta(days=rng.randint(15, 60))).date().isoformat()
    return {
        "exam_iso": Value(exam, {"exam_iso": exam}),
        "n_sessions": _number("n_sessions", 3, 3, 3, 4, 4, 5)(rng),
        "minutes_per_session": _number("minutes_per_session", *_MINUTES)(rng),
        "preferred_hour": _number("preferred_hour", *range(8, 20))(rng),
    }


def _of_semester(account: Snapshot, rng: random.Random, slots: tuple[str, ...]) -> Values:
    titles = list(dict.fromkeys(item.title for item in account.assignments))
    form = rng.choice(DEADLINE_FORMS)
    deadlines, texts = [], []
    for title in rng.sample(titles, min(len(titles), rng.choice((1, 1, 2)))):
        due = (account.instant + timedelta(days=rng.randint(10, 60))).date().isoformat()
        hours = rng.randint(2, 24)
        deadlines.append({"title": title, "due_iso": due, "estimated_hours": hours})
        texts.append(form.format(title=title, due=due, hours=hours))
    end = (account.instant + timedelta(days=rng.randint(61, 110))).date().isoformat()
    return {
        "semester_end_iso": Value(end, {"semester_end_iso": end}),
        "deadlines": Value("; ".join(texts), {"deadlines": deadlines}),
        "weekly_hours_available": _number("weekly_hours_available", *range(3, 21))(rng),
    }


def _of_task(account: Snapshot, rng: random.Random, slots: tuple[str, ...]) -> Values:
    kind = rng.choice(list(TASK_WORDS))
    return {"task_type": Value(rng.choice(TASK_WORDS[kind]), {"task_type": kind})}


def _of_bracket(account: Snapshot, rng: random.Random, slots: tuple[str, ...]) -> Values:
    start = _midnight(account) + timedelta(
        days=rng.randint(2, 30), hours=rng.randint(8, 17), minutes=rng.choice((0, 0, 30))
    )
    end = start + timedelta(minutes=rng.choice((60, 90, 120, 180)))
    return {
        **_span(start, end, "exam_"),
        "review_minutes": _number("review_minutes", 20, 25, 30, 40, 50, 60, 75, 90)(rng),
    }


def _of_two_items(account: Snapshot, rng: random.Random, slots: tuple[str, ...]) -> Values:
    titles = list(dict.fromkeys(item.title for item in account.assignments))
    if len(titles) < 2:
        titles += [title for title, _ in rng.sample(campus.PLANNER_NOTES, 2)]
    (first, second), query = rng.sample(titles, 2), rng.choice(QUERIES)
    return {
        "query": Value(query, {"query": query}),
        "item_a": Value(first, {"item_a": first}),
        "item_b": Value(second, {"item_b": second}),
    }


_FILLERS: Mapping[str, Callable[[Snapshot, random.Random, tuple[str, ...]], Values]] = {
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
