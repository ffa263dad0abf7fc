"""The verifiers by themselves: hand-written completions, each with the axes it fails."""

from __future__ import annotations

import pytest

from canvas_pipeline.models.gemma4.wire import ToolCall, serialise
from canvas_pipeline.records import Message
from canvas_pipeline.tracks.canvas.examples.decision_points import Step, decision_points
from canvas_pipeline.tracks.canvas.examples.verification import AXES, HEAVY_AXES, VERIFIERS, faults
from canvas_pipeline_tests.tracks.canvas.examples.conversations import conversations

GRADES = ToolCall("canvas.get_grades", {"course_id": 4264})
WORK = ToolCall("canvas.get_assignments", {"course_id": 4264, "horizon_days": 7})
FIND = ToolCall("calendar.find_free_blocks", {"min_minutes": 60})
BOOK = ToolCall(
    "calendar.create_event", {"title": "Study", "start_iso": "2026-02-03T14:00Z", "end_iso": "2026-02-03T15:00Z"}
)
ONE: tuple[Step, ...] = ((GRADES,), ())
BOTH: tuple[Step, ...] = ((GRADES, WORK), ())
CHAIN: tuple[Step, ...] = ((FIND,), (BOOK,), ())
TWICE: tuple[Step, ...] = (tuple(ToolCall("canvas.get_course", {"course_id": n}) for n in (1, 2)), ())
STOP: tuple[Step, ...] = ((),)
ALL: tuple[Step, ...] = ((ToolCall("canvas.get_assignments", {"course_id": 4264}),), ())


def call(name: str, **arguments: object) -> str:
    return serialise(ToolCall(name, dict(arguments)))


def calls_text(*calls: ToolCall) -> str:
    return "".join(map(serialise, calls))


TABLE: tuple[tuple[str, tuple[Step, ...], str, set[str]], ...] = (
    ("right", ONE, calls_text(GRADES), set()),
    ("right, keys in another order", ((WORK,),), call("canvas.get_assignments", horizon_days=7, course_id=4264), set()),
    ("right, with a default spelled out", ALL, call("canvas.get_assignments", course_id=4264, horizon_days=14), set()),
    ("right, both", BOTH, calls_text(GRADES, WORK), set()),
    ("right, both the other way round", BOTH, calls_text(WORK, GRADES), set()),
    ("right, an answer", STOP, "Your score is 91.", set()),
    ("made-up name", ONE, call("canvas.list_grades", course_id=4264), {"tool_selection"}),
    ("near miss", ONE, call("canvas.get_course", course_id=4264), {"tool_selection"}),
    ("one left out", BOTH, calls_text(GRADES), {"tool_selection"}),
    ("misnamed key", ONE, call("canvas.get_grades", course=4264), {"argument_keys"}),
    ("invented key", ONE, call("canvas.get_grades", course_id=4264, days_ahead=7), {"argument_keys"}),
    ("asked key not given", ONE, call("canvas.get_grades"), {"argument_keys"}),
    ("number in quotes", ONE, call("canvas.get_grades", course_id="4264"), {"argument_values"}),
    ("all", ONE, call("canvas.get_grades", course_id="all"), {"argument_values"}),
    ("digits swapped", ONE, call("canvas.get_grades", course_id=4246), {"argument_values"}),
    ("True is not 1", (((ToolCall("canvas.get_course", {"course_id": 1})),),), call("canvas.get_course", course_id=True),
     {"argument_values"}),
    ("a default changed unasked", ALL, call("canvas.get_assignments", course_id=4264, horizon_days=30), {"argument_values"}),
    ("same call again", ONE, calls_text(GRADES, GRADES), {"parsimony"}),
    ("same call again, with a default spelled out", ALL,
     call("canvas.get_assignments", course_id=4242) + call("canvas.get_assignments", course_id=4264, horizon_days=14),
     {"parsimony"}),
    ("four calls", ONE, calls_text(GRADES, WORK, FIND, GRADES), {"parsimony"}),
    ("booked before looking", CHAIN, calls_text(BOOK), {"ordering"}),
    ("booked beside looking", CHAIN, calls_text(FIND, BOOK), {"ordering"}),
    ("the wrong way round", CHAIN, calls_text(BOOK, FIND), {"ordering"}),
    ("booked after looking is right", CHAIN[1:], calls_text(BOOK), set()),
    ("in words", ONE, "I will call canvas.get_grades with course_id 4264.", {"format"}),
    ("nothing called", ONE, "Let me look.", {"termination"}),
    ("an answer after the first of two calls", CHAIN[:2], "You are free from 14:00.", {"termination"}),
    ("nothing said", ONE, "", {"format"}),
    ("two of one tool", TWICE, calls_text(*TWICE[0]), set()),
    ("two of one tool, the other way round", TWICE, calls_text(*TWICE[0][::-1]), set()),
    ("two of one tool, the first with a wrong value", TWICE, call("canvas.get_course", course_id="1") + calls_text(TWICE[0][1]),
     {"argument_values"}),
    ("two of one tool, the second instead of the first", TWICE, calls_text(TWICE[0][1], TWICE[0][1]), {"argument_values"}),
    ("two of one tool, a misnamed key", TWICE, calls_text(TWICE[0][1]) + call("canvas.get_course", course=1), {"argument_keys"}),
    ("two of one tool, one left out", TWICE, calls_text(TWICE[0][1]), {"tool_selection"}),
    ("two of one tool, one twice", TWICE, calls_text(*TWICE[0], TWICE[0][1]), {"parsimony"}),
    ("a later call of the same tool first", ((TWICE[0][0],), (TWICE[0][1],), ()), calls_text(TWICE[0][1]), {"ordering"}),
    ("unterminated", ONE, calls_text(GRADES)[: -len("<tool_call|>")], {"format"}),
    ("equals signs", ONE, "<|tool_call>call:canvas.get_grades{course_id=4264}<tool_call|>", {"format"}),
    ("without envelope", ONE, "call:canvas.get_grades{course_id:4264}", {"format"}),
    ("empty answer", STOP, "", {"format"}),
    ("other family", ONE, call("calendar.list_events"), {"domain_fit"}),
    ("calls when done", STOP, calls_text(GRADES), {"termination"}),
    ("malformed call when done", STOP, "<|tool_call>call:canvas.get_grades{<tool_call|>", {"format", "termination"}),
    ("made-up name and more", ONE, call("canvas.list_grades", course_id=4264) + calls_text(FIND), {"tool_selection", "parsimony"}),
    ("other family, bad key", ONE, call("calendar.list_events", limit=3), {"domain_fit", "argument_keys"}),
    ("made-up name in words", ONE, "I will call canvas.list_grades.", {"tool_selection", "format"}),
    ("other family in words", ONE, "I will call calendar.list_events.", {"format", "domain_fit"}),
    ("extra call with a bad value", ONE, calls_text(GRADES) + call("canvas.get_course", course_id="x"),
     {"parsimony", "argument_values"}),
)  # fmt: skip


@pytest.mark.parametrize(("steps", "text", "expected"), [row[1:] for row in TABLE], ids=[row[0] for row in TABLE])
def test_a_completion_fails_exactly_these_axes(steps: tuple[Step, ...], text: str, expected: set[str]) -> None:
    assert faults(steps, [Message(role="assistant", content=text)]) == expected


def test_a_turn_after_the_last_step_must_be_an_answer() -> None:
    turns = [
        Message(role="assistant", content=calls_text(GRADES)),
        Message(role="tool", name=GRADES.name, content="[]"),
        Message(role="assistant", content=calls_text(GRADES)),
    ]
    assert faults(ONE, turns) == {"termination"}
    assert faults(ONE, [*turns[:2], Message(role="assistant", content="You have 91.")]) == set()


def test_the_table_names_eight_axes_and_every_one_is_failed_alone_above() -> None:
    assert len(AXES) == 8 == len(VERIFIERS)
    assert set(HEAVY_AXES) < set(AXES)
    assert {axis for row in TABLE if len(row[3]) == 1 for axis in row[3]} == set(AXES)


def test_no_right_turn_of_a_trajectory_fails_an_axis() -> None:
    for trajectory in conversations(200):
        for point in decision_points(trajectory):
            assert faults(point.steps, (point.right,)) == set()
            assert faults(point.steps, point.rest) == set()
