"""``canvas-train --bench`` measures what it trained, stops before the release, and ends with 3 where a bound is missed."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from rich.console import Console

from canvas_pipeline.cli.train import judge, keys_of
from canvas_pipeline.errors import GateClosed
from canvas_pipeline.pipeline import evaluation
from canvas_pipeline.pipeline.track import track_named
from canvas_pipeline.release.gate import ReleaseItem

ITEM = ReleaseItem(name="plans exact", value=0.9, bound=0.8, op=">=", low=0.85, high=0.94, n=150)


@pytest.mark.parametrize(
    ("track", "own"),
    [
        ("router", {"judgement"}),
        ("instruct", set()),
        ("code", {"baselines"}),
        ("math", {"comparison"}),
        ("canvas", {"scenarios"}),
    ],
)
def test_the_methods_are_benched_compared_and_chosen_and_nothing_is_released(track: str, own: set[str]) -> None:
    names = {key.path[-1] for key in keys_of(track_named(track), ["sft"], True)}
    assert {"sft_checkpoint", "sft_bench", "base_bench", "method_matrix", "production_checkpoint", *own} <= names
    assert not {"release", "cards", "dpo_checkpoint", "lora_checkpoint", "trajectory_split"} & names


def judged(items: list[ReleaseItem], monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setattr(evaluation, "production_method", lambda ws: "sft")
    out = Console(record=True, width=120)
    ws: Any = SimpleNamespace(track=SimpleNamespace(name="toy", release_items=lambda ws: items))
    session: Any = SimpleNamespace(out=out)
    try:
        judge(session, ws)
    finally:
        shown = out.export_text()
    return shown


def test_bounds_that_hold_are_listed_with_their_intervals(monkeypatch: pytest.MonkeyPatch) -> None:
    shown = judged([ITEM], monkeypatch)
    assert "plans exact" in shown and "0.9 [0.85, 0.94], n = 150" in shown and ">= 0.8" in shown and "holds" in shown


def test_a_track_that_asks_nothing_of_a_release_says_so_in_place_of_an_empty_table(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    shown = judged([], monkeypatch)
    assert shown.strip() == "sft is chosen; the track toy asks no more of a release than its guards do."


@pytest.mark.parametrize("value", (0.7, None))
def test_a_bound_that_is_missed_or_not_measured_ends_with_3(
    value: float | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    missed = ReleaseItem(name="JSON", value=value, bound=0.98, op=">=")
    with pytest.raises(GateClosed, match="1 of 2 bounds are missed: JSON") as closed:
        judged([ITEM, missed], monkeypatch)
    assert closed.value.exit_code == 3
