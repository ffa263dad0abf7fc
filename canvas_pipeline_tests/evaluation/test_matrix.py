from __future__ import annotations

import msgspec
import pytest

from canvas_pipeline.errors import BadInput
from canvas_pipeline.evaluation.matrix import MethodMatrix, matrix, mcnemar_exact, percent, table, trivial_predictions
from canvas_pipeline.records import dumps
from canvas_pipeline.tracks.canvas.bench.score import report, wilson
from canvas_pipeline_tests.evaluation.answers import COURSE, TODO, answers, case, text

CASES = [case(f"c{i}", "single", TODO) for i in range(30)] + [case(f"c{i}", "none") for i in range(30, 40)]
RIGHT, WRONG, PLAIN = text(TODO), text(COURSE), "Which course?"


def said(right: int) -> list[str]:
    return [RIGHT] * right + [WRONG] * (30 - right) + [PLAIN] * 10


def test_mcnemar_is_the_exact_binomial_test_on_the_discordant_cases() -> None:
    assert mcnemar_exact(0, 0) == 1.0
    assert mcnemar_exact(5, 0) == pytest.approx(2 * 0.5**5)
    assert mcnemar_exact(1, 8) == pytest.approx(2 * (1 + 9) / 2**9)
    assert mcnemar_exact(8, 1) == mcnemar_exact(1, 8)


def test_a_method_is_compared_with_sft_case_by_case() -> None:
    found = matrix({"sft": report(CASES, answers(*said(20))), "dpo": report(CASES, answers(*said(28)))})
    sft, dpo = found.rows
    assert sft.selection_test is None and sft.identical is None and sft.no_op is None
    assert dpo.exact_test is not None and (dpo.exact_test.gained, dpo.exact_test.lost, dpo.exact_test.cases) == (
        8,
        0,
        30,
    )
    assert dpo.exact_test.p == pytest.approx(2 * 0.5**8)


def test_p_values_are_adjusted_for_the_number_of_methods() -> None:
    found = matrix({"sft": report(CASES, answers(*said(20))), "dpo": report(CASES, answers(*said(28))),
                    "ipo": report(CASES, answers(*said(20)))})  # fmt: skip
    tests = {row.method: row.exact_test for row in found.rows}
    assert tests["dpo"] is not None and tests["dpo"].p_adjusted == pytest.approx(2 * tests["dpo"].p)


def test_a_method_that_says_what_sft_says_is_a_no_op() -> None:
    """23 of 25 identical outputs is the failure that this detector is for."""
    cases = CASES[:25]
    sft = report(cases, answers(*[RIGHT] * 25))
    same = matrix({"sft": sft, "dpo": report(cases, answers(*[RIGHT] * 23, PLAIN, PLAIN))}).rows[1]
    other = matrix({"sft": sft, "dpo": report(cases, answers(*[RIGHT] * 22, PLAIN, PLAIN, WRONG))}).rows[1]
    assert same.identical is not None and same.identical.hits == 23 and same.no_op
    assert other.no_op is False


def test_identity_is_of_bytes_and_not_of_meaning() -> None:
    one, two = (report(CASES[:1], answers(t)) for t in (RIGHT, RIGHT + " "))
    row = matrix({"sft": one, "dpo": two}).rows[1]
    assert row.exact_call.share == 1.0 and row.identical is not None and row.identical.hits == 0


def test_trivial_baselines_stand_in_the_same_table() -> None:
    trivial = {name: report(CASES, found) for name, found in trivial_predictions(CASES).items()}
    found = matrix({"sft": report(CASES, answers(*said(20)))}, trivial=trivial)
    rows = {row.method: row for row in found.rows}
    assert rows["majority"].exact_call.share == 1.0 and rows["majority"].exact_test is None
    assert rows["majority"].trivial and rows["majority"].over_calling.hits == 10
    assert rows["empty"].tool_selection.share == 0.0 and rows["empty"].malformed.share == 0.0
    assert "*majority*" in table(found) and "*empty*" in table(found)


def test_the_majority_baseline_makes_the_most_frequent_call() -> None:
    cases = [case("c0", "single", COURSE), case("c1", "single", TODO), case("c2", "single", TODO)]
    assert {p.text for p in trivial_predictions(cases)["majority"]} == {RIGHT}
    assert {p.text for p in trivial_predictions([case("c0", "none")])["majority"]} == {""}


def test_reports_over_different_cases_are_not_compared() -> None:
    sft = report(CASES[:2], answers(RIGHT, RIGHT))
    with pytest.raises(BadInput, match="different cases"):
        matrix({"sft": sft, "dpo": report(CASES[:1], answers(RIGHT))})
    with pytest.raises(BadInput, match="no bench report of sft"):
        matrix({"dpo": sft})


def test_a_matrix_survives_json_and_reads_as_a_table() -> None:
    found = matrix({"sft": report(CASES, answers(*said(20))), "dpo": report(CASES, answers(*said(20)))})
    assert msgspec.json.decode(dumps(found), type=MethodMatrix) == found
    lines = table(found).splitlines()
    assert len(lines) == 4 and len({line.count("|") for line in lines}) == 1 and "**no-op**" in lines[3]
    assert percent(wilson(0, 0)) == "n/a" and percent(wilson(8, 10)) == "80.0 % [49.0, 94.3]"
