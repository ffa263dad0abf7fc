from __future__ import annotations

import math

import msgspec
import pytest

from canvas_pipeline.datasets.spec import DATASETS
from canvas_pipeline.errors import BadInput
from canvas_pipeline.guardrails import run
from canvas_pipeline.guardrails.run import AxisMargin, ImageEvidence
from canvas_pipeline.guardrails.verdict import Verdict
from canvas_pipeline.profiles import PROFILES, Profile
from canvas_pipeline.records import dumps
from canvas_pipeline_tests.guardrails.good_data import pair
from canvas_pipeline_tests.guardrails.mutations import replace


def test_g2_wants_an_eval_set() -> None:
    assert not run.g2([pair(1, "ordering", "a")], [], {}, "preference").passed


def test_g2_names_the_shared_item() -> None:
    verdict = run.g2([pair(1, "ordering", "abc")], [pair(2, "ordering", "abc")], {}, "preference")
    assert not verdict.passed and verdict.numbers["shared_items"] == 1 and "item abc" in verdict.reason


def test_g2_does_not_trust_a_row_that_names_no_item() -> None:
    unknown = replace(pair(2, "ordering", "x"), item_ids=())
    assert run.g2([pair(1, "ordering", "a")], [unknown], {}, "preference").numbers["rows_without_items"] == 1
    assert not run.g2([pair(1, "ordering", "a")], [unknown], {}, "preference").passed


@pytest.mark.parametrize(
    ("score", "passed"), [(0.199, False), (0.2, True), (0.7, True), (0.71, False), (math.nan, False)]
)
def test_g3_wants_the_embedded_base_weak_but_not_empty(score: float, passed: bool) -> None:
    assert run.g3(score, 200, {}, maximum=0.7).passed is passed


def test_g3_sets_no_upper_bound_where_the_project_did_not_train_the_base() -> None:
    assert run.g3(0.95, 200, {}).passed
    assert not run.g3(0.95, 0, {}).passed


@pytest.mark.parametrize("norm", [math.nan, math.inf, 1.0, 290.0, 0.0, -1.0])
def test_g5_refuses_a_gradient_that_is_not_finite_below_the_bound_or_not_there(norm: float) -> None:
    verdict = run.g5("kto", norm, 1.0, 0, 0, {})
    assert not verdict.passed and verdict.subject == "kto" and verdict.thresholds["max_grad_norm"] == 1.0


@pytest.mark.parametrize(("activations", "logits"), [(1, 0), (0, 1)])
def test_g5_refuses_nonfinite_values_even_with_a_small_gradient(activations: int, logits: int) -> None:
    assert not run.g5("dpo", 0.5, 1.0, activations, logits, {}).passed


def test_a_verdict_on_a_gradient_that_is_nan_still_survives_json() -> None:
    verdict = run.g5("dpo", math.nan, 1.0, 0, 0, {}, largest_logit=math.inf)
    assert msgspec.json.decode(dumps(verdict), type=Verdict) == verdict


def test_g9_wants_every_axis_measured_and_moving_up() -> None:
    up = AxisMargin(axis="ordering", before=-0.1, after=0.1, rows=3)
    assert run.g9("dpo", [up], ["ordering"], {}).passed
    assert "axis format: not measured" in run.g9("dpo", [up], ["ordering", "format"], {}).reason
    for after in (-0.1, -0.2, math.nan, math.inf):
        assert not run.g9("dpo", [replace(up, after=after)], ["ordering"], {}).passed
    assert not run.g9("dpo", [replace(up, rows=0)], ["ordering"], {}).passed
    assert run.g9("dpo", [replace(up, rows=1)], ["ordering"], {}).passed
    assert not run.g9("dpo", [], [], {}).passed


def test_g10_says_how_the_image_was_examined() -> None:
    good = ImageEvidence(how="built", engine="docker", build_exit_code=0, help_exit_code=0, collisions=())
    assert run.g10(good, {}).passed and run.g10(good, {}).numbers["how"] == "built"
    for wrong in (
        replace(good, help_exit_code=2),
        replace(good, build_exit_code=1),
        replace(good, help_exit_code=-9),
        replace(good, collisions=("service x: …",)),
    ):
        assert not run.g10(wrong, {}).passed


@pytest.mark.parametrize("profile", PROFILES.values(), ids=lambda p: p.name)
def test_g12_takes_its_minimum_from_the_profile_and_names_it(profile: Profile) -> None:
    for dataset, spec in DATASETS.items():
        minimum = spec.min_rows(profile)
        assert run.g12(minimum, dataset, profile, {}).passed
        verdict = run.g12(minimum - 1, dataset, profile, {})
        assert not verdict.passed and verdict.numbers["profile"] == profile.name
        assert verdict.thresholds["min_rows"] == minimum


def test_the_gb10_profile_asks_for_a_thousand_pairs_and_a_thousand_feedback_rows() -> None:
    for dataset in ("preference", "feedback"):
        assert not run.g12(999, dataset, PROFILES["gb10"], {}).passed
        assert run.g12(1000, dataset, PROFILES["gb10"], {}).passed


def test_g12_refuses_a_data_set_that_no_method_reads() -> None:
    with pytest.raises(BadInput, match="trajectory"):
        run.g12(5, "corpus", PROFILES["embedded"], {})
