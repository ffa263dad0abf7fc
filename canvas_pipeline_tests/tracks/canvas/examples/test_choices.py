"""Training conversations in the form of the labelled pairs: real results of the student's own account."""

from __future__ import annotations

import json

import msgspec

from canvas_pipeline.models.gemma4.wire import parse_turn
from canvas_pipeline.tracks.canvas.examples.choices import choices, quota
from canvas_pipeline.tracks.canvas.examples.labelling import label, preference_pairs
from canvas_pipeline.tracks.canvas.examples.pairs import sample_pairs
from canvas_pipeline.tracks.canvas.examples.teacher import UrgencyTeacher
from canvas_pipeline.tracks.canvas.examples.trajectory import trajectory_of
from canvas_pipeline.tracks.canvas.mock.canvas import MockCanvas
from canvas_pipeline_tests.tracks.canvas.examples.accounts import EMBEDDED, corpus, embedded_students

MADE = list(choices(embedded_students(), EMBEDDED, 7, MockCanvas))


def test_a_profile_gets_its_number_of_conversations_mostly_distinct_and_the_same_ones_again() -> None:
    assert len(MADE) == EMBEDDED.choice_trajectories
    assert len({trajectory_of(situation).messages for situation in MADE}) >= 0.95 * len(MADE)
    assert list(choices(embedded_students(), EMBEDDED, 7, MockCanvas)) == MADE


def test_they_have_the_wordings_and_the_turns_of_the_labelled_pairs() -> None:
    decided = label(sample_pairs(corpus(), 200, 1), UrgencyTeacher()).pairs
    labelled = preference_pairs(decided, EMBEDDED.declaration, MockCanvas).pairs
    rows = [trajectory_of(situation) for situation in MADE]
    assert {row.phrasing for row in rows} == {pair.phrasing for pair in labelled}
    roles = {tuple(m.role for m in row.messages) for row in rows}
    assert roles == {tuple(m.role for m in (*pair.prompt, *pair.chosen)) for pair in labelled}


def test_the_result_is_the_account_s_own_and_the_answer_follows_it() -> None:
    winners = set()
    for situation in MADE:
        row = trajectory_of(situation)
        (call,) = parse_turn(row.messages[2].content).well_formed
        result = json.loads(row.messages[3].content)
        assert result == MockCanvas(situation.snapshot).dispatch(call.name, call.arguments)
        winners.add(result["winner"])
        if result["winner"]:
            assert row.messages[4].content.startswith(call.arguments[f"item_{result['winner'].lower()}"])
        assert (
            call.arguments["item_a"] in row.messages[1].content and call.arguments["item_b"] in row.messages[1].content
        )
    assert {"A", "B"} <= winners


def test_students_without_two_items_of_different_names_are_asked_nothing() -> None:
    alone = [msgspec.structs.replace(s, assignments=s.assignments[:1]) for s in embedded_students()]
    assert quota(alone, EMBEDDED) == 0 and list(choices(alone, EMBEDDED, 7, MockCanvas)) == []
