"""Decisions follow from thresholds, name the one before, and an edited record closes the gate."""

from __future__ import annotations

import msgspec
import pytest

from canvas_pipeline.errors import GateClosed
from canvas_pipeline.evaluation.decision import Band, Decision, decide, require
from canvas_pipeline.evaluation.statistics import wilson

BANDS = (
    Band(above=0.0, verdict="GO", effect="go"),
    Band(above=0.40, verdict="REVIEW", effect="ask"),
    Band(above=0.70, verdict="STOP", effect="stop"),
)
IN_FORCE = {"base": BANDS, "sft": BANDS}


def _decided(hits: int, point: str = "base", chain: tuple[Decision, ...] = (), reason: str = "") -> Decision:
    return decide(point, wilson(hits, 240), BANDS, {"bench": "aa"}, chain, reason)


@pytest.mark.parametrize(
    ("hits", "verdict", "fragile"),
    [(24, "GO", False), (96, "GO", True), (97, "REVIEW", True), (168, "REVIEW", True), (230, "STOP", False)],
)
def test_a_rate_gets_the_verdict_of_its_band_and_is_fragile_near_a_threshold(
    hits: int, verdict: str, fragile: bool
) -> None:
    found = _decided(hits)

    assert (found.verdict, found.fragile) == (verdict, fragile)


def test_nothing_measured_stops_the_run() -> None:
    with pytest.raises(GateClosed, match="NOT_MEASURED"):
        require([decide("base", wilson(0, 0), BANDS, {})], "base", IN_FORCE)


def test_a_review_needs_a_reason_and_a_stop_takes_none() -> None:
    with pytest.raises(GateClosed, match="reason"):
        require([_decided(120)], "base", IN_FORCE)
    assert require([_decided(120, reason="small base")], "base", IN_FORCE).acknowledged == "small base"
    with pytest.raises(GateClosed, match="overridden"):
        require([_decided(230, reason="please")], "base", IN_FORCE)


def test_a_later_decision_counts_only_behind_an_untouched_earlier_one() -> None:
    first = _decided(24)
    second = _decided(20, "sft", (first,))

    assert require([first, second], "sft", IN_FORCE) == second
    with pytest.raises(GateClosed, match="edited"):
        require([_decided(25), second], "sft", IN_FORCE)
    with pytest.raises(GateClosed, match="no decision dpo"):
        require([first, second], "dpo", IN_FORCE)


@pytest.mark.parametrize(
    "change", [{"verdict": "GO"}, {"effect": "go"}, {"bands": (Band(above=0, verdict="STOP", effect="go"),)}]
)
def test_an_edited_record_closes_the_gate(change: dict[str, object]) -> None:
    with pytest.raises(GateClosed, match="decide again"):
        require([msgspec.structs.replace(_decided(230), **change)], "base", IN_FORCE)
