"""Round float32 weights to bfloat16 so that small moves survive in the mean. torch is imported inside the function."""

from __future__ import annotations

from typing import Any

from canvas_pipeline.records import digest


def rounded(values: Any, name: str) -> Any:
    """Round float32 to bfloat16, up or down with the odds that keep the mean; the same way each time for the same name.

    A number that bfloat16 can hold stays what it is."""
    import torch

    chance = torch.Generator().manual_seed(int(digest("rounding", name)[:15], 16))
    bits = values.detach().to("cpu", torch.float32).contiguous().view(torch.int32)
    noise = torch.randint(0, 1 << 16, bits.shape, generator=chance, dtype=torch.int32)
    up_or_down = ((bits + noise) & -(1 << 16)).view(torch.float32)
    return torch.where(torch.isfinite(values.cpu()), up_or_down, values.cpu()).to(values.device, torch.bfloat16)
