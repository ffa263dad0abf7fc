"""Run the sentinels on a base: ``python -m canvas_pipeline.tracks.instruct.base_probe --model FOLDER --profile NAME --out FILE``.

Exit codes: 0 done, whatever the verdict; 1 bad input; 2 a file is missing; 3 the tokenizer is not that of a plain base.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from canvas_pipeline.errors import CanvasPipelineError
from canvas_pipeline.evaluation.generate import Checkpoint, Sampling
from canvas_pipeline.models.families import family
from canvas_pipeline.profiles import profile_named
from canvas_pipeline.records import dumps
from canvas_pipeline.storage.atomic import whole_file
from canvas_pipeline.tracks.instruct.benchmark import MAX_NEW_TOKENS, answer_text
from canvas_pipeline.tracks.instruct.guards import PlainTokenizer, check_base, plain_tokenizer
from canvas_pipeline.tracks.instruct.profiles import PROFILES
from canvas_pipeline.training.progress import reporter
from canvas_pipeline.training.weights import model_folder

MARKERS = (
    "<|im_start|>", "<|im_end|>", "<|endoftext|>", "<start_of_turn>", "<end_of_turn>", "<|turn>", "<turn|>", "<|start_header_id|>",
    "<|end_header_id|>", "<|eot_id|>", "[INST]", "[/INST]", "<|user|>", "<|assistant|>",
)  # fmt: skip
"""Turn markers of common model families. No prompt of a base may tokenise to one of them."""


class Base:
    """A base that continues texts, greedily or by sampling."""

    def __init__(self, folder: Path, profile: str) -> None:
        found = family(profile_named(PROFILES, profile).family_name)
        self._generator = Checkpoint(folder, found, MAX_NEW_TOKENS)

    def generate(self, prompts: Sequence[str], *, temperature: float, seed: int) -> list[str]:
        self._generator.sampling = Sampling(temperature, seed) if temperature else None
        return [answer_text(text) for text, _ in self._generator.generate(prompts)]


def loaded_tokenizer(folder: Path, *, refuse_template: bool) -> PlainTokenizer:
    """Load the folder's tokenizer through ``plain_tokenizer``."""
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(str(folder), local_files_only=True)
    return plain_tokenizer(tokenizer, MARKERS, refuse_template=refuse_template)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the sentinels and return the exit code."""
    parser = argparse.ArgumentParser(description="Run the sentinels on a base model.")
    parser.add_argument("--model", type=Path, required=True)
    parser.add_argument("--profile", required=True)
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args(arguments)
    try:
        with reporter() as report:
            folder = model_folder(options.model)
            # Published bases may ship an unused template; the embedded one has none.
            shipped = profile_named(PROFILES, options.profile).base_model == "embedded"
            tokenizer = loaded_tokenizer(folder, refuse_template=shipped)
            found = check_base(tokenizer, Base(folder, options.profile))
            with whole_file(options.out) as temporary:
                temporary.write_bytes(dumps(found) + b"\n")
            report.emit("finished", command="base_probe", verdict=found.verdict, **report.usage())
    except CanvasPipelineError as error:
        print(f"{type(error).__name__}: {error}", file=sys.stderr)
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())
