"""The compute type: what decides it, and that it is never the slower one of a device."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from canvas_pipeline.errors import BadConfig
from canvas_pipeline.training.precision import compute_dtype, has_gpu

NOWHERE = Path("/nonexistent")
AVX2 = "processor\t: 0\nflags\t\t: fpu sse2 avx2 fma avx512f avx512bw\n"


def cpuinfo(folder: Path, text: str) -> Path:
    path = folder / "cpuinfo"
    path.write_text(text)
    return path


@pytest.mark.parametrize(
    "text, expected",
    [
        (AVX2, "float32"),
        (AVX2.replace("avx512bw", "avx512bw avx512_bf16"), "bfloat16"),
        (AVX2.replace("avx512bw", "avx512bw amx_tile amx_bf16"), "bfloat16"),
        ("Features\t: fp asimd sve svebf16 bf16\n", "bfloat16"),
        ("Features\t: fp asimd\n", "float32"),
        ("model name\t: bf16 in a name\nflags\t\t: avx2\n", "float32"),
    ],
)
def test_a_processor_computes_in_bfloat16_only_where_it_has_units_for_it(
    tmp_path: Path, text: str, expected: str
) -> None:
    assert compute_dtype({}, cpuinfo(tmp_path, text), NOWHERE) == expected


def test_an_unreadable_description_of_the_processor_means_float32() -> None:
    assert compute_dtype({}, NOWHERE, NOWHERE) == "float32"


def test_a_bound_on_onednns_instructions_counts(tmp_path: Path) -> None:
    path = cpuinfo(tmp_path, "flags\t\t: avx2 avx512_bf16\n")
    assert compute_dtype({"ONEDNN_MAX_CPU_ISA": "AVX2"}, path, NOWHERE) == "float32"
    assert compute_dtype({"ONEDNN_MAX_CPU_ISA": "avx512_core_bf16"}, path, NOWHERE) == "bfloat16"


def test_a_visible_gpu_means_bfloat16_and_a_hidden_one_does_not(tmp_path: Path) -> None:
    path, driver = cpuinfo(tmp_path, AVX2), tmp_path / "driver"
    driver.touch()
    assert compute_dtype({}, path, driver) == "bfloat16" and has_gpu({}, driver)
    assert compute_dtype({"CUDA_VISIBLE_DEVICES": ""}, path, driver) == "float32"


def test_the_setting_decides_and_a_wrong_one_is_named(tmp_path: Path) -> None:
    path = cpuinfo(tmp_path, AVX2)
    assert compute_dtype({"CANVAS_COMPUTE_DTYPE": "bfloat16"}, path, NOWHERE) == "bfloat16"
    with pytest.raises(BadConfig, match="CANVAS_COMPUTE_DTYPE is 'fp8'; choose float32 or bfloat16"):
        compute_dtype({"CANVAS_COMPUTE_DTYPE": "fp8"}, path, NOWHERE)


def test_a_product_in_the_chosen_type_is_not_slower_than_in_float32() -> None:
    """Timed in turn, the shortest of many: what else runs on the machine meets both types alike."""
    import torch

    times: dict[torch.dtype, float] = {}
    for _ in range(40):
        for dtype in (torch.float32, getattr(torch, compute_dtype())):
            left, right = torch.ones(512, 256, dtype=dtype), torch.ones(256, 768, dtype=dtype)
            began = time.perf_counter()
            left @ right
            times[dtype] = min(time.perf_counter() - began, times.get(dtype, 1.0))
    assert times[getattr(torch, compute_dtype())] <= 1.2 * times[torch.float32]
