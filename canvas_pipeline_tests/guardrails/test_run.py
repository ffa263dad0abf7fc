from __future__ import annotations

import math

import msgspec
import pytest

from canvas_pipeline.errors import BadInput
from canvas_pipeline.guardrails.guard import AxisMargin, BaseEvidence, ImageEvidence
from canvas_pipeline.guardrails.rows import row_verdict
from canvas_pipeline.guardrails.verdict import Verdict
from canvas_pipeline.records import dumps
from canvas_pipeline.tracks.canvas.datasets import DATASETS
from canvas_pipeline.tracks.canvas.guards import TABLE
from canvas_pipeline.tracks.canvas.profiles import PROFILES, CanvasProfile
from canvas_pipeline_tests.guardrails.good_data import pair, training, verdict_on, verdict_on_rows
from canvas_pipeline_tests.guardrails.mutations import replace


def test_g2_wants_an_eval_set() -> None:
    assert not verdict_on_rows("g2", [pair(1, "ordering", "a")], []).passed


def test_g2_names_the_shared_item() -> None:
    verdict = verdict_on_rows("g2", [pair(1, "ordering", "abc")], [pair(2, "ordering", "abc")])
    assert not verdict.passed and verdict.numbers["shared_items"] == 1 and "item abc" in verdict.reason


def test_g2_does_not_trust_a_row_that_names_no_item() -> None:
    unknown = replace(pair(2, "ordering", "x"), item_ids=())
    assert verdict_on_rows("g2", [pair(1, "ordering", "a")], [unknown]).numbers["rows_without_items"] == 1
    assert not verdict_on_rows("g2", [pair(1, "ordering", "a")], [unknown]).passed


@pytest.mark.parametrize(
    ("score", "passed"), [(0.199, False), (0.2, True), (0.7, True), (0.71, False), (math.nan, False)]
)
def test_g3_wants_the_embedded_base_weak_but_not_empty(score: float, passed: bool) -> None:
    assert verdict_on("g3", BaseEvidence(right=score, cases=200, maximum=0.7)).passed is passed


def test_g3_sets_no_upper_bound_where_the_project_did_not_train_the_base() -> None:
    assert verdict_on("g3", BaseEvidence(right=0.95, cases=200)).passed
    assert not verdict_on("g3", BaseEvidence(right=0.95, cases=0)).passed


@pytest.mark.parametrize("norm", [math.nan, math.inf, 1.0, 290.0, 0.0, -1.0])
def test_g5_refuses_a_gradient_that_is_not_finite_below_the_bound_or_not_there(norm: float) -> None:
    verdict = verdict_on("g5", training(grad_norm=norm), "kto")
    assert not verdict.passed and verdict.subject == "kto" and verdict.thresholds["max_norm_share"] == 1.0


@pytest.mark.parametrize(("activations", "logits"), [(1, 0), (0, 1)])
def test_g5_refuses_nonfinite_values_even_with_a_small_gradient(activations: int, logits: int) -> None:
    assert not verdict_on("g5", training(nonfinite_activations=activations, nonfinite_logits=logits)).passed


def test_a_verdict_on_a_gradient_that_is_nan_still_survives_json() -> None:
    verdict = verdict_on("g5", training(grad_norm=math.nan, largest_logit=math.inf), "dpo")
    assert msgspec.json.decode(dumps(verdict), type=Verdict) == verdict


def test_g9_wants_every_axis_measured_and_moving_up() -> None:
    up = AxisMargin(axis="ordering", before=-0.1, after=0.1, rows=3)
    assert verdict_on("g9", training(margins=[up], axes=["ordering"])).passed
    assert "axis format: not measured" in verdict_on("g9", training(margins=[up], axes=["ordering", "format"])).reason
    for after in (-0.1, -0.2, math.nan, math.inf):
        assert not verdict_on("g9", training(margins=[replace(up, after=after)], axes=["ordering"])).passed
    assert not verdict_on("g9", training(margins=[replace(up, rows=0)], axes=["ordering"])).passed
    assert verdict_on("g9", training(margins=[replace(up, rows=1)], axes=["ordering"])).passed
    assert not verdict_on("g9", training(margins=[], axes=[])).passed


def test_g9_wants_a_margin_above_its_noise() -> None:
    axis = AxisMargin(axis="ordering", before=0.0, after=0.2, rows=16, noise=0.1)
    assert verdict_on("g9", training(margins=[axis], axes=["ordering"])).passed
    for noise in (0.2, math.nan, math.inf):
        verdict = verdict_on("g9", training(margins=[replace(axis, noise=noise)], axes=["ordering"]))
        assert not verdict.passed and "axis ordering: not above its noise" in verdict.reason


def test_g9_wants_rejected_sides_that_the_policy_could_say() -> None:
    axis = AxisMargin(axis="ordering", before=0.0, after=0.2, rows=16)
    for share, least, passes in ((0.5, 0.5, True), (0.49, 0.5, False), (0.0, None, True), (None, 0.5, True)):
        verdict = verdict_on("g9", training(margins=[axis], axes=["ordering"], sayable=share, min_sayable=least))
        assert verdict.passed is passes and verdict.numbers.get("sayable") == share
        assert passes or "fewer mutations" in verdict.reason


def test_g5_compares_the_step_with_what_single_rows_give() -> None:
    assert verdict_on("g5", training(grad_norm=80.0, row_norm=100.0), "dpo").passed
    assert not verdict_on("g5", training(grad_norm=80.0, row_norm=70.0), "dpo").passed
    for none in (0.0, math.nan):
        assert not verdict_on("g5", training(row_norm=none), "dpo").passed


def test_g10_says_how_the_image_was_examined() -> None:
    good = ImageEvidence(how="built", engine="docker", build_exit_code=0, help_exit_code=0, collisions=())
    assert verdict_on("g10", good).passed and verdict_on("g10", good).numbers["how"] == "built"
    for wrong in (
        replace(good, help_exit_code=2),
        replace(good, build_exit_code=1),
        replace(good, help_exit_code=-9),
        replace(good, collisions=("service x: …",)),
    ):
        assert not verdict_on("g10", wrong).passed


@pytest.mark.parametrize("profile", PROFILES.values(), ids=lambda p: p.name)
def test_g12_takes_its_minimum_from_the_profile_and_names_it(profile: CanvasProfile) -> None:
    for dataset, spec in DATASETS.items():
        minimum = spec.min_rows(profile)
        assert verdict_on_rows("g12", [None] * minimum, dataset=dataset, profile=profile).passed
        verdict = verdict_on_rows("g12", [None] * (minimum - 1), dataset=dataset, profile=profile)
        assert not verdict.passed and verdict.numbers["profile"] == profile.name
        assert verdict.thresholds["min_rows"] == minimum


def test_the_gb10_profile_asks_for_a_thousand_pairs_and_a_thousand_feedback_rows() -> None:
    for dataset in ("preference", "feedback"):
        assert not verdict_on_rows("g12", [None] * 999, dataset=dataset, profile=PROFILES["gb10"]).passed
        assert verdict_on_rows("g12", [None] * 1000, dataset=dataset, profile=PROFILES["gb10"]).passed


def test_g12_refuses_a_data_set_that_no_method_reads() -> None:
    with pytest.raises(BadInput, match="trajectory"):
        row_verdict(
            TABLE, TABLE.guards["g12"], "corpus", lambda name: [None] * 5, {"corpus_train": "0"}, PROFILES["embedded"]
        )
