"""TRL's fused language-model head, over the tokens that are learnt from and no others.

In: a model. Out: the same model, whose forward can give log-probabilities of labels without ever holding all logits. What must
hold: reference, measurement and training take the same path to the same number.

Of a row's tokens about a fifth are learnt from. TRL projects only those where Triton is there, and every position elsewhere, to
spare compilers of graphs new shapes. PyTorch on a CPU compiles nothing, and the projection of all positions is a third of a step
of the embedded model: ``project_learnt_only`` switches to the shorter way everywhere. The switch is a private name of TRL, so that
a test asks for it and for equal gradients.
"""

from __future__ import annotations

from typing import Any

from canvas_pipeline.errors import MissingTool

SWITCH = "_use_triton"
"""What ``trl.trainer.utils`` asks, by device, before it leaves out positions; its kernels ask their own copy."""


def fuse_head(model: Any, outputs: tuple[str, ...] = ("log_probs",)) -> Any:
    """Give the model TRL's fused head, the same that its trainers use. Returns the model."""
    from trl.trainer.utils import add_fused_lm_head

    project_learnt_only()
    add_fused_lm_head(model, outputs=outputs)
    return model


def project_learnt_only() -> None:
    """Leave out positions without a label on every device. Raises ``MissingTool`` where this TRL decides otherwise."""
    from trl.trainer import utils

    if not hasattr(utils, SWITCH):
        raise MissingTool(f"this TRL has no trl.trainer.utils.{SWITCH}; install the locked version: make setup")
    setattr(utils, SWITCH, _on_every_device)


def _on_every_device(device: Any) -> bool:
    return True
