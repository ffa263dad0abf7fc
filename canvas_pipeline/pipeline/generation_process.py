"""Runs generation in a process of its own: ``python -m canvas_pipeline.pipeline.generation_process --track NAME …``.

Exit codes: 0 done, 1 bad input, 2 something needed is not there. Under a launcher (``training.launcher``, ``torchrun``) several
such processes answer one file of cases.
"""

from __future__ import annotations

import argparse
import hashlib
import sys
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import msgspec

from canvas_pipeline.errors import BadConfig, CanvasPipelineError
from canvas_pipeline.evaluation.generate import Generator, Sampling, generate, load, prompt_text
from canvas_pipeline.evaluation.served import opened
from canvas_pipeline.models.families import family as family_named
from canvas_pipeline.models.gbnf import Grammars
from canvas_pipeline.pipeline.track import track_named
from canvas_pipeline.profiles import profile_named
from canvas_pipeline.records import read_jsonl
from canvas_pipeline.storage.known_digests import KnownDigests
from canvas_pipeline.storage.seal import process_seal
from canvas_pipeline.training import launched, ranks
from canvas_pipeline.training.progress import reporter


def parser() -> argparse.ArgumentParser:
    """The command line."""
    main = argparse.ArgumentParser(
        prog="python -m canvas_pipeline.pipeline.generation_process",
        description="Generate predictions for the benchmark cases in a file.",
    )
    main.add_argument("--track", required=True)
    main.add_argument("--backend", choices=("hf", "gguf", "served"), required=True)
    main.add_argument("--model", type=Path, required=True)
    main.add_argument("--cases", type=Path, required=True)
    main.add_argument("--profile", required=True)
    main.add_argument("--out", type=Path, required=True)
    main.add_argument("--context", type=int, default=4096, help="tokens of context for gguf")
    main.add_argument("--temperature", type=float, default=0.0, help="0 is greedy; above it, hf samples")
    main.add_argument("--seed", type=int, default=0, help="of the samples")
    main.add_argument("--grammars", type=Path, help="gguf: file of the grammars to answer under, by the case's id")
    main.add_argument("--address", default="", help="served: base URL of a server that has the model already")
    main.add_argument(
        "--serve", default="", help="served: a command that serves {model} as {name} on {port}, run meanwhile"
    )
    main.add_argument(
        "--answers", type=Path, help="served: folder of the answers, kept for later runs (default: beside --out)"
    )
    return main


def main(arguments: Sequence[str] | None = None) -> int:
    """Run and return the exit code."""
    options = parser().parse_args(arguments)
    try:
        if options.backend == "hf":
            ranks.one_device()
        elif launched.world() > 1:
            raise BadConfig(
                "llama.cpp computes on all cores by itself; start it without a launcher of several processes"
            )
        ranks.start()
        with reporter() as report:
            track = track_named(options.track)
            benchmark, sizes = track.benchmark, profile_named(track.profiles, options.profile)
            family, limit = family_named(sizes.family_name), benchmark.limit(sizes)
            cases: list[Any] = list(read_jsonl(options.cases, benchmark.case_type))
            asked = (benchmark.prompt(case, sizes) for case in cases)
            prompts = [prompt_text(messages, family, tools) for messages, tools in asked]
            sampling = Sampling(options.temperature, options.seed) if options.temperature else None
            seal = process_seal(options.out.parent)
            weights, asked_for = ranks.agreed(
                lambda: tuple(map(KnownDigests(seal).path, (options.model, options.cases)))
            )
            raw = options.grammars.read_bytes() if options.grammars else b""
            grammars = msgspec.json.decode(raw, type=Grammars) if raw else None
            if grammars is not None and options.backend != "gguf":
                raise BadConfig("llama.cpp alone answers under a grammar here: --grammars goes with --backend gguf")
            names = (options.backend, weights, asked_for, str(limit), str(sampling), hashlib.sha256(raw).hexdigest())
            key = hashlib.sha256("\n".join(names).encode()).hexdigest()
            with ExitStack() as stack:
                if options.backend == "served":
                    served = opened(
                        options.model, family, options.track, options.answers or options.out.parent / "answers",
                        address=options.address, serve=options.serve, limit=limit, sampling=sampling, weights=weights,
                    )  # fmt: skip
                    generator: Generator = stack.enter_context(served)
                else:
                    generator = load(options.backend, options.model, family, limit, options.context, sampling, grammars)
                generate(generator, cases, prompts, options.out, key, report, seal)
            if launched.first():
                seal.put(options.out, options.out.parent.name)
            report.emit("finished", command="generate", rows=len(cases), out=str(options.out), **report.usage())
        ranks.stop()
    except CanvasPipelineError as error:
        print(f"{type(error).__name__}: {error}", file=sys.stderr)
        return error.exit_code
    except Exception as error:
        return ranks.ended_by(error)
    return 0


if __name__ == "__main__":
    sys.exit(main())
