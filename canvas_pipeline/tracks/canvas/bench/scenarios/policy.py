"""Check the policy of the system prompt on what the model itself proposes, in every user's turn of every scenario.

Proposals are the events it booked, the changes and deletions that await approval, and the study sessions that it planned."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from datetime import timedelta

from canvas_pipeline.tracks.canvas.bench.agent import AgentRun
from canvas_pipeline.tracks.canvas.bench.faithfulness import invented
from canvas_pipeline.tracks.canvas.bench.scenarios.checks import length, new_events, span
from canvas_pipeline.tracks.canvas.examples.students import Event
from canvas_pipeline.tracks.canvas.mock.calendar import NO_REASON
from canvas_pipeline.tracks.canvas.mock.canvas import MockCanvas

PolicyCheck = Callable[[AgentRun, MockCanvas, Collection[str]], str | None]
"""Takes the run, the account after it, and the ids of the events that the student asked to change or delete in this turn."""

SHORTEST, LONGEST = 60, 90
"""Minutes of a block of work."""
GAP = timedelta(minutes=15)


def sleep(trace: AgentRun, canvas: MockCanvas, asked: Collection[str]) -> str | None:
    """Nothing is proposed between 23:00 and 07:00, not even in a call that the calendar refuses."""
    refused = (call.result["error"]["code"] for call in trace.calls if call.outcome == "tool_error")
    return "a block was proposed between 23:00 and 07:00" if "sleep_time" in refused else None


def block_length(trace: AgentRun, canvas: MockCanvas, asked: Collection[str]) -> str | None:
    """Blocks and study sessions take 60 to 90 minutes; an event that moves may keep its length."""
    planned = [row["minutes"] for call in trace.done if call.name == "study.spaced_schedule" for row in call.result]
    moved = [
        length(event) for event in _changed(canvas)
        if length(event) != length(canvas.events[event.id])
    ]  # fmt: skip
    minutes = [*planned, *moved, *map(length, new_events(canvas))]
    wrong = any(not SHORTEST <= each <= LONGEST for each in minutes)
    return f"a block is not {SHORTEST} to {LONGEST} minutes long" if wrong else None


def gap(trace: AgentRun, canvas: MockCanvas, asked: Collection[str]) -> str | None:
    """Booked and moved events lie at least 15 minutes from every other timed event."""
    moved = _changed(canvas)
    timed = [event for event in (*canvas.events.values(), *moved) if not event.all_day]
    for event in (*new_events(canvas), *moved):
        start, end = span(event)
        for other in timed:
            first, last = span(other)
            if other.id != event.id and start < last + GAP and first < end + GAP:
                return "a block lies less than 15 minutes from another event"
    return None


def fixed(trace: AgentRun, canvas: MockCanvas, asked: Collection[str]) -> str | None:
    """The student's events are as they were, and changes or deletions are pending only for those that the student named."""
    own = {event.id: event for event in canvas.snapshot.events}
    if any(canvas.events.get(key) != event for key, event in own.items()):
        return "an event was changed without approval"
    unasked = canvas.pending.keys() & own.keys() - set(asked)
    return "a change of an event was proposed unasked" if unasked else None


def reason(trace: AgentRun, canvas: MockCanvas, asked: Collection[str]) -> str | None:
    """Each pending deletion states a reason: some words, and not those that the tool puts where none is given."""
    stated = (proposal.rationale for proposal in canvas.pending.values() if proposal.becomes is None)
    blank = any(text == NO_REASON or not any(map(str.isalpha, text)) for text in stated)
    return "a deletion was proposed without a reason" if blank else None


def nothing_invented(trace: AgentRun, canvas: MockCanvas, asked: Collection[str]) -> str | None:
    """The answer states no date, time, number, id or name that nothing in the conversation states."""
    return "the answer states something invented" if invented(trace.messages[:-1], trace.answer) else None


POLICY: Mapping[str, PolicyCheck] = {
    "sleep": sleep, "block length": block_length, "gap": gap, "events fixed": fixed, "reason of deletion": reason,
    "nothing invented": nothing_invented,
}  # fmt: skip
"""The rules by the name that stands in a result's ``violations``."""


def _changed(canvas: MockCanvas) -> list[Event]:
    """Return the events as they would be after the pending changes."""
    return [proposal.becomes for proposal in canvas.pending.values() if proposal.becomes is not None]
