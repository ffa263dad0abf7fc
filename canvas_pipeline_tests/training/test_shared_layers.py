"""What the shortened forward leaves out changes no log-probability and no gradient."""

from __future__ import annotations

import functools
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from canvas_pipeline.training.fused_head import fuse_head
from canvas_pipeline.training.shared_layers import PAIRS, shorten, whole_forward
from canvas_pipeline_tests.training.shared_models import random_batch, random_pairs, shared_model

OUTPUTS = ("log_probs", "entropy", "is_top1")


@functools.cache
def built(towers: bool = False, shared: int = 5, checkpointing: bool = False) -> Any:
    model = shorten(fuse_head(shared_model(towers=towers, num_kv_shared_layers=shared), OUTPUTS))
    if checkpointing:
        model.gradient_checkpointing_enable()
    return model


def passed(model: Any, batch: dict[str, Any], **more: Any) -> tuple[Any, dict[str, Any]]:
    """The output, and the gradients of a loss that weighs every token differently."""
    import torch

    model.zero_grad(set_to_none=True)
    output = model(**batch, **more, fused_lm_head=True)
    weights = torch.linspace(0.5, 1.5, output.log_probs.numel()).view(output.log_probs.shape)
    (output.log_probs * weights).sum().backward()
    return output, {name: p.grad.clone() for name, p in model.named_parameters() if p.grad is not None}


def assert_equal(model: Any, batch: dict[str, Any], tolerance: float = 1e-6, **more: Any) -> None:
    import torch

    with whole_forward():
        whole, gradients = passed(model, batch, **more)
    short, other = passed(model, batch, **more)
    torch.testing.assert_close(short.log_probs, whole.log_probs, rtol=tolerance, atol=tolerance)
    torch.testing.assert_close(short.entropy, whole.entropy, rtol=1e-5, atol=1e-5)
    assert torch.equal(short.label_mask, whole.label_mask) and short.is_top1.dtype == whole.is_top1.dtype
    torch.testing.assert_close(short.loss, whole.loss, rtol=1e-5, atol=1e-6)
    assert gradients.keys() == other.keys()
    scale = max(float(gradient.abs().max()) for gradient in gradients.values())
    for name, gradient in gradients.items():
        assert float((gradient - other[name]).abs().max()) <= 1e-5 * max(scale, 1e-6), name


@settings(max_examples=40, deadline=None)
@given(
    rows=st.integers(1, 4), columns=st.integers(3, 100), seed=st.integers(0, 10**6),
    side=st.sampled_from(["right", "left"]), towers=st.booleans(),
)  # fmt: skip
def test_log_probabilities_and_gradients_are_those_of_the_whole_forward(
    rows: int, columns: int, seed: int, side: str, towers: bool
) -> None:
    assert_equal(built(towers), random_batch(rows, columns, seed, side))


@settings(max_examples=40, deadline=None)
@given(
    pairs=st.integers(1, 4), prompt=st.integers(1, 80), completion=st.integers(1, 20), seed=st.integers(0, 10**6),
    shared=st.sampled_from([0, 5]), checkpointing=st.booleans(),
)  # fmt: skip
def test_both_sides_of_a_pair_in_one_row_have_the_numbers_of_two_rows(
    pairs: int, prompt: int, completion: int, seed: int, shared: int, checkpointing: bool
) -> None:
    assert_equal(
        built(shared=shared, checkpointing=checkpointing), random_pairs(pairs, prompt, completion, seed), 1e-5,
        **{PAIRS: True},
    )  # fmt: skip
