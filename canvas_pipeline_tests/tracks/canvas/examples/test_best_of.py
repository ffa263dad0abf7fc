"""What a policy said right becomes what it is to say again."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from canvas_pipeline.tracks.canvas.examples import best_of
from canvas_pipeline.tracks.canvas.examples.decision_points import DecisionPoint
from canvas_pipeline.tracks.canvas.examples.on_policy import Judged
from canvas_pipeline_tests.tracks.canvas.examples.test_on_policy import ANSWERING, CALLING, POINTS, TODO, judged

RIGHT, WRONG = CALLING.right.content, CALLING.right.content + TODO


def best(
    sampled: Sequence[tuple[DecisionPoint, Sequence[Judged]]],
    greedy: Sequence[tuple[DecisionPoint, Sequence[Judged]]] = (),
    seed: int = 7,
) -> best_of.Chosen:
    return best_of.best(greedy, sampled, seed, lambda text: "555" not in text)


def right(point: DecisionPoint) -> tuple[DecisionPoint, list[Judged]]:
    return point, [judged(point, point.right.content, greedy=True)]


def test_a_prompt_gives_the_right_sample_and_only_that_is_to_be_learnt() -> None:
    (row,) = best([(CALLING, [judged(CALLING, text) for text in (WRONG, RIGHT, WRONG)])]).rows
    assert (row.prompt, [message.content for message in row.completion]) == (CALLING.prompt, [RIGHT])
    assert row.label and not row.axes and row.parents == (CALLING.trajectory.id,)
    assert row.item_ids == CALLING.trajectory.item_ids and row.phrasing == CALLING.trajectory.phrasing


def test_of_several_right_samples_the_one_said_most_often_is_taken_and_else_the_first() -> None:
    said = [judged(ANSWERING, text) for text in ("Done.", "All done.", "All done.", TODO, TODO, TODO)]
    assert best([(ANSWERING, said)]).rows[0].completion[0].content == "All done."
    assert best([(ANSWERING, said[:2])]).rows[0].completion[0].content == "Done."


@pytest.mark.parametrize(
    ("text", "reason"),
    (
        (TODO, "none_right"),
        ("It is due at 23:17 with Zebulon.", "none_right"),  # nothing before it says so
        ("Done <|turn> so", "stray_marker"),
        ("Done, call 555.", "none_right"),
    ),
)
def test_a_prompt_without_a_completion_to_learn_from_is_refused_with_a_reason(text: str, reason: str) -> None:
    found = best([(ANSWERING, [judged(ANSWERING, text)])])
    assert not found.rows and [one.reason for one in found.refusals] == [reason]


def test_a_greedy_completion_counts_as_no_sample_and_a_sample_as_no_greedy_completion() -> None:
    said = [judged(CALLING, RIGHT, greedy=True), judged(CALLING, WRONG)]
    assert [one.reason for one in best([(CALLING, said)]).refusals] == ["none_right"]
    assert best_of.failed([(CALLING, said)]) == []
    assert best_of.failed([(CALLING, [judged(CALLING, WRONG, greedy=True), judged(CALLING, RIGHT)])]) == [CALLING]


def test_a_share_of_the_prompts_with_a_right_greedy_completion_is_drawn_by_the_seed() -> None:
    calling = [point for point in POINTS if point.needed]
    greedy = [right(point) for point in calling]
    found = best([], greedy)
    assert len(found.rows) + len(found.refusals) == round(best_of.KEPT * len(calling)) < len(calling)
    assert not found.refusals and found == best([], greedy) and found.rows != best([], greedy, seed=8).rows
    assert {row.completion[0].content for row in found.rows} <= {point.right.content for point in calling}
