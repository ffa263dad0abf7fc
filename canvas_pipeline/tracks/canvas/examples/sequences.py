"""Templates of requests that need one result to make the next call.

Every argument of a later call is stated by the words or copied from an earlier result. One is computed: a booked block's end, its
start plus the requested minutes."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from canvas_pipeline.models.family import ToolCall
from canvas_pipeline.tracks.canvas.examples.campus import EXAMS
from canvas_pipeline.tracks.canvas.examples.phrasings.steps import STEPS
from canvas_pipeline.tracks.canvas.examples.phrasings.wording import WordingRole, fill
from canvas_pipeline.tracks.canvas.examples.requests import QUERIES, REASONS, TASK_WORDS, clock, free_span, new_title
from canvas_pipeline.tracks.canvas.examples.students import Snapshot, iso

Values = Mapping[str, Any]
NextCall = Callable[[tuple[Any, ...]], ToolCall | None]


@dataclass(frozen=True, slots=True)
class Draft:
    """Words without politeness, the wording's id, and the values they state."""

    text: str
    phrasing: str
    values: Values
    cased: bool


@dataclass(frozen=True, slots=True)
class SequenceTemplate:
    """One kind of sequence. ``draw`` chooses values from an account, or returns None where it has none that fit.

    ``plan`` gives the calls, each as a function of the results so far."""

    subject: str
    draw: Callable[[Snapshot, random.Random], Values | None]
    plan: Callable[[Values], Sequence[NextCall]]

    def draft(self, account: Snapshot, role: WordingRole, rng: random.Random) -> Draft | None:
        """Write the request in one of the role's wordings."""
        values = self.draw(account, rng)
        if values is None:
            return None
        wording = rng.choice([w for w in STEPS[self.subject] if w.role == role])
        text = fill(wording.choose(rng), {name: str(value) for name, value in values.items()})
        return Draft(text, wording.id, values, not wording.text.startswith("{"))


def _call(name: str, **arguments: Any) -> NextCall:
    """Build a call that needs no result."""
    return lambda _: ToolCall(name, arguments)


def _named_course(account: Snapshot, rng: random.Random) -> Values | None:
    names = [course.name for course in account.courses if course.active]
    unique = [name for name in names if names.count(name) == 1]
    return {"name": rng.choice(unique)} if unique else None


def _by_name(tool: str, argument: str) -> Callable[[Values], Sequence[NextCall]]:
    def plan(values: Values) -> Sequence[NextCall]:
        def then(results: tuple[Any, ...]) -> ToolCall | None:
            ids = [course["id"] for course in results[0] if course["name"] == values["name"]]
            if len(ids) != 1:
                return None
            return ToolCall(tool, {argument: ids if argument == "course_ids" else ids[0]})

        return (_call("canvas.list_courses"), then)

    return plan


def _nothing(account: Snapshot, rng: random.Random) -> Values | None:
    return {}


def _all_announcements(values: Values) -> Sequence[NextCall]:
    def then(results: tuple[Any, ...]) -> ToolCall | None:
        ids = [course["id"] for course in results[0]]
        return ToolCall("canvas.list_announcements", {"course_ids": ids}) if ids else None

    return (_call("canvas.list_courses"), then)


def _booking(account: Snapshot, rng: random.Random) -> Values | None:
    value = new_title(account, rng)
    return {
        "title": value.text, "real_title": value.arguments["title"], "min_minutes": rng.choice((60, 90)),
        "horizon_days": rng.randint(1, 7),
    }  # fmt: skip


def _book(values: Values) -> Sequence[NextCall]:
    def then(results: tuple[Any, ...]) -> ToolCall | None:
        if not results[0]:
            return None
        start = results[0][0]["start_iso"]
        end = iso(datetime.fromisoformat(start) + timedelta(minutes=values["min_minutes"]))
        return ToolCall("calendar.create_event", {"title": values["real_title"], "start_iso": start, "end_iso": end})

    find = _call("calendar.find_free_blocks", min_minutes=values["min_minutes"], horizon_days=values["horizon_days"])
    return (find, then)


def _query(account: Snapshot, rng: random.Random) -> Values | None:
    return {"query": rng.choice(QUERIES)}


def _todo_priority(values: Values) -> Sequence[NextCall]:
    def then(results: tuple[Any, ...]) -> ToolCall | None:
        if len(results[0]) < 2:
            return None
        first, second = (row["title"] for row in results[0][:2])
        return ToolCall("reranker.priority_hint", {"query": values["query"], "item_a": first, "item_b": second})

    return (_call("canvas.get_todo"), then)


def _dated_event(account: Snapshot, rng: random.Random, exam: bool = False) -> dict[str, Any] | None:
    titles = [event.title for event in account.events]
    known = [
        event
        for event in account.events
        if not event.all_day and titles.count(event.title) == 1 and (not exam or event.title in EXAMS)
    ]
    if not known:
        return None
    event = rng.choice(known)
    return {"event": event.title, "date": event.start_iso[:10]}


def _cancelling(account: Snapshot, rng: random.Random) -> Values | None:
    found = _dated_event(account, rng)
    return None if found is None else {**found, "rationale": rng.choice(REASONS)}


def _moving(account: Snapshot, rng: random.Random) -> Values | None:
    found = _dated_event(account, rng)
    if found is None:
        return None
    start, end = free_span(account, rng)
    return {
        **found,
        "day": clock(start)[:10],
        "from": f"{start:%H:%M}",
        "to": f"{end:%H:%M}",
        "start": iso(start),
        "end": iso(end),
    }


def _exam(account: Snapshot, rng: random.Random) -> Values | None:
    found = _dated_event(account, rng, exam=True)
    return None if found is None else {**found, "n_sessions": rng.choice((3, 4))}


def _looked_up(values: Values, then: Callable[[dict[str, Any]], ToolCall]) -> Sequence[NextCall]:
    """List the day's events, find the one with the title, and continue with it."""

    def follow(results: tuple[Any, ...]) -> ToolCall | None:
        rows = [row for row in results[0] if row["title"] == values["event"]]
        return then(rows[0]) if len(rows) == 1 else None

    return (_call("calendar.list_events", start_iso=values["date"], end_iso=values["date"]), follow)


def _cancel(values: Values) -> Sequence[NextCall]:
    return _looked_up(
        values, lambda row: ToolCall("calendar.delete_event", {"event_id": row["id"], "rationale": values["rationale"]})
    )


def _move(values: Values) -> Sequence[NextCall]:
    change = {"start_iso": values.get("start"), "end_iso": values.get("end")}
    return _looked_up(values, lambda row: ToolCall("calendar.modify_event", {"event_id": row["id"], **change}))


def _exam_study(values: Values) -> Sequence[NextCall]:
    sessions = values["n_sessions"]
    return _looked_up(
        values, lambda row: ToolCall("study.spaced_schedule", {"exam_iso": row["start_iso"], "n_sessions": sessions})
    )


def _bracket(values: Values) -> Sequence[NextCall]:
    return _looked_up(
        values,
        lambda row: ToolCall(
            "study.exam_bracket", {"exam_start_iso": row["start_iso"], "exam_end_iso": row["end_iso"]}
        ),
    )


def _task(account: Snapshot, rng: random.Random) -> Values | None:
    kind = rng.choice(list(TASK_WORDS))
    return {"task_type": rng.choice(TASK_WORDS[kind]), "kind": kind, "horizon_days": rng.randint(2, 9)}


def _block_then_free(values: Values) -> Sequence[NextCall]:
    def then(results: tuple[Any, ...]) -> ToolCall | None:
        return ToolCall(
            "calendar.find_free_blocks", {"min_minutes": results[0]["minutes"], "horizon_days": values["horizon_days"]}
        )

    return (_call("study.recommend_block_size", task_type=values["kind"]), then)


SEQUENCES: tuple[SequenceTemplate, ...] = (
    SequenceTemplate("grades_by_name", _named_course, _by_name("canvas.get_grades", "course_id")),
    SequenceTemplate("book_free", _booking, _book),
    SequenceTemplate("cancel_by_title", _cancelling, _cancel),
    SequenceTemplate("syllabus_by_name", _named_course, _by_name("canvas.get_syllabus", "course_id")),
    SequenceTemplate("todo_priority", _query, _todo_priority),
    SequenceTemplate("bracket_by_title", _exam, _bracket),
    SequenceTemplate("course_by_name", _named_course, _by_name("canvas.get_course", "course_id")),
    SequenceTemplate("book_free", _booking, _book),
    SequenceTemplate("move_by_title", _moving, _move),
    SequenceTemplate("assignments_by_name", _named_course, _by_name("canvas.get_assignments", "course_id")),
    SequenceTemplate("block_then_free", _task, _block_then_free),
    SequenceTemplate("exam_study", _exam, _exam_study),
    SequenceTemplate("announcements_by_name", _named_course, _by_name("canvas.list_announcements", "course_ids")),
    SequenceTemplate("todo_priority", _query, _todo_priority),
    SequenceTemplate("all_announcements", _nothing, _all_announcements),
)
