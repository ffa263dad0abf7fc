"""Compute the memory that a training step takes, from a model's config, without the model and without a GPU.

Parameters are counted on the meta device. Activations are those that torch keeps in a real forward and backward pass of TRL's loss
over fake tensors, which have sizes and no numbers. The method table's reservations for gb10 are these sums; a test computes them
again. What the loss leaves out of a pass (layers skipped, prompts shared by a pair) only makes a step smaller.

torch, transformers, trl and peft are imported inside the functions.
"""

from __future__ import annotations

import math
import weakref
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from canvas_pipeline.methods import Adapter, Hyperparameters, Method
from canvas_pipeline.models.family import ModelFamily
from canvas_pipeline.training.checkpoint import adapter_config
from canvas_pipeline.training.precision import Compute
from canvas_pipeline.training.start import freeze_tables, trained_in_float32

GIB = 1 << 30
CONTEXT_GIB = 2.0
"""CUDA's context, kernels and cuBLAS workspaces of one process, which no allocator counts."""
STATES: Mapping[str, float] = {"adamw_8bit": 2 * (1 + 4 / 256), "adamw_torch_fused": 8.0}
"""Bytes of optimiser state for each trained weight: two moments, in 8 bits with a float32 scale for every 256, or in float32."""
NF4_BYTES = 0.5 + 1 / 64 + 4 / (64 * 256)
"""Bytes of a weight in 4 bits: a scale of 8 bits for every 64, and a float32 one for every 256 of those."""


@dataclass(frozen=True, slots=True)
class Memory:
    """Bytes of one training step. ``activations`` is what the forward pass keeps for the backward pass, ``head`` what the loss
    takes at its peak, ``working`` what the backward pass takes at its peak beyond the activations."""

    weights: int
    gradients: int
    optimiser: int
    activations: int
    head: int
    working: int

    @property
    def total(self) -> int:
        return self.weights + self.gradients + self.optimiser + self.activations + max(self.head, self.working)

    @property
    def reserved_gib(self) -> int:
        """What a step reserves on a GPU: the sum and the context, in whole GiB."""
        return math.ceil(self.total / GIB + CONTEXT_GIB)


class Live:
    """Count the bytes of all tensors that exist, and the largest sum so far. Use ``mode()`` around what creates them."""

    def __init__(self) -> None:
        from torch.utils.weak import WeakIdKeyDictionary

        self.now = self.peak = 0
        self._seen = WeakIdKeyDictionary()

    def add(self, tensor: Any) -> None:
        storage = tensor.untyped_storage()
        if storage in self._seen:
            return
        size = int(storage.nbytes())
        self._seen[storage] = size
        self.now += size
        self.peak = max(self.peak, self.now)
        weakref.finalize(storage, self._drop, size)

    def restart(self) -> None:
        """Begin to look for the largest sum again."""
        self.peak = self.now

    def _drop(self, size: int) -> None:
        self.now -= size

    def mode(self) -> Any:
        """Return a context in which new tensors are counted."""
        import torch
        from torch.utils._python_dispatch import TorchDispatchMode
        from torch.utils._pytree import tree_leaves

        add = self.add

        class Counting(TorchDispatchMode):
            def __torch_dispatch__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
                made = function(*args, **(kwargs or {}))
                for leaf in tree_leaves(made):
                    if isinstance(leaf, torch.Tensor):
                        add(leaf)
                return made

        return Counting()


def on_meta(
    build: Callable[[], Any], h: Hyperparameters, adapter: Adapter | None, family: ModelFamily, compute: Compute
) -> Any:
    """Return the model that a run trains as its trainer has it, on the meta device. ``build`` makes it from its config."""
    import torch
    from trl.trainer.utils import add_fused_lm_head

    kind = torch.bfloat16 if compute == "bfloat16" and h.dtype == "bfloat16" else torch.float32
    with torch.device("meta"):
        model = build().to(kind)
        for name, parameter in model.named_parameters():
            parameter.requires_grad_(not any(f"{module}." in name for module in family.frozen))
        add_fused_lm_head(model, outputs=("log_probs",))
        if adapter:
            from peft import get_peft_model

            model = get_peft_model(model, adapter_config(family, h.adapter_rank, h.adapter_alpha))
        elif h.trained == "layers":
            freeze_tables(model)
    return trained_in_float32(model)


def computed(
    build: Callable[[], Any], h: Hyperparameters, adapter: Adapter | None, family: ModelFamily, compute: Compute,
    rows: int, length: int, scored: int | None = None,
) -> Memory:  # fmt: skip
    """Compute the memory of one micro-batch of ``rows`` rows of ``length`` tokens, while gradients are accumulated.

    ``scored`` is how many tokens of a row have a label: all, unless it is given."""
    import torch
    from torch._subclasses.fake_tensor import FakeTensorMode

    model = on_meta(build, h, adapter, family, compute)
    trained = sum(p.numel() for p in model.parameters() if p.requires_grad)
    weights = sum(p.numel() * p.element_size() for p in model.parameters()) - _saved_by_nf4(model, adapter, family)
    with FakeTensorMode(allow_non_fake_inputs=True), _every_position():
        _materialise(model)
        if h.checkpointing:
            model.gradient_checkpointing_enable(gradient_checkpointing_kwargs={"use_reentrant": False})
            if adapter:
                model.enable_input_require_grads()
        model.train()
        live = Live()
        for tensor in (*model.parameters(), *model.buffers()):
            live.add(tensor)
        for parameter in model.parameters():
            if parameter.requires_grad:
                parameter.grad = torch.empty_like(parameter)
                live.add(parameter.grad)
        tokens = torch.zeros(rows, length, dtype=torch.long)
        labels = tokens if scored is None else tokens[:, : scored + 1]
        _head_sees(model, labels.shape[1])
        before = live.now
        norm = next(m for n, m in model.named_modules() if n.endswith(".norm") and "tower" not in n)
        hook = norm.register_forward_hook(lambda *_: live.restart())
        with live.mode():
            with torch.autocast("cpu", dtype=torch.bfloat16, enabled=compute == "bfloat16"):
                output = model(
                    input_ids=tokens, attention_mask=torch.ones_like(tokens), labels=labels, use_cache=False, fused_lm_head=True
                )  # fmt: skip
                loss = -output.log_probs.sum()
            hook.remove()
            after, head = live.now, live.peak - live.now
            live.restart()
            loss.backward()
        working = live.peak - after
    return Memory(
        weights=int(weights), gradients=4 * trained, optimiser=int(STATES[h.optimizer] * trained),
        activations=after - before, head=max(0, head), working=working,
    )  # fmt: skip


def of_method(
    build: Callable[[], Any], row: Method, h: Hyperparameters, family: ModelFamily, compute: Compute
) -> Memory:
    """Compute the memory of a method's largest micro-batch: every row as long as its bound, both sides of every pair."""
    rows = h.batch * (2 if row.objective == "pairwise" else 1)
    return computed(build, h, row.adapter or h.adapter, family, compute, rows, h.max_length)


def forward_only(build: Callable[[], Any], family: ModelFamily, compute: Compute, rows: int, length: int) -> int:
    """Compute the bytes that a pass without gradients takes at its peak, as the reference pass does, weights included."""
    import torch
    from torch._subclasses.fake_tensor import FakeTensorMode

    numbers = Hyperparameters(epochs=1, learning_rate=1, batch=rows, dtype="bfloat16")
    model = on_meta(build, numbers, None, family, compute).requires_grad_(False)
    if compute == "bfloat16":
        model.to(torch.bfloat16)
    with FakeTensorMode(allow_non_fake_inputs=True), _every_position(), torch.no_grad():
        _materialise(model)
        live = Live()
        for tensor in (*model.parameters(), *model.buffers()):
            live.add(tensor)
        tokens = torch.zeros(rows, length, dtype=torch.long)
        with live.mode(), torch.autocast("cpu", dtype=torch.bfloat16, enabled=compute == "bfloat16"):
            model.eval()(
                input_ids=tokens, attention_mask=torch.ones_like(tokens), labels=tokens, use_cache=False, fused_lm_head=True
            )  # fmt: skip
        return live.peak


def table(sums: Mapping[str, Memory]) -> str:
    """Render the memory of some methods as a Markdown table, in GiB. A GPU reserves the sum and its context."""
    head = ("weights", "gradients", "optimiser", "activations", "head", "working")
    lines = [f"| method | {' | '.join(head)} | sum | reserved |", "|---" * (len(head) + 3) + "|"]
    for name, found in sums.items():
        cells = " | ".join(f"{getattr(found, part) / GIB:.1f}" for part in head)
        lines.append(f"| {name} | {cells} | {found.total / GIB:.1f} | {found.reserved_gib} |")
    return "\n".join(lines) + "\n"


def _head_sees(model: Any, columns: int) -> None:
    """Let the head see the first columns only. Which tokens have a label is not known without numbers; how many there are is what
    memory depends on."""

    def cut(_: Any, __: Any, output: Any) -> Any:
        output.last_hidden_state = output.last_hidden_state[:, :columns]
        return output

    (model.get_base_model() if hasattr(model, "get_base_model") else model).base_model.register_forward_hook(cut)


def _saved_by_nf4(model: Any, adapter: Adapter | None, family: ModelFamily) -> float:
    """Return the bytes that 4-bit weights save: every linear layer but those that the family keeps."""
    import torch
    from transformers.quantizers.quantizers_utils import should_convert_module

    if adapter != "qlora":
        return 0.0
    saved = 0.0
    for name, module in model.named_modules():
        own = name.removeprefix("base_model.model.").replace(".base_layer", "")
        if (
            isinstance(module, torch.nn.Linear)
            and "lora_" not in name
            and should_convert_module(own, list(family.unquantised))
        ):
            saved += module.weight.numel() * (module.weight.element_size() - NF4_BYTES)
    return saved


def _materialise(model: Any) -> None:
    """Replace parameters and buffers on the meta device by fake ones on the CPU; what was tied stays tied."""
    import torch

    made: dict[int, Any] = {}
    for module in model.modules():
        for name, old in list(module._parameters.items()):
            if old is not None:
                made.setdefault(
                    id(old),
                    torch.nn.Parameter(torch.empty(old.shape, dtype=old.dtype), requires_grad=old.requires_grad),
                )
                module._parameters[name] = made[id(old)]
        for name, old in list(module._buffers.items()):
            if old is not None:
                module._buffers[name] = torch.empty(old.shape, dtype=old.dtype)


@contextmanager
def _every_position() -> Iterator[None]:
    """Let the fused head score every position that it sees (``_head_sees``), as it does where it may not skip any."""
    from trl.trainer import utils

    from canvas_pipeline.training.fused_head import SWITCH

    before = getattr(utils, SWITCH)
    setattr(utils, SWITCH, lambda device: False)
    try:
        yield
    finally:
        setattr(utils, SWITCH, before)
