"""The math benchmark counts labelled cases only, tells cut-off answers from missing ones, and stands beside the majority answer."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from canvas_pipeline.errors import BadInput
from canvas_pipeline.evaluation import generate as generation
from canvas_pipeline.evaluation.benchmark import Prediction
from canvas_pipeline.evaluation.selection import Candidate
from canvas_pipeline.records import dumps, read_jsonl
from canvas_pipeline.tracks.math.benchmark import (
    BENCHMARK,
    END,
    MAJORITY,
    MAX_NEW_TOKENS,
    MathReport,
    choose,
    details,
    report,
    trivial,
)
from canvas_pipeline.tracks.math.comparison import paired
from canvas_pipeline.tracks.math.profiles import PROFILES
from canvas_pipeline.tracks.math.rows import MathRow
from canvas_pipeline_tests.tracks.math.cases import answered, case, thousand

CASES = [case(f"c{at}", "19" if at < 3 else str(at)) for at in range(10)]
GOLD = [Prediction(id=one.id, text=f"\n#### {one.answer}{END}") for one in CASES]


def _one(said: str, gold: str, kind: str = "int", stopped: bool = True) -> MathReport:
    return report([case("c", gold, kind)], [Prediction(id="c", text=said, stopped=stopped)])


def _candidate(method: str, epoch: float = 1.0) -> Candidate:
    return Candidate(method=method, epoch=epoch, checkpoint_sha256=f"{method}-{epoch:g}")


def _right(count: int) -> MathReport:
    wrong = [Prediction(id=one.id, text="\n#### 1000") for one in CASES]
    return report(CASES, [*GOLD[:count], *wrong[count:]])


def test_cases_without_a_label_are_in_no_denominator() -> None:  # trap m6
    mixed = [*CASES, case("u1", None), case("u2", None)]
    found = report(mixed, [*GOLD, Prediction(id="u1", text="#### 1"), Prediction(id="u2", text="")])
    assert (found.exact_match.hits, found.exact_match.cases, found.unlabelled, found.cases) == (10, 10, 2, 12)
    assert found.states == {"right": 10, "unlabelled": 2} and found.no_answer.cases == 10


def test_without_any_label_exact_match_is_not_measured_and_never_zero() -> None:  # trap m6
    found = report([case("u", None)], [Prediction(id="u", text="#### 1")])
    assert found.exact_match.share is None and found.exact_match.cases == 0
    assert details(found)["labelled cases"] == "none: exact match was not measured"
    assert choose([(_candidate("sft"), found)]).chosen is None


@pytest.mark.parametrize(
    ("gold", "kind", "said", "right"),
    [
        ("0.5", "decimal", "50%", True),
        ("20", "int", "20%", True),
        ("20", "int", "0.2", False),
        ("3", "int", "3 3/4", False),
        ("-3", "int", "−3", True),
    ],
)  # trap m7
def test_percentages_mixed_numbers_and_other_minus_signs_have_their_value(
    gold: str, kind: str, said: str, right: bool
) -> None:
    assert _one(f"The answer is {said}.", gold, kind).exact_match.hits == right


def test_of_several_boxes_the_last_one_counts() -> None:  # trap m8
    assert _one("First \\boxed{3}, but then \\boxed{4}.", "4").exact_match.hits == 1
    assert _one("First \\boxed{4}, but then \\boxed{3}.", "4").exact_match.hits == 0


def test_a_tower_of_powers_is_decided_within_the_limit() -> None:  # trap m9
    found = _one("\\boxed{(2003^{2002^{2001}})}", "x^2+1", "expression")
    assert found.exact_match.hits == 0 and sum(found.states.values()) == 1
    assert not {"no_answer", "truncated"} & set(found.states)


def test_a_right_answer_that_ran_into_the_limit_is_truncated_wrong_and_not_missing() -> None:  # trap m17
    found = report(CASES, [msgspec.structs.replace(one, stopped=False) for one in GOLD])
    assert found.states == {"truncated": 10} and found.truncated.share == 1.0
    assert found.exact_match.hits == found.no_answer.hits == found.lenient.hits == 0


def test_a_bare_number_is_no_answer_and_counts_in_the_lenient_figure_alone() -> None:
    found = _one("12+7=19, so 19", "19")
    assert found.states == {"no_answer": 1} and found.lenient.hits == 1 and found.exact_match.hits == 0


def test_a_gold_that_cannot_be_read_is_a_state_of_its_own_and_never_right() -> None:
    found = _one("#### 19", "", "int")
    assert found.states == {"gold_unreadable": 1} and found.exact_match.hits == 0


def test_right_answers_by_wrong_sums_are_seen() -> None:
    found = report(
        CASES[:2], [Prediction(id="c0", text="12+7=19\n#### 19"), Prediction(id="c1", text="12+6=19\n#### 19")]
    )
    assert found.exact_match.hits == 2 and (found.steps.hits, found.steps.cases) == (1, 2)


@pytest.mark.parametrize("predictions", [GOLD[1:], [*GOLD, GOLD[0]], [*GOLD[1:], Prediction(id="other", text="")]])
def test_a_case_without_exactly_one_prediction_is_an_error(predictions: list[Prediction]) -> None:  # trap m4
    with pytest.raises(BadInput, match="generate the predictions"):
        report(CASES, predictions)


def test_no_constant_is_better_than_the_majority_answer() -> None:
    found = report(CASES, trivial(CASES)[MAJORITY])
    constants = [report(CASES, [Prediction(id=one.id, text=f"#### {value}") for one in CASES]) for value in range(20)]
    assert found.exact_match.hits == 3 == max(one.exact_match.hits for one in constants)


def test_a_run_that_is_killed_goes_on_and_ends_with_the_same_report(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:  # trap m16
    monkeypatch.setattr(generation, "TOKENS_A_BATCH", 80)
    assert answered(tmp_path / "whole") == 1000
    command = [sys.executable, "-m", "canvas_pipeline_tests.tracks.math.cases", str(tmp_path / "broken"), "600"]
    assert subprocess.run(command, check=False).returncode == -signal.SIGKILL
    assert not (tmp_path / "broken").exists()
    assert 1000 - 600 <= answered(tmp_path / "broken") < 1000
    rows = thousand()
    reports = [dumps(report(rows, list(read_jsonl(tmp_path / name, Prediction)))) for name in ("whole", "broken")]
    assert reports[0] == reports[1]


def test_the_most_exact_candidate_is_chosen_and_the_simplest_of_equal_ones() -> None:
    for sft, lora, chosen in ((5, 8, "lora"), (8, 8, "sft"), (8, 5, "sft")):
        record = choose([(_candidate("lora"), _right(lora)), (_candidate("sft"), _right(sft))])
        assert record.chosen is not None and record.chosen.method == chosen
    assert choose([(_candidate("sft"), _right(0))]).chosen is None and choose([]).chosen is None


def test_models_are_compared_by_whole_wordings_over_labelled_cases_alone() -> None:
    rows: list[MathRow] = [case(f"c{at}", str(at), suite="ab"[at % 2], wording=f"w{at // 4}") for at in range(40)]
    rows.append(case("u", None))
    said = [Prediction(id=row.id, text=f"#### {row.answer}") for row in rows]
    reports = {"base": report(rows, trivial(rows)["no answer"]), "sft": report(rows, said)}
    overall = paired(reports, [("base", "sft")])[0]
    assert (overall.gained, overall.lost, overall.candidate_rate.cases) == (40, 0, 40)
    assert overall.test.p == pytest.approx(2 / 2**10)


def test_the_headline_is_compared_and_whole() -> None:
    assert BENCHMARK.headline is BENCHMARK.whole and BENCHMARK.headline.compared


def test_a_large_base_may_write_a_long_solution() -> None:
    limits = {name: BENCHMARK.limit(profile) for name, profile in PROFILES.items()}
    assert limits == {"embedded": MAX_NEW_TOKENS, "gb10": 2048}
