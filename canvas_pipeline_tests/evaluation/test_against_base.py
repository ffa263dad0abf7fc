"""A checkpoint is compared with its base case by case, and group by group."""

from __future__ import annotations

from dataclasses import replace

import msgspec
import pytest
from scipy.stats import binomtest

from canvas_pipeline.errors import BadInput
from canvas_pipeline.evaluation.against_base import AgainstBase, against_base
from canvas_pipeline.evaluation.benchmark import Benchmark, Metric
from canvas_pipeline.evaluation.groups import Groups
from canvas_pipeline.evaluation.statistics import Rate, wilson
from canvas_pipeline.records import Row
from canvas_pipeline.tracks.canvas.bench.benchmark import BENCHMARK

RIGHT = Metric(name="right", title="right", counts=lambda o: True, right=lambda o: o.right, compared=True)


class Answer(Row, frozen=True, kw_only=True):
    case_id: str
    cluster: str = ""
    tool: str
    right: bool
    sha256: str = ""


class Answers(Row, frozen=True, kw_only=True):
    outcomes: tuple[Answer, ...]

    def rate(self, metric: str) -> Rate:
        return wilson(sum(o.right for o in self.outcomes), len(self.outcomes))


def by_tool(report: Answers) -> dict[str, dict[str, Rate]]:
    tools = dict.fromkeys(o.tool for o in report.outcomes)
    of = {tool: [o.right for o in report.outcomes if o.tool == tool] for tool in tools}
    return {"right": {tool: wilson(sum(found), len(found)) for tool, found in of.items()}}


SMALL: Benchmark = replace(BENCHMARK, columns=(RIGHT,), whole=RIGHT, groups=Groups("tool", by_tool))


def answers(**tools: str) -> Answers:
    """``1`` for a right answer, ``0`` for a wrong one."""
    found = [(tool, mark == "1") for tool, marks in tools.items() for mark in marks]
    return Answers(outcomes=tuple(Answer(case_id=str(i), tool=tool, right=ok) for i, (tool, ok) in enumerate(found)))


def test_gains_losses_and_the_groups_that_lost_are_found() -> None:
    found = against_base(SMALL, answers(a="000000", b="1111"), answers(a="111111", b="1100"), 0.1)
    assert (found.cases, found.gained, found.lost) == (10, 6, 2)
    assert found.losses == {"right of b": 0.5}
    assert found.p == pytest.approx(binomtest(2, 8).pvalue)


def test_a_checkpoint_that_gains_enough_and_loses_nowhere_has_no_reason_against_it() -> None:
    found = against_base(SMALL, answers(a="00000000", b="1111"), answers(a="11111111", b="1111"), 0.1)
    assert found.losses == {} and found.reasons() == []


def test_a_gain_in_one_wording_alone_does_not_make_it_better_than_its_base() -> None:
    base, better = answers(a="00000000", b="1111"), answers(a="11111111", b="1111")
    one = Answers(outcomes=tuple(replace_cluster(o) for o in better.outcomes))
    found = against_base(SMALL, base, one, 0.1)
    assert (found.gained, found.lost, found.net, found.p) == (8, 0, (8,), 1.0)
    (reason,) = found.reasons()
    assert "8 cases gained and 0 lost of 12 (exact test of the 1 wordings that changed: p = 1)" in reason


def replace_cluster(answer: Answer) -> Answer:
    return msgspec.structs.replace(answer, cluster=answer.tool)


def test_a_loss_above_the_bound_is_a_reason_although_the_whole_is_better() -> None:
    found = against_base(SMALL, answers(a="0" * 20, b="1111"), answers(a="1" * 20, b="1110"), 0.1)
    (reason,) = found.reasons()
    assert reason.startswith("right of b is 25.0% below the base, must be at most 10%")


def test_equal_checkpoints_are_not_better() -> None:
    same = answers(a="0101")
    (reason,) = against_base(SMALL, same, same, 0.1).reasons()
    assert "0 cases gained and 0 lost of 4" in reason


def test_a_metric_that_is_compared_counts_as_a_whole_too() -> None:
    found = AgainstBase(metric="right", cases=9, gained=9, lost=0, net=(1,) * 9, losses={"right": 0.2}, max_loss=0.1)
    assert len(found.reasons()) == 1


def test_other_cases_are_refused() -> None:
    with pytest.raises(BadInput, match="different cases"):
        against_base(SMALL, answers(a="01"), answers(a="010"), 0.1)
