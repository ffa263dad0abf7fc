"""No optimiser row loses its own updates: what trains moves as far, and in the direction, that float32 moves."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from canvas_pipeline.methods import FULL_DPO, METHODS, Hyperparameters
from canvas_pipeline.training.rounding import rounded
from canvas_pipeline.training.spec import RunSpec
from canvas_pipeline.training.start import load_start, stored_as, trained_in_float32
from canvas_pipeline_tests.training.rows import run_of

Make = Callable[..., RunSpec]
WEIGHT = 0.02
"""Standard deviation of a weight: about that of a language model's matrices."""
STEPS = {"sft": 500, "lora": 500, "qlora": 500}
"""Updates of a run at gb10 (4,500 conversations or 3,600 pairs, 16 rows an update); 225 for the methods that are not named."""


def rows() -> Iterator[Any]:
    """The distinct ways in which the method table updates weights."""
    seen = set()
    table = {(name, profile): h for name, row in METHODS.items() for profile, h in row.defaults.items()}
    for (name, profile), h in {**table, ("dpo", "gb10, all layers"): FULL_DPO}.items():
        steps = 40 if h is FULL_DPO else STEPS.get(name, 225)
        key = (h.optimizer, h.learning_rate, h.schedule, h.warmup, h.weight_decay, steps)
        if key not in seen:
            seen.add(key)
            yield pytest.param(h, steps, id=f"{name} {profile}")


def optimiser(h: Hyperparameters, weight: Any) -> Any:
    """The optimiser as transformers' trainer makes it from the arguments of a run."""
    import torch

    numbers = {"lr": h.learning_rate, "betas": (0.9, 0.98), "eps": 1e-8, "weight_decay": h.weight_decay}
    if h.optimizer.endswith("8bit"):
        import bitsandbytes

        return bitsandbytes.optim.AdamW([weight], optim_bits=8, is_paged=h.optimizer.startswith("paged"), **numbers)
    return torch.optim.AdamW([weight], fused=True, **numbers)


def moved(h: Hyperparameters, steps: int, dtype: str) -> tuple[float, float, Any, Any]:
    """Train one matrix as the row does and beside it in float32: distance and cosine of the moves, the weights and their start.

    A gradient is a persistent direction and noise three times as large, as in fine-tuning."""
    import torch

    chance = torch.Generator().manual_seed(0)
    start = (WEIGHT * torch.randn(256, 256, generator=chance)).to(torch.bfloat16).float()
    signal = 0.3 * torch.randn(256, 256, generator=chance)
    ours, plain = (torch.nn.Parameter(start.to(kind, copy=True)) for kind in (getattr(torch, dtype), torch.float32))
    both = [
        optimiser(h, ours),
        torch.optim.AdamW([plain], lr=1.0, betas=(0.9, 0.98), eps=1e-8, weight_decay=h.weight_decay),
    ]
    for step in range(steps):
        gradient = signal + torch.randn(256, 256, generator=chance)
        warm = min(1.0, (step + 1) / max(1, int(h.warmup * steps)))
        for each, weight in zip(both, (ours, plain), strict=True):
            each.param_groups[0]["lr"] = h.learning_rate * warm * 0.5 * (1 + math.cos(math.pi * step / steps))
            weight.grad = gradient.to(weight.dtype)
            each.step()
    a, b = ours.detach().float() - start, plain.detach() - start
    return (
        float(a.norm() / b.norm()),
        float((a * b).sum() / (a.norm() * b.norm() + 1e-12)),
        ours.detach().float(),
        start,
    )


@pytest.mark.parametrize("h, steps", rows())
def test_every_row_moves_its_weights_as_far_as_float32_does_and_the_same_way(h: Hyperparameters, steps: int) -> None:
    distance, cosine, _, _ = moved(h, steps, "float32")
    assert 0.9 <= distance <= 1.1 and cosine >= 0.9


@pytest.mark.parametrize("rate", [5e-7, 1e-5, 2e-5])
def test_bfloat16_weights_with_8_bit_states_would_lose_their_updates(rate: float) -> None:
    old = msgspec.structs.replace(FULL_DPO, learning_rate=rate, optimizer="paged_adamw_8bit")
    distance, cosine, _, _ = moved(old, 225, "bfloat16")
    assert distance < 0.5 and cosine < 0.5


@pytest.mark.parametrize("name", METHODS)
def test_what_a_run_trains_at_gb10_is_float32_and_what_is_frozen_bfloat16(name: str, make: Make) -> None:
    """With every adapter of the table; the trainer is TRL's, which casts adapters on 4-bit weights to bfloat16."""
    import torch

    from canvas_pipeline.training.checkpoint import adapter_config

    h = msgspec.structs.replace(METHODS[name].hyperparameters("gb10"), adapter_rank=4 if name != "sft" else 0)
    spec = msgspec.structs.replace(make(name), hyperparameters=h, compute="bfloat16")
    model = load_start(spec)
    if spec.adapter:
        from peft import get_peft_model

        model = get_peft_model(model, adapter_config(run_of(spec).family, 4, 4))
        for parameter in model.parameters():
            if parameter.requires_grad:
                parameter.data = parameter.data.to(torch.bfloat16)
    kinds = {(p.requires_grad, p.dtype) for p in trained_in_float32(model).parameters() if p.is_floating_point()}
    assert kinds == {(True, torch.float32), (False, torch.bfloat16)}
    trained = {key for key, parameter in model.named_parameters() if parameter.requires_grad}
    assert trained and all("layers." in key or key.endswith("norm.weight") for key in trained)
    assert not [key for key in trained if "embed_tokens" in key or "lm_head" in key]


def test_full_training_of_the_embedded_model_trains_every_weight(make: Make) -> None:
    assert all(parameter.requires_grad for parameter in load_start(make("sft")).parameters())


def test_rounding_keeps_a_small_move_in_the_mean_where_rounding_to_the_nearest_loses_it() -> None:
    import torch

    _, _, ours, start = moved(FULL_DPO, 40, "float32")
    move = ours - start

    def share(saved: Any) -> float:
        return float(((saved.float() - start) * move).sum() / (move * move).sum())

    assert share(ours.to(torch.bfloat16)) < 0.75
    assert 0.9 < share(rounded(ours, "w")) < 1.1
    assert torch.equal(rounded(ours, "w"), rounded(ours, "w")) and not torch.equal(
        rounded(ours, "w"), rounded(ours, "x")
    )
    assert torch.equal(rounded(start, "w").float(), start)
    odd = torch.tensor([math.inf, -math.inf, 0.0, -1.5])
    assert torch.equal(rounded(odd, "w").float(), odd) and bool(rounded(torch.tensor([math.nan]), "w").isnan().all())


def test_weights_are_stored_in_bfloat16_and_the_run_goes_on_with_its_own(base: Path) -> None:
    import torch

    from canvas_pipeline.training.checkpoint import load_model

    model = load_model(base)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(1e-5)
    before = {key: value.clone() for key, value in model.state_dict().items()}
    with stored_as(model, "bfloat16"):
        assert model.dtype == torch.bfloat16
    assert all(torch.equal(value, before[key]) for key, value in model.state_dict().items())
