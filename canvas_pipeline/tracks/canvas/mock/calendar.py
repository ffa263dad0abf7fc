"""A student's calendar: events, free time, bookings, and changes that await approval.

Arguments are already validated and filled with defaults. An event created in one turn exists in the next. A change or deletion is
pending, with a rationale, until ``approve`` or ``decline``; until then no other one of the same event is accepted. Nothing is
booked or offered between 23:00 and 07:00 or on top of another event. Every list is bounded. Errors are ``ToolFault``."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

from canvas_pipeline.records import Row
from canvas_pipeline.tracks.canvas.examples.students import FIRST_HOUR, LAST_HOUR, MAX_RESULTS, Event, Snapshot, iso

LIST_EVENTS_DAYS = 14
NO_REASON = "requested by the student"
_BARE_DATE = re.compile(r"\d{4}-\d\d-\d\d|\d{8}")


class ToolFault(Exception):
    """A tool's own error: its code, and a message that says what to do instead."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class Pending(Row, frozen=True, kw_only=True):
    """A proposal that awaits approval. ``becomes`` is the changed event, or None for a deletion."""

    event_id: str
    becomes: Event | None
    rationale: str


class MockCalendar:
    """A calendar. ``events`` is its current state, ``pending`` what awaits approval; both by event id."""

    def __init__(self, snapshot: Snapshot, now: str | None = None) -> None:
        self.snapshot = snapshot
        instant = datetime.fromisoformat(now or snapshot.now)
        self.now = instant if instant.tzinfo else instant.replace(tzinfo=UTC)
        self.events: dict[str, Event] = {event.id: event for event in snapshot.events}
        self.pending: dict[str, Pending] = {}
        self._created = 0

    def approve(self, event_id: str) -> bool:
        """Carry out what is pending for an event. Returns False where nothing is, or where it no longer fits."""
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

    def decline(self, event_id: str) -> bool:
        """Drop what is pending for an event. Returns False where nothing is."""
        return self.pending.pop(event_id, None) is not None

    def _propose(self, proposal: Pending) -> None:
        """Keep a proposal. Raises ``ToolFault`` where another one of the event is pending: it is what the student was asked."""
        if self.pending.setdefault(proposal.event_id, proposal) != proposal:
            raise ToolFault(
                "pending",
                "another change of this event awaits the student's approval; it is approved or declined first",
            )

    def instant(self, text: str, *, end_of_day: bool = False) -> datetime:
        """Parse an instant in the student's zone. A bare date is its midnight, or as the end of a range the next one."""
        instant = datetime.fromisoformat(text)
        if end_of_day and _BARE_DATE.fullmatch(text):
            instant += timedelta(days=1)
        return (instant if instant.tzinfo else instant.replace(tzinfo=self.now.tzinfo)).astimezone(self.now.tzinfo)

    def list_events(self, a: dict[str, Any]) -> list[dict[str, Any]]:
        start = self.now if a["start_iso"] is None else self.instant(a["start_iso"])
        end = (
            start + timedelta(days=LIST_EVENTS_DAYS)
            if a["end_iso"] is None
            else self.instant(a["end_iso"], end_of_day=True)
        )
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
        """List maximal free spans of at least ``min_minutes`` within the given hours and outside sleep, soonest first.

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
        number = self._created + 1
        while f"ev{number}" in self.events:
            number += 1
        event = Event(
            id=f"ev{number}", title=a["title"], start_iso=iso(self.instant(a["start_iso"])),
            end_iso=iso(self.instant(a["end_iso"])), all_day=False, description=a["description"] or "",
            calendar_id=a["calendar_id"],
        )  # fmt: skip
        self._must_fit(event)
        self.events[event.id] = event
        self._created = number
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
                changes[key] = iso(self.instant(changes[key]))
        becomes = msgspec.structs.replace(event, **changes)
        if not becomes.all_day:
            self._must_fit(becomes, ignoring=event.id)
        rationale = a["rationale"] or NO_REASON
        self._propose(Pending(event_id=event.id, becomes=becomes, rationale=rationale))
        return {"status": "pending", "event_id": event.id, **changes, "rationale": rationale}

    def delete_event(self, a: dict[str, Any]) -> dict[str, Any]:
        event = self._event(a["event_id"])
        rationale = a["rationale"] or NO_REASON
        self._propose(Pending(event_id=event.id, becomes=None, rationale=rationale))
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

    def _clash(self, event: Event, ignoring: str | None = None) -> bool:
        start, end = datetime.fromisoformat(event.start_iso), datetime.fromisoformat(event.end_iso)
        return any(
            start < datetime.fromisoformat(other.end_iso) and datetime.fromisoformat(other.start_iso) < end
            for other in self.events.values()
            if not other.all_day and other.id != ignoring and other.calendar_id == event.calendar_id
        )


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
