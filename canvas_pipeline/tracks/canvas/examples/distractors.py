"""Valid but unwanted calls, as models make them when they call too much or the wrong tool.

Every call validates against the tool table and uses only ids and dates of its own conversation, so a pair never contains another
student's data."""

from __future__ import annotations

import json
import random
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from canvas_pipeline.errors import BadInput
from canvas_pipeline.models.family import ToolCall
from canvas_pipeline.tracks.canvas.examples.decision_points import DecisionPoint
from canvas_pipeline.tracks.canvas.examples.students import iso
from canvas_pipeline.tracks.canvas.tools.calls import CALLS
from canvas_pipeline.tracks.canvas.tools.prompt import reference_instant, said
from canvas_pipeline.tracks.canvas.tools.tool_table import TOOLS, Parameter

# Names that language models made up for these tools in earlier systems, with the tool each was meant for (facts §2).
HALLUCINATED: Mapping[str, tuple[str, ...]] = {
    "canvas.get_assignments": ("canvas.list_assignments", "canvas.get_upcoming_assignments"),
    "canvas.list_courses": ("canvas.get_courses", "canvas.list_all_courses"),
    "canvas.get_course": ("canvas.course_details", "canvas.get_course_info"),
    "canvas.get_syllabus": ("canvas.read_syllabus", "canvas.get_course_syllabus"),
    "canvas.get_todo": ("canvas.list_todo", "canvas.get_todos"),
    "canvas.get_grades": ("canvas.list_grades", "canvas.get_scores"),
    "canvas.list_announcements": ("canvas.get_announcements", "canvas.read_announcements"),
    "canvas.list_planner_items": ("canvas.get_planner", "canvas.get_planner_items"),
    "calendar.list_events": ("calendar.get_events", "calendar.show_events"),
    "calendar.find_free_blocks": ("calendar.find_free_time", "calendar.get_availability"),
    "calendar.create_event": ("calendar.schedule_block", "calendar.add_event"),
    "calendar.modify_event": ("calendar.move_event", "calendar.update_event"),
    "calendar.delete_event": ("calendar.delete_block", "calendar.remove_event"),
    "study.spaced_schedule": ("study.weekly_summary", "study.spaced_repetition"),
    "study.semester_schedule": ("study.deadline_pressure", "study.plan_semester"),
    "study.recommend_block_size": ("study.suggest_block", "study.block_size"),
    "study.exam_bracket": ("study.exam_schedule", "study.exam_review"),
    "reranker.priority_hint": ("reranker.rerank_assignments", "reranker.priority_score"),
}

# Tools of the same family that a model confuses with the right one.
NEAR_MISSES: Mapping[str, tuple[str, ...]] = {
    "canvas.get_assignments": ("canvas.get_todo", "canvas.list_planner_items"),
    "canvas.list_courses": ("canvas.get_grades", "canvas.get_todo"),
    "canvas.get_course": ("canvas.get_syllabus", "canvas.list_courses"),
    "canvas.get_syllabus": ("canvas.get_course", "canvas.get_assignments"),
    "canvas.get_todo": ("canvas.list_planner_items", "canvas.get_assignments"),
    "canvas.get_grades": ("canvas.get_course", "canvas.get_assignments"),
    "canvas.list_announcements": ("canvas.get_course", "canvas.get_todo"),
    "canvas.list_planner_items": ("canvas.get_todo", "canvas.get_assignments"),
    "calendar.list_events": ("calendar.find_free_blocks",),
    "calendar.find_free_blocks": ("calendar.list_events",),
    "calendar.create_event": ("calendar.modify_event", "calendar.find_free_blocks"),
    "calendar.modify_event": ("calendar.create_event", "calendar.delete_event"),
    "calendar.delete_event": ("calendar.modify_event", "calendar.list_events"),
    "study.spaced_schedule": ("study.recommend_block_size", "study.exam_bracket"),
    "study.semester_schedule": ("study.spaced_schedule", "study.recommend_block_size"),
    "study.recommend_block_size": ("study.spaced_schedule",),
    "study.exam_bracket": ("study.spaced_schedule",),
    "reranker.priority_hint": (),
}

# What a model calls beside or after a tool although the request is served. Each tool stands here about three times: a tool
# that is rejected more often than it is chosen is unlearnt, right calls of it included (see docs/experiments.md).
COMPANIONS: Mapping[str, tuple[str, ...]] = {
    "canvas.get_assignments": ("canvas.get_todo", "canvas.list_planner_items", "study.semester_schedule"),
    "canvas.list_courses": ("canvas.get_course", "canvas.get_grades", "canvas.list_announcements"),
    "canvas.get_course": ("canvas.get_syllabus", "canvas.list_courses", "canvas.list_announcements"),
    "canvas.get_syllabus": ("canvas.get_course", "canvas.get_assignments", "canvas.list_announcements"),
    "canvas.get_todo": ("canvas.get_assignments", "canvas.list_planner_items", "reranker.priority_hint"),
    "canvas.get_grades": ("canvas.get_course", "canvas.list_courses", "canvas.get_syllabus"),
    "canvas.list_announcements": ("canvas.get_syllabus", "canvas.get_grades", "canvas.list_courses"),
    "canvas.list_planner_items": ("canvas.get_todo", "calendar.list_events", "canvas.get_assignments"),
    "calendar.list_events": ("calendar.find_free_blocks", "calendar.modify_event", "calendar.delete_event"),
    "calendar.find_free_blocks": ("calendar.list_events", "calendar.create_event", "study.recommend_block_size"),
    "calendar.create_event": ("calendar.modify_event", "calendar.find_free_blocks", "calendar.delete_event"),
    "calendar.modify_event": ("calendar.create_event", "calendar.delete_event", "calendar.list_events"),
    "calendar.delete_event": ("calendar.modify_event", "calendar.create_event", "canvas.list_planner_items"),
    "study.spaced_schedule": ("study.exam_bracket", "study.recommend_block_size", "study.semester_schedule"),
    "study.semester_schedule": ("study.spaced_schedule", "reranker.priority_hint", "canvas.get_grades"),
    "study.recommend_block_size": ("study.spaced_schedule", "calendar.find_free_blocks", "study.exam_bracket"),
    "study.exam_bracket": ("study.spaced_schedule", "study.recommend_block_size", "study.semester_schedule"),
    "reranker.priority_hint": ("canvas.get_todo", "study.exam_bracket", "canvas.get_assignments"),
    "none": tuple(TOOLS),
}

_INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d(?::\d\d)?Z")
_WORDS = {
    "title": "Study block",
    "rationale": "asked by the student",
    "description": "study",
    "query": "What is first?",
}


@dataclass(frozen=True, slots=True)
class AtHand:
    """Ids, instants and titles in a conversation, in order of appearance."""

    courses: tuple[int, ...]
    events: tuple[str, ...]
    titles: tuple[str, ...]
    instants: tuple[str, ...]
    now: datetime


def at_hand(point: DecisionPoint) -> AtHand:
    """Collect what a model could copy at a decision point."""
    courses: list[int] = []
    events: list[str] = []
    titles: list[str] = []
    sources: list[Any] = [call.arguments for call in point.done + point.needed]
    sources += [_result(m.content) for m in point.prompt if m.role == "tool"]
    for source in sources:
        _collect(source, courses, events, titles)
    # The reference instant is not the student's to copy, wherever it stands.
    text = " ".join(said(m) for m in point.prompt if m.role != "system")
    needed = json.dumps([call.arguments for call in point.needed])
    now = reference_instant(point.prompt)
    if now is None:
        raise BadInput(f"trajectory {point.trajectory.id}: its prompt states no instant; make it again")
    return AtHand(
        courses=tuple(dict.fromkeys(courses)),
        events=tuple(dict.fromkeys(events)),
        titles=tuple(dict.fromkeys(titles)),
        instants=tuple(dict.fromkeys(_INSTANT.findall(text + " " + needed))),
        now=now,
    )


def fillable(tool: str, hand: AtHand) -> bool:
    """Tell whether a conversation states everything that a tool must be given. A wrong call with invented values would be wrong
    twice."""
    stated = {
        "course_id": bool(hand.courses), "course_ids": bool(hand.courses), "event_id": bool(hand.events),
        "title": bool(hand.titles), "item_a": len(hand.titles) > 1, "item_b": len(hand.titles) > 1, "deadlines": False,
        "end_iso": len(hand.instants) > 1, "exam_end_iso": len(hand.instants) > 1,
    }  # fmt: skip
    return all(stated.get(p.name, p.kind != "iso" or bool(hand.instants)) for p in TOOLS[tool].parameters if p.required)


def call_for(tool: str, point: DecisionPoint, rng: random.Random) -> ToolCall:
    """Build a valid call of ``tool``: required arguments, sometimes an optional id, with values from the conversation."""
    hand = at_hand(point)
    parameters = TOOLS[tool].parameters
    arguments = {p.name: _fill(p, hand, rng) for p in parameters if p.required}
    for start, end in (("start_iso", "end_iso"), ("exam_start_iso", "exam_end_iso")):
        if start not in arguments or end not in arguments:
            continue
        if len(hand.instants) > 1:
            arguments[start], arguments[end] = sorted(rng.sample(hand.instants, 2), key=datetime.fromisoformat)
        else:
            arguments[end] = _later(arguments[start], minutes=rng.choice((60, 90, 120)))
    if arguments.get("item_a") is not None and arguments["item_a"] == arguments.get("item_b"):
        arguments["item_b"] = next((title for title in hand.titles if title != arguments["item_a"]), "Reading")
    for p in parameters:
        # Without an optional id most extra calls would be bare, and easy to tell from real ones by that alone.
        if p.name in ("course_id", "course_ids") and not p.required and hand.courses and rng.random() < 0.6:
            arguments[p.name] = _fill(p, hand, rng)
    return ToolCall(tool, arguments)


def companion(point: DecisionPoint, rng: random.Random, excluded: tuple[str, ...]) -> ToolCall | None:
    """Build a related call that is needed neither now nor later and not ``excluded``, or None.

    Beside other calls its values stand in the conversation; where nothing was to be called, inventing them is the mistake."""
    refused = {call.name for call in point.needed + point.later} | set(excluded)
    hand = at_hand(point)
    free = not point.needed and not point.done
    names = [name for name in COMPANIONS[point.subject] if name not in refused and (free or fillable(name, hand))]
    return call_for(rng.choice(names), point, rng) if names else None


def _fill(p: Parameter, hand: AtHand, rng: random.Random) -> Any:
    if p.name == "course_id":
        return rng.choice(hand.courses) if hand.courses else rng.randint(1000, 9999)
    if p.name == "course_ids":
        return [rng.choice(hand.courses) if hand.courses else rng.randint(1000, 9999)]
    if p.name == "event_id":
        return rng.choice(hand.events) if hand.events else f"evt_{rng.randint(1, 99)}"
    if p.name in ("item_a", "item_b", "title"):
        return rng.choice(hand.titles) if hand.titles else _WORDS["title"]
    if p.enum:
        return rng.choice(p.enum)
    if p.kind == "iso":
        coming = (hand.now + timedelta(days=rng.randint(1, 9))).replace(hour=rng.randint(9, 18), minute=0, second=0)
        return rng.choice(hand.instants) if hand.instants else iso(coming)
    if p.kind == "array":
        due = iso(hand.now + timedelta(days=rng.randint(3, 20)))
        return [{"title": _fill(_TITLE, hand, rng), "due_iso": due, "estimated_hours": rng.choice((2, 4, 6))}]
    return _WORDS.get(p.name, "study")


_TITLE = Parameter("title", "string", "")


def _collect(value: Any, courses: list[int], events: list[str], titles: list[str]) -> None:
    if isinstance(value, dict):
        for key, inner in value.items():
            if key == "course_id" and isinstance(inner, int):
                courses.append(inner)
            elif key == "event_id" and isinstance(inner, str):
                events.append(inner)
            elif key in ("title", "item_a", "item_b") and isinstance(inner, str):
                titles.append(inner)
            elif key == "id" and isinstance(inner, int) and "course_code" in value:
                courses.append(inner)
            elif key == "id" and isinstance(inner, str) and "start_iso" in value:
                events.append(inner)
            elif key == "course_ids" and isinstance(inner, list):
                courses.extend(x for x in inner if isinstance(x, int))
            else:
                _collect(inner, courses, events, titles)
    elif isinstance(value, (list, tuple)):
        for inner in value:
            _collect(inner, courses, events, titles)


def _result(content: str) -> Any:
    try:
        return json.loads(CALLS.unescape(content))
    except ValueError:
        return None  # a tool's plain-text result holds nothing to copy


def _later(instant: str, minutes: int) -> str:
    return iso(datetime.fromisoformat(instant) + timedelta(minutes=minutes))
