"""Rows are drawn by seed, each problem stands once, and contradictory gold answers are refused."""

from __future__ import annotations

import random
from collections.abc import Iterator

import msgspec
import pytest

from canvas_pipeline.tracks.math import data
from canvas_pipeline.tracks.math.problems import FAMILIES, HELD_OUT, draw
from canvas_pipeline.verifiers.answers import judge_answer
from canvas_pipeline.verifiers.arithmetic import check_steps
from canvas_pipeline.verifiers.symbolic import SymbolicComparer
from canvas_pipeline_tests.tracks.math.cases import case


@pytest.fixture(scope="module")
def comparer() -> Iterator[SymbolicComparer]:
    with SymbolicComparer() as found:
        yield found


def test_drawn_solutions_are_right_in_every_step_and_by_their_own_gold(comparer: SymbolicComparer) -> None:
    rows = list(data.drawn(600, "1"))
    for row in rows:
        text = row.messages[1].content
        assert judge_answer(text, row.gold, comparer).right and check_steps(text).all_right
    assert {row.subject for row in rows} == {family.name for family in FAMILIES}
    assert len({row.group for row in rows}) == 600


def test_a_row_of_sums_is_right_in_every_step_and_asks_for_the_last_one(comparer: SymbolicComparer) -> None:
    rows = list(data.drawn_sums(300, "1"))
    for row in rows:
        text = row.messages[1].content
        assert judge_answer(text, row.gold, comparer).right and check_steps(text).all_right
        steps = [step.partition("=") for step in row.solution.split("\n")]
        assert row.problem.endswith(f"at last {steps[-1][0]}.") and row.answer == steps[-1][2]
        assert all(asked in row.problem for asked, _, _ in steps)
    assert len({row.group for row in rows}) == 300 and rows == list(data.drawn_sums(300, "1"))


def test_the_same_seed_draws_the_same_rows_and_another_one_others() -> None:
    assert list(data.drawn(50, "1")) == list(data.drawn(50, "1"))
    assert not {row.group for row in data.drawn(50, "1")} & {row.group for row in data.drawn(50, "2")}


def test_held_out_wordings_are_never_drawn_for_training() -> None:
    trained = {row.wording for row in data.drawn(2000, "1")}
    held_out = {row.wording for row in data.drawn(1000, "1", data.NEW_WORDINGS)}
    assert len(held_out) == HELD_OUT * len(FAMILIES) and not trained & held_out
    assert {row.wording for row in data.drawn(2000, "1", data.TRAINED_WORDINGS)} <= trained


def test_every_wording_holds_all_numbers_of_its_problem() -> None:
    rng = random.Random(1)
    for _ in range(500):
        one = draw(rng)
        digits = "".join(sign if sign.isdigit() else " " for sign in one.equation).split()
        assert all(number in one.problem for number in digits), one.wording


def test_equal_answers_to_one_problem_are_merged(comparer: SymbolicComparer) -> None:
    rows = [case("same", "0.5", "decimal"), case("same", "1/2", "fraction"), case("same", None)]
    rows = [msgspec.structs.replace(row, id=f"r{at}") for at, row in enumerate(rows)]
    found = data.merge(rows, comparer)
    assert [row.answer for row in found.rows] == ["0.5"] and (found.merged, found.refusals) == (2, ())


def test_a_problem_with_two_gold_answers_is_refused_from_both_suites(comparer: SymbolicComparer) -> None:
    rows = [msgspec.structs.replace(case("same", gold), id=gold, source=gold) for gold in ("4", "5")]
    found = data.merge([*rows, case("other", "6")], comparer)
    assert [row.answer for row in found.rows] == ["6"]
    assert [(one.source, one.reason) for one in found.refusals] == [
        ("4", "gold_contradictory"),
        ("5", "gold_contradictory"),
    ]


def test_signs_make_another_problem(comparer: SymbolicComparer) -> None:
    rows = [
        msgspec.structs.replace(case(sign, gold), problem=f"What is 7 {sign} 5?")
        for sign, gold in (("+", "12"), ("-", "2"))
    ]
    assert len(data.merge(rows, comparer).rows) == 2


def test_parts_share_no_problem_and_do_not_depend_on_the_order_of_files() -> None:
    rows = list(data.drawn(1000, "1"))
    one = data.parts(rows, 7)
    random.Random(1).shuffle(rows)
    assert data.parts(rows, 7) == one and len(one["train"]) + len(one["eval"]) == 1000
    assert 20 <= len(one["eval"]) <= 90 and not {r.group for r in one["train"]} & {r.group for r in one["eval"]}
    assert data.parts(rows, 8)["train"] != one["train"]
