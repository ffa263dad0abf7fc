"""A student's Canvas, calendar and study tools, answered from a ``Snapshot``.

In: a tool's name and arguments. Out: what the tool returns, or ``{"error": {code, tool, message, …}}``. What must hold:
``dispatch`` never raises, whatever it is given; the wall clock is never read; every list is bounded; an event created in one
turn is there in the next; a change or a deletion stays pending until ``approve`` and always carries a rationale; nothing is
booked or offered between 23:00 and 07:00, and nothing on top of another event.

Error codes: ``unknown_tool`` (no such tool), ``invalid_arguments`` (with ``problems`` from the registry), and a tool's own
``not_found``, ``conflict``, ``sleep_time``, ``bad_span``, ``out_of_calendar``.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

from canvas_pipeline.bench import study
from canvas_pipeline.examples.students import FIRST_HOUR, LAST_HOUR, MAX_RESULTS, Assignment, Course, Event, Snapshot, iso
from canvas_pipeline.tools.registry import TOOLS, validate
from canvas_pipeline.tools.wire import ToolCall

PREVIEW_CHARACTERS = 300
LIST_EVENTS_DAYS = 14
NO_REASON = "requested by the student"
_DATE = re.compile(r"\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d)?(?:Z|[+-]\d\d:\d\d)?)?")


class ToolFault(Exception):
    """A tool's own error; becomes an error value in ``dispatch``."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class Pending(msgspec.Struct, frozen=True, kw_only=True):
    """A proposal that waits for the student: what would become of the event, None for a deletion."""

    event_id: str
    becomes: Event | None
    rationale: str


class MockCanvas:
    """One conversation's Canvas. ``events`` is the calendar as it stands, ``pending`` what waits for approval."""

    def __init__(self, snapshot: Snapshot, now: str | None = None) -> None:
        self.snapshot = snapshot
        instant = datetime.fromisoformat(now or snapshot.now)
        self.now = instant if instant.tzinfo else instant.replace(tzinfo=UTC)
        self.events: dict[str, Event] = {event.id: event for event in snapshot.events}
        self.pending: dict[str, Pending] = {}
        self._created = 0

    def dispatch(self, name: str, arguments: Any) -> Any:
        """Run one tool. Never raises: what is wrong with the call comes back as an error value."""
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

    def approve(self, event_id: str) -> bool:
        """The student agrees to what is pending for an event; False where nothing is, or where it no longer fits."""
        proposal = self.pending.get(event_id)
        if proposal is None:
            return False
        if proposal.becomes is None:
            self.events.pop(event_id, None)
        else:
            if not proposal.becomes.all_day and self._clash(proposal.becomes, ignoring=event_id):
                return False
            self.events[event_id] = proposal.becomes
        del self.pending[event_id]
        return True

    def _instant(self, text: str, *, end_of_day: bool = False) -> datetime:
        """Text as an instant in the student's zone; a bare date is its midnight, or the next one as the end of a range."""
        instant = datetime.fromisoformat(text)
        if end_of_day and re.fullmatch(r"\d{4}-\d\d-\d\d|\d{8}", text):
            instant += timedelta(days=1)
        return (instant if instant.tzinfo else instant.replace(tzinfo=self.now.tzinfo)).astimezone(self.now.tzinfo)

    def _course(self, course_id: int) -> Course:
        for course in self.snapshot.courses:
            if course.id == course_id:
                return course
        raise ToolFault("not_found", "the student has no course with this id")

    def _clash(self, event: Event, ignoring: str | None = None) -> bool:
        start, end = datetime.fromisoformat(event.start_iso), datetime.fromisoformat(event.end_iso)
        return any(
            start < datetime.fromisoformat(other.end_iso) and datetime.fromisoformat(other.start_iso) < end
            for other in self.events.values()
            if not other.all_day and other.id != ignoring and other.calendar_id == event.calendar_id
        )

    def _assignment(self, a: Assignment) -> dict[str, Any]:
        overdue = a.due_iso is not None and self._instant(a.due_iso) < self.now
        return {
            "id": a.id, "title": a.title, "course_id": a.course_id, "due_iso": a.due_iso,
            "points_possible": plain(a.points_possible), "submission_types": list(a.submission_types),
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
        """Due within the horizon, and overdue ones not handed in; undated ones are due in no horizon."""
        if a["course_id"] is not None:
            self._course(a["course_id"])
        limit = self.now + timedelta(days=a["horizon_days"])
        found = []
        for item in self.snapshot.assignments:
            if item.due_iso is None or (a["course_id"] is not None and item.course_id != a["course_id"]):
                continue
            due = self._instant(item.due_iso)
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
        """Not handed in and not yet due, soonest first; undated ones last."""
        open_items = [
            item
            for item in self.snapshot.assignments
            if not item.submitted and (item.due_iso is None or self._instant(item.due_iso) >= self.now)
        ]
        open_items.sort(key=lambda item: (item.due_iso is None, item.due_iso or "", item.id))
        return [
            {"type": item.type, "course_id": item.course_id, "title": item.title, "due_iso": item.due_iso,
             "points_possible": plain(item.points_possible)}
            for item in open_items[:MAX_RESULTS]
        ]  # fmt: skip

    def get_grades(self, a: dict[str, Any]) -> list[dict[str, Any]]:
        courses = self.snapshot.courses if a["course_id"] is None else (self._course(a["course_id"]),)
        return [{"course_id": c.id, "current_score": plain(c.current_score)} for c in courses][:MAX_RESULTS]

    def list_announcements(self, a: dict[str, Any]) -> list[dict[str, Any]]:
        wanted = {self._course(course_id).id for course_id in a["course_ids"]}
        since = self.now - timedelta(days=a["past_days"])
        found = [x for x in self.snapshot.announcements if x.course_id in wanted and self._instant(x.posted_iso) >= since]
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

    # -- calendar ----------------------------------------------------------------------------------------------------

    def list_events(self, a: dict[str, Any]) -> list[dict[str, Any]]:
        start = self.now if a["start_iso"] is None else self._instant(a["start_iso"])
        end = start + timedelta(days=LIST_EVENTS_DAYS) if a["end_iso"] is None else self._instant(a["end_iso"], end_of_day=True)
        if end <= start:
            raise ToolFault("bad_span", "end_iso must be after start_iso")
        found = [
            event
            for event in self.events.values()
            if event.calendar_id == a["calendar_id"]
            and (a["include_all_day"] or not event.all_day)
            and datetime.fromisoformat(event.start_iso) < end
            and datetime.fromisoformat(event.end_iso) > start
        ]
        return [_event(event) for event in sorted(found, key=_by_start)[:MAX_RESULTS]]

    def find_free_blocks(self, a: dict[str, Any]) -> list[dict[str, Any]]:
        """Maximal free spans of at least ``min_minutes`` within the hours asked for and never within sleep, soonest first.
        All-day events (holidays, birthdays) take no time."""
        first, last = max(a["earliest_hour"], FIRST_HOUR), min(a["latest_hour"], LAST_HOUR)
        busy = sorted(
            (datetime.fromisoformat(event.start_iso), datetime.fromisoformat(event.end_iso))
            for event in self.events.values()
            if not event.all_day and event.calendar_id == a["calendar_id"]
        )
        midnight = self.now.replace(hour=0, minute=0, second=0, microsecond=0)
        begin, limit = _next_half_hour(self.now), self.now + timedelta(days=a["horizon_days"])
        blocks: list[dict[str, Any]] = []
        for number in range(a["horizon_days"] + 1):
            day = midnight + timedelta(days=number)
            if first >= last or (a["exclude_weekends"] and day.weekday() >= 5):
                continue
            cursor, close = max(day + timedelta(hours=first), begin), min(day + timedelta(hours=last), limit)
            for start, end in [*busy, (close, close)]:
                until = min(start, close)
                minutes = int((until - cursor).total_seconds() // 60)
                if minutes >= a["min_minutes"]:
                    blocks.append({"start_iso": iso(cursor), "end_iso": iso(until), "minutes": minutes})
                cursor = max(cursor, end)
            if len(blocks) >= self.snapshot.page_size:
                break
        return blocks[: self.snapshot.page_size]

    def create_event(self, a: dict[str, Any]) -> dict[str, Any]:
        self._created += 1
        number = self._created
        while f"ev{number}" in self.events:
            number += 1
        event = Event(
            id=f"ev{number}", title=a["title"], start_iso=iso(self._instant(a["start_iso"])),
            end_iso=iso(self._instant(a["end_iso"])), all_day=False, description=a["description"] or "",
            calendar_id=a["calendar_id"],
        )  # fmt: skip
        self._must_fit(event)
        self.events[event.id] = event
        return {
            "id": event.id, "title": event.title, "start_iso": event.start_iso, "end_iso": event.end_iso, "status": "created",
        }  # fmt: skip

    def modify_event(self, a: dict[str, Any]) -> dict[str, Any]:
        event = self._event(a["event_id"])
        changes = {key: a[key] for key in ("title", "start_iso", "end_iso") if a[key] is not None}
        if not changes:
            raise ToolFault("bad_span", "nothing to change was given: name a title, start_iso or end_iso")
        for key in ("start_iso", "end_iso"):
            if key in changes:
                changes[key] = iso(self._instant(changes[key]))
        becomes = msgspec.structs.replace(event, **changes)
        if not becomes.all_day:
            self._must_fit(becomes, ignoring=event.id)
        rationale = a["rationale"] or NO_REASON
        self.pending[event.id] = Pending(event_id=event.id, becomes=becomes, rationale=rationale)
        return {"status": "pending", "event_id": event.id, **changes, "rationale": rationale}

    def delete_event(self, a: dict[str, Any]) -> dict[str, Any]:
        event = self._event(a["event_id"])
        rationale = a["rationale"] or NO_REASON
        self.pending[event.id] = Pending(event_id=event.id, becomes=None, rationale=rationale)
        return {"status": "pending_delete", "event_id": event.id, "rationale": rationale}

    def _event(self, event_id: str) -> Event:
        if event_id not in self.events:
            raise ToolFault("not_found", "the calendar has no event with this id")
        return self.events[event_id]

    def _must_fit(self, event: Event, ignoring: str | None = None) -> None:
        start, end = datetime.fromisoformat(event.start_iso), datetime.fromisoformat(event.end_iso)
        if end <= start:
            raise ToolFault("bad_span", "end_iso must be after start_iso")
        day = start.replace(hour=0, minute=0, second=0, microsecond=0)
        if start < day + timedelta(hours=FIRST_HOUR) or end > day + timedelta(hours=LAST_HOUR):
            raise ToolFault("sleep_time", "nothing is booked between 23:00 and 07:00")
        if self._clash(event, ignoring):
            raise ToolFault("conflict", "another event is at that time")

    # -- study and reranker ------------------------------------------------------------------------------------------

    def spaced_schedule(self, a: dict[str, Any]) -> list[dict[str, Any]]:
        exam = self._instant(a["exam_iso"])
        return study.spaced_schedule(exam, a["n_sessions"], a["minutes_per_session"], a["preferred_hour"])

    def semester_schedule(self, a: dict[str, Any]) -> list[dict[str, Any]]:
        if not a["weekly_hours_available"]:
            raise ToolFault("bad_span", "weekly_hours_available must be more than 0")
        deadlines = [(d["title"], self._instant(d["due_iso"]), d["estimated_hours"]) for d in a["deadlines"]]
        end = self._instant(a["semester_end_iso"])
        return study.semester_schedule(end, deadlines, a["weekly_hours_available"], a["ramp_factor"])[:MAX_RESULTS]

    def recommend_block_size(self, a: dict[str, Any]) -> dict[str, Any]:
        return study.recommend_block_size(a["task_type"])

    def exam_bracket(self, a: dict[str, Any]) -> list[dict[str, Any]]:
        start, end = self._instant(a["exam_start_iso"]), self._instant(a["exam_end_iso"])
        if end <= start:
            raise ToolFault("bad_span", "exam_end_iso must be after exam_start_iso")
        return study.exam_bracket(start, end, a["review_minutes"])

    def priority_hint(self, a: dict[str, Any]) -> dict[str, Any]:
        """The one due first wins; a date in the text counts before the student's own assignment of that title. Points
        decide between equal dates. Where that says nothing there is no winner."""
        (due_a, points_a), (due_b, points_b) = self._urgency(a["item_a"]), self._urgency(a["item_b"])
        if due_a != due_b and (due_a is not None or due_b is not None):
            first = due_b is None or (due_a is not None and due_a < due_b)
            return {"winner": "A" if first else "B", "rationale": "it is due first"}
        if due_a is not None and points_a != points_b:
            return {"winner": "A" if points_a > points_b else "B", "rationale": "it is worth more points"}
        return {"winner": None, "rationale": "too little is known about them"}

    def _urgency(self, text: str) -> tuple[datetime | None, float]:
        named = [item for item in self.snapshot.assignments if item.title and item.title.casefold() in text.casefold()]
        best = max(named, key=lambda item: (len(item.title), not item.submitted, item.due_iso is not None, -item.id), default=None)
        written = _DATE.search(text)
        due = self._instant(written.group()) if written else None
        if due is None and best is not None and best.due_iso is not None:
            due = self._instant(best.due_iso)
        return due, (best.points_possible or 0.0) if best else 0.0


_HANDLERS: Mapping[str, Callable[[MockCanvas, dict[str, Any]], Any]] = {
    name: getattr(MockCanvas, name.split(".", 1)[1]) for name in TOOLS
}


def error(code: str, tool: str | None, message: str, **more: Any) -> dict[str, Any]:
    """An error as a tool's result: what is wrong and what to write instead."""
    return {"error": {"code": code, "tool": tool, "message": message, **more}}


def plain(number: float | None) -> float | int | None:
    """10.0 as 10: shorter in a conversation, the same number in JSON."""
    return int(number) if number is not None and float(number).is_integer() else number


def _event(event: Event) -> dict[str, Any]:
    return {
        "id": event.id, "title": event.title, "start_iso": event.start_iso, "end_iso": event.end_iso,
        "all_day": event.all_day, "description": event.description, "calendar_id": event.calendar_id,
    }  # fmt: skip


def _by_start(event: Event) -> tuple[datetime, str]:
    return datetime.fromisoformat(event.start_iso), event.id


def _next_half_hour(instant: datetime) -> datetime:
    whole = instant.replace(minute=0, second=0, microsecond=0)
    while whole < instant:
        whole += timedelta(minutes=30)
    return whole
