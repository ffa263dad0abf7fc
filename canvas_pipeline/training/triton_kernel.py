"""Compile and run one Triton kernel, as TRL's fused head and bitsandbytes do on a GPU.

Import this module only where a GPU is visible: Triton is installed with CUDA's torch, and needs a C compiler with the headers of
libc and Python.
"""

from __future__ import annotations

import torch
import triton
import triton.language as tl

SIZE, BLOCK = 1024, 256


@triton.jit  # type: ignore[untyped-decorator]
def _double(source, out, block: tl.constexpr):  # type: ignore[no-untyped-def]
    at = tl.program_id(0) * block + tl.arange(0, block)
    tl.store(out + at, 2 * tl.load(source + at))


def doubles(device: str) -> bool:
    """Double ``SIZE`` numbers with the kernel, and return whether the result is right. Triton's errors are of many kinds."""
    numbers = torch.arange(SIZE, dtype=torch.float32, device=device)
    out = torch.empty_like(numbers)
    _double[(SIZE // BLOCK,)](numbers, out, block=BLOCK)
    return bool(torch.equal(out, 2 * numbers))
