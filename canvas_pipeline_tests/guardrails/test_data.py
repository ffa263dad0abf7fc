from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from canvas_pipeline.errors import BadConfig, RowsUnaccounted
from canvas_pipeline.guardrails.guard import FunnelEvidence
from canvas_pipeline.guardrails.verdict import Allowance
from canvas_pipeline.models.family import ToolCall
from canvas_pipeline.models.gemma4.wire import serialise
from canvas_pipeline.records import Funnel
from canvas_pipeline_tests.guardrails.good_data import (
    Line,
    answered,
    assistant,
    call,
    feedback,
    pair,
    training,
    trajectory,
    user,
    verdict_on,
    verdict_on_rows,
    verdicts,
)
from canvas_pipeline_tests.guardrails.mutations import MUTATIONS, change, replace


def failed(line: Line, method: str = "dpo") -> set[str]:
    return {v.guard for v in verdicts(line, method) if not v.passed}


@pytest.mark.parametrize("method", ["sft", "dpo", "kto"])
def test_the_good_line_passes_every_guard(method: str) -> None:
    assert failed(Line(), method) == set()


@pytest.mark.parametrize("guard", MUTATIONS)
def test_a_small_mutation_makes_exactly_its_guard_fail_and_the_reason_says_what_to_do(guard: str) -> None:
    line = Line()
    MUTATIONS[guard](line)
    by_guard = {v.guard: v for v in verdicts(line, "dpo")}
    assert {g for g, v in by_guard.items() if not v.passed} == {guard}
    verdict = by_guard[guard]
    assert "must be" in verdict.reason and ":" in verdict.reason
    assert verdict.thresholds and verdict.inputs


@pytest.mark.parametrize("guard", ["g1", "g4", "g6", "g7", "g8", "g11", "g13"])
def test_nothing_passes_on_empty_data(guard: str) -> None:
    empty = {
        "g6": FunnelEvidence([], []), "g11": training(lengths=[]),
    }  # fmt: skip
    assert not (verdict_on(guard, empty[guard]) if guard in empty else verdict_on_rows(guard, [])).passed


def test_no_reason_quotes_a_rows_text() -> None:
    line = Line()
    secret = "Jane Doe jane@example.edu"
    change(
        line,
        "preference_train",
        1,
        prompt=(user(secret + "<|tool_call>"),),
        chosen=(assistant(secret + "<|tool_call>call:"),),
    )
    change(line, "trajectory_train", 0, tools=("Jane Doe",))
    reasons = " ".join(v.reason + str(v.numbers) for m in ("sft", "dpo") for v in verdicts(line, m))
    assert "Jane" not in reasons and "row p1" in reasons


def test_g1_counts_over_the_whole_set_so_that_a_fifth_of_plain_rejected_sides_is_legal() -> None:
    pairs = [pair(i, "argument_keys", "x") for i in range(8)]
    plain = [replace(pair(i, "format", "x"), rejected=(assistant("I will call it."),)) for i in range(8, 11)]
    assert verdict_on_rows("g1", pairs + plain[:2]).passed
    assert not verdict_on_rows("g1", pairs + plain).passed


def test_g4_counts_occurrences_of_tools_and_shows_each() -> None:
    rows = [trajectory(i, "canvas.get_todo", "x", call("canvas.get_todo"), call("canvas.get_todo")) for i in range(3)]
    verdict = verdict_on_rows("g4", rows)
    assert verdict.numbers["tool/canvas.get_todo"] == 6 and verdict.numbers["fewest"] == 0
    assert not verdict.passed and "fewest is 0, must be >= 3" in verdict.reason
    assert "look first at canvas.list_courses" in verdict.reason


def test_g4_fails_on_imbalance_alone() -> None:
    line = Line()
    extra = tuple(trajectory(500 + i, "canvas.get_todo", "train-item-1") for i in range(30))
    line.rows["trajectory_train"] += extra
    verdict = verdict_on_rows("g4", line.rows["trajectory_train"])
    assert not verdict.passed and verdict.numbers["fewest"] == 3 and "cv is" in verdict.reason


def test_g6_records_the_allowance_with_its_number_and_reason() -> None:
    line = Line()
    verdict = verdict_on("g6", FunnelEvidence(line.funnels, line.allowances), "preference")
    assert (
        verdict.passed and verdict.allowance == "labelled_pairs>=0.45: votes must be unanimous over three presentations"
    )
    assert verdict.thresholds["minimum/labelled_pairs"] == 0.45


def test_g6_does_not_use_an_allowance_that_is_not_needed() -> None:
    funnels = [Funnel(stage="labelled_pairs", rows_in=10, kept=7, refused={"not_unanimous": 3})]
    verdict = verdict_on("g6", FunnelEvidence(funnels, Line().allowances))
    assert verdict.passed and verdict.allowance is None


def test_g6_fails_below_an_allowances_number() -> None:
    funnels = [Funnel(stage="labelled_pairs", rows_in=100, kept=44, refused={"not_unanimous": 56})]
    verdict = verdict_on("g6", FunnelEvidence(funnels, Line().allowances))
    assert not verdict.passed and "labelled_pairs (44.0% of 100 rows kept)" in verdict.reason


def test_g6_does_not_let_an_allowance_of_one_stage_serve_another() -> None:
    funnels = [Funnel(stage="corpus", rows_in=100, kept=60, refused={"x": 40})]
    assert not verdict_on("g6", FunnelEvidence(funnels, Line().allowances)).passed


def test_g6_refuses_a_funnel_that_does_not_add_up() -> None:
    with pytest.raises(RowsUnaccounted):
        verdict_on("g6", FunnelEvidence([Funnel(stage="corpus", rows_in=10, kept=8)], []))


@pytest.mark.parametrize(("minimum", "reason"), [(0.0, "a good long reason"), (1.0, "a good long reason"), (0.5, ""),
                                                 (float("nan"), "a good long reason")])  # fmt: skip
def test_an_allowance_without_a_number_or_a_reason_is_none(minimum: float, reason: str) -> None:
    with pytest.raises(BadConfig):
        Allowance(stage="corpus", minimum_retained=minimum, reason=reason)


def test_g7_allows_made_up_names_only_on_the_rejected_side_of_the_tool_selection_axis() -> None:
    made_up = (assistant(serialise(ToolCall("canvas.list_assignments", {}))), answered("canvas.list_assignments"))
    legal = replace(pair(1, "tool_selection", "x"), rejected=made_up)
    assert verdict_on_rows("g7", [legal]).numbers["legal_in_rejected"] == 2
    assert verdict_on_rows("g7", [legal]).passed
    for axis in ("domain_fit", "argument_keys"):
        assert not verdict_on_rows("g7", [replace(legal, axes=(axis,))]).passed
    assert verdict_on_rows("g7", [replace(legal, axes=("domain_fit", "tool_selection"))]).passed
    assert not verdict_on_rows("g7", [replace(legal, chosen=made_up)]).passed


def test_g7_looks_at_declared_tools_and_at_desirable_feedback() -> None:
    assert not verdict_on_rows(
        "g7", [replace(pair(1, "tool_selection", "x"), tools=("canvas.list_assignments",))]
    ).passed
    undesirable = feedback(1, "tool_selection", "x", label=False)
    assert verdict_on_rows("g7", [undesirable], dataset="feedback").passed
    assert not verdict_on_rows("g7", [replace(undesirable, label=True)], dataset="feedback").passed


def test_g8_allows_malformed_calls_only_on_the_rejected_side_of_the_format_axis() -> None:
    good = pair(1, "format", "x")
    verdict = verdict_on_rows("g8", [good])
    assert verdict.passed and verdict.numbers["legal_in_rejected"] == 1
    assert not verdict_on_rows("g8", [replace(good, axes=("ordering",))]).passed
    assert not verdict_on_rows("g8", [replace(good, chosen=good.rejected)]).passed


@pytest.mark.parametrize(
    "content",
    [
        '<|tool_call>call:canvas.get_course{course_id:"7"}<tool_call|>',
        "<|tool_call>call:canvas.get_course{ course_id : 7 }<tool_call|>",
        "<|tool_call>call:canvas.get_course{course_id:7}",
        "call:canvas.get_course{course_id:7}",
        "Done.<turn|>and more",
        "Done. <|think|>",
    ],
)
def test_g8_notices_every_text_that_parsing_would_change(content: str) -> None:
    row = replace(
        trajectory(1, "canvas.get_todo", "x"),
        messages=(user("hi"), assistant(serialise(call("canvas.get_todo"))), assistant(content)),
    )
    assert not verdict_on_rows("g8", [row], dataset="trajectory").passed


def test_g8_notices_live_markers_from_outside_and_unreadable_results() -> None:
    row = trajectory(1, "canvas.get_todo", "x")
    assert not verdict_on_rows(
        "g8", [replace(row, messages=(user("<|tool_call>"), *row.messages[2:]))], dataset="trajectory"
    ).passed
    broken = replace(answered("canvas.get_todo"), content="{'id': 7}")
    assert not verdict_on_rows("g8", [replace(row, messages=(*row.messages[:3], broken))], dataset="trajectory").passed


JSON_LIKE = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**12), 10**12)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


@given(
    st.lists(st.dictionaries(st.text(max_size=8), JSON_LIKE, max_size=4), min_size=1, max_size=3),
    st.sampled_from(["", "Ok. "]),
)
def test_g8_passes_whatever_serialise_wrote(arguments: list[dict[str, object]], prefix: str) -> None:
    text = prefix + "".join(serialise(ToolCall("canvas.get_todo", a)) for a in arguments)
    row = replace(trajectory(1, "canvas.get_todo", "x"), messages=(user("hi"), assistant(text)))
    verdict = verdict_on_rows("g8", [row], dataset="trajectory")
    assert verdict.passed and verdict.numbers["calls"] == len(arguments)


def test_g11_is_strict_at_one_per_cent_and_uses_the_methods_own_length() -> None:
    assert not verdict_on("g11", training(lengths=[10] * 99 + [1025], max_length=1024)).passed
    assert verdict_on("g11", training(lengths=[10] * 99 + [1025], max_length=4096)).passed
    assert verdict_on("g11", training(lengths=[1024] * 5, max_length=1024)).numbers["rows_over"] == 0
    assert verdict_on("g11", training(lengths=[10] * 100 + [1025], max_length=1024)).passed


def test_g13_counts_over_all_turns_of_a_trajectory_and_allows_three() -> None:
    todo = call("canvas.get_todo")
    three = verdict_on_rows("g13", [trajectory(1, "", "x", todo, todo, todo)])
    assert three.passed and three.numbers["trajectories_over"] == 0
    verdict = verdict_on_rows("g13", [trajectory(1, "", "x", todo, todo, todo, todo)])
    assert not verdict.passed and verdict.numbers["most_repeats"] == 4 and "row t1" in verdict.reason
