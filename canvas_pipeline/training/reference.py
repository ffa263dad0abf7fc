"""Compute reference log-probabilities: those of both sides of every pair under the weights that a method starts from.

The sums cover exactly the tokens that training counts (assistant spans of the completion, no tool results). A row names the
weights it was computed with, so that no method uses another model's. Pairs are batched by length, since their order does not matter
here. The prompt of a pair is computed once, and what all rows begin with once for all.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from canvas_pipeline.errors import BadInput, GateClosed
from canvas_pipeline.records import Row, read_jsonl, write_jsonl
from canvas_pipeline.storage.atomic import whole_file
from canvas_pipeline.training import launched, ranks
from canvas_pipeline.training.checkpoint import load_model, load_tokenizer
from canvas_pipeline.training.device import autocast
from canvas_pipeline.training.encoding import Encoded, EncodedPair, batches, padded_length
from canvas_pipeline.training.fused_head import fuse_head
from canvas_pipeline.training.precision import Compute
from canvas_pipeline.training.progress import Reporter
from canvas_pipeline.training.run import Run
from canvas_pipeline.training.shared_layers import BEFORE, PAIRS, beginning, takes_pairs

ROWS = "rows.jsonl"
TOKENS_A_BATCH = {"cpu": 4096, "gpu": 32768}
"""Tokens of one batch, padding included. On a GPU: 3.6 GiB beside the weights of Gemma-4 E2B (``training.memory``)."""
LEAST_COMMON = 32
"""Fewer tokens at the beginning of all rows are computed with every row."""


class ReferenceRow(Row, frozen=True, kw_only=True):
    """Summed log-probabilities (nats) of both completions of one pair under ``model`` (sha256 of its files)."""

    id: str
    chosen: float
    rejected: float
    model: str


def sequence_logprobs(
    model: Any, rows: Sequence[Encoded], compute: Compute, reporter: Reporter | None = None
) -> list[float]:
    """Return the summed log-probability of each row's masked tokens, in nats, in the order given; no gradient.

    The model must have TRL's fused head (``fuse_head``), as the policy has: both then compute the same number in the same way."""
    sums = _sums(model, [(row,) for row in rows], [row.length for row in rows], compute, reporter)
    return [value for (value,) in sums]


def _sums(
    model: Any, groups: Sequence[tuple[Encoded, ...]], lengths: Sequence[int], compute: Compute,
    reporter: Reporter | None,
) -> list[tuple[float, ...]]:  # fmt: skip
    """Return the sums of rows, or of both sides of pairs, which the model computes in ``lengths`` tokens each.

    Ranks divide the batches among them; each gets all results."""
    import torch

    results: dict[int, tuple[float, ...]] = {}
    order = sorted(range(len(groups)), key=lambda index: -lengths[index])
    device = next(model.parameters()).device
    tokens = TOKENS_A_BATCH["cpu" if device.type == "cpu" else "gpu"]
    begun = _common([row for group in groups for row in group]) if takes_pairs(model) else 0
    was_training = model.training
    model.eval()
    done = 0
    with torch.no_grad(), autocast(device.type, compute):
        before = {BEFORE: beginning(model, groups[0][0].ids[:begun])} if begun else {}
        for batch in ranks.mine(batches(order, [length - begun for length in lengths], tokens)):
            sides = list(zip(*(tuple(_without(row, begun) for row in groups[i]) for i in batch), strict=True))
            inputs = {name: t.to(device) for name, t in tensors([row for side in sides for row in side]).items()}
            pairs = {PAIRS: True} if len(sides) == 2 else {}
            logprobs = model(**inputs, **pairs, **before, use_cache=False, fused_lm_head=True).log_probs
            sums = logprobs.float().sum(dim=1).view(len(sides), -1).T.tolist()
            for index, values in zip(batch, sums, strict=True):
                results[index] = tuple(values)
            done += len(batch)
            if reporter is not None:
                reporter.step("reference", min(done * launched.world(), len(groups)), len(groups))
    model.train(was_training)
    whole = ranks.union(results)
    return [whole[index] for index in range(len(groups))]


def _common(rows: Sequence[Encoded]) -> int:
    """Return how many of their first tokens are computed once for all rows: those before the last that all begin with.

    That one predicts a row's first own token. None has a label."""
    shared = len(os.path.commonprefix([row.ids for row in rows])) if len(rows) > 1 else 0
    unlabelled = min((row.mask.index(1) for row in rows if 1 in row.mask), default=0)
    common = min(shared, unlabelled) - 1
    return common if common >= LEAST_COMMON else 0


def _without(row: Encoded, begun: int) -> Encoded:
    return Encoded(row.ids[begun:], row.mask[begun:]) if begun else row


def tensors(rows: Sequence[Encoded]) -> dict[str, Any]:
    """Return right-padded ``input_ids``, ``attention_mask`` and ``labels``, each (rows, padded length)."""
    import torch

    longest = padded_length(max(row.length for row in rows))
    ids = torch.zeros(len(rows), longest, dtype=torch.long)
    attention = torch.zeros(len(rows), longest, dtype=torch.long)
    labels = torch.full((len(rows), longest), -100, dtype=torch.long)
    for at, row in enumerate(rows):
        ids[at, : row.length] = torch.tensor(row.ids)
        attention[at, : row.length] = 1
        labels[at, : row.length] = torch.tensor(row.labels)
    return {"input_ids": ids, "attention_mask": attention, "labels": labels}


def pair_logprobs(
    model: Any, pairs: Sequence[EncodedPair], compute: Compute, reporter: Reporter | None = None
) -> list[tuple[float, float]]:
    """Return ``(chosen, rejected)`` of every pair, as ``sequence_logprobs``. The prompt is computed once where the model can."""
    if takes_pairs(model):
        both = [(pair.chosen, pair.rejected) for pair in pairs]
        sums = _sums(model, both, [pair.length for pair in pairs], compute, reporter)
        return [(chosen, rejected) for chosen, rejected in sums]
    flat = sequence_logprobs(
        model, [side for pair in pairs for side in (pair.chosen, pair.rejected)], compute, reporter
    )
    return list(zip(flat[::2], flat[1::2], strict=True))


def compute(run: Run, out: Path, reporter: Reporter) -> int:
    """Write the reference rows of a preference spec's train and eval files to ``out``, and return how many."""
    spec = run.spec
    tokenizer = load_tokenizer(spec.start_path, run.family)
    model = fuse_head(load_model(spec.start_path, spec.loaded_as))
    pairs = [row for path in (spec.train_path, spec.eval_path) for row in run.rows(path)]
    encoded = [run.encode_pair(row, tokenizer) for row in pairs]
    sums = pair_logprobs(model, encoded, spec.compute, reporter)
    name = spec.inputs[spec.row.start].sha256
    rows = (
        ReferenceRow(id=row.id, chosen=chosen, rejected=rejected, model=name)
        for row, (chosen, rejected) in zip(pairs, sums, strict=True)
    )
    if not launched.first():
        return len(pairs)
    with whole_file(out) as temporary:
        return write_jsonl(temporary, rows)


def read_reference(path: Path, model: str) -> Mapping[str, ReferenceRow]:
    """Read reference rows by pair id, from the file or its stage's folder. Raises ``GateClosed`` where they were computed with
    other weights than ``model`` (sha256)."""
    rows = {row.id: row for row in read_jsonl(path / ROWS if path.is_dir() else path, ReferenceRow)}
    if not rows:
        raise BadInput(f"{path}: no reference rows; materialise them")
    if any(row.model != model for row in rows.values()):
        raise GateClosed(f"{path}: computed with other weights than this run starts from; materialise them again")
    return rows
