"""Make what the script for a GPU measures: models of the real sizes or tiny ones of the same form, rows, and the meters.

Weights and tokens are random and seeded. torch, trl and peft are imported inside the functions.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import msgspec

from canvas_pipeline.methods import METHODS, Adapter, Hyperparameters
from canvas_pipeline.models.gemma4.family import GEMMA4
from canvas_pipeline.models.gemma4.tiny import scale_scores
from canvas_pipeline.training.checkpoint import adapter_config
from canvas_pipeline.training.device import autocast, device
from canvas_pipeline.training.encoding import Encoded, EncodedPair
from canvas_pipeline.training.fused_head import fuse_head
from canvas_pipeline.training.memory import GIB
from canvas_pipeline.training.precision import Compute, cpu_has_bf16
from canvas_pipeline.training.reference import tensors
from canvas_pipeline.training.shared_layers import text_model
from canvas_pipeline.training.start import freeze_tables, trained_in_float32
from canvas_pipeline_tests.training.flops import CONVERSATIONS, PAIRS, REAL_TEXT
from canvas_pipeline_tests.training.shared_models import TEXT, VOCABULARY, shared_model
from canvas_pipeline_tests.training.test_memory import e2b

SEED = 7
Batch = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Place:
    """What is measured and where. Lengths are divided by ``shrink``; ``ids`` are tokens without a meaning, first and one past the
    last; ``text`` is the config of the text model that ``build`` makes, ``most`` the micro-batches of one measurement."""

    build: Callable[[], Any]
    text: dict[str, Any]
    ids: tuple[int, int]
    shrink: int
    device: str
    compute: Compute
    most: int

    @property
    def cuda(self) -> bool:
        return self.device.startswith("cuda")

    @property
    def kind(self) -> Any:
        """The number type of weights that are not trained."""
        import torch

        return getattr(torch, self.compute)

    def autocast(self) -> Any:
        return autocast("cuda" if self.cuda else "cpu", self.compute)

    def tokens(self, count: int) -> int:
        return max(2, count // self.shrink)

    def numbers(self, name: str) -> Hyperparameters:
        """Return a method's numbers at gb10, of the tiny model with shorter rows and a smaller adapter."""
        h = METHODS[name].hyperparameters("gb10")
        return msgspec.structs.replace(
            h, max_length=h.max_length // self.shrink, adapter_rank=max(h.adapter_rank // self.shrink, min(h.adapter_rank, 4))
        )  # fmt: skip


def real() -> Place:
    """google/gemma-4-E2B-it on this process's GPU, in bfloat16."""
    return Place(e2b, REAL_TEXT, (1000, 200_000), 1, device(), "bfloat16", 24)


def tiny() -> Place:
    """A model of the same form on the CPU. It computes in bfloat16 only where the processor has it."""
    return Place(
        partial(shared_model, towers=True),
        TEXT,
        (3, VOCABULARY - 3),
        16,
        "cpu",
        "bfloat16" if cpu_has_bf16() else "float32",
        2,
    )


def made(place: Place, build: Callable[[], Any] | None = None) -> Any:
    """Make a model with random weights on the device, without a copy in the host's memory."""
    import torch

    before = torch.get_default_dtype()
    torch.manual_seed(SEED)
    try:
        torch.set_default_dtype(place.kind)
        with torch.device(place.device):
            model = (build or place.build)()
    finally:
        torch.set_default_dtype(before)
    scale_scores(text_model(model).layers)
    return model.eval()


def prepared(place: Place, h: Hyperparameters, adapter: Adapter | None) -> Any:
    """Make a model as a trainer has it: the fused head, what is frozen, the adapter, and what is trained in float32."""
    model = made(place)
    for name, parameter in model.named_parameters():
        parameter.requires_grad_(not any(f"{module}." in name for module in GEMMA4.frozen))
    fuse_head(model)
    if adapter:
        from peft import get_peft_model

        model = get_peft_model(model, adapter_config(GEMMA4, h.adapter_rank, h.adapter_alpha))
    else:
        freeze_tables(model)
    recompute(model, h.checkpointing)
    return trained_in_float32(model).train()


def recompute(model: Any, wanted: bool) -> None:
    """Compute activations again in the backward pass, or keep them."""
    if wanted:
        model.gradient_checkpointing_enable(gradient_checkpointing_kwargs={"use_reentrant": False})
        model.enable_input_require_grads()
    else:
        model.gradient_checkpointing_disable()


def optimiser(h: Hyperparameters, weights: Sequence[Any]) -> Any:
    """Return the optimiser as transformers' trainer makes it from a run's arguments."""
    import torch

    numbers = {"lr": h.learning_rate, "betas": (0.9, 0.98), "eps": 1e-8, "weight_decay": h.weight_decay}
    if h.optimizer == "adamw_8bit":
        import bitsandbytes

        return bitsandbytes.optim.AdamW(weights, optim_bits=8, **numbers)
    return torch.optim.AdamW(weights, fused=True, **numbers)


def drawn(place: Place, count: int, chance: random.Random) -> list[int]:
    return [chance.randrange(*place.ids) for _ in range(count)]


def conversations(place: Place) -> list[Encoded]:
    """Return conversations of the real lengths, in random order."""
    chance = random.Random(SEED)
    rows = []
    for length, kept, learnt in chance.sample(CONVERSATIONS, len(CONVERSATIONS)):
        kept, learnt = place.tokens(kept), place.tokens(learnt)
        length = place.tokens(length)
        rows.append(Encoded(drawn(place, length, chance), [0] * (length - kept) + [1] * learnt + [0] * (kept - learnt)))
    return rows


def pairs(place: Place, common: int = 0) -> list[EncodedPair]:
    """Return pairs of the real lengths, in random order; all prompts begin with the same ``common`` tokens."""
    chance = random.Random(SEED)
    beginning, rows = drawn(place, common, chance), []
    for prompt, *sides in chance.sample(PAIRS, len(PAIRS)):
        own = beginning + drawn(place, place.tokens(prompt) - common, chance)
        ends = [drawn(place, place.tokens(side), chance) for side in sides]
        rows.append(EncodedPair(*(Encoded(own + end, [0] * len(own) + [1] * len(end)) for end in ends)))
    return rows


def batches(place: Place, name: str, size: int) -> list[Batch]:
    """Return a method's micro-batches on the device: conversations, chosen then rejected sides, or sides of pairs in turn."""
    rows: list[list[Encoded]]
    if name == "sft":
        whole = conversations(place)
        rows = [whole[at : at + size] for at in range(0, len(whole), size)]
    elif name == "kto":
        sides = [side for pair in pairs(place) for side in (pair.chosen, pair.rejected)]
        rows = [sides[at : at + size] for at in range(0, len(sides), size)]
    else:
        both = pairs(place)
        groups = [both[at : at + size] for at in range(0, len(both), size)]
        rows = [[*(p.chosen for p in group), *(p.rejected for p in group)] for group in groups]
    return [on_device(place, group) for group in rows]


def on_device(place: Place, rows: Sequence[Encoded]) -> Batch:
    return {name: tensor.to(place.device) for name, tensor in tensors(rows).items()}


def tokens_of(groups: Iterable[Batch]) -> int:
    return sum(int(batch["attention_mask"].sum()) for batch in groups)


def timed(place: Place, work: Callable[[], Any]) -> tuple[float, Any]:
    """Return the seconds that the device works, and the result."""
    import torch

    wait = torch.cuda.synchronize if place.cuda else lambda: None
    wait()
    began = time.perf_counter()
    result = work()
    wait()
    return time.perf_counter() - began, result


def restart_peaks(place: Place) -> None:
    import torch

    if place.cuda:
        torch.cuda.reset_peak_memory_stats()


def peaks(place: Place) -> dict[str, float | None]:
    """Return the largest memory since ``restart_peaks``; None on a CPU, where nothing counts it."""
    import torch

    if not place.cuda:
        return {"peak_gib": None, "reserved_gib": None}
    return {
        "peak_gib": torch.cuda.max_memory_allocated() / GIB,
        "reserved_gib": torch.cuda.max_memory_reserved() / GIB,
    }
