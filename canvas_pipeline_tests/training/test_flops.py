"""What the shortened forward saves: counted by PyTorch on a tiny model, and by the same formula on the real shape."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from canvas_pipeline.training.fused_head import fuse_head
from canvas_pipeline.training.shared_layers import FULL, PAIRS, SLIDING, whole_forward
from canvas_pipeline_tests.training import flops
from canvas_pipeline_tests.training.flops import Batch, Costs
from canvas_pipeline_tests.training.shared_models import shared_model

ROOT = Path(__file__).resolve().parents[2]


def counted(work: Any) -> int:
    from torch.nn.attention import SDPBackend, sdpa_kernel
    from torch.utils.flop_counter import FlopCounterMode

    # The counter does not know the kernel for CPUs.
    with sdpa_kernel(SDPBackend.MATH), FlopCounterMode(display=False) as counter:
        work()
    return int(counter.get_total_flops())


def batch_of(lengths: list[tuple[int, int]], columns: int) -> dict[str, Any]:
    """Right-padded rows: tokens, and from which on there are labels. Rows of one batch begin alike."""
    import torch

    ids = torch.arange(3, 3 + columns).remainder(80).add(3).repeat(len(lengths), 1)
    attention = torch.zeros_like(ids)
    labels = torch.full_like(ids, -100)
    for at, (length, first) in enumerate(lengths):
        attention[at, :length] = 1
        ids[at, first:length] += at % 7
        labels[at, first:length] = ids[at, first:length]
    return {"input_ids": ids, "attention_mask": attention, "labels": labels}


def forward(model: Any, batch: dict[str, Any], **more: Any) -> int:
    import torch

    with torch.no_grad():
        return counted(lambda: model(**batch, **more, fused_lm_head=True))


def test_the_formula_is_pytorchs_count_of_a_whole_and_of_a_shortened_forward() -> None:
    model = fuse_head(shared_model())
    costs = Costs.of(model)
    rows_, two_sides = [(128, 120), (100, 97), (125, 100)], [(110, 100), (120, 90), (105, 100), (128, 90)]
    batch, sides = batch_of(rows_, 128), batch_of(two_sides, 128)
    scored = sum(length - first for length, first in rows_)
    with whole_forward():
        assert forward(model, batch) == costs.forward(Batch(3, 128, 128, scored))
    assert forward(model, batch) == costs.forward(Batch(3, 128, 32, scored))
    # The longest pair in one row: 120 + 128 tokens, of which 90 are common, and the last of them again.
    assert forward(model, sides, **{PAIRS: True}) == costs.forward(Batch(2, 160, 96, 10 + 5 + 30 + 38))


def test_a_models_backward_costs_twice_its_forward_on_the_real_shape_too() -> None:
    import torch
    from transformers import Gemma4ForCausalLM, Gemma4TextConfig

    with torch.device("meta"):
        model = Gemma4ForCausalLM(Gemma4TextConfig(**flops.REAL_TEXT))
        ids = torch.zeros(1, 512, dtype=torch.long)
        masks = {kind: torch.ones(1, 1, 512, 512, dtype=torch.bool) for kind in (FULL, SLIDING)}

    def backbone() -> Any:
        return model.model(input_ids=ids, attention_mask=masks, logits_to_keep=64, use_cache=False).last_hidden_state

    costs = Costs.of(model)
    with torch.no_grad():
        assert counted(backbone) == costs.forward(Batch(1, 512, 64, 0))
    assert counted(lambda: backbone().sum().backward()) == pytest.approx(costs.step([Batch(1, 512, 64, 0)]), rel=0.05)


def test_the_real_shape_trains_conversations_and_pairs_with_a_fraction_of_the_operations() -> None:
    found = list(flops.table(flops.real_costs()))
    ratios = {(name, size): ratio for name, size, _, _, ratio in found}
    assert ratios["conversations", 1] >= 2.3 and ratios["conversations", 4] >= 2.3
    assert ratios["pairs, two rows", 1] >= 2.6 and ratios["pairs, two rows", 4] >= 2.6
    assert ratios["pairs, one row", 1] >= 5 and ratios["pairs, one row", 4] >= 4.5
    # The page shows the batches of the method table.
    page = (ROOT / "docs/gb10.md").read_text(encoding="utf-8").split("<!-- flops -->")[1].split("<!-- /flops -->")[0]
    lines = page.strip().splitlines()[2:]
    assert lines == [
        f"| {name} | {size} | {whole:.1f} | {short:.1f} | {ratio:.2f} |"
        for name, size, whole, short, ratio in found
        if size == 1
    ]
