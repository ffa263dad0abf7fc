from __future__ import annotations

import random

import msgspec
import pytest

from canvas_pipeline.evaluation.selection import Candidate, SelectionRecord
from canvas_pipeline.models.gemma4.wire import ToolCall, serialise
from canvas_pipeline.records import dumps
from canvas_pipeline.tracks.canvas.bench.score import BenchReport, report
from canvas_pipeline.tracks.canvas.bench.selection import FLOOR, figures, select
from canvas_pipeline.tracks.canvas.tools.tool_table import TOOLS
from canvas_pipeline_tests.tracks.canvas.bench.answers import answers, case

PER_TOOL = 5
CALLS = [ToolCall(name, {}) for name in TOOLS for _ in range(PER_TOOL)]
CASES = [case(f"c{i}", "single", call) for i, call in enumerate(CALLS)]


def scored(method: str, epoch: float, wrong: dict[str, int], extra: int = 0) -> tuple[Candidate, BenchReport]:
    """A candidate that misses ``wrong[tool]`` of each tool's five cases, and calls once too often in ``extra``
    cases."""
    left = dict(wrong)
    texts = []
    for call in CALLS:
        miss = left.get(call.name, 0) > 0
        left[call.name] = left.get(call.name, 0) - 1
        texts.append("No idea." if miss else serialise(call))
    for index in range(extra):
        texts[index] += serialise(CALLS[-1])
    return known(method, epoch), report(CASES, answers(*texts))


def known(method: str, epoch: float) -> Candidate:
    return Candidate(method=method, epoch=epoch, checkpoint_sha256=f"{method}-{epoch}")


def test_the_best_macro_average_wins_and_all_candidates_are_recorded() -> None:
    record = select(
        [
            scored("sft", 1, {"canvas.get_todo": 3}),
            scored("sft", 2, {"canvas.get_todo": 1}),
            scored("dpo", 1, {"canvas.get_todo": 2}),
        ]
    )
    assert record.chosen is not None and (record.chosen.method, record.chosen.epoch) == ("sft", 2)
    assert len(record.candidates) == 3 and all(j.reason == "" for j in record.candidates)


def test_a_tool_below_the_floor_rules_out_the_best_average() -> None:
    lost = scored("dpo", 1, {"canvas.get_grades": 4})
    even = scored("sft", 1, dict.fromkeys(TOOLS, 1))
    averages = [found.macro_selection or 0.0 for _, found in (lost, even)]
    assert averages[0] > averages[1]
    record = select([lost, even])
    assert record.chosen == even[0]
    reasons = {j.candidate.method: j.reason for j in record.candidates}
    assert "canvas.get_grades" in reasons["dpo"] and "20.0%" in reasons["dpo"] and reasons["sft"] == ""


def test_exactly_the_floor_is_enough() -> None:
    assert FLOOR == 0.4
    assert select([scored("sft", 1, {"canvas.get_grades": 3})]).chosen is not None


def test_nothing_is_chosen_when_none_meets_the_floor() -> None:
    record = select([scored("sft", 1, {"canvas.get_grades": 5}), scored("dpo", 1, {"canvas.get_todo": 4})])
    assert record.chosen is None and "nothing is chosen" in record.reason
    assert all(j.reason for j in record.candidates)
    assert select([]).chosen is None and "no candidates" in select([]).reason


def test_a_tool_nobody_measured_cannot_be_above_the_floor() -> None:
    few = report(CASES[:PER_TOOL], answers(*[serialise(c) for c in CALLS[:PER_TOOL]]))
    assert few.macro_selection == 1.0
    record = select([(known("sft", 1), few)])
    assert record.chosen is None and "no selection case for canvas.get_assignments" in record.candidates[0].reason


def test_ties_go_to_exact_calls_then_to_less_over_calling_then_to_name_and_earlier_epoch() -> None:
    talkative, quiet, late = scored("a", 1, {}, extra=2), scored("z", 2, {}), scored("z", 3, {})
    assert select([late, talkative, quiet]).chosen == quiet[0]


def test_the_choice_does_not_depend_on_the_order() -> None:
    found = [scored(m, e, {"canvas.get_todo": e}) for m in ("sft", "dpo", "kto") for e in (1, 2)]
    first = select(found)
    for seed in range(5):
        random.Random(seed).shuffle(found)
        assert select(found) == first


def test_tools_with_few_selection_cases_are_flagged() -> None:
    assert len(figures(scored("sft", 1, {})[1]).low_confidence) == len(TOOLS)


def test_a_record_survives_json() -> None:
    record = select([scored("sft", 1, {}), scored("dpo", 1, {"canvas.get_todo": 5})])
    assert msgspec.json.decode(dumps(record), type=SelectionRecord) == record


@pytest.mark.parametrize("floor", [0.0, 0.9])
def test_the_floor_can_be_given(floor: float) -> None:
    assert (select([scored("sft", 1, {"canvas.get_todo": 4})], floor).chosen is not None) is (floor == 0.0)


def test_the_choice_among_all_methods_is_the_one_of_its_method_alone() -> None:
    chance = random.Random(3)
    for _ in range(20):
        found = [
            scored(method, epoch, {tool: chance.randint(0, 5) for tool in chance.sample(list(TOOLS), 3)}, chance.randint(0, 2))
            for method in ("sft", "dpo")
            for epoch in (1, 2, 3)
        ]  # fmt: skip
        chosen = select(found).chosen
        if chosen is not None:
            assert select([one for one in found if one[0].method == chosen.method]).chosen == chosen
