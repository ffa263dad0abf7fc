"""Choose the number type that models compute in: bfloat16 where the device multiplies it in hardware, float32 elsewhere.

A processor without bf16 units emulates such a product, 20 to 60 times slower than in float32. Does not import torch: the code
location writes the result into run specs. ``device`` checks it with torch in the process that computes.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Literal

from canvas_pipeline.errors import BadConfig

Compute = Literal["float32", "bfloat16"]
SETTING = "CANVAS_COMPUTE_DTYPE"
CPU_FLAGS = frozenset({"avx512_bf16", "amx_bf16", "bf16"})
"""Flags in /proc/cpuinfo: x86 with AVX512-BF16 or AMX, Arm with FEAT_BF16."""
ISA_SETTINGS = ("ONEDNN_MAX_CPU_ISA", "DNNL_MAX_CPU_ISA")
"""oneDNN's own bound on the instructions it uses; it computes torch's bf16 products on a CPU."""
GPU_DRIVER = Path("/dev/nvidiactl")
CPUINFO = Path("/proc/cpuinfo")


def compute_dtype(
    environ: Mapping[str, str] = os.environ, cpuinfo: Path = CPUINFO, gpu_driver: Path = GPU_DRIVER
) -> Compute:
    """Return the type for this machine. ``CANVAS_COMPUTE_DTYPE`` overrides it (a GPU older than Ampere needs ``float32``).

    Raises ``BadConfig`` for another value of it."""
    setting = environ.get(SETTING, "")
    if setting:
        if setting not in ("float32", "bfloat16"):
            raise BadConfig(f"{SETTING} is {setting!r}; choose float32 or bfloat16, or leave it unset")
        return "float32" if setting == "float32" else "bfloat16"
    return "bfloat16" if has_gpu(environ, gpu_driver) or cpu_has_bf16(environ, cpuinfo) else "float32"


def has_gpu(environ: Mapping[str, str] = os.environ, gpu_driver: Path = GPU_DRIVER) -> bool:
    """Tell whether an NVIDIA driver is loaded and the environment does not hide its devices."""
    return gpu_driver.exists() and environ.get("CUDA_VISIBLE_DEVICES", "all") not in ("", "-1")


def cpu_has_bf16(environ: Mapping[str, str] = os.environ, cpuinfo: Path = CPUINFO) -> bool:
    """Tell whether this processor multiplies bfloat16 in hardware and oneDNN is allowed to use it."""
    limit = next((environ[name].upper() for name in ISA_SETTINGS if environ.get(name)), "DEFAULT")
    if limit not in ("DEFAULT", "ALL") and "BF16" not in limit and "AMX" not in limit:
        return False
    try:
        lines = cpuinfo.read_text(encoding="ascii", errors="replace").splitlines()
    except OSError:
        return False
    flags = (line.partition(":")[2].split() for line in lines if line.lower().startswith(("flags", "features")))
    return any(CPU_FLAGS.intersection(words) for words in flags)
