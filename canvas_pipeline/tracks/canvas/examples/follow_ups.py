"""Second requests of a conversation: those that refer to the exchange before ("and move it to Monday"), and corrections of it.

``REFERRED`` and ``CHANGED`` say for each subject after which tools it can be said, and which call it then asks for."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from canvas_pipeline.models.family import ToolCall
from canvas_pipeline.tracks.canvas.examples.fillers import by_id, free_span, new_title, reason, task
from canvas_pipeline.tracks.canvas.examples.phrasings import spoken
from canvas_pipeline.tracks.canvas.examples.phrasings.continued import CONTINUED
from canvas_pipeline.tracks.canvas.examples.phrasings.corrected import CORRECTED
from canvas_pipeline.tracks.canvas.examples.phrasings.values import QUERIES
from canvas_pipeline.tracks.canvas.examples.phrasings.wording import WordingRole, fill, of_role
from canvas_pipeline.tracks.canvas.examples.requests import REFERRING, Request, constant
from canvas_pipeline.tracks.canvas.examples.students import Snapshot, iso


@dataclass(frozen=True, slots=True)
class Before:
    """The exchange before: the account, the last call and its result."""

    account: Snapshot
    call: ToolCall
    result: Any


Asked = tuple[Mapping[str, str], ToolCall]
"""The words of the slots, and the call."""
Maker = Callable[[Before, random.Random], Asked | None]


def follow(
    before: Before, subject: str, makers: Mapping[str, Maker], role: WordingRole, rng: random.Random
) -> Request | None:
    """Write the second request, or return None where the exchange before has nothing that it could mean."""
    asked = makers[subject](before, rng)
    if asked is None:
        return None
    texts, call = asked
    wording = rng.choice(of_role({**CONTINUED, **CORRECTED}[subject], role))
    return Request(fill(wording.choose(rng), texts), (constant(call.name, call.arguments),), wording.id, wording.cased)


def _its(tool: str, *slots: str) -> Maker:
    """Ask a tool about the one course that the exchange before was about."""

    def make(before: Before, rng: random.Random) -> Asked | None:
        courses = before.call.arguments.get("course_ids") or [before.call.arguments.get("course_id")]
        if len(courses) != 1 or courses[0] is None or before.call.name == tool:
            return None
        key, value = ("course_ids", courses) if tool == "canvas.list_announcements" else ("course_id", courses[0])
        days = rng.choice((3, 5, 7, 10, 14))
        more = {"horizon_days": days} if slots else {}
        words = rng.choice(spoken.horizons(days, before.account.instant))
        return {"horizon": words}, ToolCall(tool, {key: value, **more})

    return make


def _nth(rows: Sequence[Any], rng: random.Random) -> tuple[str, Any]:
    index = rng.randrange(min(len(rows), 3))
    return spoken.say_nth(index, len(rows), rng), rows[index]


def _nth_course(tool: str) -> Maker:
    def make(before: Before, rng: random.Random) -> Asked | None:
        if len(before.result) < 2:
            return None
        words, row = _nth(before.result, rng)
        return {"nth": words}, ToolCall(tool, {"course_id": row["id"]})

    return make


def _moved(before: Before, rng: random.Random, event_id: str) -> Asked:
    start, end = free_span(before.account, rng)
    day = spoken.say_day(start.date(), before.account.instant, rng)
    texts = {"day": day.bare, "on_day": day.adverbial, "span": spoken.say_span(start, end, rng)}
    return texts, ToolCall(
        "calendar.modify_event", {"event_id": event_id, "start_iso": iso(start), "end_iso": iso(end)}
    )


def _cancelled(rng: random.Random, event_id: str) -> Asked:
    why = reason(rng)
    return {"rationale": why.text}, ToolCall("calendar.delete_event", {"event_id": event_id, **why.arguments})


def _move_it(before: Before, rng: random.Random) -> Asked | None:
    found = _one_event(before)
    return None if found is None else _moved(before, rng, found)


def _cancel_it(before: Before, rng: random.Random) -> Asked | None:
    found = _one_event(before)
    return None if found is None else _cancelled(rng, found)


def _one_event(before: Before) -> str | None:
    """The event that was booked, or the only one that was listed."""
    if before.call.name == "calendar.create_event":
        return str(before.result["id"])
    return str(before.result[0]["id"]) if len(before.result) == 1 and not before.result[0]["all_day"] else None


def _move_nth(before: Before, rng: random.Random) -> Asked | None:
    found = _timed(before)
    if found is None:
        return None
    words, row = _nth(found, rng)
    texts, call = _moved(before, rng, row["id"])
    return {**texts, "nth": words}, call


def _cancel_nth(before: Before, rng: random.Random) -> Asked | None:
    found = _timed(before)
    if found is None:
        return None
    words, row = _nth(found, rng)
    texts, call = _cancelled(rng, row["id"])
    return {**texts, "nth": words}, call


def _timed(before: Before) -> Sequence[Any] | None:
    rows = before.result
    return rows if len(rows) > 1 and not any(row["all_day"] for row in rows) else None


def _first_two(before: Before, rng: random.Random) -> Asked | None:
    if len(before.result) < 2:
        return None
    query = rng.choice(QUERIES)
    first, second = (row["title"] for row in before.result[:2])
    return {"query": query}, ToolCall("reranker.priority_hint", {"query": query, "item_a": first, "item_b": second})


def _booked(before: Before, rng: random.Random, title: str) -> Asked:
    start, end = free_span(before.account, rng)
    day = spoken.say_day(start.date(), before.account.instant, rng)
    texts = {"day": day.bare, "on_day": day.adverbial, "span": spoken.say_span(start, end, rng)}
    return texts, ToolCall("calendar.create_event", {"title": title, "start_iso": iso(start), "end_iso": iso(end)})


def _book_item(before: Before, rng: random.Random) -> Asked | None:
    if not before.result:
        return None
    words, row = _nth(before.result, rng)
    texts, call = _booked(before, rng, row["title"])
    return {**texts, "nth": words}, call


def _book_slot(before: Before, rng: random.Random) -> Asked | None:
    """Book a whole free block. One as long as a day is none that somebody books."""
    if not before.result or any(row["minutes"] > 240 for row in before.result):
        return None
    words, row = _nth(before.result, rng)
    title = new_title(before.account, rng)
    span = {"start_iso": row["start_iso"], "end_iso": row["end_iso"]}
    return {"nth": words, "title": title.text}, ToolCall("calendar.create_event", {**title.arguments, **span})


def _book_session(before: Before, rng: random.Random) -> Asked | None:
    if any("past" in row for row in before.result):
        return None
    words, row = _nth(before.result, rng)
    span = {"start_iso": row["start_iso"], "end_iso": row["end_iso"]}
    return {"nth": words}, ToolCall("calendar.create_event", {"title": row["label"], **span})


def _such_block(before: Before, rng: random.Random) -> Asked | None:
    days = rng.randint(2, 9)
    texts = {"horizon": rng.choice(spoken.horizons(days, before.account.instant))}
    return texts, ToolCall("calendar.find_free_blocks", {"min_minutes": before.result["minutes"], "horizon_days": days})


_ABOUT_COURSE: tuple[str, ...] = REFERRING
_LISTS: tuple[str, ...] = ("canvas.get_todo", "canvas.get_assignments")

REFERRED: Mapping[str, tuple[tuple[str, ...], Maker]] = {
    "its_syllabus": (_ABOUT_COURSE, _its("canvas.get_syllabus")),
    "its_grades": (_ABOUT_COURSE, _its("canvas.get_grades")),
    "its_assignments": (_ABOUT_COURSE, _its("canvas.get_assignments", "horizon")),
    "its_course": (_ABOUT_COURSE, _its("canvas.get_course")),
    "its_announcements": (_ABOUT_COURSE, _its("canvas.list_announcements")),
    "nth_course_grades": (("canvas.list_courses",), _nth_course("canvas.get_grades")),
    "nth_course_syllabus": (("canvas.list_courses",), _nth_course("canvas.get_syllabus")),
    "move_it": (("calendar.create_event", "calendar.list_events"), _move_it),
    "cancel_it": (("calendar.create_event", "calendar.list_events"), _cancel_it),
    "move_nth": (("calendar.list_events",), _move_nth),
    "cancel_nth": (("calendar.list_events",), _cancel_nth),
    "first_two": (_LISTS, _first_two),
    "book_item": (_LISTS, _book_item),
    "book_slot": (("calendar.find_free_blocks",), _book_slot),
    "book_session": (("study.spaced_schedule",), _book_session),
    "find_such_block": (("study.recommend_block_size",), _such_block),
}
"""Subject → the tools of the exchange before, and what is asked then."""


def _again(before: Before, **arguments: Any) -> ToolCall:
    """Make the same call with other values."""
    return ToolCall(before.call.name, {**before.call.arguments, **arguments})


def _other_course(before: Before, rng: random.Random) -> Asked | None:
    old = before.call.arguments.get("course_id")
    others = [course for course in before.account.courses if course.id != old]
    if old is None or not others:
        return None
    course = rng.choice(others)
    return {"course": by_id(course, rng)}, _again(before, course_id=course.id)


def _other_day(before: Before, rng: random.Random) -> Asked | None:
    start = before.call.arguments.get("start_iso", "")
    day = before.account.instant.date() + timedelta(days=rng.randint(1, 10))
    if start != before.call.arguments.get("end_iso") or start == day.isoformat():
        return None
    said = spoken.say_day(day, before.account.instant, rng)
    return {"day": said.bare, "on_day": said.adverbial}, _again(
        before, start_iso=day.isoformat(), end_iso=day.isoformat()
    )


def _other_duration(before: Before, rng: random.Random) -> Asked | None:
    minutes = rng.choice((30, 45, 60, 90, 120, 180))
    if before.call.arguments.get("min_minutes") in (None, minutes):
        return None
    return {"duration": spoken.say_minutes(minutes, rng)}, _again(before, min_minutes=minutes)


def _other_horizon(before: Before, rng: random.Random) -> Asked | None:
    days = rng.choice((2, 3, 5, 7, 10, 14, 21, 30))
    if before.call.arguments.get("horizon_days") in (None, days):
        return None
    return {"horizon": rng.choice(spoken.horizons(days, before.account.instant))}, _again(before, horizon_days=days)


def _other_exam_day(before: Before, rng: random.Random) -> Asked | None:
    day = before.account.instant.date() + timedelta(days=rng.randint(5, 40))
    if before.call.arguments["exam_iso"] == day.isoformat():
        return None
    said = spoken.say_day(day, before.account.instant, rng)
    return {"day": said.bare, "on_day": said.adverbial}, _again(before, exam_iso=day.isoformat())


def _other_time(before: Before, rng: random.Random) -> Asked | None:
    """Move what was just booked to another time of the same day."""
    booked = before.result["start_iso"][:10]
    start, end = free_span(before.account, rng)
    first, last = f"{booked}{iso(start)[10:]}", f"{booked}{iso(end)[10:]}"
    if first == before.result["start_iso"]:
        return None
    return {"span": spoken.say_span(start, end, rng)}, ToolCall(
        "calendar.modify_event", {"event_id": before.result["id"], "start_iso": first, "end_iso": last}
    )


def _other_kind(before: Before, rng: random.Random) -> Asked | None:
    work = task(rng)
    if work.arguments["task_type"] == before.call.arguments["task_type"]:
        return None
    return {"task_type": work.text}, _again(before, **work.arguments)


CHANGED: Mapping[str, tuple[tuple[str, ...], Maker]] = {
    "other_course": (
        ("canvas.get_assignments", "canvas.get_course", "canvas.get_syllabus", "canvas.get_grades"),
        _other_course,
    ),
    "other_day": (("calendar.list_events",), _other_day),
    "other_duration": (("calendar.find_free_blocks",), _other_duration),
    "other_horizon": (("canvas.get_assignments", "calendar.find_free_blocks"), _other_horizon),
    "other_exam_day": (("study.spaced_schedule",), _other_exam_day),
    "other_time": (("calendar.create_event",), _other_time),
    "other_kind": (("study.recommend_block_size",), _other_kind),
}
"""Subject → the tools of the exchange before, and the corrected call."""
