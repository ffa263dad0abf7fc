"""What a policy samples is judged, and its mistakes become pairs."""

from __future__ import annotations

import itertools
import statistics

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from canvas_pipeline.models.family import ToolCall
from canvas_pipeline.models.gemma4.family import GEMMA4
from canvas_pipeline.tracks.canvas.examples import on_policy
from canvas_pipeline.tracks.canvas.examples.decision_points import DecisionPoint, decision_points
from canvas_pipeline.tracks.canvas.examples.on_policy import Judged, judge, pass_at
from canvas_pipeline.tracks.canvas.examples.verification import faults
from canvas_pipeline.tracks.canvas.rows import Sample
from canvas_pipeline.tracks.canvas.tools.calls import CALLS
from canvas_pipeline_tests.tracks.canvas.examples.conversations import conversations

POINTS = [point for row in conversations(60) for point in decision_points(row)]
CALLING = next(point for point in POINTS if len(point.needed) == 1 and point.needed[0].arguments)
ANSWERING = next(point for point in POINTS if not point.needed)
TODO = CALLS.serialise(ToolCall("canvas.get_todo", {}))


def judged(point: DecisionPoint, text: str, stopped: bool = True, greedy: bool = False) -> Judged:
    return judge(
        point,
        Sample(id="s", at=point.at, greedy=greedy, text=text, stopped=stopped, parents=(point.trajectory.id,)),
        GEMMA4.stops,
    )


MANY = [(CALLING, [judged(CALLING, CALLING.right.content + TODO)])] * 40
"""Pairs about calls, beside which a few about answers have a place."""


def pairs(point: DecisionPoint, *texts: str) -> on_policy.Sampled:
    """The pairs of one prompt."""
    return one([judged(point, text) for text in texts], point)


def one(said: list[Judged], point: DecisionPoint) -> on_policy.Sampled:
    found = on_policy.pairs([(point, said), *MANY], lambda text: "555" not in text)
    return found._replace(pairs=found.pairs[: len(found.pairs) - len(MANY)])


@pytest.mark.parametrize("samples", (4, 8))
def test_pass_at_k_is_the_share_of_all_draws_of_k_samples_that_hold_a_right_one(samples: int) -> None:
    for right, k in itertools.product(range(samples + 1), range(1, samples + 1)):
        draws = itertools.combinations([True] * right + [False] * (samples - right), k)
        assert pass_at(k, samples, right) == pytest.approx(statistics.fmean(map(any, draws)))


def test_prompts_are_spread_over_kinds_and_within_a_kind_over_tools() -> None:
    kinds = {point.trajectory.kind for point in POINTS}
    chosen = on_policy.prompts(POINTS, 3 * len(kinds), 7)
    assert {kind: sum(point.trajectory.kind == kind for point in chosen) for kind in kinds} == dict.fromkeys(kinds, 3)
    singles = [point.subject for point in chosen if point.trajectory.kind == "single"]
    assert len(set(singles)) == len(singles)
    assert on_policy.prompts(POINTS, 20, 7) == on_policy.prompts(POINTS, 20, 7) != on_policy.prompts(POINTS, 20, 8)
    assert len(on_policy.prompts(POINTS, 10**6, 7)) == len(POINTS)


def test_portions_share_no_prompt_and_hold_all_of_them_in_like_numbers() -> None:
    three = [on_policy.portion(POINTS, number, 3, 7) for number in range(3)]
    names = [on_policy.name_of(point) for part in three for point in part]
    assert sorted(names) == sorted(map(on_policy.name_of, POINTS)) and len(set(names)) == len(names)
    assert all(len(part) > len(POINTS) / 5 for part in three)
    assert three != [on_policy.portion(POINTS, number, 3, 8) for number in range(3)]


def test_the_scripted_turn_with_its_stop_is_right_at_every_decision_point() -> None:
    for point in POINTS:
        stop = GEMMA4.calls.response_open if point.needed else "<turn|>"
        found = judged(point, point.right.content + stop)
        assert found.right and not found.axes and found.text == point.right.content.strip()


def test_a_wrong_sample_fails_what_the_verifier_finds() -> None:
    doubled = judged(CALLING, CALLING.right.content + TODO + "<|tool_response>")
    assert not doubled.right and doubled.axes == ("parsimony",)
    assert judged(CALLING, "Let me look.<turn|>").axes == ("termination",)
    assert judged(ANSWERING, TODO + "<|tool_response>").axes == ("termination",)
    assert judged(ANSWERING, "I could use canvas.get_todo.<turn|>").axes == ("format", "termination")


def test_a_right_call_that_was_cut_is_neither_right_nor_wrong() -> None:
    cut = judged(CALLING, CALLING.right.content, stopped=False)
    assert not cut.right and not cut.axes and not pairs(CALLING, CALLING.right.content).pairs


def test_a_pair_has_a_sampled_mistake_beside_the_right_call_that_was_sampled_or_the_scripted_one() -> None:
    wrong = CALLING.right.content + TODO
    for texts, chosen in (
        ((wrong, wrong), CALLING.right.content),
        ((wrong, CALLING.right.content), CALLING.right.content),
    ):
        (pair,) = pairs(CALLING, *texts).pairs
        assert pair.source == "on_policy" and pair.prompt == CALLING.prompt
        assert [m.content for m in (*pair.chosen, *pair.rejected)] == [chosen, wrong]
        assert faults(CALLING.steps, pair.rejected) == set(pair.axes) and not faults(CALLING.steps, pair.chosen)
        assert pair.parents == (CALLING.trajectory.id,) and pair.item_ids == CALLING.trajectory.item_ids


def test_an_answer_is_chosen_from_the_script_since_its_content_is_not_judged() -> None:
    (pair,) = pairs(ANSWERING, "Whatever.<turn|>", TODO).pairs
    assert pair.chosen == (ANSWERING.right,)


def test_equal_mistakes_are_one_pair_and_the_most_frequent_come_first() -> None:
    texts = [TODO + str(n) for n in range(6)]
    found = pairs(ANSWERING, *texts, texts[5], texts[5], texts[4])
    assert len(found.pairs) == on_policy.PAIRS_A_PROMPT and found.merged == 3
    assert [pair.rejected[0].content for pair in found.pairs][:2] == [texts[5], texts[4]]
    assert [one.reason for one in found.refusals] == ["surplus"] * 4
    assert len({pair.id for pair in found.pairs}) == len(found.pairs)


def test_the_greedy_mistake_comes_first_however_often_others_were_sampled() -> None:
    said = [judged(ANSWERING, f"{TODO}{n}") for n in (1, 1, 2, 2)] + [judged(ANSWERING, f"{TODO}3", greedy=True)]
    found = one(said, ANSWERING)
    assert [pair.rejected[0].content[-1] for pair in found.pairs] == ["3", "1"]
    (only,) = on_policy.sampled([(ANSWERING, said)])
    assert len(only[1]) == 4 and on_policy.sampled([(ANSWERING, said[-1:])]) == []


def test_at_most_a_fifth_of_the_pairs_is_about_answers() -> None:
    answers = [(ANSWERING, [judged(ANSWERING, TODO)])] * 30
    found = on_policy.pairs([*answers, *MANY], lambda text: True)
    assert sum(pair.chosen == (ANSWERING.right,) for pair in found.pairs) == 10 and len(found.pairs) == 50
    assert [refused.reason for refused in found.refusals] == ["answers_suffice"] * 20


RIGHT, WRONG = CALLING.right.content, CALLING.right.content + TODO


def ranked(point: DecisionPoint, *texts: str) -> on_policy.Sampled:
    """The pair that a round makes of one prompt."""
    found = on_policy.ranked([(point, [judged(point, text) for text in texts]), *MANY], lambda text: "555" not in text)
    return found._replace(pairs=found.pairs[: len(found.pairs) - len(MANY)])


def test_a_sample_beats_those_of_a_lower_grade_and_half_of_its_equals() -> None:
    cut = judged(CALLING, RIGHT, stopped=False)
    found = [judged(CALLING, RIGHT), cut, judged(CALLING, WRONG), judged(CALLING, TODO)]
    assert [on_policy.win_rate(one, found) for one in found] == [3.5 / 4, 2.5 / 4, 1 / 4, 1 / 4]


def test_a_round_pairs_each_prompts_best_sample_with_its_worst_once() -> None:
    (pair,) = ranked(CALLING, WRONG, RIGHT, TODO, TODO, RIGHT).pairs
    assert [m.content for m in (*pair.chosen, *pair.rejected)] == [RIGHT, TODO]
    assert pair.source == "on_policy" and pair.parents == (CALLING.trajectory.id,)


def test_in_a_round_the_scripted_truth_stands_for_a_right_sample_where_there_is_none_and_for_every_answer() -> None:
    (pair,) = ranked(CALLING, WRONG, TODO, WRONG).pairs
    assert [m.content for m in (*pair.chosen, *pair.rejected)] == [RIGHT, WRONG]
    (pair,) = ranked(ANSWERING, "Whatever.<turn|>", TODO).pairs
    assert pair.chosen == (ANSWERING.right,)


def test_a_prompt_without_a_wrong_sample_gives_a_round_nothing_and_greedy_completions_count_for_nothing() -> None:
    assert ranked(CALLING, RIGHT, RIGHT) == on_policy.Sampled((), (), 0)
    likely = [(CALLING, [judged(CALLING, WRONG, greedy=True)])]
    assert on_policy.ranked(likely, lambda text: True) == on_policy.Sampled((), (), 0)


def test_a_round_takes_the_next_worst_sample_where_the_worst_cannot_be_trained_on_and_refuses_a_prompt_without_one() -> (
    None
):
    (pair,) = ranked(CALLING, f"{TODO} 555", f"{TODO} 555", WRONG).pairs
    assert pair.rejected[0].content == WRONG
    found = ranked(CALLING, f"{TODO} 555", RIGHT)
    assert not found.pairs and [one.reason for one in found.refusals] == ["identity"]


def test_at_most_a_fifth_of_a_rounds_pairs_is_about_answers() -> None:
    answers = [(ANSWERING, [judged(ANSWERING, TODO)])] * 30
    found = on_policy.ranked([*answers, *MANY], lambda text: True)
    assert len(found.pairs) == 50 and [one.reason for one in found.refusals] == ["answers_suffice"] * 20


@given(*(st.integers(0, 60) for _ in range(3)))
def test_calls_stand_on_four_fifths_of_each_side_of_a_rounds_pairs_and_no_pair_is_lost_uncounted(
    both: int, best: int, worst: int
) -> None:
    calling, plain = judged(CALLING, WRONG), judged(CALLING, "Whatever.")
    needless = judged(ANSWERING, TODO)
    assert all(one.axes for one in (calling, plain, needless))
    prompts = [*[(CALLING, [calling])] * both, *[(CALLING, [plain])] * best, *[(ANSWERING, [needless])] * worst]
    found = on_policy.ranked(prompts, lambda text: True)
    for side in ("chosen", "rejected"):
        calls = [CALLS.call_open in getattr(pair, side)[0].content for pair in found.pairs]
        assert sum(calls) >= 0.8 * len(calls)
    assert len(found.pairs) + len(found.refusals) == len(prompts)
    assert sum(pair.chosen == (CALLING.right,) and pair.rejected[0].content == WRONG for pair in found.pairs) == both


@pytest.mark.parametrize(
    ("text", "reason"),
    (
        ("", "empty"),
        (f"{TODO}<|turn>user", "stray_marker"),
        (TODO.replace("{}", "{ }") , "not_as_written"),
        (f"{TODO} 555", "identity"),
    ),
)  # fmt: skip
def test_a_mistake_that_cannot_be_trained_on_is_refused_with_a_reason(text: str, reason: str) -> None:
    found = pairs(ANSWERING, text)
    assert not found.pairs and [one.reason for one in found.refusals] == [reason]
    assert found.refusals[0].source == on_policy.name_of(ANSWERING)


def test_a_case_has_the_prompt_and_the_calls_of_its_decision_point() -> None:
    case = on_policy.case_of(CALLING, "3")
    assert case.messages == CALLING.prompt and case.id == f"{on_policy.name_of(CALLING)}.3"
    assert [ToolCall(n, a) for n, a in zip(case.expected_tools, case.expected_args)] == list(CALLING.needed)
    assert msgspec.json.decode(msgspec.json.encode(case), type=type(case)) == case
