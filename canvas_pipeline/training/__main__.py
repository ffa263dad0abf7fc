"""The training process: ``python -m canvas_pipeline.training train|measure|reference|base``.

In: a run spec's JSON. Out: a checkpoint folder, a measurement, reference rows, or the embedded base; a JSON event a line on
stdout, also into Dagster when started through Pipes. What must hold: all torch work of the line happens in processes like
this one; a refused run writes nothing. Exit codes: 0 done, 1 bad input, 2 something needed is not there, 3 a gate is closed.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path

from canvas_pipeline.errors import CanvasPipelineError
from canvas_pipeline.training.admission import admit, check_batch
from canvas_pipeline.training.allocator import bound
from canvas_pipeline.training.device import require
from canvas_pipeline.training.progress import Reporter, reporter
from canvas_pipeline.training.spec import read_spec


def parser() -> argparse.ArgumentParser:
    """The command line."""
    main = argparse.ArgumentParser(prog="python -m canvas_pipeline.training", description=__doc__.splitlines()[0])
    commands = main.add_subparsers(dest="command", required=True)
    texts = {
        "train": "train the method of a run spec: train spec.json --out checkpoints/dpo",
        "measure": "lengths, masks, a dry run and a mini-train: measure spec.json --out measurement.json",
        "reference": "reference log-probabilities of all pairs: reference spec.json --out rows.jsonl",
    }
    for name, text in texts.items():
        command = commands.add_parser(name, help=text, description=text)
        command.add_argument("spec", type=Path)
        command.add_argument("--out", type=Path, required=True)
    text = "make the embedded base again from its recipe: base --out folder"
    command = commands.add_parser("base", help=text, description=text)
    command.add_argument("--out", type=Path, required=True)
    command.add_argument("--steps", type=int, default=0, help="optimiser steps; 0 takes the recipe's")
    return main


def run(options: argparse.Namespace, report: Reporter) -> None:
    """Do what the command line says; raises a ``CanvasPipelineError``."""
    if options.command == "base":
        from canvas_pipeline.tracks.canvas.mock.canvas import MockCanvas
        from canvas_pipeline.tracks.canvas.tiny_base import build_base

        quiet()
        bound()
        build_base(options.out, MockCanvas, report, options.steps)
        report.say("finished", command="base", out=str(options.out), **report.usage())
        return
    spec = read_spec(options.spec)
    check_batch(spec)
    require(spec.compute)
    if options.command == "train":
        admit(spec)
    quiet()
    bound()
    if not spec.needs_bitsandbytes:
        leave_out("bitsandbytes")
    if options.command == "measure":
        from canvas_pipeline.training.measure import measure

        measurement = measure(spec, report)
        options.out.parent.mkdir(parents=True, exist_ok=True)
        options.out.write_text(json.dumps(measurement, sort_keys=True) + "\n", encoding="utf-8")
    elif options.command == "reference":
        from canvas_pipeline.training.reference import compute

        report.say("written", rows=compute(spec, options.out, report))
    else:
        from canvas_pipeline.training import preference, supervised

        trainer = {
            "sft": supervised.train,
            "pairwise": preference.train_pairs,
            "unpaired": preference.train_feedback,
        }[spec.row.objective]
        trainer(spec, options.out, report)
    report.say("finished", command=options.command, method=spec.method, out=str(options.out), **report.usage())


def leave_out(library: str) -> None:
    """Let nothing in this process import ``library``: PEFT imports bitsandbytes wherever it is installed, which takes seconds."""
    sys.modules.setdefault(library, None)  # type: ignore[arg-type]


def quiet() -> None:
    """Progress goes through the reporter: the libraries' own bars and advice stay silent."""
    import logging
    import warnings

    import datasets
    import transformers

    # Without a kernel of its own it takes PyTorch's: no reason to alarm every reader of a run.
    logging.getLogger("bitsandbytes").setLevel(logging.ERROR)
    datasets.disable_progress_bars()
    transformers.utils.logging.disable_progress_bar()
    transformers.utils.logging.set_verbosity_error()
    warnings.filterwarnings("ignore")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run and return the exit code; an expected error is one line on stderr."""
    options = parser().parse_args(arguments)
    try:
        with reporter() as report:
            try:
                run(options, report)
            except CanvasPipelineError as error:
                report.say("error", text=str(error))  # into the run's log, where there is one
                raise
    except CanvasPipelineError as error:
        print(f"{type(error).__name__}: {error}", file=sys.stderr)
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())
