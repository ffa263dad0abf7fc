from __future__ import annotations

import re

import pytest

from canvas_pipeline.errors import BadConfig
from canvas_pipeline.guardrails.guard import Measured
from canvas_pipeline.methods import METHODS, ancestry, method
from canvas_pipeline.tracks.canvas.examples.verification import AXES as AXES_OF_THE_EXAMPLES
from canvas_pipeline.tracks.canvas.guards import LEGAL_FAULTS, TABLE
from canvas_pipeline_tests.guardrails.good_data import AXES
from canvas_pipeline_tests.guardrails.mutations import MUTATIONS


def test_there_are_thirteen_guards_in_order_each_with_a_name_a_line_and_a_bound() -> None:
    assert list(TABLE.guards) == [f"g{n}" for n in range(1, 14)]
    for guard in TABLE.guards.values():
        assert re.fullmatch(rf"{guard.id}_[a-z_]+", guard.name)
        assert len(guard.what) > 20 and guard.binds and guard.bounds
        assert any(guard.applies_to(row) for row in METHODS.values())
        assert all(bound.advice for bound in guard.bounds)


def test_the_axes_with_legal_faults_are_axes_of_the_examples() -> None:
    assert set(LEGAL_FAULTS) <= set(AXES_OF_THE_EXAMPLES)
    assert set(AXES) == set(AXES_OF_THE_EXAMPLES)


def test_every_guard_has_a_mutation_that_breaks_it() -> None:
    assert set(MUTATIONS) == set(TABLE.guards)


def test_a_preference_method_is_concerned_by_all_thirteen_and_sft_by_all_but_the_preference_ones() -> None:
    assert [g.id for g in TABLE.of_method(METHODS["dpo"])] == list(TABLE.guards)
    assert {g.id for g in TABLE.of_method(METHODS["sft"])} == set(TABLE.guards) - {"g1", "g9"}
    assert {g.id for g in TABLE.of_method(METHODS["kto"])} == set(TABLE.guards) - {"g1"}


def test_a_preference_method_descends_from_sft() -> None:
    assert [row.name for row in ancestry(METHODS["dpo"])] == ["sft", "dpo"]
    assert [row.name for row in ancestry(METHODS["qlora"])] == ["qlora"]


def test_inputs_name_the_methods_own_data_set_and_starting_weights() -> None:
    assert {"trajectory_train", "trajectory_eval", "base_model"} <= set(TABLE.inputs_of(METHODS["sft"]))
    assert "preference_train" not in TABLE.inputs_of(METHODS["sft"])
    assert {"feedback_train", "feedback_eval", "sft_checkpoint", "trajectory_train"} <= set(
        TABLE.inputs_of(METHODS["kto"])
    )


def test_an_unknown_method_is_named_with_those_there_are() -> None:
    with pytest.raises(BadConfig, match="apo-zero"):
        TABLE.of_method(method("ppo"))


def test_a_guard_without_its_threshold_does_not_answer() -> None:
    with pytest.raises(BadConfig, match="max_norm_share"):
        TABLE.guards["g5"].verdict_of(Measured({"grad_norm": 0.1}), {})


def test_a_reason_says_where_to_look_only_when_something_is_wrong() -> None:
    good = {"trajectories": 3, "most_repeats": 3}

    def reason(measured: Measured) -> str:
        return TABLE.guards["g13"].verdict_of(measured, {}).reason

    assert reason(Measured(good, where=["row a"])) == ""
    assert reason(Measured({**good, "most_repeats": 4}, where=["row a"])).endswith("look first at row a")
    assert "look first" not in reason(Measured({**good, "most_repeats": 4}))


@pytest.mark.parametrize("number", [None, "3", True, float("nan"), float("inf"), float("-inf")])
def test_what_is_no_number_breaks_its_bound(number: float | str | bool | None) -> None:
    assert not TABLE.guards["g13"].verdict_of(Measured({"trajectories": 3, "most_repeats": number}), {}).passed
    assert not TABLE.guards["g13"].verdict_of(Measured({"trajectories": 3}), {}).passed


def test_shipped_thresholds_are_those_of_the_design() -> None:
    shipped = {g.id: {b.threshold: b.value for b in g.bounds if b.value is not None} for g in TABLE.guards.values()}
    assert shipped["g1"]["min_share"] == 0.8
    assert shipped["g3"]["minimum"] == 0.2
    assert shipped["g11"]["max_share_over"] == 0.01
    assert shipped["g13"]["max_repeats"] == 3
    assert not shipped["g12"], "G12's minimum comes from the profile"
