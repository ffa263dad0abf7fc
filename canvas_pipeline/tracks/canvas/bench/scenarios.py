"""Run six typical requests of a student end to end through the agent loop on the mock Canvas, and check the outcome.

A model that fails a scenario gives a result with a reason, not an error. The student's time is fixed: Monday 2026-03-02, 08:00
UTC.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from canvas_pipeline.models.families import family
from canvas_pipeline.models.family import ToolCall
from canvas_pipeline.profiles import profile_named
from canvas_pipeline.records import Row, write_jsonl
from canvas_pipeline.tracks.canvas.bench.agent import AgentRun, Backend, CanvasAgent
from canvas_pipeline.tracks.canvas.examples.students import Assignment, Course, Event, Snapshot
from canvas_pipeline.tracks.canvas.mock.canvas import MockCanvas
from canvas_pipeline.tracks.canvas.mock.study import DAYS_BEFORE
from canvas_pipeline.tracks.canvas.profiles import PROFILES
from canvas_pipeline.tracks.canvas.tools.calls import CALLS
from canvas_pipeline.tracks.canvas.tools.prompt import ALL_TOOLS, Declaration, declared

NOW = "2026-03-02T08:00Z"
Check = Callable[[AgentRun, MockCanvas], str | None]
"""Returns None, or what is wrong after the run."""


class ScenarioResult(Row, frozen=True, kw_only=True):
    """The result of one scenario. ``reason`` names the first check that failed; it is empty if all passed."""

    scenario: str
    title: str
    passed: bool
    reason: str
    trace: AgentRun


@dataclass(frozen=True, slots=True)
class Scenario:
    """One request with its checks. ``script`` is an example of the right turns, which passes all ``checks``."""

    id: str
    title: str
    text: str
    script: tuple[str, ...]
    checks: tuple[Check, ...]


def student() -> Snapshot:
    """Build the student of all scenarios: two courses, four pieces of work, a shift, a study group and a training."""
    courses = tuple(
        Course(
            id=number, name=name, course_code=code, credits=3, term="2026 Spring", instructors=(f"@PERSON{index}",),
            total_students=60, active=True, syllabus="The final exam counts half. Late work is not accepted.", current_score=score,
        )
        for index, (number, name, code, score) in enumerate(
            ((4264, "Data Structures", "@COURSE1", 88.5), (5310, "World History", "@COURSE2", None)), 1
        )
    )  # fmt: skip
    assignments = tuple(
        Assignment(
            id=number, item_id=f"scenario-{number}", type=type_, title=title, course_id=course, due_iso=due, points_possible=points,
            submission_types=("online_upload",), submitted=submitted,
        )
        for number, type_, title, course, due, points, submitted in (
            (71001, "ASGN", "Lab 3", 4264, "2026-03-04T23:59Z", 20.0, False),
            (71002, "ASGN", "Essay 2", 5310, "2026-03-10T23:59Z", 100.0, False),
            (71003, "QUIZ", "Quiz 4", 4264, "2026-03-03T23:59Z", 10.0, True),
            (71004, "ASGN", "Reading log", 5310, None, None, False),
        )
    )  # fmt: skip
    events = tuple(
        Event(id=key, title=title, start_iso=start, end_iso=end, all_day=False, description="")
        for key, title, start, end in (
            ("ev41", "Work shift", "2026-03-03T16:00Z", "2026-03-03T20:00Z"),
            ("ev42", "Study group", "2026-03-02T18:00Z", "2026-03-02T19:30Z"),
            ("ev43", "Swimming", "2026-03-05T07:00Z", "2026-03-05T08:30Z"),
        )
    )
    return Snapshot(
        id="scenario", now=NOW, items=(), courses=courses, assignments=assignments, events=events, announcements=(),
        planner=(), page_size=20,
    )  # fmt: skip


def answered(trace: AgentRun, canvas: MockCanvas) -> str | None:
    """Check that the run ended with an answer of the model after at least one call that succeeded."""
    if trace.ending != "answered":
        return f"no answer ({trace.ending})"
    return None if trace.done else "no tool call worked"


def clean(trace: AgentRun, canvas: MockCanvas) -> str | None:
    """Check that no call was malformed, invalid, unknown or made twice."""
    bad = [call.outcome for call in trace.calls if call.outcome not in ("ok", "tool_error")]
    return f"a call was {bad[0]}" if bad else None


def called(*tools: str) -> Check:
    """Check that these tools succeeded in this order, perhaps with others between them."""

    def check(trace: AgentRun, canvas: MockCanvas) -> str | None:
        names = iter(call.name for call in trace.done)
        missing = next((tool for tool in tools if tool not in names), None)
        return f"{missing} was not called, or not in its place" if missing else None

    return check


def gave(tool: str, fits: Callable[[Any], bool], what: str) -> Check:
    """Check that a result of the tool ``fits``; ``what`` is the reason if none does."""

    def check(trace: AgentRun, canvas: MockCanvas) -> str | None:
        return None if any(call.name == tool and fits(call.result) for call in trace.done) else what

    return check


def booked(count: int, minutes: tuple[int, int] = (60, 90)) -> Check:
    """Check that ``count`` new events have an allowed length, lie in the daytime and 15 minutes from any other event."""

    def check(trace: AgentRun, canvas: MockCanvas) -> str | None:
        old = {event.id for event in canvas.snapshot.events}
        new = [event for key, event in canvas.events.items() if key not in old]
        if len(new) < count:
            return f"{len(new)} of {count} events were booked"
        for event in new:
            start, end = span(event)
            if not minutes[0] <= (end - start).total_seconds() / 60 <= minutes[1]:
                return f"a block is not {minutes[0]} to {minutes[1]} minutes long"
            if start.hour < 7 or end > start.replace(hour=23, minute=0):
                return "a block lies in the sleep"
            for other in canvas.events.values():
                first, last = span(other)
                if (
                    other.id != event.id
                    and start < last + timedelta(minutes=15)
                    and first < end + timedelta(minutes=15)
                ):
                    return "a block lies less than 15 minutes from another event"
        return None

    return check


def span(event: Event) -> tuple[datetime, datetime]:
    """Return an event's start and end."""
    return datetime.fromisoformat(event.start_iso), datetime.fromisoformat(event.end_iso)


def untouched(trace: AgentRun, canvas: MockCanvas) -> str | None:
    """Check that the earlier events of the calendar are unchanged: changes await the student's approval."""
    return None if all(canvas.events.get(e.id) == e for e in canvas.snapshot.events) else "an event was changed unasked"


def pending(event_id: str) -> Check:
    """Check that a proposal with a rationale is pending for this event."""

    def check(trace: AgentRun, canvas: MockCanvas) -> str | None:
        proposal = canvas.pending.get(event_id)
        return None if proposal and proposal.rationale else f"nothing is pending for {event_id}"

    return check


def mentions(*words: str) -> Check:
    """Check that the answer contains these words, in any case."""

    def check(trace: AgentRun, canvas: MockCanvas) -> str | None:
        missing = [word for word in words if word.casefold() not in trace.answer.casefold()]
        return "the answer leaves out something it must name" if missing else None

    return check


def days_before(exam: str, sessions: int) -> Check:
    """Check that the sessions are as many days before the exam as ``DAYS_BEFORE`` states."""
    day = datetime.fromisoformat(exam).date()

    def fits(result: Any) -> bool:
        found = tuple((day - datetime.fromisoformat(row["start_iso"]).date()).days for row in result)
        return found == DAYS_BEFORE[sessions]

    return gave(
        "study.spaced_schedule", fits, f"no schedule for {exam} has sessions {DAYS_BEFORE[sessions]} days before"
    )


def _call(name: str, **arguments: Any) -> str:
    return CALLS.serialise(ToolCall(name, arguments))


SCENARIOS: tuple[Scenario, ...] = (
    Scenario(
        "semester_planning", "Semester planning",
        "Plan my semester until 2026-05-08: Essay 2 due 2026-03-10 (12 hours); Term paper due 2026-04-20 (30 hours)",
        (
            _call("study.semester_schedule", semester_end_iso="2026-05-08", deadlines=[
                {"title": "Essay 2", "due_iso": "2026-03-10", "estimated_hours": 12},
                {"title": "Term paper", "due_iso": "2026-04-20", "estimated_hours": 30},
            ]),
            "Start Essay 2 on 2026-02-24 and Term paper on 2026-03-16, 6 hours a week each.",
        ),
        (answered, clean, called("study.semester_schedule"),
         gave("study.semester_schedule", lambda rows: [row["milestone"] for row in rows] == ["Essay 2", "Term paper"],
              "the plan does not hold both milestones in order"),
         untouched),
    ),
    Scenario(
        "spaced_study", "Spaced study", "Plan 4 study sessions before my exam on 2026-03-20",
        (
            _call("study.spaced_schedule", exam_iso="2026-03-20", n_sessions=4),
            "4 sessions: 2026-03-10, 2026-03-15, 2026-03-18, 2026-03-19.",
        ),
        (answered, clean, called("study.spaced_schedule"), days_before("2026-03-20", 4), mentions("2026-03-10"), untouched),
    ),
    Scenario(
        "several_exams", "Several exams in one week",
        "Plan 3 study sessions before my exam on 2026-03-17. Also, plan 5 study sessions before my exam on 2026-03-19",
        (
            _call("study.spaced_schedule", exam_iso="2026-03-17", n_sessions=3)
            + _call("study.spaced_schedule", exam_iso="2026-03-19", n_sessions=5),
            "3 sessions: 2026-03-07, 2026-03-13, 2026-03-16. "
            "5 sessions: 2026-03-05, 2026-03-12, 2026-03-16, 2026-03-17, 2026-03-18.",
        ),
        (answered, clean, called("study.spaced_schedule", "study.spaced_schedule"), days_before("2026-03-17", 3),
         days_before("2026-03-19", 5), untouched),
    ),
    Scenario(
        "illness", "Illness: rescheduling",
        "Move Study group on 2026-03-02 to 2026-03-06 from 10:00 to 11:30 because I am ill",
        (
            _call("calendar.list_events", start_iso="2026-03-02", end_iso="2026-03-02"),
            _call("calendar.modify_event", event_id="ev42", start_iso="2026-03-06T10:00Z", end_iso="2026-03-06T11:30Z",
                  rationale="I am ill"),
            "The change of ev42 is pending; please confirm it.",
        ),
        (answered, clean, called("calendar.list_events", "calendar.modify_event"), pending("ev42"), untouched),
    ),
    Scenario(
        "deadline_triage", "Deadline triage", "Look at my to-do list: of the first two, which first?",
        (
            _call("canvas.get_todo"),
            _call("reranker.priority_hint", query="which first", item_a="Lab 3", item_b="Essay 2"),
            "Lab 3: it is due first.",
        ),
        (answered, clean, called("canvas.get_todo", "reranker.priority_hint"),
         gave("reranker.priority_hint", lambda hint: hint["winner"] is not None, "the hint names no winner"),
         mentions("Lab 3"), untouched),
    ),
    Scenario(
        "free_block", "Booking a free block",
        "Find a free block of 90 minutes in the next 3 days and book Study Lab 3",
        (
            _call("calendar.find_free_blocks", min_minutes=90, horizon_days=3),
            _call("calendar.create_event", title="Study Lab 3", start_iso="2026-03-02T08:00Z", end_iso="2026-03-02T09:30Z"),
            "Booked: Study Lab 3, 2026-03-02 08:00 to 09:30.",
        ),
        (answered, clean, called("calendar.find_free_blocks", "calendar.create_event"), booked(1), untouched),
    ),
)  # fmt: skip


def run_scenario(scenario: Scenario, backend: Backend, declaration: Declaration = "catalogue") -> ScenarioResult:
    """Run one scenario on a new mock account."""
    canvas = MockCanvas(student())
    trace = CanvasAgent(backend, canvas, declaration=declaration).run(scenario.text)
    reason = next((found for check in scenario.checks if (found := check(trace, canvas))), "")
    return ScenarioResult(scenario=scenario.id, title=scenario.title, passed=not reason, reason=reason, trace=trace)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run all scenarios with a model and write their results as JSONL. The exit code is 0 whatever the results are."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--model", type=Path, required=True)
    parser.add_argument("--backend", choices=("hf", "gguf", "served"), default="hf")
    parser.add_argument("--address", default="", help="served: as of the generation process")
    parser.add_argument("--serve", default="", help="served: as of the generation process")
    parser.add_argument(
        "--answers", type=Path, help="served: folder of the answers, kept for later runs (default: beside --out)"
    )
    parser.add_argument("--profile", default="embedded")
    parser.add_argument("--out", type=Path, required=True)
    given = parser.parse_args(arguments)
    from canvas_pipeline.evaluation import generate, served  # imports torch or llama.cpp

    sizes = profile_named(PROFILES, given.profile)
    of = family(sizes.family_name)
    with ExitStack() as stack:
        if given.backend == "served":
            answers = given.answers or given.out.parent / "answers"
            opened = served.opened(given.model, of, "canvas", answers, address=given.address, serve=given.serve)
            generator: generate.Generator = stack.enter_context(opened)
        else:
            generator = generate.load(given.backend, given.model, of)
        backend = generate.ChatModel(generator, of, declared(ALL_TOOLS, sizes.declaration))
        write_jsonl(given.out, [run_scenario(one, backend, sizes.declaration) for one in SCENARIOS])
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
