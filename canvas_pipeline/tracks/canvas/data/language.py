"""Build the stage ``wordings``: how near the language of training and benchmark texts is to that of prompts that people wrote."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from canvas_pipeline.evaluation.charts import shares_png
from canvas_pipeline.pipeline.context import BuildContext
from canvas_pipeline.pipeline.workspace import StageResult
from canvas_pipeline.records import digest, read_jsonl
from canvas_pipeline.storage.store import Writer
from canvas_pipeline.tracks.canvas.bench.benchmark import by_hand
from canvas_pipeline.tracks.canvas.examples.everyday import Language, Text, language, texts_of
from canvas_pipeline.tracks.canvas.rows import BenchCase, Trajectory

FILE = "language.json"


def wordings(context: BuildContext) -> StageResult:
    """Compare the user texts of training rows and bench cases with prompts that people wrote (``language.json``)."""
    rows, cases = context.input("trajectories"), context.input("bench_cases")
    people = [prompt.text for prompt in by_hand(context.workspace)]

    def build(writer: Writer) -> None:
        sources = {
            "training": texts_of(read_jsonl(rows.path(), Trajectory)),
            "benchmark": texts_of(read_jsonl(cases.path(), BenchCase)),
            "people": [Text(text) for text in people],
        }
        writer.json({name: language(texts, people) for name, texts in sources.items()}, FILE)

    inputs = {"trajectories": rows.sha256, "bench_cases": cases.sha256, "people": digest(*people)}
    stage, reused = context.make(build, inputs=inputs)
    found = msgspec.json.decode(stage.path(FILE).read_bytes(), type=dict[str, Language])
    pictures = {
        "everyday forms": shares_png({name: one.forms for name, one in found.items()}, "share of texts with each form"),
        "n-grams of people's prompts that occur": shares_png(
            {name: _covered(one) for name, one in found.items() if name != "people"},
            "share of the n-grams of people's prompts",
        ),
    }
    return StageResult(stage, reused, pictures=pictures, figures=_figures(found))


def _covered(one: Language) -> dict[str, float]:
    return {f"{size} word{'s' if size != '1' else ''}": share for size, share in one.covered.items()}


def _figures(found: Mapping[str, Language]) -> dict[str, Any]:
    training = found["training"]
    return {
        **{f"training texts with {name}": round(share, 3) for name, share in training.forms.items()},
        "people's word pairs in training": round(training.covered["2"], 3),
        "distance of words, training to people (0 to 1)": round(training.divergence, 3),
        "prompts of people": found["people"].texts,
    }
