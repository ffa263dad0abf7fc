"""sft, lora, qlora: the next token of every assistant turn.

In: an admitted run over conversations. Out: the folder of ``trainers.run``. What must hold: the loss covers exactly the
assistant spans (calls, answers, stops); the rows are tokenised here and handed to TRL as ids and labels, so that no
template or truncation of the trainer's own comes between.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from canvas_pipeline.training import trainers
from canvas_pipeline.training.checkpoint import adapter_config, load_model, load_tokenizer
from canvas_pipeline.training.encoding import BUCKET, Encoded
from canvas_pipeline.training.progress import Reporter
from canvas_pipeline.training.run import Run


def encoded(path: Path, run: Run, tokenizer: Any) -> list[Encoded]:
    """All rows of a file of conversations, in its order."""
    return [run.encode_conversation(row, tokenizer) for row in run.rows(path)]


def dataset(rows: Sequence[Encoded]) -> Any:
    """Rows as a TRL data set that needs no more preparing."""
    from datasets import Dataset

    return Dataset.from_dict({"input_ids": [row.ids for row in rows], "labels": [row.labels for row in rows]})


def build_trainer(
    run: Run, model: Any, tokenizer: Any, train: Any, evaluation: Any, folder: Path, *, quick: bool = False
) -> Any:
    """A TRL ``SFTTrainer`` over prepared rows."""
    from trl import SFTConfig, SFTTrainer

    spec, h = run.spec, run.spec.hyperparameters
    shared = trainers.arguments(spec, len(train), folder, evaluate=evaluation is not None, quick=quick)
    config = SFTConfig(
        **shared,
        max_length=None,
        packing=False,
        pad_to_multiple_of=BUCKET,
        dataset_kwargs={"skip_prepare_dataset": True},
    )
    return SFTTrainer(
        model=model,
        args=config,
        train_dataset=train,
        eval_dataset=evaluation,
        processing_class=tokenizer,
        peft_config=adapter_config(run.family, h.adapter_rank, h.adapter_alpha) if spec.adapter else None,
    )


def train(run: Run, out: Path, reporter: Reporter) -> dict[str, Any]:
    """Train one of the three methods and leave the folder ``out``; returns the summary."""
    spec = run.spec
    tokenizer = load_tokenizer(spec.start_path, run.family)
    sides = [encoded(path, run, tokenizer) for path in (spec.train_path, spec.eval_path)]
    fitting = [[rows[i] for i in trainers.within_length([r.length for r in rows], spec, reporter)] for rows in sides]
    followed = [fitting[1][i] for i in trainers.watched(len(fitting[1]), spec)]
    facts = {
        "rows": len(fitting[0]),
        "eval_rows": len(followed),
        "left_out": sum(map(len, sides)) - sum(map(len, fitting)),
        "tokens": sum(row.length for row in fitting[0]),
        "learnt_tokens": sum(sum(row.mask) for row in fitting[0]),
    }
    reporter.say("rows", **facts)

    def build(folder: Path) -> Any:
        model = load_model(spec.start_path, spec.hyperparameters.dtype, quantise=spec.adapter == "qlora")
        evaluation = dataset(followed) if followed else None
        rows = [fitting[0][index] for index in trainers.schedule([row.length for row in fitting[0]], spec)]
        return build_trainer(run, model, tokenizer, dataset(rows), evaluation, folder)

    return trainers.run(run, out, reporter, build, tokenizer, facts)
