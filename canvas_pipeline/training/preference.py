"""Train dpo, ipo, apo-zero, sppo and nca on pairs with a precomputed reference, and kto on unpaired feedback.

The reference is frozen: numbers in a file, or computed from the start weights before the first step. Log-probabilities of policy
and reference cover the assistant spans of the completion only, without tool results inside it. No row is truncated.

TRL prepares rows itself and knows one border, prompt | completion. The two trainers below take prepared rows with a mask of their
own; tests check the methods that they override.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from canvas_pipeline.errors import BadInput
from canvas_pipeline.training import trainers
from canvas_pipeline.training.checkpoint import adapter_config, load_model, load_tokenizer
from canvas_pipeline.training.encoding import Encoded, EncodedPair, padded_length
from canvas_pipeline.training.fused_head import fuse_head
from canvas_pipeline.training.precision import Compute
from canvas_pipeline.training.progress import Reporter
from canvas_pipeline.training.reference import ReferenceRow, pair_logprobs, read_reference
from canvas_pipeline.training.run import Run
from canvas_pipeline.training.shared_layers import PAIRS, shorten, takes_pairs
from canvas_pipeline.training.spread import Spread
from canvas_pipeline.training.start import load_start

Batch = Sequence[Mapping[str, Any]]


class Prepared:
    """Overrides of a TRL trainer whose rows are encoded and have their reference sums."""

    def _prepare_dataset(self, dataset: Any, *_: Any, **__: Any) -> Any:
        return dataset

    def _precompute_ref_logps(self, dataset: Any, *_: Any, **__: Any) -> Any:
        return dataset


def collate(prefix: str, ids: Sequence[list[int]], masks: Sequence[list[int]]) -> dict[str, Any]:
    """Return right-padded ``<prefix>input_ids``, ``attention_mask`` and ``completion_mask``, each (rows, padded length)."""
    import torch

    longest = padded_length(max(map(len, ids)))

    def padded(rows: Sequence[list[int]]) -> Any:
        return torch.tensor([row + [0] * (longest - len(row)) for row in rows], dtype=torch.long)

    return {
        f"{prefix}input_ids": padded(ids),
        f"{prefix}attention_mask": padded([[1] * len(row) for row in ids]),
        f"{prefix}completion_mask": padded(masks),
    }


def collate_pairs(batch: Batch) -> dict[str, Any]:
    """Collate chosen rows, then rejected rows, as ``DPOTrainer`` reads them."""
    import torch

    ids = [row["chosen_ids"] for row in batch] + [row["rejected_ids"] for row in batch]
    masks = [row["chosen_mask"] for row in batch] + [row["rejected_mask"] for row in batch]
    references = {
        name: torch.tensor([row[name] for row in batch]) for name in ("ref_chosen_logps", "ref_rejected_logps")
    }
    return {**collate("", ids, masks), **references}


def collate_feedback(batch: Batch) -> dict[str, Any]:
    """Collate completions, and mismatched ones for the KL term, as ``KTOTrainer`` reads them."""
    import torch

    return {
        **collate("", [row["ids"] for row in batch], [row["mask"] for row in batch]),
        **collate("KL_", [row["kl_ids"] for row in batch], [row["kl_mask"] for row in batch]),
        "ref_logps": torch.tensor([row["ref_logps"] for row in batch]),
        "ref_KL_logps": torch.tensor([row["ref_kl_logps"] for row in batch]),
        "label": torch.tensor([row["label"] for row in batch]),
    }


def pair_dataset(pairs: Sequence[EncodedPair], references: Sequence[tuple[float, float]]) -> Any:
    """Return pairs with their reference sums as a prepared data set."""
    from datasets import Dataset

    columns: dict[str, list[Any]] = {
        "chosen_ids": [p.chosen.ids for p in pairs],
        "chosen_mask": [p.chosen.mask for p in pairs],
        "rejected_ids": [p.rejected.ids for p in pairs],
        "rejected_mask": [p.rejected.mask for p in pairs],
        "ref_chosen_logps": [chosen for chosen, _ in references],
        "ref_rejected_logps": [rejected for _, rejected in references],
    }
    return Dataset.from_dict(columns)


def build_pair_trainer(
    run: Run, model: Any, tokenizer: Any, train: Any, evaluation: Any, folder: Path, *, quick: bool = False
) -> Any:
    """Build a TRL ``DPOTrainer`` with the method's loss over prepared pairs."""
    from trl import DPOConfig, DPOTrainer

    class PreparedPairs(Spread, Prepared, DPOTrainer):
        def _compute_loss(self, model: Any, inputs: Any, return_outputs: bool) -> Any:
            # Other keys than those of its own TRL passes on to the model.
            pairs = {PAIRS: True} if takes_pairs(self.model) else {}
            return super()._compute_loss(model, {**inputs, **pairs}, return_outputs)

    spec, h = run.spec, run.spec.hyperparameters
    anchor = h.chosen_nll
    config = DPOConfig(
        **trainers.arguments(spec, len(train), folder, evaluate=evaluation is not None, quick=quick),
        max_length=None,
        beta=h.beta,
        loss_type=[spec.row.loss, "sft"] if anchor else [spec.row.loss],
        loss_weights=[1.0, anchor] if anchor else None,
        precompute_ref_log_probs=True,
    )
    trainer = PreparedPairs(
        model=model,
        args=config,
        data_collator=collate_pairs,
        train_dataset=train,
        eval_dataset=evaluation,
        processing_class=tokenizer,
        peft_config=adapter_config(run.family, h.adapter_rank, h.adapter_alpha) if spec.adapter else None,
    )
    shorten(trainer.model)
    return trainer


def train_pairs(run: Run, out: Path, reporter: Reporter) -> dict[str, Any]:
    """Train one of the five pair methods and return the summary. Raises ``BadInput`` for a pair without reference sums."""
    spec = run.spec
    tokenizer = load_tokenizer(spec.start_path, run.family)
    known = read_reference(spec.path(spec.row.reference), spec.inputs[spec.row.start].sha256)
    sides = [_pairs(path, run, tokenizer, known) for path in (spec.train_path, spec.eval_path)]
    fitting = []
    for pairs, references in sides:
        lengths = [max(p.chosen.length, p.rejected.length) for p in pairs]
        keep = trainers.within_length(lengths, spec, reporter)
        fitting.append(([pairs[i] for i in keep], [references[i] for i in keep]))
    sampled = trainers.eval_sample(len(fitting[1][0]), spec)
    facts = {
        "rows": len(fitting[0][0]),
        "eval_rows": len(sampled),
        "left_out": sum(len(p) for p, _ in sides) - sum(len(p) for p, _ in fitting),
        "tokens": sum(p.chosen.length + p.rejected.length for p in fitting[0][0]),
    }
    reporter.emit("rows", **facts)

    def build(folder: Path) -> Any:
        model = load_start(spec)
        pairs, references = fitting[1]
        evaluation = pair_dataset([pairs[i] for i in sampled], [references[i] for i in sampled]) if sampled else None
        pairs, references = fitting[0]
        order = trainers.row_order([max(p.chosen.length, p.rejected.length) for p in pairs], spec)
        rows = pair_dataset([pairs[i] for i in order], [references[i] for i in order])
        return build_pair_trainer(run, model, tokenizer, rows, evaluation, folder)

    return trainers.train(run, out, reporter, build, tokenizer, facts)


def _pairs(
    path: Path, run: Run, tokenizer: Any, known: Mapping[str, ReferenceRow]
) -> tuple[list[EncodedPair], list[tuple[float, float]]]:
    pairs, references = [], []
    for row in run.rows(path):
        reference = known.get(row.id)
        if reference is None:
            raise BadInput(
                f"row {row.id} has no reference log-probabilities; materialise {run.spec.row.reference} for this split"
            )
        pairs.append(run.encode_pair(row, tokenizer))
        references.append((reference.chosen, reference.rejected))
    return pairs, references


def feedback_rows(rows: Sequence[Any], order: Sequence[int], run: Run, tokenizer: Any) -> list[dict[str, Any]]:
    """Encode feedback rows with their mismatched completions, in the ``order`` of training.

    KTO's KL term pairs each prompt with the completion of its neighbour in the batch, so the order is fixed here."""
    batch = run.spec.hyperparameters.batch
    prepared = []
    for at, index in enumerate(order):
        first = at - at % batch
        last = min(first + batch, len(order)) - 1
        # The previous row of the batch; for the first row the last one; for a single row at the end the one before it.
        neighbour = rows[order[at - 1 if at > first else (last if last > first else at - 1)]]
        own = run.encode_feedback(rows[index], tokenizer)
        other = run.encode_feedback(rows[index], tokenizer, neighbour.completion)
        prepared.append(
            {
                "id": rows[index].id,
                "ids": own.ids,
                "mask": own.mask,
                "kl_ids": other.ids,
                "kl_mask": other.mask,
                "label": rows[index].label,
            }
        )
    return prepared


def add_references(
    prepared: Sequence[dict[str, Any]], model: Any, compute: Compute, reporter: Reporter | None = None
) -> Any:
    """Return the rows with the start weights' sums as a prepared data set. ``model`` must have the fused head."""
    from datasets import Dataset

    pairs = [EncodedPair(Encoded(row["ids"], row["mask"]), Encoded(row["kl_ids"], row["kl_mask"])) for row in prepared]
    sums = pair_logprobs(model, pairs, compute, reporter)
    columns: dict[str, list[Any]] = {
        key: [row[key] for row in prepared] for key in ("ids", "mask", "kl_ids", "kl_mask", "label")
    }
    return Dataset.from_dict(
        {**columns, "ref_logps": [own for own, _ in sums], "ref_kl_logps": [other for _, other in sums]}
    )


def build_feedback_trainer(
    run: Run, model: Any, tokenizer: Any, train: Any, evaluation: Any, folder: Path, *, quick: bool = False
) -> Any:
    """Build a TRL ``KTOTrainer`` over prepared feedback, with both labels weighted equally in sum."""
    from trl import KTOConfig, KTOTrainer

    class PreparedFeedback(Spread, Prepared, KTOTrainer): ...

    spec, h = run.spec, run.spec.hyperparameters
    desirable = sum(train["label"])
    undesirable = len(train) - desirable
    config = KTOConfig(
        **trainers.arguments(spec, len(train), folder, evaluate=evaluation is not None, quick=quick),
        max_length=None,
        beta=h.beta,
        loss_type=spec.row.loss,
        precompute_ref_log_probs=True,
        # Eq. 8 of the paper: the larger side is weighted down to the smaller one's sum.
        desirable_weight=min(1.0, undesirable / desirable) if desirable and undesirable else 1.0,
        undesirable_weight=min(1.0, desirable / undesirable) if desirable and undesirable else 1.0,
    )
    trainer = PreparedFeedback(
        model=model,
        args=config,
        data_collator=collate_feedback,
        train_dataset=train,
        eval_dataset=evaluation,
        processing_class=tokenizer,
        peft_config=adapter_config(run.family, h.adapter_rank, h.adapter_alpha) if spec.adapter else None,
    )
    shorten(trainer.model)
    return trainer


def train_feedback(run: Run, out: Path, reporter: Reporter) -> dict[str, Any]:
    """Train KTO and return the summary."""
    spec = run.spec
    tokenizer = load_tokenizer(spec.start_path, run.family)
    sides: list[list[dict[str, Any]]] = []
    left_out = 0
    for path in (spec.train_path, spec.eval_path):
        rows = list(run.rows(path))
        lengths = [run.encode_feedback(row, tokenizer).length for row in rows]
        keep = trainers.within_length(lengths, spec, reporter)
        left_out += len(rows) - len(keep)
        training = not sides
        order = (
            trainers.row_order([lengths[i] for i in keep], spec) if training else trainers.eval_sample(len(keep), spec)
        )
        sides.append(feedback_rows([rows[i] for i in keep], order, run, tokenizer))
    facts = {
        "rows": len({row["id"] for row in sides[0]}),
        "eval_rows": len(sides[1]),
        "left_out": left_out,
        "desirable": len({row["id"] for row in sides[0] if row["label"]}),
        "tokens": sum({row["id"]: len(row["ids"]) for row in sides[0]}.values()),
    }
    reporter.emit("rows", **facts)

    def build(folder: Path) -> Any:
        frozen = fuse_head(load_model(spec.start_path, spec.loaded_as))
        train, evaluation = (add_references(rows, frozen, spec.compute, reporter) if rows else None for rows in sides)
        del frozen
        model = load_start(spec)
        return build_feedback_trainer(run, model, tokenizer, train, evaluation, folder)

    return trainers.train(run, out, reporter, build, tokenizer, facts)
