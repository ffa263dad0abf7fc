"""The stages of rows: counts add up, no case of the benchmark is trained on, and gold answers are checked before training."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from canvas_pipeline.errors import BadConfig
from canvas_pipeline.guardrails.verdict import Verdict
from canvas_pipeline.methods import METHODS
from canvas_pipeline.pipeline.context import build_stage
from canvas_pipeline.pipeline.workspace import StageResult, Workspace
from canvas_pipeline.records import Refusal, read_jsonl
from canvas_pipeline.tracks.math import data
from canvas_pipeline.tracks.math.guard_table import TABLE, GoldEvidence
from canvas_pipeline.tracks.math.profiles import PROFILES
from canvas_pipeline.tracks.math.rows import MathRow
from canvas_pipeline.tracks.math.track import TRACK

SMALL = msgspec.structs.replace(
    PROFILES["embedded"], drawn_rows=120, test_cases=20, selection_cases=10, min_train_rows=50
)
DATA = ("sources", "drawn_rows", "bench_cases", "math_rows", "trajectory_split")
LONG = (
    "In the old harbour town a baker puts {a} loaves on the first shelf and {b} loaves on the second one before the doors open in "
    "the morning. How many loaves does the baker put on both shelves together?"
)  # fmt: skip


def _workspace(root: Path, training: list[Any], suite: list[Any], **options: str) -> Workspace:
    for name, rows in (("math/own.jsonl", training), ("math/bench/suite.jsonl", suite)):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text("\n".join(map(json.dumps, rows)))
    return Workspace(root=root, track=TRACK, profile=SMALL, options=options)


def _asked(a: int, b: int, text: str = LONG) -> dict[str, str]:
    return {"question": text.format(a=a, b=b), "answer": f"{a}+{b}={a + b}\n#### {a + b}"}


def _built(ws: Workspace) -> dict[str, StageResult]:
    return {name: build_stage(ws, name) for name in DATA}


def _verdict(found: StageResult, guard: str) -> Verdict:
    return next(verdict for verdict in found.verdicts if verdict.guard == guard)


SUITE = [_asked(at, 7) for at in range(2, 42)]
PLANTED = [
    _asked(2, 7),
    _asked(2, 7, LONG.replace("baker", "BAKER").replace(".", "!")),
    _asked(99, 8),
    _asked(3, 7, LONG.replace("harbour town", "city")),
]


@pytest.fixture(scope="module")
def planted(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Workspace, dict[str, StageResult]]]:
    ws = _workspace(tmp_path_factory.mktemp("planted"), PLANTED, SUITE)
    yield ws, _built(ws)


def test_every_object_of_a_file_leaves_as_a_row_or_a_refusal(tmp_path: Path) -> None:
    ws = _workspace(tmp_path, [*PLANTED[:1], {"question": "", "answer": "#### 1"}, {"text": "?"}, "word"], SUITE)
    found = build_stage(ws, "sources")
    flow = found.funnels[0]
    assert (flow.rows_in, flow.kept) == (4, 1)
    assert flow.refused == {"not_an_object": 1, "problem_empty": 1, "unknown_format": 1}
    refusals = list(read_jsonl(found.stage.path("refusals.jsonl"), Refusal))
    assert [refusal.line for refusal in refusals] == [2, 3, 4] and {refusal.source for refusal in refusals} == {
        "own.jsonl"
    }


def test_rows_that_repeat_a_case_are_refused_and_those_with_other_numbers_stay(
    planted: tuple[Workspace, dict[str, StageResult]],
) -> None:
    found = planted[1]["trajectory_split"]
    flow = found.stage.manifest.funnel
    assert flow is not None and flow.refused["contaminated_exact"] >= 1 and flow.refused["contaminated_near"] >= 1
    own = [
        row.problem
        for part in ("train", "eval")
        for row in read_jsonl(found.stage.path(f"{part}.jsonl"), MathRow)
        if row.source == "own.jsonl"
    ]
    assert own == [PLANTED[2]["question"]]
    assert _verdict(found, "r8").passed and _verdict(found, "r8").numbers["template"] >= 1


def test_all_verdicts_on_rows_pass_and_every_method_asks_for_them(
    planted: tuple[Workspace, dict[str, StageResult]],
) -> None:
    assert all(verdict.passed for found in planted[1].values() for verdict in found.verdicts)
    for name in TRACK.methods:
        assert {"r8", "r10"} <= {guard.id for guard in TABLE.of_method(METHODS[name])}


def test_kept_repetitions_close_the_gate(planted: tuple[Workspace, dict[str, StageResult]], tmp_path: Path) -> None:
    ws = _workspace(tmp_path, PLANTED, SUITE, contaminated="fail")
    verdict = _verdict(_built(ws)["trajectory_split"], "r8")
    assert not verdict.passed and (verdict.numbers["exact"] or 0) >= 1 and "row " in (verdict.reason or "")
    assert "baker" not in json.dumps(msgspec.to_builtins(verdict))


def test_another_value_of_the_option_is_refused(tmp_path: Path) -> None:
    ws = _workspace(tmp_path, PLANTED, SUITE, contaminated="maybe")
    with pytest.raises(BadConfig, match="must be drop or fail"):
        _built(ws)


def test_a_benchmark_with_too_few_labels_closes_the_gate(tmp_path: Path) -> None:
    suite = [*SUITE, *({"question": f"How many is {at}?", "answer": "#### "} for at in range(12))]
    found = _built(_workspace(tmp_path, PLANTED, suite))
    assert (found["bench_cases"].stage.manifest.funnel or pytest.fail("no funnel")).refused == {"gold_missing": 12}
    verdict = _verdict(found["trajectory_split"], "r10")
    assert not verdict.passed and verdict.numbers["labelled_share"] == pytest.approx(100 / 112)


def test_a_row_whose_own_text_is_wrong_by_its_gold_closes_the_gate() -> None:
    evidence = GoldEvidence(cases=10, unlabelled=0, rows=3, checked=3, failed=("r2",))
    verdict = TABLE.guards["r10"].verdict(evidence, {})
    assert not verdict.passed and "row r2" in (verdict.reason or "")
    assert TABLE.guards["r10"].verdict(msgspec.structs.replace(evidence, failed=()), {}).passed


def test_one_question_with_two_answers_in_two_suites_is_in_neither(tmp_path: Path) -> None:
    ws = _workspace(tmp_path, [], SUITE)
    other = {"question": SUITE[0]["question"], "answer": "#### 1000"}
    (ws.root / "math/bench/other.jsonl").write_text(json.dumps(other))
    found = build_stage(ws, "bench_cases")
    assert (found.stage.manifest.funnel or pytest.fail("no funnel")).refused == {"gold_contradictory": 2}
    assert SUITE[0]["question"] not in {row.problem for row in read_jsonl(found.stage.path(), MathRow)}


def test_cases_to_test_and_to_choose_by_are_different_problems(
    planted: tuple[Workspace, dict[str, StageResult]],
) -> None:
    stage = planted[1]["bench_cases"].stage
    parts = [{row.group for row in read_jsonl(stage.path(name), MathRow)} for name in ("rows.jsonl", "selection.jsonl")]
    assert not parts[0] & parts[1] and len(parts[0]) == 2 * SMALL.test_cases + len(SUITE)
    suites = {row.suite for row in read_jsonl(stage.path("rows.jsonl"), MathRow)}
    assert suites == {data.TRAINED_WORDINGS, data.NEW_WORDINGS, "suite"}
