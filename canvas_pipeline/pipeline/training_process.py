"""Train, measure, or compute reference log-probabilities, in a process of its own.

``python -m canvas_pipeline.pipeline.training_process train|measure|reference`` reads a run spec and writes a checkpoint folder, a
measurement or reference rows. Events are JSON, a line each, on stdout, and in Dagster's log where it was started through Pipes.
Only processes like this one load torch. A refused run writes nothing. Exit codes: 0 done, 1 bad input, 2 something needed is
missing, 3 a gate is closed. Under a launcher (``training.launcher``, ``torchrun``) several such processes train one run.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path

from canvas_pipeline.errors import BadConfig, CanvasPipelineError, GateClosed
from canvas_pipeline.pipeline.track import track_named
from canvas_pipeline.profiles import digest_of, profile_named
from canvas_pipeline.storage.seal import process_seal
from canvas_pipeline.training import launched, ranks
from canvas_pipeline.training.admission import admit, check_batch
from canvas_pipeline.training.allocator import bound
from canvas_pipeline.training.device import require
from canvas_pipeline.training.libraries import leave_out, quiet
from canvas_pipeline.training.progress import Reporter, reporter
from canvas_pipeline.training.run import Run
from canvas_pipeline.training.spec import SPEC, read_spec


def parser() -> argparse.ArgumentParser:
    """The command line."""
    main = argparse.ArgumentParser(
        prog="python -m canvas_pipeline.pipeline.training_process", description=__doc__.splitlines()[0]
    )
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
    return main


def run(options: argparse.Namespace, report: Reporter) -> None:
    """Do what the command line says; raises a ``CanvasPipelineError``."""
    spec = read_spec(options.spec)
    track = track_named(spec.track)
    profile = profile_named(track.profiles, spec.profile)
    if digest_of(profile) != spec.sizes:
        raise GateClosed(f"the profile {profile.name} has other sizes than when the run spec was made; make it again")
    read = Run(spec, track.datasets[spec.row.dataset], profile, track.numbers(spec.method, profile.name))
    check_batch(spec)
    if options.command == "train":
        ranks.accumulation(spec.hyperparameters, launched.world())
    if options.command == "measure" and launched.world() > 1:
        raise BadConfig("a measurement is the work of one process; start it without a launcher of several")
    require(spec.compute)
    if options.command == "train" and launched.first():
        if not process_seal(options.spec.parent).holds(options.spec, SPEC):
            raise GateClosed(
                f"{options.spec}: this run spec does not carry the data folder's seal; it was written or edited by hand, or made "
                f"elsewhere. Materialise {spec.method}_checkpoint, or use canvas-train"
            )
        admit(track.guards, read)
    ranks.start()
    ranks.wait()  # for the first one's admission
    quiet()
    bound()
    if not spec.needs_bitsandbytes:
        leave_out("bitsandbytes")
    if options.command == "measure":
        from canvas_pipeline.training.measure import measure

        measurement = measure(read, report)
        options.out.parent.mkdir(parents=True, exist_ok=True)
        options.out.write_text(json.dumps(measurement, sort_keys=True) + "\n", encoding="utf-8")
    elif options.command == "reference":
        from canvas_pipeline.training.reference import compute

        report.emit("written", rows=compute(read, options.out, report))
    else:
        from canvas_pipeline.training import preference, supervised

        trainer = {
            "sft": supervised.train,
            "pairwise": preference.train_pairs,
            "unpaired": preference.train_feedback,
        }[spec.row.objective]
        trainer(read, options.out, report)
    report.emit("finished", command=options.command, method=spec.method, out=str(options.out), **report.usage())


def main(arguments: Sequence[str] | None = None) -> int:
    """Run and return the exit code; an expected error is one line on stderr."""
    options = parser().parse_args(arguments)
    ranks.one_device()
    try:
        with reporter() as report:
            try:
                run(options, report)
            except CanvasPipelineError as error:
                report.emit("error", text=str(error))  # into the run's log, where there is one
                raise
        ranks.stop()
    except CanvasPipelineError as error:
        print(f"{type(error).__name__}: {error}", file=sys.stderr)
        return error.exit_code
    except Exception as error:
        return ranks.ended_by(error)
    return 0


if __name__ == "__main__":
    sys.exit(main())
