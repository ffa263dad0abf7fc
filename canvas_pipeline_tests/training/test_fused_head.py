"""The head projects learnt positions only, and nothing but time comes of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from canvas_pipeline.errors import MissingTool
from canvas_pipeline.training import fused_head
from canvas_pipeline.training.checkpoint import load_model
from canvas_pipeline.training.shared_layers import whole_forward


def test_the_locked_trl_still_asks_the_switch_before_it_leaves_out_positions() -> None:
    import inspect

    from trl.trainer import utils

    assert f"compact = {fused_head.SWITCH}(" in inspect.getsource(utils.add_fused_lm_head), (
        "TRL decides elsewhere which positions its fused head projects: read trl.trainer.utils.add_fused_lm_head and mend "
        "canvas_pipeline/training/fused_head.py"
    )


def test_a_trl_without_the_switch_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    from trl.trainer import utils

    monkeypatch.delattr(utils, fused_head.SWITCH)
    with pytest.raises(MissingTool, match="make setup"):
        fused_head.project_learnt_only()


def test_loss_and_gradients_are_those_of_all_positions_and_only_learnt_ones_are_projected(
    base: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import torch
    from trl.trainer import utils

    torch.manual_seed(0)
    ids = torch.randint(4, 200, (3, 40))
    labels = ids.clone()
    labels[:, :31] = -100
    projected: list[int] = []
    kernel = utils._ChunkedLogProbFunction.apply

    def counted(hidden: Any, *rest: Any) -> Any:
        projected.append(hidden.shape[0])
        return kernel(hidden, *rest)

    monkeypatch.setattr(utils._ChunkedLogProbFunction, "apply", staticmethod(counted))

    def passed(learnt_only: bool) -> tuple[float, list[Any]]:
        model = fused_head.fuse_head(load_model(base, "float32"))
        monkeypatch.setattr(utils, fused_head.SWITCH, lambda device: learnt_only)
        with whole_forward():
            loss = model(input_ids=ids, labels=labels, fused_lm_head=True).loss
        loss.backward()
        return float(loss), [p.grad for p in model.parameters() if p.grad is not None]

    (all_loss, all_grads), (loss, grads) = passed(False), passed(True)
    assert projected == [3 * 39, 3 * 9]
    assert loss == pytest.approx(all_loss, rel=1e-5)
    for one, other in zip(grads, all_grads, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-3, atol=1e-5)
