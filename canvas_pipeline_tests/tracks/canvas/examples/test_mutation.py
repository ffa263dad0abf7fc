"""Mutators against verifiers, axis by axis; quotas, spread and shape of the pairs."""

from __future__ import annotations

import random
from collections import Counter

import pytest
from msgspec.structs import replace

from canvas_pipeline.errors import BadInput
from canvas_pipeline.models.gemma4.wire import CALL_OPEN, Malformed, ToolCall, parse_turn, serialise
from canvas_pipeline.records import Message
from canvas_pipeline.tracks.canvas.bench.score import outcome
from canvas_pipeline.tracks.canvas.examples.decision_points import Step, decision_points
from canvas_pipeline.tracks.canvas.examples.difference import Difference, difference
from canvas_pipeline.tracks.canvas.examples.distractors import COMPANIONS, HALLUCINATED, NEAR_MISSES, call_for
from canvas_pipeline.tracks.canvas.examples.mistakes import BAD_VALUES, IN_WORDS, MISNAMED, SPELLINGS, too_many
from canvas_pipeline.tracks.canvas.examples.mutation import MIXED, MIXTURES, SINGLE, Mutated, categories, mutate, quotas
from canvas_pipeline.tracks.canvas.examples.policy import PLAIN_ANSWERS
from canvas_pipeline.tracks.canvas.examples.verification import AXES, HEAVY_AXES, faults
from canvas_pipeline.tracks.canvas.profiles import PROFILES
from canvas_pipeline.tracks.canvas.rows import BenchCase, PreferencePair, Trajectory
from canvas_pipeline.tracks.canvas.tools.tool_table import TOOLS, validate
from canvas_pipeline_tests.tracks.canvas.examples.conversations import conversations, twice

ROWS = conversations(999)
BY_ID = {row.id: row for row in ROWS}


@pytest.fixture(scope="module", params=list(PROFILES))
def made(request: pytest.FixtureRequest) -> tuple[str, Mutated]:
    return request.param, mutate(ROWS, quotas(PROFILES[request.param]), 1)


def truth(pair: PreferencePair) -> tuple[Step, ...]:
    """The steps after a pair's prompt, found again in its trajectory."""
    trajectory = BY_ID[pair.parents[0]]
    return next(m for m in decision_points(trajectory) if m.prompt == pair.prompt).steps


@pytest.mark.parametrize("axis", AXES)
def test_over_200_seeds_a_rejected_side_fails_exactly_its_axis(axis: str) -> None:
    for seed in range(200):
        sample = random.Random(seed).sample(ROWS, 60)
        made = mutate(sample, {axis: 3}, seed)
        assert len(made.pairs) == 3, made.refusals[:3]
        assert not [r for r in made.refusals if r.reason != "duplicate"]
        for pair in made.pairs:
            assert faults(truth(pair), pair.rejected) == {axis}
            assert faults(truth(pair), pair.chosen) == set()


def test_a_mixed_pair_fails_exactly_its_two_axes() -> None:
    for seed in range(40):
        made = mutate(random.Random(seed).sample(ROWS, 120), {MIXED: 44}, seed)
        assert not made.shortfall
        assert {pair.axes for pair in made.pairs} == {kind.axes for kind in MIXTURES}
        for pair in made.pairs:
            assert faults(truth(pair), pair.rejected) == set(pair.axes)
            assert faults(truth(pair), pair.chosen) == set()


def test_both_profiles_get_their_quotas_in_sixteen_categories(made: tuple[str, Mutated]) -> None:
    name, (pairs, refusals, shortfall) = made
    profile = PROFILES[name]
    counted = categories(pairs)
    assert shortfall == {}
    assert len(counted) == 17
    for axis in AXES:
        expected = profile.pairs_per_heavy_axis if axis in HEAVY_AXES else profile.pairs_per_axis
        assert counted[f"{axis}/right"] == counted[f"{axis}/wrong"] == expected
    assert counted[MIXED] == profile.mixed_pairs
    assert len({pair.id for pair in pairs}) == len(pairs)
    assert {refusal.reason for refusal in refusals} <= {"duplicate"}


def test_four_fifths_of_both_sides_hold_a_call_at_both_profiles_even_without_labelled_pairs(
    made: tuple[str, Mutated],
) -> None:
    """G1 counts the whole preference set; labelled pairs only add sides that hold a call."""
    for side in ("chosen", "rejected"):
        holding = sum(any(CALL_OPEN in m.content for m in getattr(pair, side)) for pair in made[1].pairs)
        assert holding / len(made[1].pairs) >= 0.85


def test_every_axis_that_is_about_calls_is_spread_over_as_many_tools_as_it_has_pairs(made: tuple[str, Mutated]) -> None:
    for axis in set(AXES) - {"ordering", "termination", "argument_values"}:
        seen = Counter(
            call.name
            for pair in made[1].pairs
            if pair.axes == (axis,)
            for call in parse_turn(pair.chosen[0].content).well_formed
        )
        assert len(seen) >= min(len(TOOLS), quotas(PROFILES[made[0]])[axis])


def test_over_calling_starts_with_the_right_calls_and_often_makes_four_or_more_redundant_ones() -> None:
    pairs = mutate(ROWS, {"parsimony": 300}, 4).pairs
    redundant = []
    for pair in pairs:
        right, wrong = pair.chosen[0].content, pair.rejected[0].content
        assert wrong.startswith(right)
        assert not parse_turn(wrong).malformed
        redundant.append(len(parse_turn(wrong).calls) - len(parse_turn(right).calls))
    assert sum(count >= 4 for count in redundant) >= len(redundant) / 2
    assert sum(count == 1 for count in redundant) >= len(redundant) / 10


def test_some_rejected_sides_stop_at_the_request_or_between_two_calls() -> None:
    """The counterweight of over-calling: fewer calls are not always better. None asks for what the request may have said."""
    pairs = [pair for pair in mutate(ROWS, {"termination": 200}, 4).pairs if parse_turn(pair.chosen[-1].content).calls]
    halfway = [pair for pair in pairs if pair.prompt[-1].role == "tool"]
    assert len(halfway) == 20 == len(pairs) - len(halfway)
    for pair in pairs:
        turn = parse_turn(pair.rejected[-1].content)
        assert turn.text and not turn.calls and "?" not in turn.text
        assert (turn.text in PLAIN_ANSWERS.values()) == (pair not in halfway)
    assert all(pair.rejected[-1].content.startswith("You are free from 2026") for pair in halfway)


def test_a_wrong_form_is_never_an_answer() -> None:
    for pair in mutate(ROWS, {"format": 200}, 4).pairs:
        assert pair.rejected[0].content not in PLAIN_ANSWERS.values()
        (call, *_) = parse_turn(pair.chosen[0].content).well_formed
        assert call.name in pair.rejected[0].content


def test_a_wrong_order_begins_with_the_call_that_comes_too_early() -> None:
    for pair in mutate(ROWS, {"ordering": 60}, 4).pairs:
        early = parse_turn(pair.rejected[0].content).well_formed[0]
        assert early in truth(pair)[1] and early not in truth(pair)[0]


def test_stopping_pairs_start_after_a_result_where_nothing_needs_calling_and_at_the_request() -> None:
    kinds: Counter[str] = Counter()
    for pair in mutate(ROWS, {"termination": 200}, 4).pairs:
        assert pair.chosen[:-1] == pair.rejected[:-1]
        if parse_turn(pair.chosen[-1].content).calls:
            continue
        kinds["through" if len(pair.chosen) > 1 else "after" if pair.prompt[-1].role == "tool" else "never"] += 1
    assert all(abs(kinds[kind] - share) <= 3 for kind, share in {"after": 50, "never": 60, "through": 50}.items())


def test_of_two_calls_of_one_tool_each_is_compared_with_its_own() -> None:
    """Two exams: a mistake in one of them is that mistake, on every axis that such a turn can fail."""
    rows = twice(60)
    truths = {point.prompt: point.steps for row in rows for point in decision_points(row)}
    for axis in set(AXES) - {"ordering"}:
        made = mutate(rows, {axis: 30}, 3)
        assert not made.shortfall and {refusal.reason for refusal in made.refusals} <= {"duplicate"}
        for pair in made.pairs:
            assert faults(truths[pair.prompt], pair.rejected) == {axis}
            assert difference(pair.prompt, pair.chosen, pair.rejected) == Difference(frozenset({axis}), ())


@pytest.mark.parametrize(
    "wanted", [{"parsimony": 1}, {MIXED: 3, "format": 2}, {"termination": 7, "ordering": 5, MIXED: 40}]
)
def test_any_quotas_are_filled_exactly(wanted: dict[str, int]) -> None:
    """Mutations are as many as the on-policy pairs beside them allow."""
    made = mutate(ROWS, wanted, 5)
    found = Counter(pair.axes[0] if len(pair.axes) == 1 else MIXED for pair in made.pairs)
    assert not made.shortfall and found == wanted


def test_the_same_arguments_give_the_same_pairs_and_another_seed_others() -> None:
    wanted = dict.fromkeys(AXES, 5) | {MIXED: 20}
    assert mutate(ROWS, wanted, 1) == mutate(ROWS, wanted, 1)
    assert mutate(ROWS, wanted, 1).pairs != mutate(ROWS, wanted, 2).pairs


def test_a_pair_keeps_the_items_the_phrasing_and_the_tools_of_its_trajectory(made: tuple[str, Mutated]) -> None:
    for pair in made[1].pairs:
        source = BY_ID[pair.parents[0]]
        assert (pair.item_ids, pair.phrasing, pair.tools) == (source.item_ids, source.phrasing, source.tools)


def test_a_quota_that_cannot_be_met_is_reported() -> None:
    plain = [row for row in ROWS if row.kind == "none"][:3]
    made = mutate(plain, {"ordering": 5, "termination": 4, MIXED: 12}, 0)
    assert made.shortfall["ordering"] == 5
    assert len(made.pairs) + sum(made.shortfall.values()) == 21


def test_a_trajectory_with_an_unreadable_call_is_an_error_that_names_it() -> None:
    row = ROWS[0]
    broken = Message(role="assistant", content="<|tool_call>call:canvas.get_todo(")
    bad = Trajectory(**{f: getattr(row, f) for f in row.__struct_fields__} | {"messages": (*row.messages[:2], broken)})
    with pytest.raises(BadInput, match="trajectory t0, message 2: unterminated block"):
        mutate([bad], {"format": 1}, 0)


def test_a_chosen_side_that_is_wrong_itself_is_refused() -> None:
    row = next(r for r in ROWS if r.kind == "single" and r.messages[2].content.count("course_id"))
    wrong = Message(role="assistant", content="")
    bad = Trajectory(**{f: getattr(row, f) for f in row.__struct_fields__} | {"messages": (*row.messages[:-1], wrong)})
    made = mutate([bad], {"termination": 1, "parsimony": 0}, 0)
    assert all(pair.chosen[-1].content for pair in made.pairs)
    assert {(refusal.source, refusal.reason) for refusal in made.refusals} == {(row.id, "chosen_fails")}


def test_every_distractor_is_valid_for_every_tool_at_every_decision_point() -> None:
    rng = random.Random(0)
    for trajectory in ROWS[:81]:
        for point in decision_points(trajectory):
            for tool in TOOLS:
                assert validate(call_for(tool, point, rng)) == ()


def test_the_bench_agrees_with_the_verifiers(made: tuple[str, Mutated]) -> None:
    """The benchmark's scorer reads the same rows, and shares no code with the verifiers but the parser."""
    for pair in made[1].pairs:
        if len(pair.chosen) > 1 or len(pair.axes) > 1:
            continue
        needed = truth(pair)[0]
        case = BenchCase(
            id=pair.id, kind="single" if needed else "follow_up", messages=pair.prompt, tools=pair.tools,
            expected_tools=tuple(call.name for call in needed), expected_args=tuple(call.arguments for call in needed),
            phrasing=pair.phrasing, item_ids=pair.item_ids,
        )  # fmt: skip
        right, wrong = outcome(case, pair.chosen[0].content), outcome(case, pair.rejected[0].content)
        assert right.exact
        assert not wrong.exact
        (axis,) = pair.axes
        if axis == "parsimony":
            assert wrong.solved and wrong.selected and wrong.calls > len(needed)
        elif axis == "termination":
            assert wrong.state == ("abstained" if needed else "called")
        elif axis == "format":
            assert wrong.state in ("malformed", "abstained")
        elif axis in ("tool_selection", "domain_fit"):
            assert not wrong.solved
        else:
            assert wrong.state == "called"


def test_the_tables_of_wrong_answers_name_all_tools_and_only_wrong_answers() -> None:
    assert set(HALLUCINATED) == set(NEAR_MISSES) == set(TOOLS) == set(COMPANIONS) - {"none"}
    assert not {name for names in HALLUCINATED.values() for name in names} & set(TOOLS)
    for name, near in NEAR_MISSES.items():
        assert all(TOOLS[other].family == TOOLS[name].family and other != name for other in near)
    for names in COMPANIONS.values():
        assert set(names) <= set(TOOLS)
    parameters = {p.name: {q.name for q in tool.parameters} for tool in TOOLS.values() for p in tool.parameters}
    assert set(MISNAMED) <= set(parameters)
    for tool in TOOLS.values():
        keys = {p.name for p in tool.parameters}
        assert not [wrong for key in keys for wrong in MISNAMED.get(key, ()) if wrong in keys]
    assert {p.kind for tool in TOOLS.values() for p in tool.parameters} <= set(BAD_VALUES)


@pytest.mark.parametrize("kind", list(SPELLINGS))
def test_every_spelling_is_no_readable_call(kind: str) -> None:
    for call in (
        ToolCall("canvas.get_todo", {}),
        ToolCall("canvas.get_grades", {"course_id": 4264}),
        ToolCall("study.recommend_block_size", {"task_type": "lab"}),
    ):
        turn = parse_turn(SPELLINGS[kind](call))
        assert not turn.well_formed
        assert bool(turn.malformed) == (kind not in ("announced", "promised"))
        assert all(isinstance(block, Malformed) for block in turn.calls)
        assert (CALL_OPEN in SPELLINGS[kind](call)) == (kind not in IN_WORDS)


def test_mutators_return_none_where_their_mistake_is_impossible() -> None:
    stop = next(m for row in ROWS for m in decision_points(row) if not m.needed)
    call = next(m for row in ROWS for m in decision_points(row) if m.needed)
    rng = random.Random(0)
    for axis, kind in SINGLE.items():
        point = call if axis == "termination" else stop
        if kind.mutators:
            assert kind.mutators[0](point, point.needed, rng) is None
    extended = too_many(call, call.needed, rng)
    assert extended is not None
    assert "".join(map(serialise, extended)).startswith(call.right.content)


def test_a_pair_that_differs_in_a_stated_default_is_a_duplicate() -> None:
    """Two conversations of one request, one of which states a default: the pairs made from both are not both kept."""
    row = next(r for r in ROWS if r.kind == "single" and "call:canvas.list_courses{}" in r.messages[2].content)
    stated = serialise(ToolCall("canvas.list_courses", {"active_only": True}))
    twin = replace(
        row, id="twin", messages=(*row.messages[:2], replace(row.messages[2], content=stated), *row.messages[3:])
    )
    wrong = [pair.rejected[0].content for pair in mutate([row, twin], {"domain_fit": 400}, 1).pairs]
    assert len(wrong) > 5 and len(wrong) == len(set(wrong))
