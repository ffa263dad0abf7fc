"""Predict baselines that do not read the cases."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from canvas_pipeline.evaluation.benchmark import Prediction
from canvas_pipeline.tracks.canvas.bench.score import expected_calls
from canvas_pipeline.tracks.canvas.rows import BenchCase
from canvas_pipeline.tracks.canvas.tools.calls import CALLS


def trivial(cases: Sequence[BenchCase]) -> dict[str, list[Prediction]]:
    """Predict nothing (``empty``) and always the most frequent call (``majority``).

    The majority's tool is the most frequent first tool, its arguments the most frequent ones of that tool."""
    wanted = [expected_calls(case) for case in cases]
    first = Counter(calls[0].name for calls in wanted if calls)
    text = ""
    if first:
        # Ties go to the first in the alphabet, so that the same cases give the same baseline.
        tool = min(first, key=lambda name: (-first[name], name))
        texts = Counter(CALLS.serialise(calls[0]) for calls in wanted if calls and calls[0].name == tool)
        text = min(texts, key=lambda call: (-texts[call], call))
    return {
        "majority": [Prediction(id=case.id, text=text) for case in cases],
        "empty": [Prediction(id=case.id, text="") for case in cases],
    }
