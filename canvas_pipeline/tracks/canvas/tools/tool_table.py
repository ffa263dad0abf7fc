"""The 18 tools as one table, their JSON schemas, and argument validation.

``validate`` returns errors as values and never raises, whatever the arguments are."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from canvas_pipeline.models.family import ToolCall

Kind = Literal["integer", "number", "string", "boolean", "iso", "array", "object"]
REQUIRED: Any = object()
ErrorCode = Literal[
    "unknown_tool",
    "missing_argument",
    "unknown_argument",
    "wrong_type",
    "out_of_range",
    "not_in_enum",
    "bad_date",
    "blank",
]


@dataclass(frozen=True, slots=True)
class Parameter:
    """One argument. ``default`` is ``REQUIRED`` where there is none; kind ``iso`` is a string with an ISO-8601 instant.

    A text that is ``stated`` has at least one character that is no blank."""

    name: str
    kind: Kind
    description: str
    default: Any = REQUIRED
    nullable: bool = False
    enum: tuple[str, ...] = ()
    minimum: float | None = None
    maximum: float | None = None
    items: Kind | tuple[Parameter, ...] | None = None
    stated: bool = False

    @property
    def required(self) -> bool:
        return self.default is REQUIRED

    def schema(self) -> dict[str, Any]:
        """Return the JSON schema of this argument."""
        schema: dict[str, Any] = {
            "type": "string" if self.kind == "iso" else self.kind,
            "description": self.description,
        }
        if self.enum:
            schema["enum"] = list(self.enum)
        if self.nullable:
            schema["nullable"] = True
        if isinstance(self.items, tuple):
            schema["items"] = _object_schema(self.items)
        elif self.items is not None:
            schema["items"] = {"type": self.items}
        return schema


@dataclass(frozen=True, slots=True)
class Tool:
    """One tool. ``result`` describes its return value for people."""

    name: str
    description: str
    parameters: tuple[Parameter, ...]
    result: str

    @property
    def family(self) -> str:
        return self.name.split(".", 1)[0]

    def schema(self) -> dict[str, Any]:
        """Return the OpenAI function schema, as chat templates and servers take it."""
        return {
            "type": "function",
            "function": {
                "name": self.name,
                "description": self.description,
                "parameters": _object_schema(self.parameters),
            },
        }

    def defaults(self) -> dict[str, Any]:
        """Return the values of optional arguments (``None`` where leaving out means "not given")."""
        return {p.name: p.default for p in self.parameters if not p.required}


@dataclass(frozen=True, slots=True)
class ArgumentError:
    """One error in a call. ``message`` says what to write instead and never quotes the value."""

    tool: str
    argument: str | None
    code: ErrorCode
    message: str


def _object_schema(parameters: tuple[Parameter, ...]) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": {p.name: p.schema() for p in parameters},
        "required": [p.name for p in parameters if p.required],
    }


BLOCK_MINUTES: Mapping[str, int] = {
    "writing": 90, "problem_set": 90, "exam_prep": 90, "project_work": 90, "reading": 45, "review": 45, "admin": 25,
    "discussion": 60, "lab": 120,
}  # fmt: skip

_P = Parameter
_COURSE_ID = _P("course_id", "integer", "Canvas course id")
_COURSE_ID_OR_ALL = _P("course_id", "integer", "Canvas course id; leave out for all courses", None, nullable=True)
_CALENDAR = _P("calendar_id", "string", "which calendar", "primary")
_WHY = _P("rationale", "string", "why", None, stated=True)
_DEADLINE = (
    _P("title", "string", "what is due"),
    _P("due_iso", "iso", "when it is due"),
    _P("estimated_hours", "number", "hours of work it takes", minimum=0),
)

TOOLS: Mapping[str, Tool] = {
    tool.name: tool
    for tool in (
        Tool("canvas.list_courses", "List the student's courses.",
             (_P("active_only", "boolean", "only courses of the current term", True),),
             "[{id,name,course_code,credits,term}]"),
        Tool("canvas.get_assignments", "Assignments due within a horizon, of one course or all.",
             (_COURSE_ID_OR_ALL, _P("horizon_days", "integer", "days to look ahead", 14, minimum=0, maximum=365),
              _P("include_submitted", "boolean", "also those already submitted", False)),
             "[{id,title,course_id,due_iso,points_possible,submission_types,submitted,late,missing}]"),
        Tool("canvas.get_course", "Details of one course.", (_COURSE_ID,),
             "{id,name,course_code,credits,term,instructors[],total_students}"),
        Tool("canvas.get_syllabus", "The syllabus text of one course.", (_COURSE_ID,), "str"),
        Tool("canvas.get_todo", "The student's to-do list.", (), "[{type,course_id,title,due_iso,points_possible}]"),
        Tool("canvas.get_grades", "Current scores, of one course or all.", (_COURSE_ID_OR_ALL,),
             "[{course_id,current_score}]"),
        Tool("canvas.list_announcements", "Recent announcements of courses.",
             (_P("course_ids", "array", "Canvas course ids", items="integer"),
              _P("past_days", "integer", "days to look back", 7, minimum=0, maximum=365)),
             "[{id,title,course_id,posted_iso,message_preview}]"),
        Tool("canvas.list_planner_items", "Items of the student's planner.", (),
             "[{id,title,todo_date,course_id,details}]"),
        Tool("calendar.list_events", "Calendar events between two instants.",
             (_CALENDAR, _P("start_iso", "iso", "from when; now if left out", None),
              _P("end_iso", "iso", "until when; 14 days after the start if left out", None),
              _P("include_all_day", "boolean", "also all-day events", True)),
             "[{id,title,start_iso,end_iso,all_day,description,calendar_id}]"),
        Tool("calendar.find_free_blocks", "Free blocks of time, at most 20.",
             (_P("min_minutes", "integer", "shortest block", 90, minimum=1, maximum=1440),
              _P("horizon_days", "integer", "days to look ahead", 7, minimum=1, maximum=365),
              _P("earliest_hour", "integer", "not before this hour", 7, minimum=0, maximum=24),
              _P("latest_hour", "integer", "not after this hour", 22, minimum=0, maximum=24),
              _CALENDAR, _P("exclude_weekends", "boolean", "leave out Saturday and Sunday", False)),
             "[{start_iso,end_iso,minutes}]"),
        Tool("calendar.create_event", "Put an event into the calendar.",
             (_P("title", "string", "what it is"), _P("start_iso", "iso", "when it starts"),
              _P("end_iso", "iso", "when it ends"), _P("description", "string", "more about it", None),
              _CALENDAR, _WHY),
             "{id,title,start_iso,end_iso,status}"),
        Tool("calendar.modify_event", "Propose a change to an event; it stays pending until the student agrees.",
             (_P("event_id", "string", "which event"), _P("title", "string", "new title", None),
              _P("start_iso", "iso", "new start", None), _P("end_iso", "iso", "new end", None),
              _WHY),
             "{status,event_id,…}"),
        Tool("calendar.delete_event", "Propose to delete an event; it stays pending until the student agrees.",
             (_P("event_id", "string", "which event"), _P("rationale", "string", "why", stated=True)),
             "{status,event_id,rationale}"),
        Tool("study.spaced_schedule", "Study sessions spaced before an exam.",
             (_P("exam_iso", "iso", "when the exam is"),
              _P("n_sessions", "integer", "how many sessions", 4, minimum=3, maximum=5),
              _P("minutes_per_session", "integer", "length of each", 90, minimum=1, maximum=600),
              _P("preferred_hour", "integer", "hour they start", 9, minimum=0, maximum=23)),
             "[{start_iso,end_iso,label,minutes}]"),
        Tool("study.semester_schedule", "When to start on each deadline of a semester.",
             (_P("semester_end_iso", "iso", "when the semester ends"),
              _P("deadlines", "array", "what is due", items=_DEADLINE),
              _P("weekly_hours_available", "number", "hours a week for this", 10, minimum=0),
              _P("ramp_factor", "number", "how much work grows towards a deadline", 1.5, minimum=0)),
             "[{milestone,due_iso,estimated_hours,start_work_iso,recommended_hours_per_week,weeks_allocated,intensity}]"),
        Tool("study.recommend_block_size", "How long a block should be for a kind of work.",
             (_P("task_type", "string", "kind of work", enum=tuple(BLOCK_MINUTES)),), "{minutes,rationale}"),
        Tool("study.exam_bracket", "A review before an exam and a rest after it.",
             (_P("exam_start_iso", "iso", "when the exam starts"), _P("exam_end_iso", "iso", "when it ends"),
              _P("review_minutes", "integer", "length of the review", 45, minimum=1, maximum=600)),
             "[{label,start_iso,end_iso}]"),
        Tool("reranker.priority_hint", "Which of two items to do first.",
             (_P("query", "string", "what the student asked"), _P("item_a", "string", "one item"),
              _P("item_b", "string", "the other item")),
             "{winner,rationale}"),
    )
}  # fmt: skip


def schemas(names: tuple[str, ...] | None = None) -> list[dict[str, Any]]:
    """Return OpenAI function schemas of the named tools (all 18 by default), in table order."""
    return [tool.schema() for name, tool in TOOLS.items() if names is None or name in names]


def filled(call: ToolCall) -> ToolCall:
    """Return a call with the defaults of what it leaves out, so that two calls that do the same are equal.

    10.0 hours are 10 hours. A call of an unknown tool is returned as it is."""
    tool = TOOLS.get(call.name)
    if tool is None:
        return call
    kinds = {p.name: p.kind for p in tool.parameters}
    given = {
        name: int(value) if kinds.get(name) == "number" and isinstance(value, float) and value.is_integer() else value
        for name, value in call.arguments.items()
    }
    return ToolCall(call.name, {**tool.defaults(), **given})


def validate(call: ToolCall) -> tuple[ArgumentError, ...]:
    """Return every error in a call; an empty tuple means it can be dispatched. Never raises.

    jsonschema, which the tests compare with, is not used: it accepts ``3.0`` as a whole number and NaN as in range, and takes 0.1
    s to import in every step."""
    tool = TOOLS.get(call.name)
    if tool is None:
        close = difflib.get_close_matches(call.name, TOOLS, n=1)
        hint = f"; did you mean {close[0]}?" if close else ""
        return (ArgumentError(call.name, None, "unknown_tool", f"there is no such tool{hint}"),)
    return tuple(_check_object(tool.name, tool.parameters, call.arguments, ""))


def _check_object(
    tool: str, parameters: tuple[Parameter, ...], given: Mapping[str, Any], path: str
) -> list[ArgumentError]:
    known = {p.name: p for p in parameters}
    errors = [
        ArgumentError(tool, path + p.name, "missing_argument", f"{path}{p.name} is required")
        for p in parameters
        if p.required and p.name not in given
    ]
    for name, value in given.items():
        parameter = known.get(name)
        if parameter is None:
            takes = ", ".join(known) or "no arguments"
            errors.append(
                ArgumentError(tool, path + name, "unknown_argument", f"no such argument; {tool} takes {takes}")
            )
        else:
            errors.extend(_check_value(tool, parameter, value, path + name))
    return errors


def _check_value(tool: str, p: Parameter, value: Any, path: str) -> list[ArgumentError]:
    if value is None and (p.nullable or p.default is None):
        return []
    wrong = ArgumentError(tool, path, "wrong_type", f"{path} must be {_expected(p)}")
    if p.kind == "array":
        return _check_items(tool, p, value, path) if isinstance(value, (list, tuple)) else [wrong]
    if p.kind == "boolean":
        return [] if isinstance(value, bool) else [wrong]
    if p.kind in ("integer", "number"):
        whole = isinstance(value, int) and not isinstance(value, bool)
        if not whole and not (p.kind == "number" and isinstance(value, float)):
            return [wrong]
        low = p.minimum is not None and value < p.minimum
        high = p.maximum is not None and value > p.maximum
        if low or high or value != value:
            return [ArgumentError(tool, path, "out_of_range", f"{path} must be {_expected(p)}")]
        return []
    if not isinstance(value, str):
        return [wrong]
    if p.stated and not value.strip():
        return [ArgumentError(tool, path, "blank", f"{path} must state {p.description}")]
    if p.enum and value not in p.enum:
        return [ArgumentError(tool, path, "not_in_enum", f"{path} must be one of {', '.join(p.enum)}")]
    if p.kind == "iso" and not is_iso(value):
        return [
            ArgumentError(tool, path, "bad_date", f"{path} must be an ISO-8601 instant such as 2026-03-02T09:00:00Z")
        ]
    return []


def _check_items(tool: str, p: Parameter, value: Any, path: str) -> list[ArgumentError]:
    errors: list[ArgumentError] = []
    for index, item in enumerate(value):
        place = f"{path}[{index}]"
        if isinstance(p.items, tuple):
            if isinstance(item, Mapping):
                errors.extend(_check_object(tool, p.items, item, place + "."))
            else:
                errors.append(ArgumentError(tool, place, "wrong_type", f"{place} must be an object"))
        elif p.items is not None:
            errors.extend(_check_value(tool, Parameter(place, p.items, ""), item, place))
    return errors


def _expected(p: Parameter) -> str:
    names = {"integer": "a whole number", "number": "a number", "boolean": "true or false", "array": "a list",
             "object": "an object", "string": "a string", "iso": "an ISO-8601 string"}  # fmt: skip
    text = names[p.kind]
    if p.minimum is not None and p.maximum is not None:
        text += f" from {p.minimum:g} to {p.maximum:g}"
    elif p.minimum is not None:
        text += f" of at least {p.minimum:g}"
    return text


def is_iso(text: str) -> bool:
    """Tell whether a text is an ISO-8601 date or instant."""
    try:
        datetime.fromisoformat(text)
    except (ValueError, OverflowError):
        return False
    return True
