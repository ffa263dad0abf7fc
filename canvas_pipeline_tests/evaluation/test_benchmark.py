"""The general code on a benchmark that no track has."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from canvas_pipeline.errors import BadInput
from canvas_pipeline.evaluation.charts import methods_png
from canvas_pipeline.evaluation.matrix import MethodMatrix, matrix, table
from canvas_pipeline.evaluation.selection import Candidate, SelectionRecord
from canvas_pipeline.records import dumps
from canvas_pipeline_tests.evaluation.echo import CASES, ECHO, RIGHT, SPOKEN, answered


def test_a_metric_is_the_share_of_right_outcomes_among_those_that_it_counts() -> None:
    found = answered(2)
    assert (found.rate("right").hits, found.rate("right").cases) == (2, 5)
    assert (found.rate("spoken").hits, found.rate("spoken").cases) == (2, 2)
    assert RIGHT.measure(()).share is None
    assert ECHO.headline is RIGHT and ECHO.metrics == (RIGHT, SPOKEN)


def test_a_report_is_read_back_as_it_was_written(tmp_path: Path) -> None:
    (tmp_path / "report.json").write_bytes(dumps(answered(3)))
    assert ECHO.read(tmp_path / "report.json") == answered(3)


def test_methods_are_compared_by_the_metrics_that_say_so_and_with_nothing_known() -> None:
    trivial = {name: ECHO.score(CASES, found) for name, found in ECHO.trivial(CASES).items()}
    found = matrix(ECHO, {"sft": answered(1), "dpo": answered(4)}, trivial=trivial)
    sft, dpo, first = found.rows
    assert sft.tests == first.tests == {} and first.trivial and first.rates["right"].hits == 1
    assert dpo.tests.keys() == {"right"} and (dpo.tests["right"].gained, dpo.tests["right"].lost) == (3, 0)
    assert dpo.means == {"length": 0.8} and dpo.identical is not None and dpo.identical.hits == 2 and not dpo.no_op
    assert msgspec.json.decode(dumps(found), type=MethodMatrix) == found
    assert methods_png(ECHO, found).startswith(b"\x89PNG")


def test_the_table_has_the_columns_of_the_benchmark_in_their_order() -> None:
    head, _, sft, dpo = table(ECHO, matrix(ECHO, {"sft": answered(5), "dpo": answered(5)})).splitlines()
    titles = [
        "method",
        "right word",
        "mean of right",
        "right where spoken",
        "right word vs sft (gained/lost, difference by wording, p adj.)",
    ]
    assert [cell.strip() for cell in head.strip("|").split("|")] == [*titles, "identical to sft"]
    assert (
        sft.startswith("| sft | 100.0 % [")
        and "+0 / -0, +0.0 [+0.0, +0.0], p = 1 | 100.0 % [" in dpo
        and "**no-op**" in dpo
    )


def test_reports_over_other_cases_are_not_compared() -> None:
    few = ECHO.score(CASES[:2], ECHO.trivial(CASES[:2])["first"])
    with pytest.raises(BadInput, match="different cases"):
        matrix(ECHO, {"sft": answered(2), "dpo": few})


def test_the_rule_of_the_benchmark_chooses_and_says_why_not() -> None:
    def candidate(name: str) -> Candidate:
        return Candidate(method=name, epoch=1.0, checkpoint_sha256=name)

    record = ECHO.choose([(candidate("sft"), answered(2)), (candidate("dpo"), answered(3))])
    assert record.chosen == candidate("dpo") and [row.reason for row in record.candidates] == ["", "less than half"]
    assert msgspec.json.decode(dumps(record), type=SelectionRecord) == record
    assert ECHO.choose([(candidate("sft"), answered(2))]).chosen is None
