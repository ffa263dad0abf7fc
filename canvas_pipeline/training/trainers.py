"""Run a TRL trainer to the end: arguments, progress, resuming, and the folder of results.

The results are ``model`` (a full checkpoint), ``adapter`` (where one was trained), ``candidates/<step>`` (those of earlier steps,
if any are kept, with their adapters inside), ``metrics.jsonl``, ``plots/*.png`` and ``summary.json``, all or nothing. The same spec
on the same machine gives the same bytes. A run that was killed continues from its last complete step checkpoint and gives the same
result. Of several ranks, each trains and the first one writes.
"""

from __future__ import annotations

import json
import math
import random
import shutil
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from canvas_pipeline.errors import BadInput
from canvas_pipeline.records import dumps, write_jsonl
from canvas_pipeline.storage.atomic import whole_folder
from canvas_pipeline.storage.seal import Seal, process_seal
from canvas_pipeline.training import launched, ranks
from canvas_pipeline.training.candidates import Kept, stops, watch, without_improvement
from canvas_pipeline.training.checkpoint import merged, save_model
from canvas_pipeline.training.device import autocast, on_cpu
from canvas_pipeline.training.fused_head import project_learnt_only
from canvas_pipeline.training.leaving import base_name, keep_adapter
from canvas_pipeline.training.plots import plot_metrics
from canvas_pipeline.training.progress import Reporter, metric_rows
from canvas_pipeline.training.run import Run
from canvas_pipeline.training.spec import RunSpec
from canvas_pipeline.training.start import stored_as, trained_in_float32
from canvas_pipeline.training.threads import MACHINE, choose_threads, cores
from canvas_pipeline.training.weights import ADAPTER, CANDIDATES, MODEL

LOGS, SAVES, EVALS = 40, 8, 4
EVAL_ROWS = 64


def row_order(lengths: Sequence[int], spec: RunSpec) -> list[int]:
    """Return the order in which a whole run reads its rows: a new permutation each epoch, and the longest first within the rows of
    one update.

    An update's gradient is the sum over its micro-batches, so the order within it changes only the padding (a third of all
    tokens). Between updates the order is random: sampling by length slows learning."""
    h = spec.hyperparameters
    rng = random.Random(spec.seed)
    order: list[int] = []
    for _ in range(math.ceil(h.epochs)):
        epoch = list(range(len(lengths)))
        rng.shuffle(epoch)
        order.extend(epoch)
    order = order[: max(1, round(len(lengths) * h.epochs))]
    window = h.batch * h.accumulation
    updates = (order[at : at + window] for at in range(0, len(order), window))
    return [index for update in updates for index in sorted(update, key=lambda i: -lengths[i])]


def eval_sample(rows: int, spec: RunSpec) -> list[int]:
    """Draw the held-out rows for the evaluation loss: their indices, at most ``EVAL_ROWS``, by the seed.

    The loss curve detects divergence only; the benchmark measures quality. All 258 rows took an eighth of the time of an SFT
    run."""
    return sorted(random.Random(spec.seed).sample(range(rows), min(EVAL_ROWS, rows)))


def total_steps(rows: int, spec: RunSpec) -> int:
    """Return the optimiser steps of a run that reads ``rows`` rows in all (``len(row_order(...))``)."""
    h = spec.hyperparameters
    return h.max_steps or max(1, math.ceil(math.ceil(rows / h.batch) / h.accumulation))


def arguments(spec: RunSpec, rows: int, folder: Path, *, evaluate: bool, quick: bool = False) -> dict[str, Any]:
    """Return the trainer arguments that all methods share. Rows are read in their order.

    Saves fall on logged steps, so that a resumed run logs the same sums; with ``save_minutes`` they are ``saves_by_time``'s. A run
    that may stop early evaluates at every eighth of its steps.
    ``quick`` logs every step and saves none."""
    h = spec.hyperparameters
    total = total_steps(rows, spec)
    log_every = 1 if quick else max(1, total // LOGS)
    save_every = log_every * max(1, math.ceil(total / SAVES / log_every))
    return {
        "output_dir": str(folder),
        "seed": spec.seed,
        "data_seed": spec.seed,
        "num_train_epochs": 1,
        "train_sampling_strategy": "sequential",
        "max_steps": h.max_steps or -1,
        "learning_rate": h.learning_rate,
        "lr_scheduler_type": h.schedule,
        "warmup_steps": int(h.warmup * total),
        "weight_decay": h.weight_decay,
        "max_grad_norm": h.clip,
        "adam_beta2": 0.98,
        "optim": h.optimizer,
        "per_device_train_batch_size": h.batch,
        "per_device_eval_batch_size": max(2, h.batch),
        "gradient_accumulation_steps": ranks.accumulation(h, launched.world()),
        "gradient_checkpointing": h.checkpointing,
        "bf16": spec.compute == "bfloat16",
        "use_cpu": on_cpu(),
        "dataloader_pin_memory": not on_cpu(),
        "logging_steps": log_every,
        "logging_first_step": True,
        "save_strategy": "no" if quick or h.save_minutes else "steps",
        "save_steps": save_every,
        "save_total_limit": 2,
        "eval_strategy": "steps" if evaluate else "no",
        "eval_steps": save_every * (1 if h.patience else max(1, SAVES // EVALS)),
        "remove_unused_columns": False,
        "report_to": "none",
        "disable_tqdm": True,
    }


def journal(reporter: Reporter, fingerprint: str, seal: Seal) -> Any:
    """Return a callback that reports progress, and seals each step checkpoint after it is written."""
    from transformers import TrainerCallback

    class Journal(TrainerCallback):
        def on_log(self, args: Any, state: Any, control: Any, logs: Any = None, **_: Any) -> None:
            numbers = {k: float(f"{v:.4g}") for k, v in (logs or {}).items() if isinstance(v, (int, float))}
            shown = {k: v for k, v in numbers.items() if k in _SHOWN}
            if shown and state.max_steps:
                reporter.step("progress", state.global_step, state.max_steps, **shown)

        def on_save(self, args: Any, state: Any, control: Any, **_: Any) -> None:
            ranks.wait()  # each writes its random state into the folder
            if launched.first():
                seal.put(Path(args.output_dir) / f"checkpoint-{state.global_step}", fingerprint)
            ranks.wait()

    return Journal()


def saves_by_time(minutes: float, clock: Callable[[], float] = time.monotonic) -> Any:
    """Return a callback that saves at the first logged step after each ``minutes``: full training's state is 16 GiB."""
    from transformers import TrainerCallback

    class SavesByTime(TrainerCallback):
        last = clock()

        def due(self) -> bool:
            return clock() - self.last >= minutes * 60

        def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
            logged = state.global_step % int(args.logging_steps) == 0
            if logged and state.global_step < state.max_steps and ranks.agreed(self.due):
                control.should_save = True
                self.last = clock()

    return SavesByTime()


_SHOWN = (
    "loss",
    "grad_norm",
    "learning_rate",
    "eval_loss",
    "rewards/margins",
    "rewards/accuracies",
    "mean_token_accuracy",
)


def last_complete(
    folder: Path, fingerprint: str, seal: Seal, continues: Callable[[Path], bool] = lambda path: True
) -> Path | None:
    """Return the newest step checkpoint of this run. Incomplete and edited ones, those of another run, and those from which it
    does not continue, are removed."""
    best: tuple[int, Path] | None = None
    for path in filter(Path.is_dir, folder.glob("checkpoint-*")):
        step = path.name.rsplit("-", 1)[1]
        if not step.isdigit() or not seal.holds(path, fingerprint) or not continues(path):
            shutil.rmtree(path, ignore_errors=True)
        elif best is None or int(step) > best[0]:
            best = (int(step), path)
    return best[1] if best else None


def train(
    run: Run,
    out: Path,
    reporter: Reporter,
    build: Callable[[Path], Any],
    tokenizer: Any,
    facts: dict[str, Any],
) -> dict[str, Any]:
    """Train to the end into the folder ``out``, from the last step checkpoint if there is one. Returns the summary.

    ``build`` makes the trainer, given the folder of its step checkpoints; ``facts`` are added to the summary."""
    from transformers import PrinterCallback

    spec = run.spec
    steps = out.with_name(f".steps-{out.name}")
    steps.mkdir(parents=True, exist_ok=True)
    project_learnt_only()
    trainer = build(steps)
    trained_in_float32(trainer.model)
    trainer.remove_callback(PrinterCallback)
    seal = process_seal(out.parent)
    patience = spec.hyperparameters.patience
    if patience and trainer.args.eval_strategy == "no":
        raise BadInput(
            f"{spec.method}: patience needs rows to evaluate on, but none of {spec.eval_path} fit; set it to 0"
        )
    kept = Kept(
        steps / CANDIDATES, spec.hyperparameters, spec.sha256, seal,
        lambda folder: _save(trainer, tokenizer, run, steps, folder),
    )  # fmt: skip
    trainer.add_callback(journal(reporter, spec.sha256, seal))
    trainer.add_callback(watch(kept))
    if spec.hyperparameters.save_minutes:
        trainer.add_callback(saves_by_time(spec.hyperparameters.save_minutes))
    threads = _threads(trainer, spec, steps, reporter)
    resume = ranks.agreed(lambda: last_complete(steps, spec.sha256, seal, kept.continues))
    if resume is not None:
        reporter.emit("resumed", step=int(resume.name.rsplit("-", 1)[1]))
    trainer.train(resume_from_checkpoint=str(resume) if resume else None)
    history = metric_rows(trainer.state.log_history)
    last, planned = trainer.state.global_step, trainer.state.max_steps
    early = last < planned and stops(history, patience)
    if early:
        facts = {
            **facts,
            "stopped": {"patience": patience, "evaluations_without_improvement": without_improvement(history)},
        }
        reporter.emit("stopped", step=last, planned=planned, patience=patience)
    if early or spec.hyperparameters.candidates > 1:
        facts = {**facts, "planned_steps": planned}
    summary = {
        "method": spec.method,
        "profile": spec.profile,
        "seed": spec.seed,
        "spec_sha256": spec.sha256,
        "steps": last,
        "hyperparameters": json.loads(dumps(spec.hyperparameters)),
        "compute": spec.compute,
        **facts,
        "first": history[0] if history else {},
        "last": _last(history),
    }
    if not launched.first():
        kept.save(out / MODEL)
        ranks.wait()
        return summary
    with whole_folder(out) as folder:
        kept.save(folder / MODEL)
        if spec.adapter is not None:
            shutil.move(str(folder / MODEL / ADAPTER), folder / ADAPTER)
        write_jsonl(folder / "metrics.jsonl", history)
        (folder / "summary.json").write_bytes(dumps(summary) + b"\n")
        (folder / MACHINE).write_bytes(dumps({"threads": threads, "ranks": launched.world()}) + b"\n")
        for name, png in plot_metrics(history, spec.method, last if early else None).items():
            (folder / "plots").mkdir(exist_ok=True)
            (folder / "plots" / f"{name}.png").write_bytes(png)
        kept.move(folder, planned, last)  # at the end: a run that is killed after it has to begin again
    seal.put(out, out.parent.name)
    shutil.rmtree(steps, ignore_errors=True)
    ranks.wait()
    return summary


def _threads(trainer: Any, spec: RunSpec, steps: Path, reporter: Reporter) -> int:
    """Choose the number of threads in the first rank and use it in all; those on one host share its processors.

    On a GPU they do not matter, and the pass that is timed would hold all logits of a batch."""
    import torch

    if not on_cpu():
        return int(torch.get_num_threads())

    def choose() -> int:
        most = max(1, cores() // launched.neighbours())
        step = partial(_one_pass, trainer, spec)
        return choose_threads(step, torch.set_num_threads, steps / "threads", reporter, most)

    threads = ranks.agreed(choose)
    torch.set_num_threads(threads)
    return threads


def _one_pass(trainer: Any, spec: RunSpec) -> None:
    """Run forward and backward on the first micro-batch, without an update."""
    import torch

    batch = trainer.data_collator([trainer.train_dataset[at] for at in range(spec.hyperparameters.batch)])
    device = trainer.model.device
    inputs = {name: batch[name].to(device) for name in ("input_ids", "attention_mask")}
    with torch.random.fork_rng(), autocast(device.type, spec.compute):
        loss = trainer.model(**inputs, labels=inputs["input_ids"], use_cache=False).loss
    loss.backward()
    trainer.model.zero_grad(set_to_none=True)


def _save(trainer: Any, tokenizer: Any, run: Run, steps: Path, folder: Path) -> None:
    """Save the weights as they are now as a whole model folder, with a trained adapter in its folder ``adapter``.

    Every rank comes here; the first one writes."""
    spec = run.spec
    trained = steps / ADAPTER
    if spec.adapter is not None:
        trainer.save_model(str(trained))
    if launched.first():
        model = merged(spec.start_path, trained, spec.loaded_as) if spec.adapter is not None else trainer.model
        with stored_as(model, spec.hyperparameters.dtype):
            save_model(model, tokenizer, folder, run.family, base=spec.start_path)
        if spec.adapter is not None:
            keep_adapter(trained, folder / ADAPTER, base_name(spec.track, spec.row.start, spec.path(spec.row.start)))
    ranks.wait()


def _last(history: list[dict[str, Any]]) -> dict[str, Any]:
    """Return the last value of every metric."""
    last: dict[str, Any] = {}
    for row in history:
        last.update(row)
    return last


def train_silently(trainer: Any) -> list[dict[str, Any]]:
    """Train without progress events and return the metric rows."""
    from transformers import PrinterCallback

    project_learnt_only()
    trained_in_float32(trainer.model)
    trainer.remove_callback(PrinterCallback)
    trainer.train()
    return metric_rows(trainer.state.log_history)


def within_length(lengths: list[int], spec: RunSpec, reporter: Reporter) -> list[int]:
    """Return the indices of the rows that fit ``max_length``. Longer ones (under 1 %, or G11 would have failed) are left out and
    counted: truncated ones would train half a call."""
    limit = spec.hyperparameters.max_length
    fitting = [index for index, length in enumerate(lengths) if length <= limit]
    if len(fitting) < len(lengths):
        reporter.emit("left_out", rows=len(lengths) - len(fitting), reason=f"longer than {limit} tokens")
    return fitting
