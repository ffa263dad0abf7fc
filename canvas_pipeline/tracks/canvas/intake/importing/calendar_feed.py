"""Import assignments from an .ics feed of a Canvas calendar: titles, courses and due times.

Other events are skipped. A deadline given as a day has no due time unless the school's time zone is known.
"""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, time
from zoneinfo import ZoneInfo

from icalendar import Calendar, Component
from icalendar.error import BrokenCalendarProperty

from canvas_pipeline.tracks.canvas.intake.importing.gathered import Course, Gathered, Work

_UID = re.compile(r"event-assignment-(?:override-)?([0-9]{1,40})")
_URL = re.compile(r"[?&]include_contexts=course_([0-9]{1,40})|/courses/([0-9]{1,40})")
_ANCHOR = re.compile(r"#assignment_([0-9]{1,40})")
_TITLE = re.compile(r"(.*\S)\s*\[([^\[\]]+)\]\s*", re.S)  # "Homework 1 [QX 3120]"
_END_OF_DAY = time(23, 59, 59)


def import_calendar(text: str, zone: ZoneInfo | None, gathered: Gathered) -> bool:
    """Add a calendar's assignments to ``gathered``. Returns False, and adds nothing, if the text is not a calendar."""
    try:
        calendars = Calendar.from_ical(text, multiple=True)
    except (ValueError, IndexError):
        return False
    for event in (event for calendar in calendars for event in calendar.walk("VEVENT")):
        _event(event, zone, gathered)
    return bool(calendars)


def _event(event: Component, zone: ZoneInfo | None, gathered: Gathered) -> None:
    url = str(event.get("url", ""))
    found = _ANCHOR.search(url) or _UID.match(str(event.get("uid", "")))
    if found is None:
        gathered.skipped["calendar events that are no assignments"] += 1
        return
    titled = _TITLE.fullmatch(str(event.get("summary", "")))
    name, code = (titled[1], titled[2]) if titled else (str(event.get("summary", "")), "")
    where = _URL.search(url)
    course = (where[1] or where[2]) if where else f"feed/{code}" if code else None
    if course and code:
        gathered.courses.setdefault(course, Course(code, code))
    gathered.skipped["descriptions"] += bool(event.get("description"))
    gathered.add(f"a{found[1]}", Work(name, course, due_at=_due(event, zone, gathered)))


def _due(event: Component, zone: ZoneInfo | None, gathered: Gathered) -> str | None:
    try:
        start = getattr(event.get("dtstart"), "dt", None)
    except BrokenCalendarProperty:
        start = None
    if isinstance(start, date) and not isinstance(start, datetime) and zone is not None:
        start = datetime.combine(start, _END_OF_DAY, zone)
    elif isinstance(start, datetime) and start.tzinfo is None and zone is not None:
        start = start.replace(tzinfo=zone)
    if isinstance(start, datetime) and start.tzinfo is not None:
        return start.astimezone(UTC).isoformat().replace("+00:00", "Z")
    gathered.skipped["due days without a time (give --timezone, and they end with the day)"] += start is not None
    gathered.skipped["due dates that cannot be read"] += start is None
    return None
