"""The memory of a step is computed: for the real shape it is what the table reserves."""

from __future__ import annotations

import math

import msgspec
import pytest

from canvas_pipeline.methods import METHODS, REFERENCE_GIB
from canvas_pipeline.models.gemma4.family import GEMMA4
from canvas_pipeline.training import memory
from canvas_pipeline.training.memory import GIB, of_method
from canvas_pipeline_tests.training.memory_table import e2b, of_reference

BOUND_GIB = 60
"""A method whose step fits into this recomputes no activations."""


@pytest.mark.parametrize("name", ["sft", "lora", "qlora", "dpo", "kto", "bon"])
def test_a_gb10_step_reserves_what_is_computed_for_its_longest_rows(name: str) -> None:
    row, h = METHODS[name], METHODS[name].hyperparameters("gb10")
    found = of_method(e2b, row, h, GEMMA4, "bfloat16")
    assert found.reserved_gib == row.uma_gib["gb10"] <= BOUND_GIB, memory.table({name: found})
    if name == "sft":  # the shape: 5.104 B parameters, of which the 1.877 B of the text layers are trained in float32
        assert (found.gradients / 4 / 1e9, found.weights / GIB) == (
            pytest.approx(1.877, abs=0.001),
            pytest.approx(13.0, abs=0.05),
        )
    if name == "lora":
        assert found.weights / GIB == pytest.approx(9.5, abs=0.2) and found.gradients / GIB < 0.15


def test_pair_methods_reserve_the_same_since_only_their_losses_differ() -> None:
    pairs = [row for row in METHODS.values() if row.objective == "pairwise"]
    assert len({row.uma_gib["gb10"] for row in pairs}) == 1
    assert len({(row.hyperparameters("gb10").batch, row.hyperparameters("gb10").max_length) for row in pairs}) == 1


def test_activations_are_recomputed_only_where_they_would_not_fit() -> None:
    assert [row.name for row in METHODS.values() if row.hyperparameters("gb10").checkpointing] == ["kto"]
    kept = msgspec.structs.replace(METHODS["kto"].hyperparameters("gb10"), checkpointing=False)
    assert of_method(e2b, METHODS["kto"], kept, GEMMA4, "bfloat16").reserved_gib > BOUND_GIB


def test_the_reference_pass_reserves_what_is_computed_for_its_largest_batch() -> None:
    assert math.ceil(of_reference()) == REFERENCE_GIB["gb10"]
