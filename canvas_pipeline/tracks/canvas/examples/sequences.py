"""Templates of requests that need one result to make the next call.

Every argument of a later call is stated by the words or copied from an earlier result. One is computed: a booked block's end, its
start plus the requested minutes. A course that is named is looked up as ``requests`` does."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from canvas_pipeline.models.family import ToolCall
from canvas_pipeline.tracks.canvas.examples.campus import EXAMS
from canvas_pipeline.tracks.canvas.examples.fillers import free_span, new_title, reason, task
from canvas_pipeline.tracks.canvas.examples.phrasings import spoken
from canvas_pipeline.tracks.canvas.examples.phrasings.steps import STEPS
from canvas_pipeline.tracks.canvas.examples.phrasings.values import QUERIES
from canvas_pipeline.tracks.canvas.examples.phrasings.wording import WordingRole, fill, of_role
from canvas_pipeline.tracks.canvas.examples.requests import NextCall, Request, constant
from canvas_pipeline.tracks.canvas.examples.students import Event, Snapshot, iso

_MINUTES = (30, 45, 60, 60, 90, 90, 120)

Texts = Mapping[str, str]
Plan = tuple[NextCall, ...]
Drawn = tuple[Texts, Plan]
"""The words of the slots, and the calls."""


@dataclass(frozen=True, slots=True)
class SequenceTemplate:
    """One kind of sequence. ``draw`` chooses values from an account, or returns None where it has none that fit."""

    subject: str
    draw: Callable[[Snapshot, random.Random], Drawn | None]

    def request(self, account: Snapshot, role: WordingRole, rng: random.Random) -> Request | None:
        """Write the request in one of the role's wordings."""
        drawn = self.draw(account, rng)
        if drawn is None:
            return None
        texts, plan = drawn
        wording = rng.choice(of_role(STEPS[self.subject], role))
        return Request(fill(wording.choose(rng), texts), plan, wording.id, wording.cased)


def _all_announcements(account: Snapshot, rng: random.Random) -> Drawn | None:
    def then(results: tuple[Any, ...]) -> ToolCall | None:
        ids = [course["id"] for course in results[0]]
        return ToolCall("canvas.list_announcements", {"course_ids": ids}) if ids else None

    return {}, (constant("canvas.list_courses", {}), then)


def _booking(account: Snapshot, rng: random.Random, kind: tuple[str, str] | None = None) -> Drawn | None:
    """Find a free block, of the stated or (with a ``kind`` of work, in words and as an enum) recommended length, and book it."""
    value, minutes, days = new_title(account, rng), rng.choice(_MINUTES), rng.randint(1, 7)
    texts = {
        "title": value.text, "duration": spoken.say_minutes(minutes, rng), "task_type": kind[0] if kind else "",
        "horizon": rng.choice(spoken.horizons(days, account.instant)),
    }  # fmt: skip
    asked = (lambda results: results[0]["minutes"]) if kind else (lambda results: minutes)

    def find(results: tuple[Any, ...]) -> ToolCall | None:
        return ToolCall("calendar.find_free_blocks", {"min_minutes": asked(results), "horizon_days": days})

    def book(results: tuple[Any, ...]) -> ToolCall | None:
        if not results[-1]:
            return None
        start = results[-1][0]["start_iso"]
        end = iso(datetime.fromisoformat(start) + timedelta(minutes=asked(results)))
        return ToolCall(
            "calendar.create_event", {"title": value.arguments["title"], "start_iso": start, "end_iso": end}
        )

    return texts, (find, book) if kind is None else (_recommended(kind[1]), find, book)


def _recommended(kind: str) -> NextCall:
    return constant("study.recommend_block_size", {"task_type": kind})


def _recommended_booking(account: Snapshot, rng: random.Random) -> Drawn | None:
    work = task(rng)
    return _booking(account, rng, (work.text, work.arguments["task_type"]))


def _block_then_free(account: Snapshot, rng: random.Random) -> Drawn | None:
    work, days = task(rng), rng.randint(2, 9)

    def then(results: tuple[Any, ...]) -> ToolCall | None:
        return ToolCall("calendar.find_free_blocks", {"min_minutes": results[0]["minutes"], "horizon_days": days})

    texts = {"task_type": work.text, "horizon": rng.choice(spoken.horizons(days, account.instant))}
    return texts, (_recommended(work.arguments["task_type"]), then)


def _todo_priority(account: Snapshot, rng: random.Random) -> Drawn | None:
    query = rng.choice(QUERIES)

    def then(results: tuple[Any, ...]) -> ToolCall | None:
        if len(results[0]) < 2:
            return None
        first, second = (row["title"] for row in results[0][:2])
        return ToolCall("reranker.priority_hint", {"query": query, "item_a": first, "item_b": second})

    return {"query": query}, (constant("canvas.get_todo", {}), then)


def _todo_book(account: Snapshot, rng: random.Random) -> Drawn | None:
    start, end = free_span(account, rng)
    day = spoken.say_day(start.date(), account.instant, rng)

    def then(results: tuple[Any, ...]) -> ToolCall | None:
        if not results[0]:
            return None
        return ToolCall(
            "calendar.create_event", {"title": results[0][0]["title"], "start_iso": iso(start), "end_iso": iso(end)}
        )

    texts = {"day": day.bare, "on_day": day.adverbial, "span": spoken.say_span(start, end, rng)}
    return texts, (constant("canvas.get_todo", {}), then)


def _known_event(account: Snapshot, rng: random.Random, exam: bool = False) -> Event | None:
    """Choose an event that its title tells from the others."""
    titles = [event.title for event in account.events]
    known = [
        event
        for event in account.events
        if not event.all_day and titles.count(event.title) == 1 and (not exam or event.title in EXAMS)
    ]
    return rng.choice(known) if known else None


def event_texts(account: Snapshot, event: Event, rng: random.Random) -> dict[str, str]:
    """Name an event by its title, as it is or in lower case, and its day."""
    day = spoken.say_day(day_of(event), account.instant, rng)
    title = event.title if rng.random() < 0.6 else event.title.lower()
    return {"event": title, "day": day.bare, "on_day": day.adverbial}


def day_of(event: Event) -> date:
    """Return the day on which an event starts."""
    return datetime.fromisoformat(event.start_iso).date()


def found_by_title(event: Event, then: Callable[[dict[str, Any]], ToolCall]) -> Plan:
    """List the day's events, find the one with the title, and continue with it."""

    def follow(results: tuple[Any, ...]) -> ToolCall | None:
        rows = [row for row in results[0] if row["title"] == event.title]
        return then(rows[0]) if len(rows) == 1 else None

    day = day_of(event).isoformat()
    return (constant("calendar.list_events", {"start_iso": day, "end_iso": day}), follow)


def _cancel(account: Snapshot, rng: random.Random) -> Drawn | None:
    event, why = _known_event(account, rng), reason(rng)
    if event is None:
        return None
    plan = found_by_title(
        event, lambda row: ToolCall("calendar.delete_event", {"event_id": row["id"], **why.arguments})
    )
    return {**event_texts(account, event, rng), "rationale": why.text}, plan


def _move(account: Snapshot, rng: random.Random) -> Drawn | None:
    event = _known_event(account, rng)
    if event is None:
        return None
    start, end = free_span(account, rng)
    day = spoken.say_day(start.date(), account.instant, rng)
    change = {"start_iso": iso(start), "end_iso": iso(end)}
    plan = found_by_title(event, lambda row: ToolCall("calendar.modify_event", {"event_id": row["id"], **change}))
    texts = {"new_day": day.bare, "new_on_day": day.adverbial, "span": spoken.say_span(start, end, rng)}
    return {**event_texts(account, event, rng), **texts}, plan


def _exam_study(account: Snapshot, rng: random.Random) -> Drawn | None:
    event, count = _known_event(account, rng, exam=True), rng.choice((3, 4, 5))
    if event is None:
        return None
    plan = found_by_title(
        event,
        lambda row: ToolCall("study.spaced_schedule", {"exam_iso": row["start_iso"], "n_sessions": count}),
    )
    return {**event_texts(account, event, rng), "n_sessions": rng.choice((str(count), spoken.number(count)))}, plan


def _bracket(account: Snapshot, rng: random.Random) -> Drawn | None:
    event = _known_event(account, rng, exam=True)
    if event is None:
        return None
    plan = found_by_title(
        event,
        lambda row: ToolCall(
            "study.exam_bracket", {"exam_start_iso": row["start_iso"], "exam_end_iso": row["end_iso"]}
        ),
    )
    return event_texts(account, event, rng), plan


SEQUENCES: tuple[SequenceTemplate, ...] = (
    SequenceTemplate("book_free", _booking),
    SequenceTemplate("cancel_by_title", _cancel),
    SequenceTemplate("todo_priority", _todo_priority),
    SequenceTemplate("bracket_by_title", _bracket),
    SequenceTemplate("move_by_title", _move),
    SequenceTemplate("block_then_free", _block_then_free),
    SequenceTemplate("exam_study", _exam_study),
    SequenceTemplate("todo_book", _todo_book),
    SequenceTemplate("recommended_booking", _recommended_booking),
    SequenceTemplate("all_announcements", _all_announcements),
)
