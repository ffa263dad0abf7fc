"""Measurements: what the guards evaluate."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from canvas_pipeline.training import measure as measuring
from canvas_pipeline.training.checkpoint import load_model
from canvas_pipeline.training.encoding import Encoded
from canvas_pipeline.training.measure import HEAD_POSITIONS, health, measure
from canvas_pipeline.training.progress import Reporter
from canvas_pipeline.training.spec import RunSpec
from canvas_pipeline_tests.training.rows import run_of

Make = Callable[..., RunSpec]
LENGTH = 2 * HEAD_POSITIONS + 37
"""Of a row that the head sees in three parts."""


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
            {"labelled", "tool_selection"} if spec.row.objective == "pairwise" else {"tool_selection"}
        )
        assert all(m["after"] > m["before"] == 0.0 and m["rows"] > 0 for m in found["margins"])
    assert ("sayable" in found) == bool(spec.row.reference)


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


@pytest.mark.parametrize("spoiled", [None, 0, HEAD_POSITIONS, LENGTH - 1], ids=str)
def test_the_head_sees_a_part_of_a_row_at_a_time_and_all_of_its_logits_are_counted(
    spoiled: int | None, base: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import torch

    model = load_model(base)
    vocabulary = model.config.get_text_config().vocab_size
    row = Encoded([at * 7 % vocabulary for at in range(LENGTH)], [1] * LENGTH)
    positions: list[int] = []
    model.get_output_embeddings().register_forward_hook(lambda _, args, __: positions.append(args[0].shape[0]))

    def spoil(_: Any, __: Any, output: Any) -> Any:
        states = output.last_hidden_state.clone()
        if spoiled is not None:
            states[0, spoiled, 0] = float("nan")
        output.last_hidden_state = states
        return output

    model.base_model.register_forward_hook(spoil)
    in_parts = health(model, [row], "float32")
    assert max(positions) == HEAD_POSITIONS and sum(positions) == LENGTH
    monkeypatch.setattr(measuring, "HEAD_POSITIONS", LENGTH)
    at_once = health(model, [row], "float32")
    assert positions[-1] == LENGTH
    assert in_parts["nonfinite_logits"] == (0 if spoiled is None else vocabulary)
    assert (
        in_parts.pop("largest_logit") == pytest.approx(at_once.pop("largest_logit"), rel=1e-5) and in_parts == at_once
    )
    with torch.no_grad():
        logits = model(input_ids=torch.tensor([row.ids]), use_cache=False).logits
    assert int((~torch.isfinite(logits)).sum()) == in_parts["nonfinite_logits"]
