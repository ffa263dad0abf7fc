"""The computed memory is what a trainer allocates on a miniature of the real model."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterable
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import msgspec
import pytest

from canvas_pipeline.methods import Hyperparameters
from canvas_pipeline.models.gemma4.family import GEMMA4
from canvas_pipeline.tracks.canvas.profiles import PROFILES
from canvas_pipeline.training import supervised
from canvas_pipeline.training.checkpoint import load_tokenizer
from canvas_pipeline.training.encoding import Encoded
from canvas_pipeline.training.memory import GIB, Memory, computed
from canvas_pipeline.training.shared_layers import whole_forward
from canvas_pipeline.training.spec import make_spec
from canvas_pipeline.training.start import load_start
from canvas_pipeline.training.trainers import train_silently
from canvas_pipeline_tests.models.faithful import save_faithful
from canvas_pipeline_tests.training.rows import run_of

ROWS, LENGTH = 2, 256
FEW = LENGTH // 8
TOLERANCE = 0.05


@pytest.fixture(scope="module")
def faithful(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_faithful(tmp_path_factory.mktemp("faithful") / "model")


def numbers(**changes: Any) -> Hyperparameters:
    """Two updates of two micro-batches: the second update's last one has gradients and optimiser states beside its activations."""
    return Hyperparameters(
        **{"epochs": 1.0, "learning_rate": 1e-4, "batch": ROWS, "accumulation": 2, "max_steps": 2, **changes}
    )


def of_config(faithful: Path) -> Callable[[], Any]:
    from transformers import AutoConfig, Gemma4ForConditionalGeneration

    return lambda: Gemma4ForConditionalGeneration(AutoConfig.from_pretrained(faithful))


def storages(tensors: Iterable[Any]) -> int:
    """Return the bytes of tensors, shared ones once."""
    return sum({s.data_ptr(): s.nbytes() for s in (tensor.untyped_storage() for tensor in tensors)}.values())


def measured(
    faithful: Path, data: dict[str, Path], method: str, h: Hyperparameters, labels: int, *, whole: bool, folder: Path
) -> int:
    """Train, and return the most bytes that PyTorch's allocator had given out at a time, weights included.

    The profiler reports each allocation and each release, also those inside of kernels."""
    from torch.profiler import ProfilerActivity, profile

    inputs = {**data, "base_model": faithful}
    spec = make_spec("canvas", method, PROFILES["gb10"], 7, inputs, hyperparameters=h)
    run = run_of(msgspec.structs.replace(spec, compute="float32"))
    rows = [
        Encoded([2, *(10 + (at * 7 + n) % 2000 for at in range(1, LENGTH))], [0] * (LENGTH - labels) + [1] * labels)
        for n in range(ROWS * h.accumulation * h.max_steps)
    ]
    tokenizer = load_tokenizer(faithful, GEMMA4)
    trainer = supervised.build_trainer(
        run, load_start(run.spec), tokenizer, supervised.dataset(rows), None, folder, quick=True
    )
    gc.collect()
    weights = storages([*trainer.model.parameters(), *trainer.model.buffers()])
    with (
        whole_forward() if whole else nullcontext(),
        profile(activities=[ProfilerActivity.CPU], profile_memory=True) as seen,
    ):
        train_silently(trainer)
    changes = [event for event in seen.profiler.kineto_results.events() if event.name() == "[memory]"]
    now = peak = 0
    for event in sorted(changes, key=lambda event: event.start_ns()):
        now += event.nbytes()
        peak = max(peak, now)
    return weights + peak


LORA = {"adapter_rank": 16, "adapter_alpha": 32}
KINDS: dict[str, tuple[str, dict[str, Any], int]] = {
    "all weights": ("sft", {}, LENGTH),
    "layers with states in 8 bits, recomputed, few labels": (
        "sft", {"trained": "layers", "optimizer": "adamw_8bit", "checkpointing": True}, FEW,
    ),
    "lora": ("lora", LORA, LENGTH),
    "lora, recomputed": ("lora", {**LORA, "checkpointing": True}, LENGTH),
}  # fmt: skip


def sum_of(faithful: Path, method: str, h: Hyperparameters, labels: int) -> Memory:
    adapter = "lora" if method == "lora" else None
    return computed(of_config(faithful), h, adapter, GEMMA4, "float32", ROWS, LENGTH, min(labels, LENGTH - 1))


@pytest.mark.parametrize("kind", KINDS)
def test_a_step_takes_the_memory_that_is_computed_for_it(
    kind: str, faithful: Path, data: dict[str, Path], tmp_path: Path
) -> None:
    method, changes, labels = KINDS[kind]
    h = numbers(**changes)
    peak = measured(faithful, data, method, h, labels, whole=True, folder=tmp_path)
    found = sum_of(faithful, method, h, labels)
    assert found.total == pytest.approx(peak, rel=TOLERANCE), (f"measured {peak / GIB:.3f} GiB", found)


def test_a_step_that_leaves_out_layers_takes_less(faithful: Path, data: dict[str, Path], tmp_path: Path) -> None:
    h = numbers(**LORA)
    peak = measured(faithful, data, "lora", h, FEW, whole=False, folder=tmp_path)
    assert peak < 0.9 * sum_of(faithful, "lora", h, FEW).total
