"""Choose the device of this process, check a run's compute type against it, and autocast in it."""

from __future__ import annotations

import os
from collections.abc import Mapping
from contextlib import AbstractContextManager
from typing import Any

from canvas_pipeline.errors import BadConfig
from canvas_pipeline.training.precision import SETTING, Compute, cpu_has_bf16

LOCAL_RANK = "LOCAL_RANK"
"""Environment variable of a launcher: which GPU of its machine a process uses."""


def device(environ: Mapping[str, str] = os.environ) -> str:
    """Return the device on which this process computes: the GPU of its local rank where CUDA sees one, else the CPU.

    Every model is loaded onto it (``checkpoint.load_model``); nothing else chooses a device."""
    import torch

    return f"cuda:{environ.get(LOCAL_RANK) or 0}" if torch.cuda.is_available() else "cpu"


def on_cpu() -> bool:
    """Tell whether this process computes on the CPU."""
    return device() == "cpu"


def require(compute: Compute) -> None:
    """Raise ``BadConfig`` where this process's device has no hardware for ``compute``: it would take hours, not minutes."""
    import torch

    if compute == "float32":
        return
    if torch.cuda.is_available():
        able = bool(torch.cuda.is_bf16_supported(including_emulation=False))
    else:
        able = cpu_has_bf16()
    if not able:
        raise BadConfig(
            "the run spec asks for bfloat16, which this machine's device computes only by emulation; make the spec here "
            f"(materialise run_spec again), or set {SETTING}=float32 where it is made"
        )


def autocast(device: str, compute: Compute) -> AbstractContextManager[Any]:
    """Return torch's autocast in ``compute`` on a device type (``cpu``, ``cuda``), disabled for float32."""
    import torch

    context: AbstractContextManager[Any] = torch.autocast(device, dtype=torch.bfloat16, enabled=compute == "bfloat16")
    return context
