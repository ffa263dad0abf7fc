"""What the shortened forward leaves out changes no log-probability and no gradient."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from canvas_pipeline.training.fused_head import fuse_head
from canvas_pipeline.training.shared_layers import BEFORE, PAIRS, SLICES, beginning, shorten, takes_pairs, whole_forward
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
        # A gradient that is zero in theory is rounding of the size of the others.
        largest = max(float(gradient.abs().max()), scale / 20, 1e-9)
        assert float((gradient - other[name]).abs().max()) <= 1e-5 * largest, name


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


@settings(max_examples=25, deadline=None)
@given(
    common=st.integers(1, 60), columns=st.integers(3, 70), seed=st.integers(0, 10**6), shared=st.sampled_from([0, 5]),
    towers=st.booleans(), pairs=st.booleans(),
)  # fmt: skip
def test_rows_behind_a_beginning_that_is_computed_once_have_the_numbers_of_whole_rows(
    common: int, columns: int, seed: int, shared: int, towers: bool, pairs: bool
) -> None:
    import torch

    model = built(towers, shared).eval()
    batch = random_pairs(3, columns, 9, seed) if pairs else random_batch(3, columns, seed)
    start = torch.randint(3, 90, (common,), generator=torch.Generator().manual_seed(seed))
    rows = batch["input_ids"].shape[0]
    longer = {
        "input_ids": torch.cat([start.expand(rows, -1), batch["input_ids"]], 1),
        "attention_mask": torch.cat([torch.ones(rows, common, dtype=torch.long), batch["attention_mask"]], 1),
        "labels": torch.cat([torch.full((rows, common), -100), batch["labels"]], 1),
    }
    with torch.no_grad():
        with whole_forward():
            whole = model(**longer, fused_lm_head=True).log_probs
        before = beginning(model, start.tolist())
        short = model(**batch, **{BEFORE: before, PAIRS: pairs}, fused_lm_head=True).log_probs
    model.train()
    torch.testing.assert_close(short, whole[:, common:], rtol=1e-5, atol=1e-5)


def columns_of_upper_layers(model: Any, work: Callable[[], object]) -> int:
    """How many columns the last layer computes."""
    text = model.model if hasattr(model.model, "layers") else model.model.language_model
    seen: list[int] = []
    hook = text.layers[-1].register_forward_hook(lambda _, __, output: seen.append(output.shape[1]))
    try:
        work()
    finally:
        hook.remove()
    return seen[0]


@pytest.mark.parametrize("towers", [False, True], ids=["text", "with towers"])
@pytest.mark.parametrize("padded", [True, False], ids=["padded", "without padding"])
def test_the_upper_layers_compute_what_predicts_a_label_only_with_and_without_padding(
    towers: bool, padded: bool
) -> None:
    model, batch = built(towers), random_batch(3, 96, 4)
    if not padded:
        batch["attention_mask"][:] = 1
    batch["labels"][:] = -100
    for at, length in enumerate(batch["attention_mask"].sum(1).tolist()):
        batch["labels"][at, length - 3 : length] = batch["input_ids"][at, length - 3 : length]
    assert columns_of_upper_layers(model, lambda: passed(model, batch)) == 32
    assert_equal(model, batch)


def test_a_label_at_the_start_of_a_row_keeps_no_column_more() -> None:
    model, batch = built(), random_batch(3, 96, 4)
    batch["attention_mask"][:] = 1
    batch["labels"][:, 1:-3] = -100
    batch["labels"][1, 1] = 7
    assert columns_of_upper_layers(model, lambda: passed(model, batch)) == 32
    assert_equal(model, batch)


def test_a_batch_without_labels_gives_a_loss_of_zero_that_can_be_trained() -> None:
    model, batch = built(), random_batch(2, 64, 1)
    batch["labels"][:] = -100
    output, gradients = passed(model, batch)
    assert output.loss.item() == 0.0 and output.log_probs.shape == (2, 63) and not output.label_mask.any()
    assert all(not gradient.any() for gradient in gradients.values())


def test_a_label_after_a_hole_in_its_row_takes_the_whole_forward() -> None:
    model, batch = built(), random_batch(2, 64, 1)
    batch["attention_mask"][:] = 1
    batch["attention_mask"][0, 40] = 0
    batch["labels"][:, 41:] = 5
    assert columns_of_upper_layers(model, lambda: passed(model, batch)) == 64
    assert_equal(model, batch)


def test_the_count_of_tokens_that_the_trainer_gives_divides_the_loss() -> None:
    model, batch = built(), random_batch(3, 64, 5)
    short = model(**batch, num_items_in_batch=100, fused_lm_head=True)
    assert short.loss.item() == pytest.approx(-short.log_probs.sum().item() / 100)


@pytest.mark.parametrize("pairs", [False, True], ids=["rows", "pairs"])
def test_an_adapters_gradients_are_equal_too(pairs: bool) -> None:
    from peft import LoraConfig, get_peft_model

    config = LoraConfig(r=4, target_modules=r".*layers.*(q_proj|k_proj|o_proj|down_proj)", init_lora_weights=False)
    model = get_peft_model(fuse_head(shared_model(), OUTPUTS), config)
    model.gradient_checkpointing_enable()
    model.enable_input_require_grads()
    assert takes_pairs(model)
    batch, more = (random_pairs(2, 60, 9, 3), {PAIRS: True}) if pairs else (random_batch(3, 90, 3), {})
    assert_equal(model, batch, 1e-5, **more)
    batch = random_batch(1, 96, 3)
    batch["labels"][:, :-3] = -100
    assert columns_of_upper_layers(model.get_base_model(), lambda: passed(model, batch)) == 32


def test_in_bfloat16_the_numbers_differ_by_its_rounding_only() -> None:
    import torch

    model, batch = built(), random_pairs(3, 60, 9, 8)
    with torch.no_grad(), torch.autocast("cpu", dtype=torch.bfloat16):
        short = model(**batch, **{PAIRS: True}, fused_lm_head=True).log_probs
        with whole_forward():
            whole = model(**batch, fused_lm_head=True).log_probs
    torch.testing.assert_close(short.float(), whole.float(), rtol=0.03, atol=0.05)


def test_a_family_that_shares_no_layers_keeps_its_forward() -> None:
    from transformers import Qwen3Config, Qwen3ForCausalLM

    model = Qwen3ForCausalLM(
        Qwen3Config(vocab_size=96, hidden_size=32, intermediate_size=32, num_hidden_layers=2, num_attention_heads=2,
                    num_key_value_heads=1, head_dim=16)
    )  # fmt: skip
    before = model.forward
    assert shorten(model).forward == before and not takes_pairs(model)


def test_rows_of_a_model_without_shared_layers_take_the_whole_forward() -> None:
    import torch

    model, batch = built(shared=0), random_batch(3, 64, 2)
    masks: list[Any] = []
    hook = model.model.register_forward_pre_hook(
        lambda _, __, kwargs: masks.append(kwargs["attention_mask"]), with_kwargs=True
    )
    passed(model, batch)
    hook.remove()
    assert torch.equal(masks[0], batch["attention_mask"])


def test_the_locked_transformers_still_drops_columns_where_shared_layers_begin() -> None:
    from transformers.models.gemma4.modeling_gemma4 import Gemma4TextModel

    assert hasattr(Gemma4TextModel, SLICES), (
        "transformers renamed the method: read Gemma4TextModel.forward and mend canvas_pipeline/training/shared_layers.py"
    )
