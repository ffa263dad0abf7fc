"""Measure what the guards G5, G9 and G11 evaluate, with a mini-train whose weights are discarded.

The numbers are the ``lengths`` of all rows in tokens, the rows whose mask does not decode to exactly the assistant spans, the first
step's gradient norm beside the mean norm that single rows give at the start weights, non-finite activations and logits, and per
axis the mean reward margin before and after the mini-train, with its standard error; of pairs also the share of rejected sides that
the start weights could say. They come from the same encoding, loss and
trainer as the real run. The same spec gives the same numbers.
"""

from __future__ import annotations

import math
import random
import tempfile
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from statistics import fmean, stdev
from typing import Any

import msgspec

from canvas_pipeline.models.family import ModelFamily
from canvas_pipeline.records import Message
from canvas_pipeline.training import preference, supervised
from canvas_pipeline.training.checkpoint import load_tokenizer
from canvas_pipeline.training.device import autocast
from canvas_pipeline.training.encoding import Encoded, EncodedPair
from canvas_pipeline.training.fused_head import fuse_head
from canvas_pipeline.training.precision import Compute
from canvas_pipeline.training.progress import Reporter
from canvas_pipeline.training.reference import pair_logprobs, read_reference, sequence_logprobs, tensors
from canvas_pipeline.training.run import Run
from canvas_pipeline.training.sayable import sayable_share
from canvas_pipeline.training.spec import RunSpec
from canvas_pipeline.training.start import load_start
from canvas_pipeline.training.trainers import train_silently

ROWS_AN_AXIS = 16
SUPERVISED_ROWS = NORM_ROWS = 64
HEAD_POSITIONS = 256
NOISE_ROWS = 4
"""Rows that a standard error needs to be a measure. On an axis with fewer only the direction counts."""
Axis = dict[str, Any]


def measure(run: Run, report: Reporter) -> dict[str, Any]:
    """Take all measurements of one method on one set of inputs."""
    spec = run.spec
    tokenizer = load_tokenizer(spec.start_path, run.family)
    work = {"sft": _conversations, "pairwise": _pairs, "unpaired": _feedback}[spec.row.objective]
    result = work(run, tokenizer, report)
    return {
        "method": spec.method,
        "profile": spec.profile,
        "seed": spec.seed,
        "inputs": {name: file.sha256 for name, file in sorted(spec.inputs.items())},
        "compute": spec.compute,
        "max_length": spec.hyperparameters.max_length,
        "max_norm_share": spec.row.norm_share_bound[spec.profile],
        **result,
    }


def wrong_masks(
    rows: Iterable[tuple[str, Sequence[Message], Encoded]], tokenizer: Any, family: ModelFamily
) -> list[str]:
    """Return the ids of the rows whose mask does not decode to exactly the assistant spans."""
    wrong = []
    for row_id, messages, row in rows:
        kept = [token for token, counts in zip(row.ids, row.mask, strict=True) if counts]
        if tokenizer.decode(kept, skip_special_tokens=False) != family.written(messages):
            wrong.append(row_id)
    return wrong


def health(model: Any, rows: Sequence[Encoded], compute: Compute) -> dict[str, Any]:
    """Count non-finite activations and logits of some rows, and find the largest logit.

    Rows pass one by one, and the head sees ``HEAD_POSITIONS`` at a time: all logits of a row of 2,700 tokens are 2.8 GB."""
    import torch

    found = {"nonfinite_activations": 0, "nonfinite_logits": 0}
    largest = [-1.0]

    def count(_: Any, __: Any, output: Any) -> None:
        if isinstance(output, torch.Tensor) and output.is_floating_point():
            found["nonfinite_activations"] += int((~torch.isfinite(output)).sum())

    head = model.get_output_embeddings()
    cap = getattr(model.config.get_text_config(), "final_logit_softcapping", None)
    backbone = model.base_model
    hooks = [m.register_forward_hook(count) for m in backbone.modules() if not list(m.children()) and m is not head]
    device = next(model.parameters()).device
    try:
        with torch.no_grad(), autocast(device.type, compute):
            for row in rows:
                inputs = {name: value.to(device) for name, value in tensors([row]).items() if name != "labels"}
                states = backbone(**inputs, use_cache=False).last_hidden_state[0, : row.length]
                for part in states.split(HEAD_POSITIONS):
                    logits = head(part).float()
                    logits = cap * torch.tanh(logits / cap) if cap else logits
                    finite = torch.isfinite(logits)
                    found["nonfinite_logits"] += int((~finite).sum())
                    largest.append(float(logits[finite].abs().max()) if bool(finite.any()) else -1.0)
    finally:
        for hook in hooks:
            hook.remove()
    return {**found, "largest_logit": max(largest) if max(largest) >= 0 else math.inf}


def _mini(spec: RunSpec, rows: int) -> RunSpec:
    """Return the spec of a mini-train: one pass, a constant learning rate, no accumulation beyond the rows."""
    h = spec.hyperparameters
    accumulation = max(1, min(h.accumulation, rows // (h.batch * 4)))
    numbers = msgspec.structs.replace(
        h, epochs=1.0, max_steps=0, schedule="constant", warmup=0.0, accumulation=accumulation
    )
    return msgspec.structs.replace(spec, hyperparameters=numbers)


def _per_axis(data: Sequence[Any], seed: int) -> dict[str, list[int]]:
    """Draw up to ``ROWS_AN_AXIS`` indices of each axis by the seed; rows with several axes count as ``mixed``."""
    by_axis: dict[str, list[int]] = defaultdict(list)
    for index, row in enumerate(data):
        by_axis["mixed" if len(row.axes) > 1 else (row.axes[0] if row.axes else "none")].append(index)
    rng = random.Random(seed)
    return {axis: sorted(rng.sample(rows, min(ROWS_AN_AXIS, len(rows)))) for axis, rows in sorted(by_axis.items())}


def _conversations(run: Run, tokenizer: Any, report: Reporter) -> dict[str, Any]:
    spec = run.spec
    rows = [row for path in (spec.train_path, spec.eval_path) for row in run.rows(path)]
    encoded = [run.encode_supervised(row, tokenizer) for row in rows]
    wrong = wrong_masks(
        ((row.id, run.learnt(row), e) for row, e in zip(rows, encoded, strict=True)), tokenizer, run.family
    )
    chosen = random.Random(spec.seed).sample(range(len(rows)), min(SUPERVISED_ROWS, len(rows)))
    sample = [encoded[i] for i in chosen]
    model = load_start(spec)
    state = health(model, sample[: spec.hyperparameters.batch], spec.compute)
    small = _mini(spec, len(sample))
    with tempfile.TemporaryDirectory() as folder:
        trainer = supervised.build_trainer(
            replace(run, spec=small), model, tokenizer, supervised.dataset(sample), None, Path(folder), quick=True
        )
        norms = [_norm(trainer.model, [row], _mean_nll, spec.compute) for row in sample]
        before = _mean_loss(trainer.model, sample, spec.compute)
        history = train_silently(trainer)
        after = _mean_loss(trainer.model, sample, spec.compute)
    lengths = [e.length for e in encoded]
    return _result(report, lengths, len(rows), wrong, state, history, norms, (before, after))


def _mean_loss(model: Any, rows: Sequence[Encoded], compute: Compute) -> float:
    """Return the mean negative log-probability of the rows' tokens with a label, in nats."""
    return -sum(sequence_logprobs(model, rows, compute)) / sum(sum(row.mask) for row in rows)


def _pairs(run: Run, tokenizer: Any, report: Reporter) -> dict[str, Any]:
    spec = run.spec
    train = list(run.rows(spec.train_path))
    rows = [*train, *run.rows(spec.eval_path)]
    encoded = [run.encode_pair(row, tokenizer) for row in rows]
    wrong = wrong_masks(
        (
            (row.id, messages, side)
            for row, pair in zip(rows, encoded, strict=True)
            for messages, side in ((row.chosen, pair.chosen), (row.rejected, pair.rejected))
        ),
        tokenizer,
        run.family,
    )
    axes = _per_axis(train, spec.seed)
    picked = [index for indices in axes.values() for index in indices]
    # Mix the axes: a batch of one axis would push in one direction only.
    random.Random(spec.seed).shuffle(picked)
    sample: list[EncodedPair] = [encoded[i] for i in picked]
    model = load_start(spec)
    state = health(model, [pair.chosen for pair in sample[: spec.hyperparameters.batch]], spec.compute)
    start = pair_logprobs(fuse_head(model), sample, spec.compute)
    with tempfile.TemporaryDirectory() as folder:
        trainer = preference.build_pair_trainer(
            replace(run, spec=_mini(spec, len(sample))),
            model,
            tokenizer,
            preference.pair_dataset(sample, start),
            None,
            Path(folder),
            quick=True,
        )
        norms = [
            _norm(trainer.model, [pair.chosen, pair.rejected], _difference, spec.compute) for pair in sample[:NORM_ROWS]
        ]
        history = train_silently(trainer)
        end = pair_logprobs(trainer.model, sample, spec.compute)
    beta = spec.hyperparameters.beta
    moved = {i: beta * ((e[0] - s[0]) - (e[1] - s[1])) for i, s, e in zip(picked, start, end, strict=True)}
    margins = [_axis(axis, [moved[i] for i in indices]) for axis, indices in axes.items()]
    lengths = [max(pair.chosen.length, pair.rejected.length) for pair in encoded]
    losses = (history[0]["loss"], history[-1]["loss"])
    result = _result(report, lengths, 2 * len(rows), wrong, state, history, norms, losses, margins)
    known = read_reference(spec.path(spec.row.reference), spec.inputs[spec.row.start].sha256)
    return {**result, "sayable": sayable_share(known[row.id].rejected for row in train)}


def _feedback(run: Run, tokenizer: Any, report: Reporter) -> dict[str, Any]:
    spec = run.spec
    train = list(run.rows(spec.train_path))
    rows = [*train, *run.rows(spec.eval_path)]
    encoded = [run.encode_feedback(row, tokenizer) for row in rows]
    wrong = wrong_masks(
        ((row.id, row.completion, e) for row, e in zip(rows, encoded, strict=True)), tokenizer, run.family
    )
    bad = [index for index, row in enumerate(train) if not row.label]
    axes = {axis: [bad[i] for i in indices] for axis, indices in _per_axis([train[i] for i in bad], spec.seed).items()}
    undesirable = [index for indices in axes.values() for index in indices]
    good = [index for index, row in enumerate(train) if row.label]
    desirable = random.Random(spec.seed).sample(good, min(len(undesirable), len(good)))
    picked = [*undesirable, *desirable]
    order = list(range(len(picked)))
    random.Random(spec.seed).shuffle(order)
    prepared = preference.feedback_rows([train[i] for i in picked], order, run, tokenizer)
    model = load_start(spec)
    state = health(model, [encoded[i] for i in picked[: spec.hyperparameters.batch]], spec.compute)
    rows_with_start = preference.add_references(prepared, fuse_head(model), spec.compute)
    start = [0.0] * len(picked)
    for at, value in zip(order, rows_with_start["ref_logps"], strict=True):
        start[at] = value
    with tempfile.TemporaryDirectory() as folder:
        trainer = preference.build_feedback_trainer(
            replace(run, spec=_mini(spec, len(prepared))),
            model,
            tokenizer,
            rows_with_start,
            None,
            Path(folder),
            quick=True,
        )
        norms = [_norm(trainer.model, [encoded[i]], _sum, spec.compute) for i in picked[:NORM_ROWS]]
        history = train_silently(trainer)
        end = sequence_logprobs(trainer.model, [encoded[i] for i in picked], spec.compute)
    beta = spec.hyperparameters.beta
    moved = {i: beta * (e - s) for i, s, e in zip(picked, start, end, strict=True)}
    up = [moved[i] for i in desirable]
    margins = [_axis(axis, [-moved[i] for i in indices], up) for axis, indices in axes.items()]
    lengths, losses = [e.length for e in encoded], (history[0]["loss"], history[-1]["loss"])
    return _result(report, lengths, len(rows), wrong, state, history, norms, losses, margins)


def _axis(axis: str, moved: Sequence[float], common: Sequence[float] = ()) -> Axis:
    """Return the mean of an axis's rows, that of rows common to all axes added, with the standard error of the sum: how far it may
    be from zero by the choice of the rows and by the arithmetic of short numbers alone."""
    # Before the first step policy and reference are the same weights, so every log-ratio is exactly 0.
    after = fmean(moved) + (fmean(common) if common else 0.0)
    return {"axis": axis, "before": 0.0, "after": after, "noise": _noise(moved, common), "rows": len(moved)}


def _noise(*samples: Sequence[float]) -> float | None:
    if min(len(sample) for sample in samples if sample) < NOISE_ROWS:
        return None
    return math.sqrt(math.fsum(stdev(sample) ** 2 / len(sample) for sample in samples if sample))


def _norm(model: Any, rows: Sequence[Encoded], of: Callable[[Any, Any], Any], compute: Compute) -> float:
    """Return the norm of a gradient over the trained weights. ``of`` makes a number of the log-probabilities of the rows' tokens,
    (rows, columns), and of how many of each row's tokens have a label."""
    import torch

    model.train()  # or activations would not be recomputed
    device = next(model.parameters()).device
    inputs = {name: value.to(device) for name, value in tensors(rows).items()}
    counts = (inputs["labels"] != -100).sum(dim=1)
    with autocast(device.type, compute):
        logprobs = model(**inputs, use_cache=False, fused_lm_head=True).log_probs
    of(logprobs.float(), counts).backward()
    norm = torch.nn.utils.get_total_norm([p.grad for p in model.parameters() if p.grad is not None])
    model.zero_grad(set_to_none=True)
    return float(norm)


def _mean_nll(logprobs: Any, counts: Any) -> Any:
    return -logprobs.sum() / counts.sum()


def _difference(logprobs: Any, _: Any) -> Any:
    return logprobs[0].sum() - logprobs[1].sum()


def _sum(logprobs: Any, _: Any) -> Any:
    return logprobs.sum()


def _result(
    report: Reporter, lengths: list[int], masks: int, wrong: Sequence[str], state: Mapping[str, Any],
    history: Sequence[Mapping[str, Any]], norms: Sequence[float], losses: tuple[float, float], margins: Sequence[Axis] = (),
) -> dict[str, Any]:  # fmt: skip
    """Report and return what the three kinds of rows have in common."""
    numbers = {
        "grad_norm": history[0]["grad_norm"],
        "row_norm": fmean(norms),
        "loss_before": losses[0],
        "loss_after": losses[1],
    }
    report.emit("measured", **numbers, margins={m["axis"]: round(m["after"], 4) for m in margins})
    wrong_ids = {"masks_wrong": len(wrong), "masks_wrong_ids": list(wrong[:10])}
    return {"lengths": lengths, "masks": masks, **wrong_ids, **state, **numbers, "margins": list(margins)}
