"""Define the nine methods and the best-of-8 baseline in one table: data set, loss, start weights and hyperparameters.

A method of several rounds has a row for each of them; the last one has its name.

Every number that a run uses is here or in its ``RunSpec``. This module does not import torch, since the code location loads it.

Losses: sft Ouyang et al. 2203.02155 · lora Hu et al. 2106.09685 · qlora Dettmers et al. 2305.14314 · dpo Rafailov et al.
2305.18290 (eq. 7) · ipo Azar et al. 2310.12036 (eq. 17) · apo-zero D'Oosterlinck et al. 2408.06266 (eq. 7) · sppo Wu et al.
2405.00675 (algorithm 1; eq. 4.7, hard) · nca Chen et al. 2402.05369 · kto Ethayarajh et al. 2402.01306 (eq. 7) · bon (the
baseline: SFT on the right one of 8 samples) Dong et al. 2304.06767, Touvron et al. 2307.09288 (section 3.2).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Literal

import msgspec

from canvas_pipeline.errors import BadConfig

Dataset = Literal["trajectory", "preference", "feedback", "bon", "sppo-1", "sppo-2", "sppo"]
Objective = Literal["sft", "pairwise", "unpaired"]
"""What a row is for a loss: what is imitated (a conversation, or a prompt's completion), two sides, or one side with a label."""
Start = Literal["base_model", "sft_checkpoint", "sppo-1_checkpoint", "sppo-2_checkpoint"]
Adapter = Literal["lora", "qlora"]
Trained = Literal["all", "layers"]
"""What full training changes: all text weights, or the layers alone, with the token tables and the head as they were."""
REFERENCE = "reference_logprobs"
"""The stage that holds the reference of the methods that share the preference pairs and start from SFT."""
BETA = 0.3
"""Of the embedded profile's preference losses."""


class Hyperparameters(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """All numbers of one run. ``batch`` is rows per device step, ``accumulation`` steps per update, ``max_length`` tokens per row
    (checked by G11; rows are never truncated), ``warmup`` the share of steps; ``max_steps`` of 0 means whole epochs;
    ``chosen_nll`` is the weight of the chosen side's mean negative log-likelihood in the preference losses (0: none); ``dtype`` is
    what weights are loaded and saved in, while what is trained is float32; ``trained`` says what full training changes;
    ``adapter`` is trained in place of the whole weights by a method that has none itself; ``candidates`` is how many evenly spaced
    steps, the last included, the production checkpoint is selected from; ``patience`` is the number of evaluations without a lower
    loss after which training stops (0: never); ``save_minutes`` is the time between two step checkpoints (0: eight a run)."""

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
    trained: Trained = "all"
    adapter: Adapter | None = None
    adapter_rank: int = 0
    adapter_alpha: int = 0
    max_steps: int = 0
    candidates: int = 1
    patience: int = 0
    save_minutes: float = 0.0


class Method(msgspec.Struct, frozen=True, kw_only=True):
    """One method.

    ``loss`` is TRL's name, ``norm_share_bound`` G5's bound by profile, ``uma_gib`` the memory that a step reserves, in GiB by
    profile (embedded: its largest measured peak is 3.0; gb10: computed by ``training.memory`` for Gemma-4 E2B, which a test
    repeats)."""

    name: str
    objective: Objective
    dataset: Dataset
    loss: str
    start: Start
    reference: str
    """The stage of the log-probabilities of its frozen reference, which is its start; empty without one. Methods on the same pairs
    from the same start share it."""
    adapter: Adapter | None
    defaults: Mapping[str, Hyperparameters]
    norm_share_bound: Mapping[str, float]
    uma_gib: Mapping[str, float]
    round_of: str = ""
    """The method of which this is an earlier round. Such a row is no choice: it is trained on the way, and neither benched nor
    released."""

    @property
    def choice(self) -> str:
        """The name under which it is asked for, and under which its numbers are changed."""
        return self.round_of or self.name

    @property
    def reads(self) -> tuple[str, ...]:
        """The names of what it is trained on, and its reference is computed from: its rows, and the weights it starts from."""
        return (f"{self.dataset}_train", f"{self.dataset}_eval", self.start)

    def hyperparameters(self, profile: str) -> Hyperparameters:
        """Return the method's hyperparameters at a profile. Raises ``BadConfig`` that lists the profiles."""
        try:
            return self.defaults[profile]
        except KeyError:
            raise BadConfig(
                f"{self.name} has no defaults for {profile!r}; there are: {', '.join(self.defaults)}"
            ) from None


_H = Hyperparameters

# gb10: Gemma-4 E2B. Frozen weights are bfloat16; what is trained is float32, or it would lose its own updates (training.start).
# No optimiser state is paged: on unified memory that frees nothing and hides it from the watchdog. Activations are recomputed only
# where the computed memory is beyond 60 GiB without it: for kto.
#
# Lengths, counted with the real vocabulary (the tests hold the counts): the system turn is 108 tokens, the 18 declarations are
# 1,778 (32 to 215 each), what follows is 240 at the median and 590 at the longest. With all tools declared 99 % of the rows have
# at most 2,440 tokens (2,713 was the longest ever seen, on the shipped contributors). 3,072 is 1.26 times the former.
#
#   sft         1e-5, 16 rows an update; layers alone, in float32. Token tables and towers stay: they are 63 % of the weights.
#   lora, qlora 2e-4, rank 16: arXiv:2305.14314, table 9 (7B-13B), for all linear layers as there.
#   dpo         beta 0.1: arXiv:2305.18290, section 6. 2e-5 and rank 64: LoRA-DPO is published at 5e-6 to 5e-5 (full: 5e-7), e.g.
#               alignment-handbook's zephyr-7b-dpo-qlora. The anchor's weight of 1 is that of arXiv:2404.19733.
#   ipo         beta (tau) 0.1: arXiv:2310.12036, section 5, whose range is 0.1 to 1; TRL's log-ratios are means over tokens.
#   apo-zero    beta 0.1 and 16 pairs an update: arXiv:2408.06266.
#   sppo        beta 0.1, in each of three rounds (arXiv:2405.00675, algorithm 1): each ranks new samples of the policy that it
#               starts from, which is also its reference. A round aims at log-ratios of 0.5/beta: 5 nats at 0.1, 1.7 at 0.3; the
#               paper's 1/eta of 0.001 aims at 500.
#   nca         beta 0.1, 32 pairs an update: arXiv:2402.05369 uses 0.01 and no anchor; beside one, 0.01 would be SFT.
#   kto         beta 0.1, 32 rows an update: arXiv:2402.01306. At least 8 rows a step, since its KL term is their mean.
#   bon         2e-5, which is SFT's rate in arXiv:2304.06767 and arXiv:2307.09288 (section 3.1), on the adapter that dpo
#               trains; one round, one epoch, 16 rows an update. The embedded model's rate is a tenth of its sft's.
_GB10 = _H(epochs=2.0, learning_rate=1e-5, batch=1, accumulation=16, max_length=3072, dtype="bfloat16", trained="layers",
           save_minutes=20.0)  # fmt: skip
_SFT = {
    "embedded": _H(epochs=2.0, learning_rate=1.5e-3, batch=4, accumulation=4, candidates=2),
    "gb10": msgspec.structs.replace(_GB10, optimizer="adamw_8bit", candidates=2),
}
_LORA = {
    "embedded": _H(epochs=1.3, learning_rate=4e-3, batch=4, accumulation=4, adapter_rank=32, adapter_alpha=64),
    "gb10": msgspec.structs.replace(_GB10, learning_rate=2e-4, adapter_rank=16, adapter_alpha=32, candidates=2),
}
_ADAPTED = msgspec.structs.replace(
    _GB10, epochs=1.0, learning_rate=2e-5, beta=0.1, adapter="lora", adapter_rank=64, adapter_alpha=64
)
# A model this small unlearns right calls together with wrong ones: at 1e-4 and without ``chosen_nll``, DPO lost 8 points of
# tool selection. The likelihood of chosen sides, added to each of the five losses, prevents it (arXiv:2404.19733, eq. 2).
_PAIRS = {
    "embedded": _H(epochs=1.0, learning_rate=4e-5, batch=4, accumulation=2, chosen_nll=6.0),
    "gb10": msgspec.structs.replace(_ADAPTED, chosen_nll=1.0),
}
_KTO = {
    "embedded": _H(epochs=1.0, learning_rate=4e-5, batch=4, accumulation=2),
    "gb10": msgspec.structs.replace(_ADAPTED, batch=8, accumulation=4, checkpointing=True),
}
_BON = {
    "embedded": _H(epochs=1.0, learning_rate=1.5e-4, batch=4, accumulation=4),
    "gb10": _ADAPTED,
}
FULL_DPO = msgspec.structs.replace(
    _GB10, epochs=1.0, learning_rate=5e-7, batch=1, accumulation=128, beta=0.1, chosen_nll=1.0, optimizer="adamw_8bit"
)
"""The other setting of the pair methods at gb10: all layers instead of an adapter, at the published 5e-7 with 128 pairs an update.

It is reached by overrides, with a larger reservation (docs/gb10.md)."""
KTO_ROWS_A_STEP = 8
"""The least micro-batch of kto at gb10; the embedded model's rows are trained with 4."""


# G5's bounds: how much of the mean gradient norm of single rows the first step may have, before clipping. With a reference equal
# to the policy every log-ratio is 0, and each loss's gradient is a constant times g, the gradient of the difference of two summed
# log-probabilities:
#   dpo       beta/2 · g                   nca  beta · (1/4 chosen, -1/4 rejected): beta/2 at most
#   apo-zero  beta/4 per side              kto  beta/4 per side
#   ipo       2 · 1/(2 beta) · g / length  = g / (beta · length)
#   sppo      2 · 0.5/beta per side        = g / beta
# The anchor adds chosen_nll · g / length. The norm of a mean is at most the mean of the norms, so a step has at most the constant,
# but for the draw of its rows. Measured on the embedded profile: sft 0.22, dpo 0.08, kto 0.02.
_MARGIN, _SHORT = 2.0, 10
"""How far above the constant the bound is, and the tokens of a short completion."""
_CONSTANTS: Mapping[str, Callable[[float], float]] = {
    "nll": lambda beta: 1.0,
    "sigmoid": lambda beta: beta / 2,
    "ipo": lambda beta: 1 / (beta * _SHORT),
    "apo_zero": lambda beta: beta / 4,
    "sppo_hard": lambda beta: 1 / beta,
    "nca_pair": lambda beta: beta / 2,
    "kto": lambda beta: beta / 4,
}


def _norm_shares(loss: str, defaults: Mapping[str, Hyperparameters]) -> dict[str, float]:
    return {profile: _MARGIN * (_CONSTANTS[loss](h.beta) + h.chosen_nll / _SHORT) for profile, h in defaults.items()}


def _supervised(name: str, defaults: Mapping[str, Hyperparameters], adapter: Adapter | None, gib: float) -> Method:
    return Method(
        name=name, objective="sft", dataset="trajectory", loss="nll", start="base_model",
        reference="", adapter=adapter, defaults=defaults, norm_share_bound=_norm_shares("nll", defaults),
        uma_gib={"embedded": 3.5, "gb10": gib},
    )  # fmt: skip


def _preference(name: str, loss: str, gib: float, **gb10: Any) -> Method:
    defaults = {**_PAIRS, "gb10": msgspec.structs.replace(_PAIRS["gb10"], **gb10)}
    return Method(
        name=name, objective="pairwise", dataset="preference", loss=loss, start="sft_checkpoint",
        reference=REFERENCE, adapter=None, defaults=defaults, norm_share_bound=_norm_shares(loss, defaults),
        uma_gib={"embedded": 3.5, "gb10": gib},
    )  # fmt: skip


def _round(name: Literal["sppo-1", "sppo-2", "sppo"], start: Start, round_of: str = "") -> Method:
    return msgspec.structs.replace(
        _preference(name, "sppo_hard", 49.0),
        dataset=name,
        start=start,
        reference=f"{name}_reference",
        round_of=round_of,
    )


METHODS: Mapping[str, Method] = {
    method.name: method
    for method in (
        _supervised("sft", _SFT, None, 52.0),
        _supervised("lora", _LORA, "lora", 31.0),
        _supervised("qlora", _LORA, "qlora", 29.0),
        _preference("dpo", "sigmoid", 49.0),
        _preference("ipo", "ipo", 49.0),
        _preference("apo-zero", "apo_zero", 49.0),
        _round("sppo-1", "sft_checkpoint", round_of="sppo"),
        _round("sppo-2", "sppo-1_checkpoint", round_of="sppo"),
        _round("sppo", "sppo-2_checkpoint"),
        _preference("nca", "nca_pair", 49.0, accumulation=32),
        Method(
            name="kto", objective="unpaired", dataset="feedback", loss="kto", start="sft_checkpoint",
            reference="", adapter=None, defaults=_KTO, norm_share_bound=_norm_shares("kto", _KTO),
            uma_gib={"embedded": 3.5, "gb10": 24.0},
        ),
        Method(
            name="bon", objective="sft", dataset="bon", loss="nll", start="sft_checkpoint",
            reference="", adapter=None, defaults=_BON, norm_share_bound=_norm_shares("nll", _BON),
            uma_gib={"embedded": 3.5, "gb10": 32.0},
        ),
    )
}  # fmt: skip

CHOICES = tuple(name for name, row in METHODS.items() if not row.round_of)
"""The methods that can be asked for, in order."""
REFERENCE_GIB: Mapping[str, float] = {"embedded": 3.5, "gb10": 16.0}
"""Memory that the pass over the reference reserves, in GiB by profile: as ``uma_gib``."""


def method(name: str) -> Method:
    """Look up a method. Raises ``BadConfig`` that lists the methods."""
    try:
        return METHODS[name]
    except KeyError:
        raise BadConfig(f"there is no method {name!r}; choose one of: {', '.join(CHOICES)}") from None


def ancestry(row: Method) -> tuple[Method, ...]:
    """Return the methods whose checkpoints a method's weights descend from, oldest first, itself last."""
    parent = row.start.removesuffix("_checkpoint")
    return (*ancestry(METHODS[parent]), row) if parent in METHODS else (row,)


def rounds(row: Method) -> tuple[Method, ...]:
    """Return the rounds of a method in order, itself last; itself alone where there is but one."""
    return tuple(step for step in ancestry(row) if step.choice == row.choice)
