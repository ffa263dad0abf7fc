"""Compute reference log-probabilities: those of both sides of every pair under the SFT checkpoint, once for five methods.

The sums cover exactly the tokens that training counts (assistant spans of the completion, no tool results). A row names the
weights it was computed with, so that no method uses another model's. Sequences are batched by length, since their order does not
matter here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from canvas_pipeline.errors import BadInput, GateClosed
from canvas_pipeline.records import Row, read_jsonl, write_jsonl
from canvas_pipeline.storage.atomic import whole_file
from canvas_pipeline.training import ranks
from canvas_pipeline.training.checkpoint import load_model, load_tokenizer
from canvas_pipeline.training.device import autocast
from canvas_pipeline.training.encoding import Encoded, EncodedPair, batches, padded_length
from canvas_pipeline.training.fused_head import fuse_head
from canvas_pipeline.training.precision import Compute
from canvas_pipeline.training.progress import Reporter
from canvas_pipeline.training.run import Run

ROWS = "rows.jsonl"
TOKENS_A_BATCH = 4096


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

    Ranks divide the batches among them; each gets all results. The model must have TRL's fused head (``fuse_head``), as the policy
    has: both then compute the same number in the same way."""
    import torch

    results: dict[int, float] = {}
    lengths = [row.length for row in rows]
    order = sorted(range(len(rows)), key=lambda index: -lengths[index])
    device = next(model.parameters()).device
    was_training = model.training
    model.eval()
    done = 0
    with torch.no_grad(), autocast(device.type, compute):
        for batch in ranks.mine(batches(order, lengths, TOKENS_A_BATCH)):
            inputs = {name: value.to(device) for name, value in tensors([rows[i] for i in batch]).items()}
            logprobs = model(**inputs, use_cache=False, fused_lm_head=True).log_probs
            for index, value in zip(batch, logprobs.float().sum(dim=1).tolist(), strict=True):
                results[index] = value
            done += len(batch)
            if reporter is not None:
                reporter.step("reference", min(done * ranks.world(), len(rows)), len(rows))
    model.train(was_training)
    whole = ranks.union(results)
    return [whole[index] for index in range(len(rows))]


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
    """Return ``(chosen, rejected)`` of every pair, as ``sequence_logprobs``."""
    flat = sequence_logprobs(
        model, [side for pair in pairs for side in (pair.chosen, pair.rejected)], compute, reporter
    )
    return list(zip(flat[::2], flat[1::2], strict=True))


def compute(run: Run, out: Path, reporter: Reporter) -> int:
    """Write the reference rows of a preference spec's train and eval files to ``out``, and return how many."""
    spec = run.spec
    tokenizer = load_tokenizer(spec.start_path, run.family)
    model = fuse_head(load_model(spec.start_path, spec.hyperparameters.dtype))
    pairs = [row for path in (spec.train_path, spec.eval_path) for row in run.rows(path)]
    encoded = [run.encode_pair(row, tokenizer) for row in pairs]
    sums = pair_logprobs(model, encoded, spec.compute, reporter)
    name = spec.inputs[spec.row.start].sha256
    rows = (
        ReferenceRow(id=row.id, chosen=chosen, rejected=rejected, model=name)
        for row, (chosen, rejected) in zip(pairs, sums, strict=True)
    )
    if not ranks.first():
        return len(pairs)
    with whole_file(out) as temporary:
        return write_jsonl(temporary, rows)


def read_reference(path: Path, model: str) -> Mapping[str, ReferenceRow]:
    """Read reference rows by pair id, from the file or its stage's folder. Raises ``GateClosed`` where they were computed with
    other weights than ``model`` (sha256)."""
    rows = {row.id: row for row in read_jsonl(path / ROWS if path.is_dir() else path, ReferenceRow)}
    if not rows:
        raise BadInput(f"{path}: no reference rows; materialise reference_logprobs")
    if any(row.model != model for row in rows.values()):
        raise GateClosed(
            f"{path}: computed with another SFT checkpoint than this run starts from; materialise reference_logprobs again"
        )
    return rows
