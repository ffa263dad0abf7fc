"""Small right conversations over all 18 tools, by hand: what the tests of pairs and feedback are made from."""

from __future__ import annotations

import random
from typing import Any

from canvas_pipeline.models.gemma4.wire import ToolCall, response_text, serialise
from canvas_pipeline.records import Message
from canvas_pipeline.tracks.canvas.rows import Item, Trajectory
from canvas_pipeline.tracks.canvas.tools.prompt import ALL_TOOLS, system_message

NOW = "2026-02-02T15:00:00+00:00"


def item(n: int, **changes: Any) -> Item:
    """An open assignment due ``n`` days after the reference instant."""
    row: dict[str, Any] = {
        "id": f"{n:012x}", "type": "ASGN", "title": f"Homework {n}", "course": "@COURSE1", "course_name": "Course",
        "term": "2026 Spring", "due_at": f"2026-02-{3 + n % 24:02}T04:59:59Z", "points_possible": 10.0,
        "submission_types": ("online_upload",), "submission_status": "NOT_SUBMITTED", "contributors": ("alpha",),
        "collected_at": NOW, "parents": (f"alpha:{n}",),
    }  # fmt: skip
    return Item(**(row | changes))


def calls(rng: random.Random) -> dict[str, tuple[dict[str, Any], Any]]:
    """A right call of each tool with its result."""
    course = rng.randint(1000, 9999)
    day = f"2026-02-{rng.randint(3, 27):02}"
    start, end = f"{day}T14:00:00Z", f"{day}T15:30:00Z"
    event = f"evt_{rng.randint(1, 99)}"
    block = {"start_iso": start, "end_iso": end}
    work = {"title": "Essay", "course_id": course, "due_iso": end}
    return {
        "canvas.list_courses": ({}, [{"id": course, "course_code": "@COURSE1"}]),
        "canvas.get_assignments": ({"course_id": course, "horizon_days": rng.randint(3, 30)}, [work]),
        "canvas.get_course": ({"course_id": course}, {"id": course, "course_code": "@COURSE1"}),
        "canvas.get_syllabus": ({"course_id": course}, "Homework counts forty percent."),
        "canvas.get_todo": ({}, [work]),
        "canvas.get_grades": ({"course_id": course}, [{"course_id": course, "current_score": 91.5}]),
        "canvas.list_announcements": ({"course_ids": [course], "past_days": 5}, []),
        "canvas.list_planner_items": ({}, [work]),
        "calendar.list_events": ({"start_iso": start, "end_iso": end}, [{"id": event, "title": "Gym", **block}]),
        "calendar.find_free_blocks": ({"min_minutes": 60, "horizon_days": 3}, [{**block, "minutes": 90}]),
        "calendar.create_event": ({"title": "Study", **block}, {"id": event, "status": "created"}),
        "calendar.modify_event": ({"event_id": event, "start_iso": start}, {"status": "pending", "event_id": event}),
        "calendar.delete_event": ({"event_id": event, "rationale": "cancelled"}, {"status": "pending_delete"}),
        "study.spaced_schedule": ({"exam_iso": start, "n_sessions": 3}, [{**block, "label": "session 1"}]),
        "study.semester_schedule": (
            {"semester_end_iso": end, "deadlines": [{"title": "Essay", "due_iso": start, "estimated_hours": 4}]},
            [{"milestone": "Essay"}],
        ),
        "study.recommend_block_size": ({"task_type": "writing"}, {"minutes": 90, "rationale": "long"}),
        "study.exam_bracket": ({"exam_start_iso": start, "exam_end_iso": end}, [{"label": "review"}]),
        "reranker.priority_hint": (
            {"query": "first?", "item_a": "Essay", "item_b": "Quiz"},
            {"winner": "A", "rationale": "due first"},
        ),
    }


def conversation(
    name: str,
    kind: str,
    text: str,
    steps: list[list[tuple[str, dict[str, Any], Any]]],
    answer: str,
    items: tuple[str, ...],
) -> Trajectory:
    """A trajectory from calls and results, turn by turn."""
    messages = [system_message(NOW, "catalogue"), Message(role="user", content=text)]
    for step in steps:
        messages.append(Message(role="assistant", content="".join(serialise(ToolCall(n, a)) for n, a, _ in step)))
        messages += [Message(role="tool", name=n, content=response_text(r)) for n, _, r in step]
    messages.append(Message(role="assistant", content=answer))
    row = {"id": name, "kind": kind, "phrasing": f"{kind}/01", "messages": tuple(messages), "tools": ALL_TOOLS}
    return Trajectory(**row, item_ids=items, parents=items)  # type: ignore[arg-type]


def conversations(n: int, seed: int = 0) -> list[Trajectory]:
    """About ``n`` conversations: of every 27, 18 with one call (each tool), 3 with several, 3 sequences, 3 without
    any."""
    rng = random.Random(seed)
    rows: list[Trajectory] = []
    while len(rows) < n:
        student = (f"{len(rows):012x}", f"{len(rows) + 1:012x}")
        table = calls(rng)
        done = [(tool, arguments, result) for tool, (arguments, result) in table.items()]
        for tool, arguments, result in done:
            text = f"{len(rows)}: do {tool} with {arguments}"
            rows.append(
                conversation(f"t{len(rows)}", "single", text, [[(tool, arguments, result)]], "All done.", student)
            )
        for _ in range(3):
            both = rng.sample(done, 2)
            text = f"Do both {[b[:2] for b in both]}"
            rows.append(conversation(f"t{len(rows)}", "several", text, [both], "Both are done.", student))
        find, create = done[9], done[10]
        for _ in range(3):
            text = f"Find a block and book {rng.randint(0, 999)}"
            rows.append(conversation(f"t{len(rows)}", "sequence", text, [[find], [create]], "It is booked.", student))
        for greeting in ("Hello", "Thanks", "How is my course going"):
            text = f"{greeting} {rng.randint(0, 9999)}"
            rows.append(conversation(f"t{len(rows)}", "none", text, [], "Which course do you mean?", student))
    return rows


def twice(n: int, seed: int = 0) -> list[Trajectory]:
    """``n`` conversations whose one turn calls a tool twice, with different arguments."""
    rng = random.Random(seed)
    rows = []
    for index in range(n):
        tool = ("study.exam_bracket", "canvas.get_course", "canvas.get_assignments", "calendar.delete_event")[index % 4]
        both = [(tool, *calls(rng)[tool]) for _ in range(2)]
        student = (f"{2 * index:012x}", f"{2 * index + 1:012x}")
        text = f"{index}: do {tool} with {both[0][1]} and with {both[1][1]}"
        rows.append(conversation(f"w{index}", "several", text, [both], "Both are done.", student))
    return rows
