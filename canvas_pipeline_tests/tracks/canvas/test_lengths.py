"""The lengths of native rows in the real vocabulary's tokens: the goldens, the bounds that follow from them, and G11."""

from __future__ import annotations

import os
from pathlib import Path

import msgspec
import pytest

from canvas_pipeline.methods import METHODS
from canvas_pipeline.tracks.canvas.tools.prompt import ALL_TOOLS
from canvas_pipeline_tests.guardrails.good_data import training, verdict_on
from canvas_pipeline_tests.tracks.canvas.examples.native import trajectories
from canvas_pipeline_tests.tracks.canvas.lengths import estimated, goldens, measured, quantiles, rows

MARGIN = 1.2
VOCABULARY = os.environ.get("CANVAS_GEMMA_VOCABULARY", "")
"""Where the real vocabulary lies, if it does: see ``lengths``."""


def counted_as(name: str) -> str:
    """Return the data set by whose lengths a method is judged: a row of bon is at most as long as the trajectory it is part of, a
    pair of a round one turn on either side of such a prompt."""
    return {"sft": "trajectory", "pairwise": "preference", "unpaired": "feedback"}[METHODS[name].objective]


def test_the_parts_of_an_opening_add_up() -> None:
    known = goldens()
    assert list(known["declarations"]) == list(ALL_TOOLS)
    assert known["system_turn"] + sum(known["declarations"].values()) == known["opening_with_all_tools"]


def test_nine_tenths_of_the_bench_prompts_tokens_are_their_common_prefix() -> None:
    bench = goldens()["bench"]
    assert bench["common_prefix"] * bench["prompts"] >= 0.9 * bench["tokens"]
    assert bench["common_prefix"] >= goldens()["opening_with_all_tools"]


@pytest.mark.parametrize("name", rows())
def test_what_is_estimated_from_the_parts_is_what_was_counted(name: str) -> None:
    for tools, part in (((), "as_declared"), (ALL_TOOLS, "all_tools")):
        counted, found = goldens()[part][name], quantiles([estimated(row, tools) for row in rows()[name]])
        assert found.pop("rows") == counted.pop("rows")
        assert found == pytest.approx(counted, rel=0.05)


@pytest.mark.parametrize("name", METHODS)
def test_a_methods_length_covers_its_rows_with_all_tools_and_a_margin(name: str) -> None:
    method = METHODS[name]
    counted = goldens()["all_tools"][counted_as(name)]
    allowed = method.hyperparameters("gb10").max_length
    assert counted["p99"] * MARGIN <= allowed and counted["max"] < allowed


@pytest.mark.parametrize("name", METHODS)
def test_g11_passes_on_the_rows_of_each_method_and_closes_on_long_ones(name: str) -> None:
    method = METHODS[name]
    lengths = [estimated(row) for row in rows()[counted_as(name)]]
    allowed = method.hyperparameters("gb10").max_length
    assert len(lengths) >= 200
    assert verdict_on("g11", training(lengths=lengths, max_length=allowed), name).passed
    row = trajectories()[0]
    answer = msgspec.structs.replace(
        row.messages[-1], content=row.messages[-1].content + " and so on, at length" * 1200
    )
    planted = estimated(msgspec.structs.replace(row, messages=(*row.messages[:-1], answer)))
    assert planted > allowed
    found = verdict_on("g11", training(lengths=[*lengths, *[planted] * (len(lengths) // 50)], max_length=allowed), name)
    assert not found.passed and found.numbers["rows_over"] == len(lengths) // 50


def test_fewer_declared_tools_make_the_median_row_nearly_half_as_long() -> None:
    for name in rows():
        assert goldens()["as_declared"][name]["p50"] < 0.6 * goldens()["all_tools"][name]["p50"]


@pytest.mark.skipif(not VOCABULARY, reason="the real vocabulary is not ours to ship; CANVAS_GEMMA_VOCABULARY names it")
def test_the_goldens_are_what_the_real_vocabulary_counts() -> None:
    assert measured(Path(VOCABULARY)) == goldens()
