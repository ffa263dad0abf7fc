"""Load the weights that a run trains, keep them in float32 while it trains, and round them when they are saved.

bfloat16 keeps 8 bits of a number. An update below 1/256 of a weight is lost in it: at a learning rate of 5e-7, nearly every update.
So whatever is trained is float32, all weights or adapters alone; what is frozen is in the method's number type.

torch is imported inside the functions.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from canvas_pipeline.training.checkpoint import Dtype, load_model
from canvas_pipeline.training.rounding import rounded
from canvas_pipeline.training.spec import RunSpec


def load_start(spec: RunSpec) -> Any:
    """Load the weights that a run trains, or adapts. ``trained: layers`` freezes the token tables."""
    model = load_model(spec.start_path, spec.loaded_as, quantise=spec.adapter == "qlora")
    if spec.adapter is None and spec.hyperparameters.trained == "layers":
        freeze_tables(model)
    return model


def freeze_tables(model: Any) -> None:
    """Freeze every table of token embeddings (also the per-layer one of Gemma-4) and the head.

    They are half of a small model's weights; fine-tuning on a few thousand rows does not need them, and their gradients and
    optimiser states are three times their size."""
    import torch

    for module in (*model.modules(), model.get_output_embeddings()):
        if isinstance(module, torch.nn.Embedding) or module is model.get_output_embeddings():
            for parameter in module.parameters(recurse=False):
                parameter.requires_grad_(False)


def trained_in_float32(model: Any) -> Any:
    """Cast every weight that is trained to float32, and return the model.

    Autocast still multiplies in bfloat16. TRL casts adapters on 4-bit weights to bfloat16: call this after its trainer is made."""
    for parameter in model.parameters():
        if parameter.requires_grad:
            parameter.data = parameter.data.float()
    return model


@contextmanager
def stored_as(model: Any, dtype: Dtype) -> Iterator[None]:
    """Hold the model's weights in ``dtype`` inside the block, and as they were after it, so that a run in progress keeps its own.

    float32 becomes bfloat16 by stochastic rounding, or the file would lose the small moves that were trained in float32."""
    import torch

    kind = getattr(torch, dtype)
    before = {name: weight.data for name, weight in model.named_parameters() if weight.is_floating_point()}
    for name, weight in model.named_parameters():
        if name in before and weight.dtype != kind:
            weight.data = rounded(weight.data, name) if dtype == "bfloat16" else weight.data.to(kind)
    try:
        yield
    finally:
        for name, weight in model.named_parameters():
            weight.data = before.get(name, weight.data)
