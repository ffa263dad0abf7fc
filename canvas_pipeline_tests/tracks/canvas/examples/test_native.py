"""Rows with native declarations: a common beginning, the instant in the user's turns, and the tools that a row declares."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence

import msgspec
import pytest

from canvas_pipeline.evaluation.generate import prompt_text
from canvas_pipeline.models.gemma4.family import GEMMA4
from canvas_pipeline.records import Message
from canvas_pipeline.tracks.canvas.bench.agent import CanvasAgent
from canvas_pipeline.tracks.canvas.datasets import DATASETS
from canvas_pipeline.tracks.canvas.examples.decision_points import decision_points
from canvas_pipeline.tracks.canvas.examples.distractors import at_hand
from canvas_pipeline.tracks.canvas.examples.sessions import from_sessions, record
from canvas_pipeline.tracks.canvas.examples.situation import messages
from canvas_pipeline.tracks.canvas.examples.static_checks import contradictions
from canvas_pipeline.tracks.canvas.mock.canvas import MockCanvas
from canvas_pipeline.tracks.canvas.rows import FeedbackExample, PreferencePair, Trajectory
from canvas_pipeline.tracks.canvas.tools.prompt import ALL_TOOLS, prompt, reference_instant, states_instant
from canvas_pipeline.tracks.canvas.tools.subset import FEWEST, MOST, named
from canvas_pipeline.tracks.canvas.tools.tool_table import TOOLS
from canvas_pipeline_tests.tracks.canvas.bench.scripted import ScriptedBackend
from canvas_pipeline_tests.tracks.canvas.examples.native import (
    GB10,
    SEED,
    bench_cases,
    feedback_examples,
    mutation_pairs,
    native_situations,
    native_students,
    pairs,
    trajectories,
)

TrainingRow = Trajectory | PreferencePair | FeedbackExample
ROWS: Mapping[str, Callable[[], Sequence[TrainingRow]]] = {
    "trajectory": trajectories, "preference": pairs, "feedback": feedback_examples,
}  # fmt: skip


def turns(row: TrainingRow) -> tuple[Message, ...]:
    """All messages of a row, of both sides."""
    if isinstance(row, Trajectory):
        return row.messages
    sides = (row.chosen, row.rejected) if isinstance(row, PreferencePair) else (row.completion,)
    return (*row.prompt, *(message for side in sides for message in side))


def test_nine_tenths_of_the_bench_prompts_are_their_common_beginning() -> None:
    """In characters, whatever the tokenizer; ``test_lengths`` has the share in the real vocabulary's tokens."""
    texts = []
    for case in bench_cases():
        asked, schemas = prompt(case, GB10)
        texts.append(prompt_text(asked, GEMMA4, schemas))
    common = len(os.path.commonprefix(texts))
    assert len(texts) >= 60 and common * len(texts) >= 0.9 * sum(map(len, texts))
    assert texts[0][:common].count("<|tool>") == len(TOOLS)


@pytest.mark.parametrize("name", ROWS)
def test_every_user_turn_states_the_instant_and_no_system_message_does(name: str) -> None:
    for row in ROWS[name]():
        users = [message for message in turns(row) if message.role == "user"]
        assert users and all(map(states_instant, users))
        assert "Now:" not in turns(row)[0].content and reference_instant(turns(row)) is not None


def test_the_agent_asks_in_the_form_of_the_training_rows() -> None:
    one = next(s for s in native_situations() if s.kind == "follow_up" and len(s.exchanges) == 2)
    trained = messages(one)
    last = max(at for at, message in enumerate(trained) if message.role == "user")
    backend = ScriptedBackend(["Done."])
    history = (Message(role="user", content=one.exchanges[0].text), *trained[2:last])
    CanvasAgent(backend, MockCanvas(one.snapshot), declaration="native").run(one.exchanges[1].text, history)
    assert tuple(backend.seen[0]) == trained[: last + 1]


def test_the_reference_instant_is_no_value_for_a_wrong_call_to_copy() -> None:
    points = [point for row in trajectories()[:80] for point in decision_points(row)]
    stated = [at_hand(point) for point in points]
    assert all(hand.now.strftime("%Y-%m-%dT%H:%M:%SZ") not in hand.instants for hand in stated)


def test_labels_of_different_days_do_not_contradict_each_other_in_this_form() -> None:
    pair = next(pair for pair in pairs() if pair.source == "labelled")
    other = msgspec.structs.replace(pair, id="other", item_ids=pair.item_ids[::-1])
    assert contradictions([pair, other]) == {pair.id, "other"}
    system, user = pair.prompt
    later = msgspec.structs.replace(user, content=user.content.replace("Now: 20", "Now: 21", 1))
    assert contradictions([pair, msgspec.structs.replace(other, prompt=(system, later))]) == set()


@pytest.mark.parametrize("name", ROWS)
def test_a_row_declares_every_tool_that_any_of_its_sides_names(name: str) -> None:
    for row in ROWS[name]():
        assert named(turns(row)) <= set(row.tools)
        assert list(row.tools) == [tool for tool in ALL_TOOLS if tool in row.tools]
        declared = DATASETS[name].schemas(row, GB10)
        assert declared is not None and [schema["function"]["name"] for schema in declared] == list(row.tools)


def test_a_third_of_the_conversations_declares_all_tools_and_the_others_a_few() -> None:
    rows = trajectories()
    fewer = [row for row in rows if row.tools != ALL_TOOLS]
    assert 0.6 <= len(fewer) / len(rows) <= 0.73
    for row in fewer:
        assert FEWEST <= len(set(row.tools) - named(row.messages)) <= MOST
    assert {tool for row in fewer for tool in set(row.tools) - named(row.messages)} == set(ALL_TOOLS)


def test_tools_of_the_needed_families_are_declared_before_others() -> None:
    for row in trajectories():
        families = {TOOLS[name].family for name in named(row.messages)}
        if any(TOOLS[name].family not in families for name in row.tools) and families and row.tools != ALL_TOOLS:
            assert {name for name in ALL_TOOLS if TOOLS[name].family in families} <= set(row.tools)


def test_the_declared_tools_depend_on_the_row_alone() -> None:
    recorded = record(native_students(), GB10, SEED + 1, MockCanvas.of, 12)
    twice = [list(from_sessions(recorded, native_students(), "native")) for _ in range(2)]
    assert twice[0] == twice[1] and len({row.tools for row in twice[0] if isinstance(row, Trajectory)}) > 2
    assert all(
        row.tools == ALL_TOOLS
        for row in from_sessions(recorded, native_students(), "catalogue")
        if isinstance(row, Trajectory)
    )


def test_a_pair_declares_what_its_trajectory_does_and_what_its_wrong_side_calls() -> None:
    by_id = {row.id: row for row in trajectories()}
    for pair in mutation_pairs():
        source = by_id[pair.parents[0]]
        assert set(pair.tools) == set(source.tools) | named(turns(pair))


def test_every_bench_case_declares_all_tools() -> None:
    assert {case.tools for case in bench_cases()} == {ALL_TOOLS}
