"""The table holds exactly the 18 tools, and validation returns errors as values for any arguments."""

from __future__ import annotations

from typing import Any

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from canvas_pipeline.models.gemma4.wire import ToolCall
from canvas_pipeline.tracks.canvas.tools.tool_table import (
    BLOCK_MINUTES,
    REQUIRED,
    TOOLS,
    ArgumentError,
    filled,
    schemas,
    validate,
)

R = REQUIRED
DESIGN: dict[str, dict[str, Any]] = {
    "canvas.list_courses": {"active_only": True},
    "canvas.get_assignments": {"course_id": None, "horizon_days": 14, "include_submitted": False},
    "canvas.get_course": {"course_id": R},
    "canvas.get_syllabus": {"course_id": R},
    "canvas.get_todo": {},
    "canvas.get_grades": {"course_id": None},
    "canvas.list_announcements": {"course_ids": R, "past_days": 7},
    "canvas.list_planner_items": {},
    "calendar.list_events": {"calendar_id": "primary", "start_iso": None, "end_iso": None, "include_all_day": True},
    "calendar.find_free_blocks": {"min_minutes": 90, "horizon_days": 7, "earliest_hour": 7, "latest_hour": 22,
                                  "calendar_id": "primary", "exclude_weekends": False},
    "calendar.create_event": {"title": R, "start_iso": R, "end_iso": R, "description": None, "calendar_id": "primary",
                              "rationale": None},
    "calendar.modify_event": {"event_id": R, "title": None, "start_iso": None, "end_iso": None, "rationale": None},
    "calendar.delete_event": {"event_id": R, "rationale": R},
    "study.spaced_schedule": {"exam_iso": R, "n_sessions": 4, "minutes_per_session": 90, "preferred_hour": 9},
    "study.semester_schedule": {"semester_end_iso": R, "deadlines": R, "weekly_hours_available": 10, "ramp_factor": 1.5},
    "study.recommend_block_size": {"task_type": R},
    "study.exam_bracket": {"exam_start_iso": R, "exam_end_iso": R, "review_minutes": 45},
    "reranker.priority_hint": {"query": R, "item_a": R, "item_b": R},
}  # fmt: skip
"""Tool → argument → default, as the design gives them."""
HALLUCINATED = (
    "canvas.list_assignments", "calendar.schedule_block", "calendar.delete_block", "study.suggest_block", "study.weekly_summary",
    "study.deadline_pressure", "reranker.rerank_assignments", "reranker.priority_score",
)  # fmt: skip
SAMPLE: dict[str, Any] = {
    "integer": 3, "number": 1.5, "boolean": True, "string": "x", "iso": "2026-03-02T09:00:00Z",
}  # fmt: skip


def good(name: str) -> dict[str, Any]:
    """Valid values of all arguments of a tool."""
    found: dict[str, Any] = {}
    for p in TOOLS[name].parameters:
        if p.kind == "array":
            found[p.name] = [{q.name: SAMPLE[q.kind] for q in p.items}] if isinstance(p.items, tuple) else [1, 2]
        else:
            found[p.name] = (
                p.enum[0]
                if p.enum
                else max(SAMPLE[p.kind], p.minimum)
                if p.kind == "integer" and p.minimum
                else SAMPLE[p.kind]
            )
    return found


def codes(name: str, arguments: dict[str, Any]) -> set[tuple[str, str | None]]:
    return {(error.code, error.argument) for error in validate(ToolCall(name, arguments))}


def test_there_are_exactly_these_eighteen_tools_with_these_arguments_and_defaults() -> None:
    assert {name: {p.name: p.default for p in tool.parameters} for name, tool in TOOLS.items()} == DESIGN
    assert len(TOOLS) == 18 and list(TOOLS) == list(DESIGN)


def test_block_sizes_are_those_of_the_design() -> None:
    assert BLOCK_MINUTES == {"writing": 90, "problem_set": 90, "exam_prep": 90, "project_work": 90, "reading": 45, "review": 45,
                             "admin": 25, "discussion": 60, "lab": 120}  # fmt: skip
    assert TOOLS["study.recommend_block_size"].parameters[0].enum == tuple(BLOCK_MINUTES)


@pytest.mark.parametrize("name", TOOLS)
def test_a_call_with_all_arguments_and_one_with_the_required_only_are_valid(name: str) -> None:
    everything = good(name)
    required = {p.name for p in TOOLS[name].parameters if p.required}
    assert validate(ToolCall(name, everything)) == ()
    assert validate(ToolCall(name, {k: v for k, v in everything.items() if k in required})) == ()
    assert validate(ToolCall(name, {**TOOLS[name].defaults(), **{k: everything[k] for k in required}})) == ()


@pytest.mark.parametrize("name, argument", [(n, a) for n, p in DESIGN.items() for a, d in p.items() if d is R])
def test_each_required_argument_is_missed_by_name(name: str, argument: str) -> None:
    assert codes(name, {k: v for k, v in good(name).items() if k != argument}) == {("missing_argument", argument)}


@pytest.mark.parametrize("name, argument", [(n, a) for n, p in DESIGN.items() for a in p])
def test_each_argument_of_another_type_is_named(name: str, argument: str) -> None:
    for wrong in ({"a": 1}, object()):
        assert codes(name, {**good(name), argument: wrong}) == {("wrong_type", argument)}


@pytest.mark.parametrize("name", HALLUCINATED)
def test_names_that_were_hallucinated_elsewhere_are_unknown(name: str) -> None:
    assert codes(name, {}) == {("unknown_tool", None)}


def test_a_close_name_is_suggested() -> None:
    (error,) = validate(ToolCall("canvas.get_todos", {}))
    assert "did you mean canvas.get_todo" in error.message


def test_wrong_arguments_that_were_seen_elsewhere_are_errors() -> None:
    assert codes("canvas.get_assignments", {"days_ahead": 3}) == {("unknown_argument", "days_ahead")}
    assert codes("canvas.get_course", {"course_id": "4264"}) == {("wrong_type", "course_id")}
    assert codes("canvas.get_course", {"course_id": True}) == {("wrong_type", "course_id")}
    assert codes("canvas.get_course", {"course_id": None}) == {("wrong_type", "course_id")}
    assert codes("canvas.get_grades", {"course_id": None}) == set()


@pytest.mark.parametrize(
    "name, argument, value, code",
    [
        ("study.spaced_schedule", "n_sessions", 2, "out_of_range"),
        ("study.spaced_schedule", "n_sessions", 6, "out_of_range"),
        ("study.spaced_schedule", "exam_iso", "next friday", "bad_date"),
        ("study.recommend_block_size", "task_type", "napping", "not_in_enum"),
        ("calendar.find_free_blocks", "latest_hour", 25, "out_of_range"),
        ("canvas.get_assignments", "horizon_days", -1, "out_of_range"),
        ("study.semester_schedule", "ramp_factor", float("nan"), "out_of_range"),
        ("calendar.list_events", "start_iso", "", "bad_date"),
        ("calendar.delete_event", "rationale", "", "blank"),
        ("calendar.modify_event", "rationale", " \u00a0\n", "blank"),
        ("calendar.create_event", "rationale", " ", "blank"),
    ],
)
def test_values_out_of_their_range_are_named(name: str, argument: str, value: Any, code: str) -> None:
    assert codes(name, {**good(name), argument: value}) == {(code, argument)}


def test_errors_inside_lists_say_where() -> None:
    bad = [{"title": "x"}, 3, {"title": 1, "due_iso": "x", "estimated_hours": -1, "more": 1}]
    assert codes("study.semester_schedule", {**good("study.semester_schedule"), "deadlines": bad}) == {
        ("missing_argument", "deadlines[0].due_iso"),
        ("missing_argument", "deadlines[0].estimated_hours"),
        ("wrong_type", "deadlines[1]"),
        ("wrong_type", "deadlines[2].title"),
        ("bad_date", "deadlines[2].due_iso"),
        ("out_of_range", "deadlines[2].estimated_hours"),
        ("unknown_argument", "deadlines[2].more"),
    }
    assert codes("canvas.list_announcements", {"course_ids": [1, "2"]}) == {("wrong_type", "course_ids[1]")}


def test_calls_that_do_the_same_are_equal_once_filled() -> None:
    def work(**arguments: Any) -> ToolCall:
        return filled(ToolCall("canvas.get_assignments", arguments))

    assert work(course_id=7) == work(horizon_days=14, include_submitted=False, course_id=7) != work(course_id=8)
    plan = ("study.semester_schedule", {"semester_end_iso": "2026-05-08", "deadlines": []})
    assert filled(ToolCall(*plan)) == filled(ToolCall(plan[0], {**plan[1], "weekly_hours_available": 10.0}))
    assert filled(ToolCall("canvas.list_assignments", {"a": 1})) == ToolCall("canvas.list_assignments", {"a": 1})


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | st.binary(max_size=3) | st.dates(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5) | st.integers(), inner, max_size=3),
    max_leaves=6,
)
NAMES = st.sampled_from([*TOOLS, *HALLUCINATED]) | st.text(max_size=12)
ARGUMENTS = st.dictionaries(
    st.sampled_from(sorted({a for p in DESIGN.values() for a in p})) | st.text(max_size=5), VALUES, max_size=5
)


@given(NAMES, ARGUMENTS)
def test_validation_answers_anything_with_values(name: str, arguments: dict[str, Any]) -> None:
    found = validate(ToolCall(name, arguments))
    assert all(isinstance(error, ArgumentError) and error.message for error in found)
    if name in TOOLS:
        missing = {p.name for p in TOOLS[name].parameters if p.required} - set(arguments)
        assert {
            error.argument for error in found if error.code == "missing_argument" and "[" not in (error.argument or "")
        } >= missing


@given(st.sampled_from(list(TOOLS)), st.text("αβγδεζηθ", min_size=6, max_size=12))
def test_a_message_never_quotes_a_value(name: str, secret: str) -> None:
    for p in TOOLS[name].parameters:
        for value in (secret, [secret], {"x": secret}):
            assert all(secret not in error.message for error in validate(ToolCall(name, {**good(name), p.name: value})))


@pytest.mark.parametrize("name", TOOLS)
def test_a_schema_is_what_a_chat_template_takes(name: str) -> None:
    (schema,) = schemas((name,))
    function = schema["function"]
    assert (schema["type"], function["name"], function["parameters"]["type"]) == ("function", name, "object")
    assert set(function["parameters"]["properties"]) == set(DESIGN[name])
    assert function["parameters"]["required"] == [a for a, d in DESIGN[name].items() if d is R]
    assert all(
        p["type"] in ("integer", "number", "string", "boolean", "array")
        for p in function["parameters"]["properties"].values()
    )


NEAR = (
    st.integers(-5, 30)
    | st.booleans()
    | st.floats(-2, 2)
    | st.sampled_from(["x", "2026-03-02T09:00:00Z", *BLOCK_MINUTES, []])
)


@given(st.sampled_from(list(TOOLS)), st.data())
def test_a_call_that_is_valid_here_is_valid_by_the_schema_that_servers_read(name: str, data: st.DataObject) -> None:
    """Checked by jsonschema too. A left-out argument may be written as null, which the schema says in OpenAPI's word."""
    changed = data.draw(st.dictionaries(st.sampled_from([*DESIGN[name], "other"]), NEAR, max_size=3))
    arguments = {**good(name), **changed}
    if validate(ToolCall(name, arguments)) == ():
        (schema,) = schemas((name,))
        jsonschema.validate(arguments, schema["function"]["parameters"])
