"""A router is judged over all cases, beside baselines, by a file of thresholds, and misses exit 3."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.testing import CliRunner

from canvas_pipeline.cli.data import app
from canvas_pipeline.errors import BadConfig, BadInput, GateClosed
from canvas_pipeline.evaluation.benchmark import Prediction
from canvas_pipeline.evaluation.selection import Candidate
from canvas_pipeline.records import write_jsonl
from canvas_pipeline.tracks.router import scorer, synthetic
from canvas_pipeline.tracks.router.baselines import MAJORITY, NEAREST, PER_DIFFICULTY, cases_of, majority_route
from canvas_pipeline.tracks.router.profiles import PROFILES
from canvas_pipeline.tracks.router.rows import RouterCase, row_of
from canvas_pipeline.tracks.router.thresholds import FILE, judge, met, read_thresholds

SHIPPED = Path(__file__).parents[3] / "data/router" / FILE
ROWS = [row_of(one, one["id"], "drawn") for one in synthetic.rows(600, 5)]
CASES = cases_of(ROWS[:150], ROWS[150:], think=False)
BOUNDS = read_thresholds(SHIPPED)
END = "<|endoftext|>"


def predicted(say: Callable[[RouterCase], str], stopped: bool = True) -> list[Prediction]:
    return [Prediction(id=case.id, text=say(case), stopped=stopped) for case in CASES]


def gold(case: RouterCase) -> str:
    return case.row.completion_text() + END


def report(say: Callable[[RouterCase], str], stopped: bool = True) -> scorer.RouterReport:
    return scorer.report(CASES, predicted(say, stopped))


RIGHT = report(gold)


def test_gold_completions_are_right_in_every_figure_with_or_without_thinking() -> None:
    thought = report(lambda case: case.row.completion_text(think=True) + END)
    for found in (RIGHT, thought):
        assert found.states == {"right": 150}
        wrong = {
            name
            for name, rate in found.figures.items()
            if rate.share != (0.0 if name in ("truncated", *scorer.LONGER) else 1.0)
        }
        assert wrong == set()
    assert met(judge(RIGHT, BOUNDS)) and met(judge(RIGHT, BOUNDS, strict=True)) is False


def test_what_cannot_be_read_is_a_miss_in_every_figure() -> None:
    found = report(lambda case: "{" + END)
    assert found.states == {"malformed": 150}
    assert {rate.hits for rate in found.figures.values()} == {0} and {
        rate.cases for rate in found.figures.values()
    } == {150}
    judged = judge(found, BOUNDS)
    assert not met(judged) and "route_plan_exact" in {one.figure for one in judged if one.state == "missed"}


def test_a_completion_cut_off_is_truncated_and_wrong_even_if_it_reads() -> None:
    found = report(gold, stopped=False)
    assert found.states == {"truncated": 150} and found.figures["route_plan_exact"].hits == 0
    assert found.rate("truncated").share == 1.0
    unclosed = report(lambda case: "<think>\n1. never")
    assert unclosed.states == {"truncated": 150}


def test_predictions_are_joined_by_id_in_any_order() -> None:
    assert scorer.report(CASES, predicted(gold)[::-1]) == RIGHT


@pytest.mark.parametrize(
    "change", [lambda said: said[1:], lambda said: [*said, said[0]], lambda said: [*said[1:], said[1]]]
)
def test_a_lacking_or_doubled_prediction_is_refused(change: Callable[[list[Prediction]], list[Prediction]]) -> None:
    with pytest.raises(BadInput):
        scorer.report(CASES, change(predicted(gold)))


def test_the_majority_route_looks_accurate_and_is_never_right_elsewhere() -> None:
    said = scorer.trivial(CASES)
    majority = scorer.report(CASES, said[MAJORITY])
    share = sum("non_canonical_route" not in outcome.tags for outcome in majority.outcomes) / len(CASES)
    assert majority.rate("route_tools_exact").share == share > 0.6
    assert majority.rate("tools_off_majority").hits == 0 < majority.rate("tools_off_majority").cases
    assert {PER_DIFFICULTY, NEAREST, "nothing"} <= {*said}
    assert scorer.report(CASES, said["nothing"]).states == {"no_answer": 150}


def test_a_model_that_only_knows_the_majority_route_beats_no_baseline() -> None:
    said = scorer.report(CASES, scorer.trivial(CASES)[MAJORITY])
    same = scorer.beside(said, said, "route_tools_exact", (MAJORITY, "sft"))
    learnt = scorer.beside(said, RIGHT, "route_tools_exact", (MAJORITY, "sft"))
    assert same is not None and same.test.p == 1.0
    assert learnt is not None and learnt.test.p < 0.05 and learnt.gained == RIGHT.rate("tools_off_majority").cases


def test_a_large_base_may_write_the_long_completions_of_public_rows() -> None:
    limits = {name: scorer.BENCHMARK.limit(profile) for name, profile in PROFILES.items()}
    assert limits == {"embedded": scorer.MAX_NEW_TOKENS, "gb10": 2048}


def test_the_nearest_row_shares_most_words() -> None:
    (case,) = cases_of(ROWS[:1], [*ROWS[1:50], ROWS[0]], think=False)
    assert case.baselines[NEAREST] == ROWS[0].completion_text()
    assert majority_route(ROWS) == synthetic.CANONICAL == case.majority and majority_route([]) == ()


def test_most_exact_plans_are_chosen_and_none_if_no_plan_is_exact() -> None:
    candidates = [Candidate(method="sft", epoch=float(at), checkpoint_sha256=f"{at}") for at in range(3)]
    bad = report(lambda case: "{}")
    half = scorer.report(CASES, [*predicted(gold)[:75], *predicted(lambda case: "{}")[75:]])
    given = list(zip(candidates, (bad, RIGHT, half), strict=True))
    for order in (given, given[::-1]):
        assert scorer.choose(order).chosen == candidates[1]
    assert scorer.choose(given[:1]).chosen is None


def bounds(folder: Path, found: Any) -> Path:
    path = folder / FILE
    path.write_text(yaml.safe_dump(found))
    return path


def test_strict_rules_judge_the_worse_end_and_few_cases_decide_nothing(tmp_path: Path) -> None:
    limit = read_thresholds(
        bounds(tmp_path, {"overall": {"at_least": {"route_plan_exact": 0.98}, "at_most": {"length_over_1_1": 0.01}}})
    )
    assert [one.state for one in judge(RIGHT, limit)] == ["held", "held"]
    assert [one.state for one in judge(RIGHT, limit, strict=True)] == ["missed", "missed"]
    few = judge(RIGHT, read_thresholds(bounds(tmp_path, {"four_step": {"at_least": {"route_plan_exact": 0.5}}})))
    assert [one.state for one in few] == ["few"] and not met(few)
    assert met([*few, *judge(RIGHT, limit)])


@pytest.mark.parametrize(
    "found",
    [
        {"every": {"at_least": {"json_valid": 1}}}, {"overall": {"at_least": {"accuracy": 1}}},
        {"overall": {"above": {"json_valid": 1}}},
        {"overall": {"at_least": {"json_valid": 98}}}, ["overall"],
    ],
)  # fmt: skip
def test_a_file_of_thresholds_that_nobody_measures_is_refused(found: Any, tmp_path: Path) -> None:
    with pytest.raises(BadConfig):
        read_thresholds(bounds(tmp_path, found))


def scored(folder: Path, said: Sequence[Prediction], *more: str) -> tuple[int, str]:
    write_jsonl(folder / "gold.jsonl", (one for one in synthetic.rows(600, 5)[:150]))
    write_jsonl(folder / "said.jsonl", said)
    arguments = ["router", "score", "--gold", str(folder / "gold.jsonl"), "--predictions", str(folder / "said.jsonl")]
    done = CliRunner().invoke(app, [*arguments, "--thresholds", str(SHIPPED), *more])
    code = getattr(done.exception, "exit_code", done.exit_code) if done.exception else 0
    return code, f"{done.output} {done.exception}"


def test_the_command_scores_and_exits_3_on_a_miss(tmp_path: Path) -> None:
    code, shown = scored(tmp_path, predicted(gold))
    assert code == 0 and "| overall | route_plan_exact | 1.000 | 150 |" in shown
    code, shown = scored(tmp_path, predicted(lambda case: "{"))
    assert (
        code == GateClosed.exit_code == 3
        and "thresholds are missed" in shown
        and "| overall | json_valid | 0.000 |" in shown
    )


def test_the_command_names_every_id_that_lacks_a_prediction_or_has_two(tmp_path: Path) -> None:
    said = predicted(gold)
    code, shown = scored(tmp_path, [*said[2:], said[5]])
    assert code == 1 and all(CASES[at].id in shown for at in (0, 1, 5)) and "|" not in shown
