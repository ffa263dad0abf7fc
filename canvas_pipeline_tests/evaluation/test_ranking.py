"""The choice of a checkpoint by shares of the selection cases."""

from __future__ import annotations

import itertools
from collections.abc import Mapping

import pytest

from canvas_pipeline.evaluation.ranking import best_first, choose_by_share
from canvas_pipeline.evaluation.selection import Candidate, SelectionRecord
from canvas_pipeline.evaluation.statistics import Rate, wilson

Hits = Mapping[str, int]


def rate(report: Hits, metric: str) -> Rate:
    return wilson(report[metric], 10)


def candidate(method: str, epoch: float = 1.0) -> Candidate:
    return Candidate(method=method, epoch=epoch, checkpoint_sha256=f"{method}-{epoch:g}")


def choose(*given: tuple[Candidate, Hits], least: float = 0.0, simplest: str = "") -> SelectionRecord:
    """Choose among candidates, and see that their order does not matter."""
    records = [
        choose_by_share(order, rate, ("exact", "tools"), least=least, simplest=simplest)
        for order in itertools.permutations(given)
    ]
    assert all(record == records[0] for record in records)
    return records[0]


@pytest.mark.parametrize(
    ("given", "simplest", "chosen"),
    [
        ({"lora": (5, 0), "sft": (4, 9)}, "sft", "lora"),
        ({"lora": (5, 2), "sft": (5, 3)}, "", "sft"),
        ({"lora": (5, 3), "sft": (5, 3)}, "", "lora"),
        ({"lora": (5, 3), "sft": (5, 3)}, "sft", "sft"),
    ],
    ids=["first metric", "second metric", "name", "simplest"],
)
def test_the_best_by_the_first_metric_is_chosen_then_by_the_next_then_the_simplest_method(
    given: dict[str, tuple[int, int]], simplest: str, chosen: str
) -> None:
    pairs = [(candidate(name), {"exact": exact, "tools": tools}) for name, (exact, tools) in given.items()]
    record = choose(*pairs, simplest=simplest)
    assert record.chosen == candidate(chosen)
    assert record.reason.startswith(f"{chosen}: right in 50.0")


def test_of_equal_candidates_of_a_method_the_earlier_one_is_first() -> None:
    given = [(candidate("sft", epoch), {"exact": 5, "tools": 5}) for epoch in (2.0, 1.0)]
    assert choose(*given).chosen == candidate("sft", 1.0)
    assert best_first(given, lambda report: [rate(report, "exact")]) == given[::-1]


def test_one_that_is_right_nowhere_or_too_seldom_is_not_chosen_and_says_why() -> None:
    seldom, never = {"exact": 2, "tools": 9}, {"exact": 0, "tools": 9}
    assert choose((candidate("sft"), seldom)).chosen == candidate("sft")
    record = choose((candidate("sft"), seldom), (candidate("lora"), never), least=0.3)
    assert record.chosen is None and record.rule == {"least": 0.3} and "30% of the selection cases" in record.reason
    assert ["below 30%" in one.reason for one in record.candidates] == [True, False]
    assert choose((candidate("sft"), never)).candidates[0].reason == "right in no selection case"
    assert "train a method" in choose().reason
