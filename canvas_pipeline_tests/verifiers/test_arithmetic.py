"""The sums that a solution writes down are recomputed."""

from __future__ import annotations

import pytest

from canvas_pipeline.verifiers.arithmetic import Steps, check_steps


@pytest.mark.parametrize(
    ("text", "found", "right"),
    [
        ("3+4=7", 1, 1),
        ("3 + 4 = 8", 1, 0),
        ("7*8=56\n56-6=50", 2, 2),
        ("1,200 - 200 = $1,000", 1, 1),
        ("6 × 2 = 12, 8 ÷ 2 = 4, 9 − 2 = 6", 3, 2),
        ("10/3=3.33", 1, 1),
        ("10/3=3", 1, 0),
        ("5/0=0", 1, 0),
        ("0.5*4=2.0", 1, 1),
    ],
)
def test_each_sum_of_two_numbers_is_right_or_wrong(text: str, found: int, right: int) -> None:
    assert check_steps(text) == Steps(found=found, right=right)


@pytest.mark.parametrize("text", ["", "the sum is seven", "x+4=7", "3+4+5=12", "2^3*2=16", "3+4=7*1", "12-07-2024"])
def test_what_is_no_sum_of_two_numbers_counts_neither_way(text: str) -> None:
    assert check_steps(text).found == 0 and not check_steps(text).all_right


def test_one_wrong_sum_makes_the_whole_solution_wrong() -> None:
    assert check_steps("3+4=7\n7-2=5").all_right and not check_steps("3+4=7\n7-2=6").all_right
