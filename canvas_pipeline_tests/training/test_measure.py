"""Measurements: what the guards evaluate."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path

import pytest

from canvas_pipeline.training.checkpoint import load_model
from canvas_pipeline.training.encoding import Encoded
from canvas_pipeline.training.measure import health, measure
from canvas_pipeline.training.progress import Reporter
from canvas_pipeline.training.spec import RunSpec
from canvas_pipeline_tests.training.rows import run_of

Make = Callable[..., RunSpec]


@pytest.mark.parametrize("name", ["sft", "qlora", "dpo", "sppo", "kto"])
def test_every_kind_of_method_is_measured_healthy_on_good_rows(name: str, make: Make) -> None:
    spec = make(name, learning_rate=3e-4)
    found = measure(run_of(spec), Reporter(io.StringIO()))
    assert len(found["lengths"]) == 48 and max(found["lengths"]) < found["max_length"]
    assert found["masks_wrong"] == 0 and found["masks"] >= 48
    assert 0 < found["grad_norm"] < found["max_norm_share"] * found["row_norm"]
    assert found["nonfinite_activations"] == found["nonfinite_logits"] == 0 and found["largest_logit"] < 30
    assert found["loss_after"] < found["loss_before"]
    if spec.row.dataset != "trajectory":
        assert {m["axis"] for m in found["margins"]} == (
            {"labelled", "tool_selection"} if spec.row.dataset == "preference" else {"tool_selection"}
        )
        assert all(m["after"] > m["before"] == 0.0 and m["rows"] > 0 for m in found["margins"])


def test_the_same_spec_is_measured_the_same_twice(make: Make) -> None:
    assert measure(run_of(make("dpo")), Reporter(io.StringIO())) == measure(
        run_of(make("dpo")), Reporter(io.StringIO())
    )


def test_a_nan_in_the_weights_is_counted(base: Path) -> None:
    import torch

    model, row = load_model(base), Encoded([2, 5, 6, 7], [0, 1, 1, 1])
    assert health(model, [row], "float32")["nonfinite_logits"] == 0
    with torch.no_grad():
        model.model.layers[0].mlp.down_proj.weight[0, 0] = float("nan")
    sick = health(model, [row], "float32")
    assert sick["nonfinite_activations"] > 0 and sick["nonfinite_logits"] > 0
