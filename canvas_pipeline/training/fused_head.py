"""Give a model TRL's fused language-model head, which computes log-probabilities of labels without materialising all logits.

Reference, measurement and training all use it, so that they compute the same number in the same way.

About a fifth of a row's tokens have a label. TRL projects only those where Triton is available, and every position elsewhere, to
avoid new shapes for graph compilers. Nothing is compiled on a CPU here, and projecting all positions takes a third of a training
step of the embedded model: ``project_learnt_only`` selects the shorter way everywhere. The switch is a private name of TRL; a
contract test checks that it exists and that gradients are equal.
"""

from __future__ import annotations

from typing import Any

from canvas_pipeline.errors import MissingTool
from canvas_pipeline.training.shared_layers import shorten

SWITCH = "_use_triton"
"""The function of ``trl.trainer.utils`` that decides, by device, whether to skip positions; its kernels use their own copy."""


def fuse_head(model: Any, outputs: tuple[str, ...] = ("log_probs",)) -> Any:
    """Add TRL's fused head, the one its trainers use, to a model, shorten its forward, and return the model."""
    from trl.trainer.utils import add_fused_lm_head

    project_learnt_only()
    add_fused_lm_head(model, outputs=outputs)
    return shorten(model)


def project_learnt_only() -> None:
    """Skip positions without a label on every device. Raises ``MissingTool`` where this TRL has no such switch."""
    from trl.trainer import utils

    if not hasattr(utils, SWITCH):
        raise MissingTool(f"this TRL has no trl.trainer.utils.{SWITCH}; install the locked version: make setup")
    setattr(utils, SWITCH, lambda device: True)
