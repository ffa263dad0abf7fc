from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from canvas_pipeline.errors import BadInput
from canvas_pipeline.evaluation.benchmark import Prediction
from canvas_pipeline.evaluation.statistics import wilson
from canvas_pipeline.models.gemma4.wire import ToolCall, serialise
from canvas_pipeline.records import dumps
from canvas_pipeline.tracks.canvas.bench.score import BenchReport, outcome, report, state_of
from canvas_pipeline.tracks.canvas.tools.tool_table import TOOLS
from canvas_pipeline_tests.tracks.canvas.bench.answers import ASSIGNMENTS, COURSE, MALFORMED, TODO, answers, case, text


def test_a_turn_is_called_abstained_or_malformed() -> None:
    assert state_of(text(TODO)) == "called"
    assert state_of("You have two things due.") == state_of("") == "abstained"
    assert state_of(MALFORMED) == state_of("I will use call:canvas.get_todo{}") == "malformed"


@pytest.mark.parametrize(
    "output", [MALFORMED, text(TODO) + MALFORMED, "<|tool_call>call:canvas.get_todo{a:True}<tool_call|>"]
)
def test_a_malformed_turn_earns_nothing_and_is_never_an_abstention(output: str) -> None:
    calling, none, stop = (
        outcome(case("a", "single", TODO), output), outcome(case("b", "none"), output),
        outcome(case("c", "follow_up"), output),
    )  # fmt: skip
    for one in (calling, none, stop):
        assert one.state == "malformed" and not one.exact and not one.selected and not one.solved
    found = report([case("c0", "none"), case("c1", "follow_up")], answers(output, output))
    assert found.states == {"called": 0, "abstained": 0, "malformed": 2}
    assert found.termination.share == 0 and found.by_kind["none"].share == 0 and found.malformed.share == 1


def test_an_answer_that_ran_into_the_length_limit_is_not_right_and_is_no_abstention() -> None:
    cases = [case("c0", "single", TODO), case("c1", "none"), case("c2", "follow_up")]
    texts = [text(TODO) + " and", "Well, well,", "Well, well,"]
    found = report(cases, [Prediction(id=f"c{i}", text=t, stopped=False) for i, t in enumerate(texts)])
    assert found.states == {"called": 1, "abstained": 0, "malformed": 2}
    assert found.exact_call.hits == found.termination.hits == found.by_kind["none"].hits == 0
    assert found.tool_selection.hits == 1 and found.truncated.hits == 3


def test_selection_looks_at_the_first_call_only() -> None:
    several = case("a", "several", ASSIGNMENTS, TODO)
    assert outcome(several, text(ASSIGNMENTS)).selected
    assert not outcome(several, text(TODO, ASSIGNMENTS)).selected
    assert outcome(several, text(ToolCall("canvas.get_assignments", {}))).selected


def test_an_exact_answer_has_all_calls_in_order_with_equal_arguments_and_no_other() -> None:
    several = case("a", "several", ASSIGNMENTS, TODO)
    assert outcome(several, text(ASSIGNMENTS, TODO)).exact
    for calls in ((TODO, ASSIGNMENTS), (ASSIGNMENTS,), (ASSIGNMENTS, TODO, TODO), (COURSE, TODO), ()):
        assert not outcome(several, text(*calls)).exact
    default = ToolCall("canvas.get_assignments", {**ASSIGNMENTS.arguments, "include_submitted": False})
    assert not outcome(case("a", "single", ASSIGNMENTS), text(default)).exact, "nothing is filled in"


def test_partial_arguments_count_invented_ones_against_the_model() -> None:
    want = case("a", "single", ASSIGNMENTS)
    half = ToolCall("canvas.get_assignments", {"course_id": 7, "horizon_days": 4})
    invented = ToolCall("canvas.get_assignments", {**ASSIGNMENTS.arguments, "days_ahead": 3, "x": 1})
    assert outcome(want, text(ASSIGNMENTS)).arguments == 1.0
    assert outcome(want, text(half)).arguments == 0.5
    assert outcome(want, text(invented)).arguments == 0.5
    assert outcome(want, text(TODO)).arguments == 0.0
    assert outcome(case("a", "several", ASSIGNMENTS, TODO), text(TODO, half)).arguments == 0.75
    assert outcome(case("a", "none"), "Hello").arguments is None


def test_parsimony_is_over_solved_cases_and_over_calling_over_all_but_follow_ups() -> None:
    cases = [*(case(f"c{i}", "single", TODO) for i in range(4)), case("c4", "none"), case("c5", "follow_up")]
    texts = [text(TODO), text(TODO), text(COURSE, TODO), text(COURSE), text(TODO), text(TODO)]
    found = report(cases, answers(*texts))
    assert (found.parsimony.hits, found.parsimony.cases) == (2, 3)
    assert (found.over_calling.hits, found.over_calling.cases) == (2, 5)
    assert (found.tool_selection.hits, found.tool_selection.cases) == (2, 4)
    assert (found.exact_call.hits, found.exact_call.cases) == (2, 4)


def test_under_calling_is_over_the_cases_that_expect_a_call() -> None:
    cases = [
        case("c0", "single", TODO),
        case("c1", "several", ASSIGNMENTS, TODO),
        case("c2", "sequence", TODO),
        case("c3", "none"),
    ]
    found = report(cases, answers("Nothing.", text(TODO), text(TODO, TODO), ""))
    assert (found.under_calling.hits, found.under_calling.cases) == (2, 3)


def test_termination_is_whether_the_model_stops_and_silence_is_counted_apart() -> None:
    cases = [case(f"c{i}", "follow_up") for i in range(4)]
    found = report(cases, answers("Your quiz is due Monday.", "", text(TODO), MALFORMED))
    assert (found.termination.hits, found.silent.hits, found.by_kind["follow_up"].hits) == (2, 1, 2)


def test_the_macro_average_weighs_tools_and_not_cases() -> None:
    cases = [case(f"c{i}", "single", TODO) for i in range(9)] + [case("c9", "single", COURSE)]
    found = report(cases, answers(*[text(TODO)] * 10))
    assert found.tool_selection.share == 0.9 and found.macro_selection == 0.5


def test_a_tool_with_fewer_than_forty_cases_is_flagged_and_one_without_has_no_share() -> None:
    cases = [case(f"c{i}", "single", TODO) for i in range(40)] + [
        case(f"c{i}", "single", COURSE) for i in range(40, 79)
    ]
    found = report(cases, answers(*[text(TODO)] * 79))
    assert set(found.by_tool) == set(TOOLS)
    assert not found.by_tool["canvas.get_todo"].low_confidence and found.by_tool["canvas.get_course"].low_confidence
    unseen = found.by_tool["canvas.get_grades"]
    assert unseen.selection.share is None and unseen.low_confidence


def test_cases_of_one_wording_make_the_interval_wider_and_the_report_counts_wordings() -> None:
    cases = [case(f"c{i}", "single", TODO, phrasing=f"w{i // 5}") for i in range(40)]
    alone = [case(f"c{i}", "single", TODO) for i in range(40)]
    given = answers(*[text(TODO)] * 20 + [text(COURSE)] * 20)
    shared, own = report(cases, given), report(alone, given)
    found = shared.exact_call
    assert (shared.wordings, own.wordings) == (8, 40) and own.exact_call.clustered is None
    assert found.clustered is not None and found.clustered.effective == pytest.approx(8, rel=0.1)
    assert (found.clustered.always_right, found.clustered.always_wrong) == (4, 4)
    assert (found.low, found.high) == (own.exact_call.low, own.exact_call.high)
    assert found.bounds is not None and found.low is not None and found.bounds[0] < found.low - 0.1
    assert msgspec.json.decode(dumps(shared), type=BenchReport) == shared


def test_wilson_intervals_are_those_of_the_textbook() -> None:
    rate = wilson(8, 10)
    assert (
        rate.share == 0.8
        and rate.low == pytest.approx(0.4902, abs=1e-4)
        and rate.high == pytest.approx(0.9433, abs=1e-4)
    )
    assert wilson(0, 10).low == 0.0 and wilson(10, 10).high == 1.0
    assert wilson(0, 0).share is None


@given(st.integers(1, 500).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_a_share_lies_inside_its_interval(counts: tuple[int, int]) -> None:
    rate = wilson(*counts)
    assert rate.low is not None and rate.high is not None and rate.share is not None
    assert 0.0 <= rate.low <= rate.share + 1e-9 and rate.share - 1e-9 <= rate.high <= 1.0


@pytest.mark.parametrize("output", [["a"], ["a", "b", "c"], ["a", "a"]])
def test_a_case_is_answered_exactly_once(output: list[str]) -> None:
    cases = [case("a", "none"), case("b", "none")]
    with pytest.raises(BadInput, match="generate the predictions"):
        report(cases, [Prediction(id=c, text="") for c in output])


def test_a_case_whose_lists_differ_in_length_is_refused() -> None:
    broken = msgspec.structs.replace(case("a", "single", TODO), expected_args=())
    with pytest.raises(BadInput, match="case a"):
        outcome(broken, "")


def test_a_report_survives_json() -> None:
    found = report([case("c0", "single", TODO), case("c1", "none")], answers(text(TODO), ""))
    assert msgspec.json.decode(dumps(found), type=BenchReport) == found


@given(st.text() | st.text(alphabet='<|tol_ca>:{}"x,1'))
def test_any_text_at_all_gets_an_outcome(output: str) -> None:
    found = outcome(case("a", "single", TODO), output)
    assert found.state in ("called", "abstained", "malformed")
    assert not (found.state != "called" and (found.selected or found.exact))


@given(st.lists(st.sampled_from([TODO, COURSE, ASSIGNMENTS]), min_size=1, max_size=4))
def test_the_expected_calls_written_out_are_always_right(calls: list[ToolCall]) -> None:
    found = outcome(case("a", "several", *calls), "".join(serialise(c) for c in calls))
    assert found.exact and found.solved and found.selected and found.arguments == 1.0
