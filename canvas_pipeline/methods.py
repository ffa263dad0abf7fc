"""Define the nine methods in one table: data set, loss, start weights and hyperparameters.

Every number that a run uses is here or in its ``RunSpec``. This module does not import torch, since the code location loads it.

Losses: sft Ouyang et al. 2203.02155 · lora Hu et al. 2106.09685 · qlora Dettmers et al. 2305.14314 · dpo Rafailov et al.
2305.18290 (eq. 7) · ipo Azar et al. 2310.12036 (eq. 17) · apo-zero D'Oosterlinck et al. 2408.06266 (eq. 7) · sppo Wu et al.
2405.00675 (eq. 4.7, hard) · nca Chen et al. 2402.05369 · kto Ethayarajh et al. 2402.01306 (eq. 7).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Literal

import msgspec

from canvas_pipeline.errors import BadConfig

Dataset = Literal["trajectory", "preference", "feedback"]
Objective = Literal["sft", "pairwise", "unpaired"]
"""What a row is for a loss: a whole conversation, a chosen and a rejected side, or one side with a label."""
Start = Literal["base_model", "sft_checkpoint"]
Adapter = Literal["lora", "qlora"]
BETA = 0.3


class Hyperparameters(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """All numbers of one run. ``batch`` is rows per device step, ``accumulation`` steps per update, ``max_length`` tokens per row
    (checked by G11; rows are never truncated), ``warmup`` the share of steps; ``max_steps`` of 0 means whole epochs;
    ``chosen_nll`` is the weight of the chosen side's mean negative log-likelihood in the preference losses (0: none); ``adapter``
    is trained in place of the whole weights by a method that has none itself; ``candidates`` is how many evenly spaced steps, the
    last included, the production checkpoint is selected from; ``patience`` is the number of evaluations without a lower loss
    after which training stops (0: never)."""

    epochs: float
    learning_rate: float
    batch: int
    accumulation: int = 1
    beta: float = BETA
    chosen_nll: float = 0.0
    max_length: int = 1024
    optimizer: str = "adamw_torch_fused"
    schedule: str = "cosine"
    warmup: float = 0.05
    weight_decay: float = 0.01
    clip: float = 1.0
    dtype: Literal["float32", "bfloat16"] = "float32"
    checkpointing: bool = False
    adapter: Adapter | None = None
    adapter_rank: int = 0
    adapter_alpha: int = 0
    max_steps: int = 0
    candidates: int = 1
    patience: int = 0


class Method(msgspec.Struct, frozen=True, kw_only=True):
    """One method.

    ``loss`` is TRL's name, ``grad_norm_bound`` G5's bound by profile, ``uma_gib`` the memory that a step reserves, in GiB by
    profile (embedded: its largest measured peak is 3.0; gb10: an estimate until peaks are measured)."""

    name: str
    objective: Objective
    dataset: Dataset
    loss: str
    start: Start
    reference: bool
    """Whether it reads the log-probabilities of a frozen reference, which are computed once for all such methods."""
    adapter: Adapter | None
    defaults: Mapping[str, Hyperparameters]
    grad_norm_bound: Mapping[str, float]
    uma_gib: Mapping[str, float]

    def hyperparameters(self, profile: str) -> Hyperparameters:
        """Return the method's hyperparameters at a profile. Raises ``BadConfig`` that lists the profiles."""
        try:
            return self.defaults[profile]
        except KeyError:
            raise BadConfig(
                f"{self.name} has no defaults for {profile!r}; there are: {', '.join(self.defaults)}"
            ) from None


_H = Hyperparameters

# gb10: bf16 weights, 8-bit paged optimiser states, activations recomputed.
# Lengths, counted with the real vocabulary (the tests hold the counts): the system turn is 108 tokens, the 18 declarations are
# 1,778 (32 to 215 each), what follows is 240 at the median and 590 at the longest. With all tools declared 99 % of the rows have
# at most 2,440 tokens (2,713 was the longest ever seen, on the shipped contributors). 3,072 is 1.26 times the former. SFT has
# 4,096, since recorded sessions may be longer than what is made here.
_GB10 = _H(epochs=2.0, learning_rate=1e-5, batch=4, accumulation=4, optimizer="paged_adamw_8bit", dtype="bfloat16",
           checkpointing=True)  # fmt: skip
_SFT = {
    "embedded": _H(epochs=1.0, learning_rate=1.5e-3, batch=4, accumulation=4),
    "gb10": msgspec.structs.replace(_GB10, max_length=4096, batch=1, accumulation=16),
}
_LORA = {
    "embedded": _H(epochs=1.3, learning_rate=4e-3, batch=4, accumulation=4, adapter_rank=32, adapter_alpha=64),
    "gb10": msgspec.structs.replace(_SFT["gb10"], learning_rate=2e-4, adapter_rank=16, adapter_alpha=32),
}
# A model this small unlearns right calls together with wrong ones: at 1e-4 and without ``chosen_nll``, DPO lost 8 points of
# tool selection. The likelihood of chosen sides, added to each of the five losses, prevents it (arXiv:2404.19733, eq. 2).
_PAIRS = {
    "embedded": _H(epochs=1.0, learning_rate=4e-5, batch=4, accumulation=2, chosen_nll=6.0),
    "gb10": msgspec.structs.replace(_GB10, epochs=1.0, max_length=3072, learning_rate=5e-7, batch=2, accumulation=8),
}
_KTO = {
    "embedded": _H(epochs=1.0, learning_rate=4e-5, batch=4, accumulation=2),
    "gb10": msgspec.structs.replace(_GB10, epochs=1.0, max_length=3072, learning_rate=5e-7, batch=4, accumulation=4),
}


def _scaled(table: Mapping[str, Hyperparameters], factor: float) -> dict[str, Hyperparameters]:
    """Scale the learning rate: the five losses have gradients of different size."""
    return {name: msgspec.structs.replace(h, learning_rate=h.learning_rate * factor) for name, h in table.items()}


# G5's bounds (norm of one step's gradient, before clipping). With a reference equal to the policy every log-ratio is 0, and
# each loss's gradient is a constant times g, the gradient of the difference of two summed log-probabilities:
#   dpo       beta/2 · g                   nca  beta · (1/4 chosen, -1/4 rejected): beta/2 at most
#   apo-zero  beta/4 per side              kto  beta/4 per side
#   ipo       2 · 1/(2 beta) · g / length  = g / (beta · length)
#   sppo      2 · 0.5/beta per side        = g / beta
# g is of the order of the completion's length at the start (measured at the embedded profile: see docs/experiments.md), so
# 1.0 holds for none of the summed losses on a model this small. A bound is the constant relative to dpo's beta/2, times
# what dpo's own dry run may show, with a margin of an order of magnitude; KTO's failure at N=146 (290) is above it.
# Measured: dpo 8.1 and sppo 181 on a micro model, 12-13 for dpo on the demo's rows, apo-zero and nca half of dpo's.
_DPO_BOUND = 60.0


def _pair_bound(constant: float) -> dict[str, float]:
    return {
        "embedded": math.ceil(_DPO_BOUND * constant / (BETA / 2)),
        "gb10": math.ceil(_DPO_BOUND * constant / (BETA / 2)),
    }


_SUPERVISED_BOUND = {"embedded": 20.0, "gb10": 20.0}


def _supervised(name: str, defaults: Mapping[str, Hyperparameters], adapter: Adapter | None, gib: float) -> Method:
    return Method(
        name=name, objective="sft", dataset="trajectory", loss="nll", start="base_model",
        reference=False, adapter=adapter, defaults=defaults, grad_norm_bound=_SUPERVISED_BOUND,
        uma_gib={"embedded": 3.5, "gb10": gib},
    )  # fmt: skip


def _preference(name: str, loss: str, constant: float, rate: float = 1.0) -> Method:
    return Method(
        name=name, objective="pairwise", dataset="preference", loss=loss, start="sft_checkpoint",
        reference=True, adapter=None, defaults=_scaled(_PAIRS, rate), grad_norm_bound=_pair_bound(constant),
        uma_gib={"embedded": 3.5, "gb10": 38.0},
    )  # fmt: skip


METHODS: Mapping[str, Method] = {
    method.name: method
    for method in (
        _supervised("sft", _SFT, None, 36.0),
        _supervised("lora", _LORA, "lora", 20.0),
        _supervised("qlora", _LORA, "qlora", 14.0),
        _preference("dpo", "sigmoid", BETA / 2),
        _preference("ipo", "ipo", 1 / (BETA * 10)),
        _preference("apo-zero", "apo_zero", BETA / 4),
        _preference("sppo", "sppo_hard", 1 / BETA),
        _preference("nca", "nca_pair", BETA / 2),
        Method(
            name="kto", objective="unpaired", dataset="feedback", loss="kto", start="sft_checkpoint",
            reference=False, adapter=None, defaults=_KTO, grad_norm_bound=_pair_bound(BETA / 4),
            uma_gib={"embedded": 3.5, "gb10": 38.0},
        ),
    )
}  # fmt: skip


def method(name: str) -> Method:
    """Look up a method. Raises ``BadConfig`` that lists the methods."""
    try:
        return METHODS[name]
    except KeyError:
        raise BadConfig(f"there is no method {name!r}; choose one of: {', '.join(METHODS)}") from None


def ancestry(row: Method) -> tuple[Method, ...]:
    """Return the methods whose checkpoints a method's weights descend from, oldest first, itself last."""
    parent = row.start.removesuffix("_checkpoint")
    return (*ancestry(METHODS[parent]), row) if parent in METHODS else (row,)
