"""``make bench``: training steps with and without what no loss reads, and against TRL's defaults, side by side in one process.

A step is forward, loss, backward and the optimiser's update. TRL's defaults recompute activations and, on a CPU, project every
position. The rows are the same and so are the losses."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import pytest

from canvas_pipeline.training.encoding import Encoded
from canvas_pipeline.training.fused_head import SWITCH, fuse_head, project_learnt_only
from canvas_pipeline.training.reference import tensors
from canvas_pipeline.training.shared_layers import PAIRS as ROWS_ARE_PAIRS
from canvas_pipeline.training.shared_layers import whole_forward
from canvas_pipeline_tests.training.flops import CONVERSATIONS, PAIRS
from canvas_pipeline_tests.training.shared_models import shared_model

VOCABULARY = 2048
CATALOGUE = 1851
"""Tokens that a row with native declarations has more than one with the compact catalogue."""
_SIZES = {"vocab_size": VOCABULARY, "vocab_size_per_layer_input": VOCABULARY, "hidden_size": 256, "head_dim": 64,
          "global_head_dim": 128, "num_attention_heads": 4, "max_position_embeddings": 4096}  # fmt: skip
MODELS: Mapping[str, dict[str, Any]] = {
    "embedded": {**_SIZES, "intermediate_size": 768, "num_hidden_layers": 4, "num_kv_shared_layers": 2,
                 "layer_types": ["sliding_attention", "full_attention"] * 2, "sliding_window": 256,
                 "num_key_value_heads": 2, "hidden_size_per_layer_input": 32, "use_double_wide_mlp": False},
    "miniature": {**_SIZES, "intermediate_size": 256, "hidden_size_per_layer_input": 256, "sliding_window": 64},
}  # fmt: skip
SHORTER = {"embedded": CATALOGUE, "miniature": 0}
ROUNDS = 2
Batches = Sequence[dict[str, Any]]
Loss = Callable[[Any, dict[str, Any]], Any]


def encoded(prompt: Sequence[int], completion: int, learnt: int) -> Encoded:
    import torch

    ids = [*prompt, *torch.randint(30, VOCABULARY, (completion,)).tolist()]
    return Encoded(ids, [0] * (len(ids) - completion) + [1] * learnt + [0] * (completion - learnt))


def prompt_of(tokens: int) -> list[int]:
    import torch

    return [int(token) for token in torch.randint(30, VOCABULARY, (tokens,))]


def conversations(size: int, shorter: int) -> Batches:
    """Two micro-batches as training makes them: neighbours in length, right-padded."""
    rows = [encoded(prompt_of(length - kept - shorter), kept, learnt) for length, kept, learnt in CONVERSATIONS]
    return [tensors(rows[at : at + size]) for at in range(0, len(rows), len(rows) // 2)]


def pairs(size: int, shorter: int) -> Batches:
    sides = []
    for prompt, chosen, rejected in PAIRS:
        common = prompt_of(prompt - shorter)
        sides.append((encoded(common, chosen, chosen), encoded(common, rejected, rejected)))
    groups = (sides[at : at + size] for at in range(0, len(sides), len(sides) // 2))
    return [tensors([*(c for c, _ in group), *(r for _, r in group)]) for group in groups]


def sft_loss(model: Any, batch: dict[str, Any]) -> Any:
    return model(**batch, fused_lm_head=True).loss


def dpo_loss(model: Any, batch: dict[str, Any], **more: Any) -> Any:
    import torch

    chosen, rejected = model(**batch, **more, fused_lm_head=True).log_probs.sum(1).chunk(2)
    return -torch.nn.functional.logsigmoid(0.01 * (chosen - rejected)).mean()


def dpo_once(model: Any, batch: dict[str, Any]) -> Any:
    return dpo_loss(model, batch, **{ROWS_ARE_PAIRS: True})


def steps(model: Any, batches: Batches, loss_of: Loss) -> tuple[float, list[float]]:
    """Seconds and losses of one step on each batch. The learning rate is 0: every way of training sees the same weights."""
    import torch

    optimiser = torch.optim.AdamW(model.parameters(), lr=0.0, fused=True)
    losses = []
    began = time.perf_counter()
    for batch in batches:
        loss = loss_of(model, batch)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimiser.step()
        optimiser.zero_grad(set_to_none=True)
        losses.append(loss.item())
    return time.perf_counter() - began, losses


@pytest.mark.parametrize("name", MODELS)
def test_steps_without_what_no_loss_reads_have_the_same_losses(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    from trl.trainer import utils

    by_default = getattr(utils, SWITCH)
    model = fuse_head(shared_model(**MODELS[name]))
    size = 4 if name == "embedded" else 2

    def whole_as_trl(loss_of: Loss) -> Loss:
        def loss(model: Any, batch: dict[str, Any]) -> Any:
            monkeypatch.setattr(utils, SWITCH, by_default)
            model.gradient_checkpointing_enable()
            try:
                return loss_of(model, batch)
            finally:
                project_learnt_only()

        return loss

    ways: Mapping[str, Mapping[str, tuple[Loss, bool]]] = {
        "sft": {"TRL's defaults": (whole_as_trl(sft_loss), True), "whole": (sft_loss, True), "short": (sft_loss, False)},
        "dpo": {"TRL's defaults": (whole_as_trl(dpo_loss), True), "whole": (dpo_loss, True),
                "short, two rows": (dpo_loss, False), "short, one row": (dpo_once, False)},
    }  # fmt: skip
    for method, batches in (("sft", conversations(size, SHORTER[name])), ("dpo", pairs(size, SHORTER[name]))):
        tokens = sum(int(batch["attention_mask"].sum()) for batch in batches)
        taken: dict[str, float] = {}
        losses: dict[str, list[float]] = {}
        for _ in range(ROUNDS):
            for way, (loss_of, whole) in ways[method].items():
                model.gradient_checkpointing_disable()
                context: AbstractContextManager[Any] = whole_forward() if whole else nullcontext()
                with context:
                    spent, losses[way] = steps(model, batches, loss_of)
                taken[way] = min(spent, taken.get(way, spent))
        print(f"\n{name} {method}: {tokens} tokens in {len(batches)} steps of {size} rows")
        for way, spent in taken.items():
            print(f"  {way:16} {tokens / spent:8,.0f} tokens/s, {taken['whole'] / spent:.2f} times whole, "
                  f"{taken[next(iter(taken))] / spent:.2f} times TRL's defaults")  # fmt: skip
            assert losses[way] == pytest.approx(losses["whole"], rel=1e-4)
