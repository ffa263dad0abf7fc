"""Measure the sections of the script for a GPU (``gpu``): each takes a place and returns its figures.

torch and transformers are imported inside the functions.
"""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from importlib import metadata
from typing import Any
from unittest import mock

from canvas_pipeline.evaluation.prefix import SharedStates
from canvas_pipeline.methods import FULL_DPO, METHODS
from canvas_pipeline.models.gemma4.family import GEMMA4
from canvas_pipeline.training import memory, reference
from canvas_pipeline.training.device import autocast
from canvas_pipeline.training.encoding import Encoded, padded_length
from canvas_pipeline.training.fused_head import fuse_head
from canvas_pipeline.training.shared_layers import text_model, whole_forward
from canvas_pipeline_tests.benchmarks import gpu_shapes as shapes
from canvas_pipeline_tests.benchmarks.gpu_shapes import Batch, Place, peaks, restart_peaks, timed
from canvas_pipeline_tests.benchmarks.test_training_steps import dpo_loss, dpo_once, sft_loss

Figures = dict[str, Any]
Loss = Callable[[Any, Batch], Any]
SOFT_CAP = 30.0
POSITIONS = 2048
COMMON, OWN, PROMPTS, NEW = 1886, (60, 120), 16, 32
"""Of generation: tokens that all prompts begin with, fewest and most of their own, prompts, and new tokens."""
UPDATES = 20
"""Of full DPO, with and without float32 weights."""


def about(place: Place) -> Figures:
    import torch

    known = {d.metadata["Name"].lower(): d.version for d in metadata.distributions() if d.metadata["Name"]}
    versions = {name: known.get(name) for name in ("torch", "triton", "bitsandbytes", "transformers", "trl", "peft")}
    if not place.cuda:
        return {"device": "cpu", "memory_gib": None, "compute": place.compute, **versions}
    found = torch.cuda.get_device_properties(place.device)
    return {"device": found.name, "memory_gib": found.total_memory / memory.GIB, "compute": place.compute, **versions}


def head(place: Place) -> Figures:
    """Compare TRL's fused head, and all logits at once, with all logits in float32, on top of two layers."""
    import torch
    from transformers import Gemma4ForCausalLM, Gemma4TextConfig

    two = {"num_hidden_layers": 2, "num_kv_shared_layers": 0, "layer_types": ["sliding_attention", "full_attention"]}
    model = fuse_head(shapes.made(place, lambda: Gemma4ForCausalLM(Gemma4TextConfig(**{**place.text, **two}))))
    length = place.tokens(POSITIONS // 4)
    ids = torch.randint(*place.ids, (4, length + 1), device=place.device)

    def fused() -> Any:
        return model(input_ids=ids, labels=ids, fused_lm_head=True).log_probs

    def plain(exact: bool) -> Any:
        hidden = model.base_model(input_ids=ids, use_cache=False).last_hidden_state[:, :-1]
        with torch.autocast(ids.device.type, enabled=False) if exact else nullcontext():
            weight = model.get_output_embeddings().weight
            logits = torch.nn.functional.linear(hidden.float(), weight.float()) if exact else model.lm_head(hidden)
            logits = SOFT_CAP * torch.tanh(logits.float() / SOFT_CAP)
            return logits.log_softmax(-1).gather(-1, ids[:, 1:, None])[..., 0]

    def passed(way: Callable[[], Any]) -> tuple[Any, list[Any]]:
        model.zero_grad(set_to_none=True)
        with place.autocast():
            values = way()
        values.float().mean().backward()
        return values.detach().float(), [p.grad.float() for p in model.parameters() if p.grad is not None]

    values, gradients = passed(partial(plain, True))
    figures: Figures = {"positions": 4 * length, "vocabulary": place.text["vocab_size"]}
    for name, way in {"fused": fused, "plain": partial(plain, False)}.items():
        own, grads = passed(way)
        away = [float((a - b).norm() / b.norm().clamp(min=1e-20)) for a, b in zip(grads, gradients, strict=True)]
        largest = float((own - values).abs().max())
        del grads
        restart_peaks(place)
        seconds = min(timed(place, partial(passed, way))[0] for _ in range(3))
        figures[name] = {
            "log_prob_difference": largest,
            "gradient_difference": max(away),
            "ms": 1e3 * seconds,
            **peaks(place),
        }
    return figures


def kto_loss(model: Any, batch: Batch) -> Any:
    """KTO's loss without a reference, with a KL term that costs what TRL's does."""
    import torch

    with torch.no_grad():
        kl = model(**batch, fused_lm_head=True).log_probs.sum(1).mean().clamp(min=0)
    sums = model(**batch, fused_lm_head=True).log_probs.sum(1)
    sign = 1 - 2 * (torch.arange(len(sums), device=sums.device) % 2)
    return (1 - torch.sigmoid(0.1 * sign * (sums - kl))).mean()


def whole_loss(model: Any, batch: Batch) -> Any:
    with whole_forward():
        return -model(**batch, use_cache=False, fused_lm_head=True).log_probs.sum()


LOSSES: Mapping[str, Loss] = {"sft": sft_loss, "dpo": dpo_once, "kto": kto_loss}


def backward(place: Place, model: Any, loss_of: Loss, groups: Sequence[Batch]) -> float:
    """Add the gradients of some micro-batches, and return the mean loss."""
    losses = []
    for batch in groups:
        with place.autocast():
            loss = loss_of(model, batch)
        loss.backward()
        losses.append(loss.detach())
    return float(sum(losses)) / len(losses)


def step(name: str, place: Place) -> Figures:
    """Measure one update of a method on rows of the real lengths, then the micro-batch for which memory is computed."""
    import torch

    row, h = METHODS[name], place.numbers(name)
    model = shapes.prepared(place, h, row.adapter or h.adapter)
    trained = [parameter for parameter in model.parameters() if parameter.requires_grad]
    optimiser = shapes.optimiser(h, trained)
    groups = list(
        itertools.islice(itertools.cycle(shapes.batches(place, name, h.batch)), min(h.accumulation, place.most))
    )

    def update() -> float:
        loss = backward(place, model, LOSSES[name], groups)
        torch.nn.utils.clip_grad_norm_(trained, h.clip)
        optimiser.step()
        optimiser.zero_grad(set_to_none=True)
        return loss

    first, _ = timed(place, update)  # kernels are compiled, states are made
    restart_peaks(place)
    seconds, loss = timed(place, update)
    figures = {"micro_batches": len(groups), "rows": h.batch, "tokens": shapes.tokens_of(groups), "loss": loss,
               "first_step_s": first, "step_s": seconds, **peaks(place)}  # fmt: skip
    sides = h.batch * (2 if row.objective == "pairwise" else 1)
    ids = shapes.drawn(place, h.max_length, random.Random(shapes.SEED))
    longest = [Encoded(ids, [1] * len(ids))] * sides
    restart_peaks(place)
    backward(place, model, whole_loss, [shapes.on_device(place, longest)] * 2)
    at_bound = peaks(place)["peak_gib"]
    computed = memory.of_method(place.build, row, h, GEMMA4, place.compute).total / memory.GIB
    return {**figures, "bound_rows": sides, "bound_tokens": h.max_length, "bound_peak_gib": at_bound,
            "computed_gib": computed, "ratio": at_bound / computed if at_bound else None}  # fmt: skip


WAYS: Mapping[str, Mapping[str, tuple[Loss, bool, bool]]] = {
    "sft": {"as it was": (sft_loss, True, True), "kept": (sft_loss, True, False), "a": (sft_loss, False, False)},
    "dpo": {"as it was": (dpo_loss, True, True), "kept": (dpo_loss, True, False), "a": (dpo_loss, False, False),
            "a and b": (dpo_once, False, False)},
}  # fmt: skip
"""Ways of a forward and backward pass: loss, whether all layers compute all tokens, and whether activations are recomputed."""


def throughput(name: str, place: Place) -> Figures:
    """Measure tokens a second. (a) leaves out the layers that share keys and values, (b) a pair's second prompt."""
    h = place.numbers(name)
    model = shapes.prepared(place, h, METHODS[name].adapter or h.adapter)
    groups = shapes.batches(place, name, h.batch)[: place.most]
    tokens = shapes.tokens_of(groups)
    figures: Figures = {"tokens": tokens}
    for way, (loss_of, whole, again) in WAYS[name].items():
        shapes.recompute(model, again)
        context: AbstractContextManager[Any] = whole_forward() if whole else nullcontext()
        with context:
            backward(place, model, loss_of, groups[:2])
            restart_peaks(place)
            seconds, loss = timed(place, partial(backward, place, model, loss_of, groups))
        figures[way] = {"tokens_per_s": tokens / seconds, "loss": loss, **peaks(place)}
        model.zero_grad(set_to_none=True)
    speed = figures["as it was"]["tokens_per_s"]
    return {**figures, "times": {way: figures[way]["tokens_per_s"] / speed for way in WAYS[name]}}


def reference_pass(place: Place) -> Figures:
    """Measure the reference pass over pairs by batch size, and with what all prompts begin with computed once."""
    model = fuse_head(shapes.made(place))
    separate, common = shapes.pairs(place) * 2, shapes.pairs(place, place.tokens(COMMON)) * 2
    figures: Figures = {}
    for kilo, rows, way in (
        (4, separate, "4k"),
        (16, separate, "16k"),
        (32, separate, "32k"),
        (32, common, "32k, once"),
    ):
        size = dict.fromkeys(reference.TOKENS_A_BATCH, place.tokens(1024 * kilo))
        with mock.patch.dict(reference.TOKENS_A_BATCH, size):
            reference.pair_logprobs(model, rows[: len(rows) // 4], place.compute)
            restart_peaks(place)
            seconds, _ = timed(place, partial(reference.pair_logprobs, model, rows, place.compute))
        tokens = sum(pair.chosen.length + pair.rejected.length for pair in rows)
        figures[way] = {"tokens_per_s": tokens / seconds, "seconds": seconds, **peaks(place)}
    return figures


def masters(place: Place) -> Figures:
    """Train the last two layers by DPO at the published rate, in bfloat16 and in float32, and compare how the weights move.

    It is bfloat16 that is measured, so autocast is on wherever it runs: on a CPU without it, slowly."""
    import torch

    model = fuse_head(shapes.made(place)).requires_grad_(False).train()
    for parameter in model.parameters():  # not the buffers: rotary frequencies are float32
        parameter.data = parameter.data.to(torch.bfloat16)
    weights = [p.requires_grad_() for layer in text_model(model).layers[-2:] for p in layer.parameters()]
    start = [weight.detach().clone() for weight in weights]
    groups = list(itertools.islice(itertools.cycle(shapes.batches(place, "dpo", 1)), UPDATES))
    moves: dict[str, Any] = {}
    for name, kind in (("bfloat16", torch.bfloat16), ("float32", torch.float32)):
        for weight, before in zip(weights, start, strict=True):
            weight.grad, weight.data = None, before.to(kind, copy=True)
        optimiser = shapes.optimiser(FULL_DPO, weights)
        for batch in groups:
            with autocast("cuda" if place.cuda else "cpu", "bfloat16"):
                loss = dpo_once(model, batch)
            loss.backward()
            optimiser.step()
            optimiser.zero_grad(set_to_none=True)
        moves[name] = torch.cat(
            [(w.detach().float() - b.float()).flatten() for w, b in zip(weights, start, strict=True)]
        )
    ours, true = moves["bfloat16"], moves["float32"]
    return {
        "updates": UPDATES, "weights": len(true), "learning_rate": FULL_DPO.learning_rate,
        **{f"{name}_changed": float((move != 0).float().mean()) for name, move in moves.items()},
        "cosine": float(torch.nn.functional.cosine_similarity(ours.double(), true.double(), dim=0)),
        "distance": float(ours.norm() / true.norm()),
    }  # fmt: skip


def generation(place: Place) -> Figures:
    """Generate with and without the keys and values of what all prompts begin with.

    Answers are equal in float32; in bfloat16 the two best tokens of random weights may change places."""
    import torch

    chance = random.Random(shapes.SEED)
    model = shapes.made(place)
    model.generation_config.eos_token_id = None
    common = shapes.drawn(place, place.tokens(COMMON), chance)
    rows = [common + shapes.drawn(place, place.tokens(chance.randint(*OWN)), chance) for _ in range(PROMPTS)]
    longest = padded_length(max(map(len, rows)))
    ids = torch.tensor([[0] * (longest - len(row)) + row for row in rows], device=place.device)
    attention = torch.tensor([[0] * (longest - len(row)) + [1] * len(row) for row in rows], device=place.device)
    prefix_s, shared = timed(place, lambda: SharedStates.of(model, common))

    def written(cached: bool, new: int) -> list[list[int]]:
        cache = shared.cache(model, rows, longest) if cached and shared else None
        with torch.no_grad():
            out = model.generate(input_ids=ids, attention_mask=attention, past_key_values=cache, max_new_tokens=new,
                                 do_sample=False, pad_token_id=0)  # fmt: skip
        return out[:, longest:].tolist()

    figures: Figures = {"prompts": PROMPTS, "prompt_tokens": sum(map(len, rows)), "prefix_s": prefix_s,
                        "kept": shared is not None}  # fmt: skip
    answers = {}
    for name, cached in (("without", False), ("with", True)):
        written(cached, 2)
        restart_peaks(place)
        first, _ = timed(place, partial(written, cached, 1))
        seconds, answers[name] = timed(place, partial(written, cached, NEW))
        figures[name] = {
            "first_token_s": first,
            "seconds": seconds,
            "tokens_per_s": PROMPTS * NEW / seconds,
            **peaks(place),
        }
    equal = sum(a == b for a, b in zip(answers["with"], answers["without"], strict=True))
    return {**figures, "equal_answers": equal}


SECTIONS: Mapping[str, Callable[[Place], Figures]] = {
    "device": about,
    "head": head,
    **{f"step {name}": partial(step, name) for name in LOSSES},
    **{f"tokens {name}": partial(throughput, name) for name in WAYS},
    "reference": reference_pass,
    "masters": masters,
    "generation": generation,
}
