"""Build one request of a student: words, and the calls they ask for, turn by turn.

The calls' arguments are exactly those that the text states or an earlier result gives, and valid by the tool table. A course that
is named as people do, by name or code, is looked up first."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from canvas_pipeline.models.family import ToolCall
from canvas_pipeline.tracks.canvas.examples.fillers import FILLERS, Values, nameable
from canvas_pipeline.tracks.canvas.examples.phrasings.calendar import CALENDAR
from canvas_pipeline.tracks.canvas.examples.phrasings.canvas import CANVAS
from canvas_pipeline.tracks.canvas.examples.phrasings.dialogue import JOINERS
from canvas_pipeline.tracks.canvas.examples.phrasings.study import STUDY
from canvas_pipeline.tracks.canvas.examples.phrasings.wording import (
    Wording,
    WordingRole,
    fill,
    of_role,
    polite,
    sentence,
    uncapitalised,
)
from canvas_pipeline.tracks.canvas.examples.situation import Step
from canvas_pipeline.tracks.canvas.examples.students import Canvas, Course, Snapshot
from canvas_pipeline.tracks.canvas.tools.calls import CALLS
from canvas_pipeline.tracks.canvas.tools.tool_table import TOOLS

WORDINGS: Mapping[str, tuple[Wording, ...]] = {name: {**CANVAS, **CALENDAR, **STUDY}[name] for name in TOOLS}
REFERRING: tuple[str, ...] = (
    "canvas.get_assignments", "canvas.get_course", "canvas.get_syllabus", "canvas.get_grades", "canvas.list_announcements",
)  # fmt: skip
"""The tools that are asked about a course."""

NextCall = Callable[[tuple[Any, ...]], ToolCall | None]
"""Makes a call from the results so far, or returns None where they do not allow it."""


@dataclass(frozen=True, slots=True)
class Request:
    """One request. ``text`` has no politeness yet; ``phrasing`` is the wording's id; ``plan`` has one call for each turn.

    ``cased``: the first letter may change (False where the text begins with an id or title that the call must repeat)."""

    text: str
    plan: tuple[NextCall, ...]
    phrasing: str
    cased: bool

    @property
    def call(self) -> ToolCall:
        """The first call, which needs no result."""
        call = self.plan[0](())
        if call is None:
            raise ValueError(f"{self.phrasing}: the first call needs a result")
        return call

    def typed(self, role: WordingRole, rng: random.Random) -> str:
        """Return the request as somebody types it, with markers in titles escaped."""
        return CALLS.escape(polite(self.text, role, rng, cased=self.cased))


def constant(name: str, arguments: Mapping[str, Any]) -> NextCall:
    """Make a call that needs no result."""
    return lambda _: ToolCall(name, dict(arguments))


def ask(account: Snapshot, tool: str, role: WordingRole, rng: random.Random, named: bool = False) -> Request | None:
    """Build a request for one tool in one of the role's wordings.

    With ``named``, a course is named and looked up: None where the account has none that could be."""
    lines = of_role(WORDINGS[tool], role)
    if named:
        lines = [wording for wording in lines if set(wording.slots) & {"course", "courses"}]
        if not nameable(account):
            return None
    return phrase(account, tool, rng.choice(lines), rng, named)


def phrase(account: Snapshot, tool: str, wording: Wording, rng: random.Random, named: bool = False) -> Request:
    """Build a request in the given wording."""
    values: Values = FILLERS[tool](account, rng, wording.slots, named) if wording.slots else {}
    used = [values[slot] for slot in wording.slots]
    arguments: dict[str, Any] = {}
    for value in used:
        arguments.update(value.arguments)
    arguments.update(wording.sets)
    text = fill(wording.choose(rng), {name: value.text for name, value in values.items()})
    courses = next((value.courses for value in used if value.courses), ())
    plan = looked_up(tool, courses, arguments) if courses else (constant(tool, arguments),)
    return Request(text, plan, wording.id, wording.cased)


def looked_up(tool: str, courses: Sequence[Course], arguments: Mapping[str, Any]) -> tuple[NextCall, ...]:
    """List the courses, then call a tool with the ids of those that were named."""

    def then(results: tuple[Any, ...]) -> ToolCall | None:
        listed = {course["name"]: course["id"] for course in results[0]}
        if not all(course.name in listed for course in courses):
            return None
        ids = [listed[course.name] for course in courses]
        key = "course_ids" if tool == "canvas.list_announcements" else "course_id"
        return ToolCall(tool, {key: ids if key == "course_ids" else ids[0], **arguments})

    return (constant("canvas.list_courses", {}), then)


def joined(first: Request, second: Request, role: WordingRole, rng: random.Random) -> tuple[str, str]:
    """Join two requests in one of the role's wordings. Return the text with markers escaped, and its phrasing."""
    joiner = rng.choice(of_role(JOINERS, role))
    text = joiner.choose(rng)
    then = uncapitalised(second.text) if second.cased and not text.endswith(": {second}") else second.text
    stops = text.split("{first}")[1].lstrip()[:1]
    asked = sentence(first.text) if stops.isupper() or stops.isdigit() or stops == "{" else first.text.rstrip(".?")
    text = fill(text, {"first": asked, "second": then})
    return CALLS.escape(text), f"{joiner.id}+{first.phrasing}+{second.phrasing}"


@dataclass(frozen=True, slots=True)
class Played:
    """Plans that were carried out: the turns, and the last call of each plan with its result."""

    steps: tuple[Step, ...]
    last: tuple[tuple[ToolCall, Any], ...]


def played(plans: Sequence[Sequence[NextCall]], canvas: Canvas) -> Played | None:
    """Carry out plans side by side: a turn has the next call of each, and one that two of them share only once.

    Returns None where a call cannot be made from the results, such as after an error."""
    done: list[list[tuple[ToolCall, Any]]] = [[] for _ in plans]
    steps: list[Step] = []
    for turn in range(max(map(len, plans))):
        made: list[tuple[ToolCall, Any]] = []
        for plan, known in zip(plans, done, strict=True):
            if turn >= len(plan):
                continue
            call = plan[turn](tuple(result for _, result in known))
            if call is None:
                return None
            same = next((entry for entry in made if entry[0] == call), None)
            if same is None:
                same = (call, canvas.dispatch(call.name, call.arguments))
                made.append(same)
            known.append(same)
        steps.append(Step(calls=tuple(call for call, _ in made), results=tuple(result for _, result in made)))
    return Played(tuple(steps), tuple(known[-1] for known in done))
