"""Pairs come from sampled answers with a margin, and their chosen side is never made up."""

from __future__ import annotations

import pytest

from canvas_pipeline.datasets.best_of import Pairing, Scored, pair_report, pairs_of

RIGHT = Scored("apple, pear", 1.0, True)
WRONG = Scored("apple, car", 0.0, False, "factual")
HALF = Scored("apple", 0.6, False, "format")
MADE = Scored("I cannot help with that.", 0.0, False, "refusal", sampled=False)


@pytest.mark.parametrize(
    ("answers", "reason"),
    [
        ([WRONG, HALF], "no_winner"),
        ([RIGHT, Scored("plum, pear", 1.0, True)], "all_right"),
        ([RIGHT] * 4, "identical"),
        ([WRONG] * 4, "identical"),
        ([RIGHT, HALF], "margin"),
        ([], "no_winner"),
    ],
)
def test_no_pair_is_made_without_a_winner_and_a_loser_that_differ_enough(answers: list[Scored], reason: str) -> None:
    found = pairs_of(answers)

    assert (found.pairs, found.reason) == ((), reason)


def test_the_best_sampled_answer_is_paired_with_the_worse_ones_and_sampled_ones_come_first() -> None:
    found = pairs_of([WRONG, RIGHT, HALF, WRONG], constructed=[MADE])

    assert [(pair.chosen, pair.rejected) for pair in found.pairs] == [(RIGHT, WRONG), (RIGHT, MADE)]


def test_a_chosen_side_is_never_constructed() -> None:
    made = Scored("apple, pear", 1.0, True, sampled=False)

    assert pairs_of([WRONG, HALF, made], constructed=[MADE]).pairs == ()


def test_at_most_three_pairs_come_from_a_prompt() -> None:
    assert len(pairs_of([RIGHT, *(Scored(f"car {n}", 0.0, False) for n in range(9))]).pairs) == 3


def test_the_report_shows_the_mix_and_whether_length_alone_separates_the_sides() -> None:
    report = pair_report(
        [Pairing(RIGHT, WRONG), Pairing(RIGHT, MADE), Pairing(RIGHT, Scored("no", 0.8, False, "factual"))]
    )

    assert report.sampled_share == pytest.approx(2 / 3)
    assert report.negative_mix == {"factual": pytest.approx(2 / 3), "refusal": pytest.approx(1 / 3)}
    assert (report.longer_wins, report.shorter_wins) == (pytest.approx(2 / 3), pytest.approx(1 / 3))
    assert report.margin_below == 1
    assert pair_report([]).sampled_share is None
