"""Phrase a tool's result as the final answer: short sentences without markup.

Every value in an answer is in the result or in the call. An error result gives its message."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from canvas_pipeline.models.family import ToolCall

SAY_MORE = "Please tell me more."
WHAT_THEN: Mapping[str, str] = {
    "not_found": "Please check the id.",
    "conflict": "Shall I look for another time?",
    "sleep_time": "Which other time suits you?",
    "in_the_past": "When is the next one?",
    "pending": "Please confirm or decline it first.",
    "unavailable": "Please try again later.",
    "timeout": "Please try again later.",
    "rate_limited": "Please try again in a minute.",
    "forbidden": "I cannot change that.",
    "login_expired": "Please log in again.",
}
"""What to say after an error, by its code: a question, or what the student can do."""


def answer(call: ToolCall, result: Any) -> str:
    """Phrase one call's result as one sentence."""
    if isinstance(result, Mapping) and "error" in result:
        return f"That did not work: {result['error']['message']}. {WHAT_THEN.get(result['error']['code'], SAY_MORE)}"
    return _ANSWERS[call.name](result, call.arguments)


def answers(calls: tuple[ToolCall, ...], results: tuple[Any, ...]) -> str:
    """Phrase the results of several calls, in order."""
    return " ".join(answer(call, result) for call, result in zip(calls, results, strict=True))


def when(text: str | None) -> str:
    """Format an instant or date for people. None gives "without a date"."""
    if text is None:
        return "without a date"
    return text if len(text) == 10 else f"{datetime.fromisoformat(text):%Y-%m-%d %H:%M}"


def _courses(result: Any, _: Mapping[str, Any]) -> str:
    return (
        "Your courses: " + ", ".join(f"{c['name']} ({c['id']})" for c in result) + "."
        if result
        else "No active courses."
    )


def _assignments(result: Any, _: Mapping[str, Any]) -> str:
    return _due(result, "Nothing is due")


def _todo(result: Any, _: Mapping[str, Any]) -> str:
    return _due(result, "Your to-do list is empty")


def _due(result: Any, nothing: str) -> str:
    if not result:
        return nothing + "."
    first = result[0]
    if len(result) == 1:
        return f"One item: {first['title']}, due {when(first['due_iso'])}."
    return f"{len(result)} items, first {first['title']}, due {when(first['due_iso'])}."


def _course(result: Any, _: Mapping[str, Any]) -> str:
    return (
        f"{result['name']}: {result['credits']} credits, {result['total_students']} students, "
        f"taught by {', '.join(result['instructors'])}."
    )


def _syllabus(result: Any, _: Mapping[str, Any]) -> str:
    return f"The syllabus says: {result}"


def _grades(result: Any, _: Mapping[str, Any]) -> str:
    parts = (
        f"course {g['course_id']}: {'no score yet' if g['current_score'] is None else g['current_score']}"
        for g in result
    )
    text = ", ".join(parts)
    return text[:1].upper() + text[1:] + "." if text else "There are no grades."


def _announcements(result: Any, _: Mapping[str, Any]) -> str:
    if not result:
        return "No announcements."
    return " ".join(f"{a['title']}: {a['message_preview']}" for a in result[:2])


def _planner(result: Any, _: Mapping[str, Any]) -> str:
    return (
        "In your planner: " + ", ".join(f"{p['title']} ({p['todo_date']})" for p in result) + "."
        if result
        else "Your planner is empty."
    )


def _events(result: Any, _: Mapping[str, Any]) -> str:
    if not result:
        return "Your calendar is empty then."
    parts = [f"{e['title']}, {e['start_iso'][:10] if e['all_day'] else when(e['start_iso'])}" for e in result[:3]]
    more = f"; {len(result)} in all" if len(result) > len(parts) else ""
    return "; ".join(parts) + more + "."


def _blocks(result: Any, _: Mapping[str, Any]) -> str:
    if not result:
        return "There is no free block like that."
    first = result[0]
    return f"You are free from {when(first['start_iso'])} to {first['end_iso'][11:16]}."


def _created(result: Any, _: Mapping[str, Any]) -> str:
    return f"Booked: {result['title']}, {when(result['start_iso'])} to {result['end_iso'][11:16]}."


def _modified(result: Any, _: Mapping[str, Any]) -> str:
    return f"The change of {result['event_id']} is pending; please confirm it."


def _deleted(result: Any, _: Mapping[str, Any]) -> str:
    return f"Deleting {result['event_id']} is pending; please confirm it."


def _sessions(result: Any, _: Mapping[str, Any]) -> str:
    dates = f"{len(result)} sessions: " + ", ".join(s["start_iso"][:10] for s in result) + "."
    past = sum("past" in s for s in result)
    return dates if not past else f"{dates} {_how_many(past, len(result))} already past."


def _how_many(past: int, total: int) -> str:
    return "All of them are" if past == total else f"The first {past} are" if past > 1 else "The first is"


def _semester(result: Any, _: Mapping[str, Any]) -> str:
    if not result:
        return "There is nothing to plan."
    return " ".join(
        f"Start {m['milestone']} on {m['start_work_iso'][:10]}, {m['recommended_hours_per_week']} hours a week."
        for m in result
    )


def _block_size(result: Any, _: Mapping[str, Any]) -> str:
    return f"{result['minutes']} minutes: {result['rationale']}."


def _bracket(result: Any, _: Mapping[str, Any]) -> str:
    review, rest = result
    return (
        f"Review from {when(review['start_iso'])} to {review['end_iso'][11:16]}, rest until {rest['end_iso'][11:16]}."
        + (" The review's start is already past." if "past" in review else "")
    )


def _hint(result: Any, arguments: Mapping[str, Any]) -> str:
    if result["winner"] is None:
        return f"I cannot tell: {result['rationale']}."
    return f"{arguments['item_a' if result['winner'] == 'A' else 'item_b']}: {result['rationale']}."


_ANSWERS: Mapping[str, Callable[[Any, Mapping[str, Any]], str]] = {
    "canvas.list_courses": _courses,
    "canvas.get_assignments": _assignments,
    "canvas.get_course": _course,
    "canvas.get_syllabus": _syllabus,
    "canvas.get_todo": _todo,
    "canvas.get_grades": _grades,
    "canvas.list_announcements": _announcements,
    "canvas.list_planner_items": _planner,
    "calendar.list_events": _events,
    "calendar.find_free_blocks": _blocks,
    "calendar.create_event": _created,
    "calendar.modify_event": _modified,
    "calendar.delete_event": _deleted,
    "study.spaced_schedule": _sessions,
    "study.semester_schedule": _semester,
    "study.recommend_block_size": _block_size,
    "study.exam_bracket": _bracket,
    "reranker.priority_hint": _hint,
}
