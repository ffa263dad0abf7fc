"""Answer Canvas, calendar and study tools from a ``Snapshot``.

``dispatch`` returns a tool's result, or ``{"error": {code, tool, message, …}}``. It never raises and never reads the wall clock;
every list is bounded; the calendar's state lasts through a conversation.

Error codes: ``unknown_tool``, ``invalid_arguments`` (with ``problems``), and a tool's own ``not_found``, ``conflict``,
``sleep_time``, ``bad_span``, ``pending``, ``in_the_past``, ``out_of_calendar``."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any

from canvas_pipeline.models.family import ToolCall
from canvas_pipeline.tracks.canvas.examples.students import MAX_RESULTS, Assignment, Course, Snapshot
from canvas_pipeline.tracks.canvas.mock import study
from canvas_pipeline.tracks.canvas.mock.calendar import MockCalendar, ToolFault
from canvas_pipeline.tracks.canvas.tools.tool_table import TOOLS, validate

PREVIEW_CHARACTERS = 300
TODO_DAYS = 14
_DATE = re.compile(r"\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d)?(?:Z|[+-]\d\d:\d\d)?)?")


class MockCanvas(MockCalendar):
    """A mock Canvas account, calendar included, for one conversation."""

    @classmethod
    def of(cls, snapshot: Snapshot) -> MockCanvas:
        """Build the mock account of a snapshot at its own time: the factory that ``examples`` takes."""
        return cls(snapshot)

    def dispatch(self, name: str, arguments: Any) -> Any:
        """Run one tool. Never raises: an error in the call is returned as a value."""
        if not isinstance(name, str) or name not in TOOLS:
            message = validate(ToolCall(name, {}))[0].message if isinstance(name, str) else "a tool name is a string"
            return error("unknown_tool", name if isinstance(name, str) else None, message)
        if not isinstance(arguments, Mapping) or not all(isinstance(key, str) for key in arguments):
            return error("invalid_arguments", name, "arguments must be an object with named values")
        given = dict(arguments)
        if problems := validate(ToolCall(name, given)):
            listed = [{"argument": p.argument, "code": p.code, "message": p.message} for p in problems[:MAX_RESULTS]]
            return error("invalid_arguments", name, problems[0].message, problems=listed)
        tool = TOOLS[name]
        try:
            return _HANDLERS[name](self, {**tool.defaults(), **given})
        except ToolFault as fault:
            return error(fault.code, name, str(fault))
        except (OverflowError, ValueError):
            # Years before 1 or after 9999, and hours that are no finite number of weeks.
            return error("out_of_calendar", name, "the dates or amounts lie outside of what a calendar can hold")

    def _course(self, course_id: int) -> Course:
        for course in self.snapshot.courses:
            if course.id == course_id:
                return course
        raise ToolFault("not_found", "the student has no course with this id")

    def _assignment(self, a: Assignment) -> dict[str, Any]:
        overdue = a.due_iso is not None and self.instant(a.due_iso) < self.now
        return {
            "id": a.id, "title": a.title, "course_id": a.course_id, "due_iso": a.due_iso,
            "points_possible": study.plain(a.points_possible), "submission_types": list(a.submission_types),
            "submitted": a.submitted,
            "late": False,  # the corpus holds no time of submission, so lateness cannot be known
            "missing": overdue and not a.submitted,
        }  # fmt: skip

    # -- canvas ------------------------------------------------------------------------------------------------------

    def list_courses(self, a: dict[str, Any]) -> list[dict[str, Any]]:
        return [
            {"id": c.id, "name": c.name, "course_code": c.course_code, "credits": c.credits, "term": c.term}
            for c in self.snapshot.courses
            if c.active or not a["active_only"]
        ][:MAX_RESULTS]

    def get_assignments(self, a: dict[str, Any]) -> list[dict[str, Any]]:
        """List work due within the horizon, and overdue work not handed in. Undated work is in no horizon."""
        if a["course_id"] is not None:
            self._course(a["course_id"])
        limit = self.now + timedelta(days=a["horizon_days"])
        found = []
        for item in self.snapshot.assignments:
            if item.due_iso is None or (a["course_id"] is not None and item.course_id != a["course_id"]):
                continue
            due = self.instant(item.due_iso)
            wanted = a["include_submitted"] or not item.submitted
            if wanted and due <= limit and (due >= self.now or not item.submitted):
                found.append((due, item.id, self._assignment(item)))
        return [row for _, _, row in sorted(found, key=lambda entry: entry[:2])][:MAX_RESULTS]

    def get_course(self, a: dict[str, Any]) -> dict[str, Any]:
        c = self._course(a["course_id"])
        return {
            "id": c.id, "name": c.name, "course_code": c.course_code, "credits": c.credits, "term": c.term,
            "instructors": list(c.instructors), "total_students": c.total_students,
        }  # fmt: skip

    def get_syllabus(self, a: dict[str, Any]) -> str:
        return self._course(a["course_id"]).syllabus

    def get_todo(self, a: dict[str, Any]) -> list[dict[str, Any]]:
        """List work not handed in and due within two weeks, soonest first, undated work last."""
        limit = self.now + timedelta(days=TODO_DAYS)
        open_items = [
            item
            for item in self.snapshot.assignments
            if not item.submitted and (item.due_iso is None or self.now <= self.instant(item.due_iso) <= limit)
        ]
        open_items.sort(key=lambda item: (item.due_iso is None, item.due_iso or "", item.id))
        return [
            {"type": item.type, "course_id": item.course_id, "title": item.title, "due_iso": item.due_iso,
             "points_possible": study.plain(item.points_possible)}
            for item in open_items[:MAX_RESULTS]
        ]  # fmt: skip

    def get_grades(self, a: dict[str, Any]) -> list[dict[str, Any]]:
        courses = self.snapshot.courses if a["course_id"] is None else (self._course(a["course_id"]),)
        return [{"course_id": c.id, "current_score": study.plain(c.current_score)} for c in courses][:MAX_RESULTS]

    def list_announcements(self, a: dict[str, Any]) -> list[dict[str, Any]]:
        wanted = {self._course(course_id).id for course_id in a["course_ids"]}
        since = self.now - timedelta(days=a["past_days"])
        found = [
            x for x in self.snapshot.announcements if x.course_id in wanted and self.instant(x.posted_iso) >= since
        ]
        found.sort(key=lambda x: (x.posted_iso, x.id), reverse=True)
        return [
            {"id": x.id, "title": x.title, "course_id": x.course_id, "posted_iso": x.posted_iso,
             "message_preview": x.message[:PREVIEW_CHARACTERS]}
            for x in found[:MAX_RESULTS]
        ]  # fmt: skip

    def list_planner_items(self, a: dict[str, Any]) -> list[dict[str, Any]]:
        return [
            {"id": p.id, "title": p.title, "todo_date": p.todo_date, "course_id": p.course_id, "details": p.details}
            for p in sorted(self.snapshot.planner, key=lambda p: (p.todo_date, p.id))[:MAX_RESULTS]
        ]

    # -- study and reranker ------------------------------------------------------------------------------------------

    def spaced_schedule(self, a: dict[str, Any]) -> list[dict[str, Any]]:
        self._not_over(a["exam_iso"])
        exam = self.instant(a["exam_iso"])
        plan = study.spaced_schedule(exam, a["n_sessions"], a["minutes_per_session"], a["preferred_hour"])
        return study.past_marked(plan, self.now)

    def semester_schedule(self, a: dict[str, Any]) -> list[dict[str, Any]]:
        if not a["weekly_hours_available"]:
            raise ToolFault("bad_span", "weekly_hours_available must be more than 0")
        deadlines = [(d["title"], self.instant(d["due_iso"]), d["estimated_hours"]) for d in a["deadlines"]]
        end = self.instant(a["semester_end_iso"])
        return study.semester_schedule(end, deadlines, a["weekly_hours_available"], a["ramp_factor"])[:MAX_RESULTS]

    def recommend_block_size(self, a: dict[str, Any]) -> dict[str, Any]:
        return study.recommend_block_size(a["task_type"])

    def exam_bracket(self, a: dict[str, Any]) -> list[dict[str, Any]]:
        start, end = self.instant(a["exam_start_iso"]), self.instant(a["exam_end_iso"])
        if end <= start:
            raise ToolFault("bad_span", "exam_end_iso must be after exam_start_iso")
        self._not_over(a["exam_end_iso"])
        return study.past_marked(study.exam_bracket(start, end, a["review_minutes"]), self.now)

    def _not_over(self, exam_end: str) -> None:
        if self.instant(exam_end, end_of_day=True) <= self.now:
            raise ToolFault("in_the_past", "this exam is over; give the date of one that is still to come")

    def priority_hint(self, a: dict[str, Any]) -> dict[str, Any]:
        """Choose the item that is due first, and between equal dates the one with more points; else no winner.

        A date in the text takes precedence over the student's own assignment of that title."""
        (due_a, points_a), (due_b, points_b) = self._urgency(a["item_a"]), self._urgency(a["item_b"])
        if due_a != due_b and (due_a is not None or due_b is not None):
            first = due_b is None or (due_a is not None and due_a < due_b)
            return {"winner": "A" if first else "B", "rationale": "it is due first"}
        if due_a is not None and points_a != points_b:
            return {"winner": "A" if points_a > points_b else "B", "rationale": "it is worth more points"}
        return {"winner": None, "rationale": "too little is known about them"}

    def _urgency(self, text: str) -> tuple[datetime | None, float]:
        named = [item for item in self.snapshot.assignments if item.title and item.title.casefold() in text.casefold()]
        best = max(
            named,
            key=lambda item: (len(item.title), not item.submitted, item.due_iso is not None, -item.id),
            default=None,
        )
        written = _DATE.search(text)
        due = self.instant(written.group()) if written else None
        if due is None and best is not None and best.due_iso is not None:
            due = self.instant(best.due_iso)
        return due, (best.points_possible or 0.0) if best else 0.0


_HANDLERS: Mapping[str, Callable[[MockCanvas, dict[str, Any]], Any]] = {
    name: getattr(MockCanvas, name.split(".", 1)[1]) for name in TOOLS
}


def error(code: str, tool: str | None, message: str, **more: Any) -> dict[str, Any]:
    """Build an error as a tool's result: what is wrong and what to write instead."""
    return {"error": {"code": code, "tool": tool, "message": message, **more}}
