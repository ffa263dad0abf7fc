"""Train sft, lora and qlora on the assistant turns of conversations, and bon on completions of prompts.

The loss covers exactly the assistant spans (calls, answers, stops). Rows are tokenised here and passed to TRL as ids and labels, so
that the trainer applies no template and no truncation of its own.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from canvas_pipeline.training import trainers
from canvas_pipeline.training.checkpoint import adapter_config, load_tokenizer
from canvas_pipeline.training.encoding import BUCKET, Encoded
from canvas_pipeline.training.progress import Reporter
from canvas_pipeline.training.run import Run
from canvas_pipeline.training.shared_layers import shorten
from canvas_pipeline.training.spread import Spread
from canvas_pipeline.training.start import load_start


def dataset(rows: Sequence[Encoded]) -> Any:
    """Return rows as a data set that TRL need not prepare."""
    from datasets import Dataset

    return Dataset.from_dict({"input_ids": [row.ids for row in rows], "labels": [row.labels for row in rows]})


def build_trainer(
    run: Run, model: Any, tokenizer: Any, train: Any, evaluation: Any, folder: Path, *, quick: bool = False
) -> Any:
    """Build a TRL ``SFTTrainer`` over prepared rows. Each learnt token of an update weighs the same."""
    from trl import SFTConfig, SFTTrainer

    class SpreadRows(Spread, SFTTrainer): ...

    # Whole Gemma-4 models say no, since their own loss does not count tokens; the fused head that is used here does. Without it
    # each micro-batch would weigh the same, and with rows of its own each row.
    model.accepts_loss_kwargs = True
    spec, h = run.spec, run.spec.hyperparameters
    shared = trainers.arguments(spec, len(train), folder, evaluate=evaluation is not None, quick=quick)
    config = SFTConfig(
        router_aux_loss_coef=0.0,  # a mixture of experts learns the objective that reference and measurement compute, no other
        **shared,
        max_length=None,
        packing=False,
        pad_to_multiple_of=BUCKET,
        dataset_kwargs={"skip_prepare_dataset": True},
    )
    trainer = SpreadRows(
        model=model,
        args=config,
        train_dataset=train,
        eval_dataset=evaluation,
        processing_class=tokenizer,
        peft_config=adapter_config(run.family, h.adapter_rank, h.adapter_alpha) if spec.adapter else None,
    )
    shorten(trainer.model)
    return trainer


def train(run: Run, out: Path, reporter: Reporter) -> dict[str, Any]:
    """Train one of these methods into the folder ``out``, and return the summary."""
    spec = run.spec
    tokenizer = load_tokenizer(spec.start_path, run.family)
    sides = [
        [run.encode_supervised(row, tokenizer) for row in run.rows(path)] for path in (spec.train_path, spec.eval_path)
    ]
    fitting = [[rows[i] for i in trainers.within_length([r.length for r in rows], spec, reporter)] for rows in sides]
    eval_rows = [fitting[1][i] for i in trainers.eval_sample(len(fitting[1]), spec)]
    facts = {
        "rows": len(fitting[0]),
        "eval_rows": len(eval_rows),
        "left_out": sum(map(len, sides)) - sum(map(len, fitting)),
        "tokens": sum(row.length for row in fitting[0]),
        "learnt_tokens": sum(sum(row.mask) for row in fitting[0]),
    }
    reporter.emit("rows", **facts)

    def build(folder: Path) -> Any:
        model = load_start(spec)
        evaluation = dataset(eval_rows) if eval_rows else None
        rows = [fitting[0][index] for index in trainers.row_order([row.length for row in fitting[0]], spec)]
        return build_trainer(run, model, tokenizer, dataset(rows), evaluation, folder)

    return trainers.train(run, out, reporter, build, tokenizer, facts)
