from __future__ import annotations

import msgspec
import pytest

from canvas_pipeline.errors import BadInput
from canvas_pipeline.evaluation.matrix import MethodMatrix, matrix, table
from canvas_pipeline.evaluation.statistics import mcnemar_exact, percent, wilson
from canvas_pipeline.records import dumps
from canvas_pipeline.tracks.canvas.bench.benchmark import BENCHMARK
from canvas_pipeline.tracks.canvas.bench.score import report
from canvas_pipeline.tracks.canvas.bench.trivial import trivial as trivial_predictions
from canvas_pipeline_tests.tracks.canvas.bench.answers import COURSE, TODO, answers, case, text

CASES = [case(f"c{i}", "single", TODO) for i in range(30)] + [case(f"c{i}", "none") for i in range(30, 40)]
RIGHT, WRONG, PLAIN = text(TODO), text(COURSE), "Which course?"


def texts(right: int) -> list[str]:
    return [RIGHT] * right + [WRONG] * (30 - right) + [PLAIN] * 10


def test_mcnemar_is_the_exact_binomial_test_on_the_discordant_cases() -> None:
    assert mcnemar_exact(0, 0) == 1.0
    assert mcnemar_exact(5, 0) == pytest.approx(2 * 0.5**5)
    assert mcnemar_exact(1, 8) == pytest.approx(2 * (1 + 9) / 2**9)
    assert mcnemar_exact(8, 1) == mcnemar_exact(1, 8)


def test_a_method_is_compared_with_sft_case_by_case() -> None:
    found = matrix(BENCHMARK, {"sft": report(CASES, answers(*texts(20))), "dpo": report(CASES, answers(*texts(28)))})
    sft, dpo = found.rows
    assert sft.tests == {} and sft.identical is None and sft.no_op is None
    assert dpo.tests.keys() == {"tool_selection", "exact_call"}
    test = dpo.tests["exact_call"]
    assert (test.gained, test.lost, test.cases) == (8, 0, 30) and test.p == pytest.approx(2 * 0.5**8)


def test_p_values_are_adjusted_for_the_number_of_methods() -> None:
    found = matrix(BENCHMARK, {"sft": report(CASES, answers(*texts(20))), "dpo": report(CASES, answers(*texts(28))),
                    "ipo": report(CASES, answers(*texts(20)))})  # fmt: skip
    test = found.rows[1].tests["exact_call"]
    assert test.p_adjusted == pytest.approx(2 * test.p)


def test_a_method_with_the_output_of_sft_is_a_no_op() -> None:
    """23 of 25 identical outputs is the failure that this detector is for."""
    cases = CASES[:25]
    sft = report(cases, answers(*[RIGHT] * 25))
    same = matrix(BENCHMARK, {"sft": sft, "dpo": report(cases, answers(*[RIGHT] * 23, PLAIN, PLAIN))}).rows[1]
    other = matrix(BENCHMARK, {"sft": sft, "dpo": report(cases, answers(*[RIGHT] * 22, PLAIN, PLAIN, WRONG))}).rows[1]
    assert same.identical is not None and same.identical.hits == 23 and same.no_op
    assert other.no_op is False


def test_identity_is_of_bytes_and_not_of_meaning() -> None:
    one, two = (report(CASES[:1], answers(t)) for t in (RIGHT, RIGHT + " "))
    row = matrix(BENCHMARK, {"sft": one, "dpo": two}).rows[1]
    assert row.rates["exact_call"].share == 1.0 and row.identical is not None and row.identical.hits == 0


def test_trivial_baselines_stand_in_the_same_table() -> None:
    trivial = {name: report(CASES, found) for name, found in trivial_predictions(CASES).items()}
    found = matrix(BENCHMARK, {"sft": report(CASES, answers(*texts(20)))}, trivial=trivial)
    rows = {row.method: row for row in found.rows}
    assert rows["majority"].rates["exact_call"].share == 1.0 and rows["majority"].tests == {}
    assert rows["majority"].trivial and rows["majority"].rates["over_calling"].hits == 10
    assert rows["empty"].rates["tool_selection"].share == 0.0 and rows["empty"].rates["malformed"].share == 0.0
    assert "*majority*" in table(BENCHMARK, found) and "*empty*" in table(BENCHMARK, found)


def test_the_majority_baseline_makes_the_most_frequent_call() -> None:
    cases = [case("c0", "single", COURSE), case("c1", "single", TODO), case("c2", "single", TODO)]
    assert {p.text for p in trivial_predictions(cases)["majority"]} == {RIGHT}
    assert {p.text for p in trivial_predictions([case("c0", "none")])["majority"]} == {""}


def test_reports_over_different_cases_are_not_compared() -> None:
    sft = report(CASES[:2], answers(RIGHT, RIGHT))
    with pytest.raises(BadInput, match="different cases"):
        matrix(BENCHMARK, {"sft": sft, "dpo": report(CASES[:1], answers(RIGHT))})
    with pytest.raises(BadInput, match="no bench report of sft"):
        matrix(BENCHMARK, {"dpo": sft})


def test_a_matrix_survives_json_and_reads_as_a_table() -> None:
    found = matrix(BENCHMARK, {"sft": report(CASES, answers(*texts(20))), "dpo": report(CASES, answers(*texts(20)))})
    assert msgspec.json.decode(dumps(found), type=MethodMatrix) == found
    lines = table(BENCHMARK, found).splitlines()
    assert len(lines) == 4 and len({line.count("|") for line in lines}) == 1 and "**no-op**" in lines[3]
    assert percent(wilson(0, 0)) == "n/a" and percent(wilson(8, 10)) == "80.0 % [49.0, 94.3]"
