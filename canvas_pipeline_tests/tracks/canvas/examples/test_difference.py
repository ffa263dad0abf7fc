"""What tells the sides of a pair apart: its axes and nothing else, on every axis and from both profiles' rows."""

from __future__ import annotations

import json
from collections.abc import Sequence

import pytest

from canvas_pipeline.models.gemma4.family import GEMMA4
from canvas_pipeline.models.gemma4.wire import CALL_OPEN, ToolCall, parse_turn, response_text, serialise
from canvas_pipeline.records import Message
from canvas_pipeline.tracks.canvas.examples.decision_points import Step, decision_points
from canvas_pipeline.tracks.canvas.examples.difference import Difference, difference
from canvas_pipeline.tracks.canvas.examples.mutation import MIXED, mutate
from canvas_pipeline.tracks.canvas.examples.verification import AXES
from canvas_pipeline.tracks.canvas.rows import PreferencePair
from canvas_pipeline_tests.tracks.canvas.examples.conversations import conversations
from canvas_pipeline_tests.tracks.canvas.examples.native import pairs, trajectories

ASKED = (Message(role="user", content="Grades of course 4264, and what is due in 7 days, please"),)
GRADES = ToolCall("canvas.get_grades", {"course_id": 4264})
WORK = ToolCall("canvas.get_assignments", {"course_id": 4264, "horizon_days": 7})
BOOK = ToolCall(
    "calendar.create_event", {"title": "Study", "start_iso": "2026-02-03T14:00Z", "end_iso": "2026-02-03T15:00Z"}
)
HINT = ToolCall("reranker.priority_hint", {"query": "which first", "item_a": "Essay", "item_b": "Essay 2: drafts"})


def said(*calls: ToolCall, text: str = "") -> tuple[Message, ...]:
    return (Message(role="assistant", content=text + "".join(map(serialise, calls))),)


def changed(call: ToolCall, **arguments: object) -> ToolCall:
    return ToolCall(call.name, {k: v for k, v in (call.arguments | arguments).items() if v is not None})


def hinted(answer: str, winner: str = "A") -> tuple[Message, ...]:
    result = Message(
        role="tool", name=HINT.name, content=response_text({"winner": winner, "rationale": "it is due first"})
    )
    return (*said(HINT), result, Message(role="assistant", content=answer))


ONE_AXIS: tuple[tuple[str, tuple[Message, ...], tuple[Message, ...], str], ...] = (
    ("made-up name", said(GRADES), said(ToolCall("canvas.list_grades", GRADES.arguments)), "tool_selection"),
    ("left out", said(GRADES, WORK), said(WORK), "tool_selection"),
    ("renamed", said(WORK), said(changed(WORK, horizon_days=None, days=7)), "argument_keys"),
    ("another value", said(WORK), said(changed(WORK, horizon_days=70)), "argument_values"),
    ("again", said(GRADES), said(GRADES, GRADES), "parsimony"),
    ("too early", said(GRADES), said(BOOK, GRADES), "ordering"),
    ("unclosed", said(GRADES), (Message(role="assistant", content=serialise(GRADES)[:-11]),), "format"),
    ("in words", said(GRADES), said(text="I will call canvas.get_grades with course_id 4264."), "format"),
    ("other family", said(GRADES), said(ToolCall("calendar.list_events", {})), "domain_fit"),
    ("not done", said(text="You have 91."), said(GRADES), "termination"),
    ("done too early", said(GRADES), said(text="You are welcome."), "termination"),
    ("other item", hinted("Essay: it is due first."), hinted("Essay 2: drafts: it is due first."), "labelled"),
)  # fmt: skip
SOMETHING_ELSE: tuple[tuple[str, tuple[Message, ...], tuple[Message, ...], str], ...] = (
    ("another result", hinted("Essay: it is due first."), hinted("Essay 2: drafts: it is due first.", "B"), "turns"),
    ("a turn more", said(GRADES), said(GRADES) + said(text="Done."), "turns"),
    ("another reason", hinted("Essay: it is due first."), hinted("Essay 2: drafts: no due date."), "text"),
    ("the item the hint did not name", hinted("Essay: first.", "B"), hinted("Essay 2: drafts: first.", "B"), "text"),
    ("words beside calls", said(GRADES), said(GRADES, GRADES, text="Sure. "), "text"),
    ("a default spelled out", said(GRADES, changed(WORK, horizon_days=None)), said(changed(WORK, horizon_days=14)), "default"),
    ("another order", said(GRADES, WORK), said(WORK, GRADES, GRADES), "order"),
    ("the right order", said(GRADES), said(GRADES, BOOK), "order"),
    ("two values", said(WORK), said(changed(WORK, horizon_days=70, course_id=9)), "arguments"),
    ("renamed with another value", said(WORK), said(changed(WORK, horizon_days=None, days=70)), "arguments"),
    ("a made-up name without its values", said(WORK), said(ToolCall("canvas.list_assignments", {})), "arguments"),
    ("unclosed, another value", said(WORK), (Message(role="assistant", content=serialise(changed(WORK, horizon_days=8))[:-11]),),
     "arguments"),
    ("promised without its values", said(GRADES), said(text="I will call canvas.get_grades."), "arguments"),
    ("an invented event", said(GRADES), said(ToolCall("calendar.delete_event", {"event_id": "evt_86"})), "invented"),
    ("an invented course beside", said(GRADES), said(GRADES, ToolCall("canvas.get_syllabus", {"course_id": 9575})), "invented"),
    ("a chosen side that is no call", (Message(role="assistant", content=serialise(GRADES)[:-11]),), said(GRADES), "chosen"),
)  # fmt: skip


@pytest.mark.parametrize(
    ("chosen", "rejected", "axis"), [row[1:] for row in ONE_AXIS], ids=[row[0] for row in ONE_AXIS]
)
def test_one_mistake_is_its_axis_and_nothing_else(
    chosen: tuple[Message, ...], rejected: tuple[Message, ...], axis: str
) -> None:
    later: Step = (BOOK,) if axis == "ordering" else ()
    assert difference(ASKED, chosen, rejected, later) == Difference(frozenset({axis}), ())


@pytest.mark.parametrize(
    ("chosen", "rejected", "named"), [row[1:] for row in SOMETHING_ELSE], ids=[row[0] for row in SOMETHING_ELSE]
)
def test_whatever_else_differs_is_named(chosen: tuple[Message, ...], rejected: tuple[Message, ...], named: str) -> None:
    assert named in difference(ASKED, chosen, rejected, (BOOK,)).others


def test_every_axis_has_a_row_above() -> None:
    assert {row[3] for row in ONE_AXIS} == {*AXES, "labelled"}


ROWS = conversations(999)
QUOTAS = dict.fromkeys(AXES, 60) | {MIXED: 88}


def later_of(pair: PreferencePair, steps: Sequence[Step]) -> Step:
    turns = sum(message.role == "assistant" for message in pair.chosen)
    return tuple(call for step in steps[turns:] for call in step)


@pytest.mark.parametrize("seed", range(6))
def test_the_sides_of_a_mutation_differ_in_its_axes_alone_at_any_seed(seed: int) -> None:
    truths = {point.prompt: point.steps for row in ROWS for point in decision_points(row)}
    made = mutate(ROWS, QUOTAS, seed)
    assert not made.shortfall
    for pair in made.pairs:
        found = difference(pair.prompt, pair.chosen, pair.rejected, later_of(pair, truths[pair.prompt]))
        assert found == Difference(frozenset(pair.axes), ())


def test_the_sides_of_real_pairs_differ_in_their_axes_alone() -> None:
    truths = {point.prompt: point.steps for row in trajectories() for point in decision_points(row)}
    for pair in pairs():
        later = later_of(pair, truths.get(pair.prompt, ()))
        assert difference(pair.prompt, pair.chosen, pair.rejected, later) == Difference(frozenset(pair.axes), ())


def test_a_malformed_call_ends_with_the_stop_of_a_right_one() -> None:
    """Were it closed like an answer, the stop alone would tell the sides apart, and nothing of the call need be learnt."""
    seen = 0
    for pair in mutate(ROWS, {"format": 120}, 1).pairs:
        for side in (pair.chosen, pair.rejected):
            whole = (*pair.prompt, *side)
            assert GEMMA4.render(whole).written == GEMMA4.written(whole)
        marked = CALL_OPEN in pair.rejected[0].content
        assert GEMMA4.written(pair.chosen).endswith("<|tool_response>")
        assert GEMMA4.written(pair.rejected).endswith("<|tool_response>" if marked else "<turn|>")
        assert marked <= bool(parse_turn(pair.rejected[0].content).malformed)
        seen += marked
    assert seen > 60


def test_a_malformed_call_states_all_that_the_right_one_states() -> None:
    for pair in mutate(ROWS, {"format": 200}, 2).pairs:
        wrong = pair.rejected[0].content
        for call in parse_turn(pair.chosen[0].content).well_formed:
            leaves = [value for value in call.arguments.values() if isinstance(value, (str, int))]
            assert all(str(value) in wrong for value in leaves), json.dumps(call.arguments)
