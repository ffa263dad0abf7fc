"""Count the tokens of native rows in the real vocabulary of 262,144 entries, or from what was counted in it once.

The vocabulary is not ours to ship. It lies in llama.cpp's sources (``models/ggml-vocab-gemma-4.gguf``), which the source
distribution of llama-cpp-python holds, and this counts again with it::

    python -m canvas_pipeline_tests.tracks.canvas.lengths ggml-vocab-gemma-4.gguf

Counts add up by part: the turn of the system message, one declaration for each tool, and the rest of the conversation."""

from __future__ import annotations

import functools
import json
import re
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from canvas_pipeline.evaluation.generate import prompt_text
from canvas_pipeline.models.gemma4.family import GEMMA4
from canvas_pipeline.records import Message
from canvas_pipeline.tracks.canvas.rows import FeedbackExample, PreferencePair, Trajectory
from canvas_pipeline.tracks.canvas.tools.prompt import ALL_TOOLS, declared, prompt, system_message
from canvas_pipeline_tests.tracks.canvas.examples.native import (
    GB10,
    bench_cases,
    feedback_examples,
    pairs,
    trajectories,
)

FILE = Path(__file__).with_suffix(".json")
SYSTEM = system_message("2026-03-02T09:00:00Z", "native")
Count = Callable[[str], int]
_PIECE = re.compile(r'<\|?[a-z_]+\|?>|<\|"\|>|\d| ?[A-Za-z]{1,9}|[^\sA-Za-z\d]|\n')


def goldens() -> Any:
    """What was counted."""
    return json.loads(FILE.read_text(encoding="utf-8"))


def opening(tools: tuple[str, ...]) -> str:
    """The text of the system turn with its declarations."""
    return GEMMA4.render((SYSTEM,), declared(tools, "native")).text


def sides(row: Trajectory | PreferencePair | FeedbackExample) -> Sequence[tuple[Message, ...]]:
    """The whole conversations that a trainer encodes of a row."""
    if isinstance(row, Trajectory):
        return (row.messages,)
    if isinstance(row, PreferencePair):
        return ((*row.prompt, *row.chosen), (*row.prompt, *row.rejected))
    return ((*row.prompt, *row.completion),)


def length(
    row: Trajectory | PreferencePair | FeedbackExample, start: Count, rest: Count, tools: tuple[str, ...] = ()
) -> int:
    """Count a row's longer side: ``start`` counts an opening and ``rest`` what follows. ``tools`` replace the row's own."""
    named = tools or row.tools
    text = opening(named)
    longest = 0
    for side in sides(row):
        whole = GEMMA4.render(side, declared(named, "native")).text
        assert whole.startswith(text)
        longest = max(longest, start(text) + rest(whole[len(text) :]))
    return longest


def estimated(row: Trajectory | PreferencePair | FeedbackExample, tools: tuple[str, ...] = ()) -> int:
    """Count a row from the goldens: the opening exactly, the rest by its pieces, which are up to 5 % off either way."""
    known = goldens()
    named = tools or row.tools
    start = known["system_turn"] + sum(known["declarations"][name] for name in named)
    return length(row, lambda _: start, lambda text: round(len(_PIECE.findall(text)) * known["tokens_a_piece"]), tools)


def quantiles(lengths: Sequence[int]) -> dict[str, int]:
    """Rows, median, 99th percentile and the longest."""
    ordered = sorted(lengths)
    return {
        "rows": len(ordered),
        "p50": ordered[len(ordered) // 2],
        "p99": ordered[int(0.99 * len(ordered))],
        "max": ordered[-1],
    }


def rows() -> Mapping[str, Sequence[Trajectory | PreferencePair | FeedbackExample]]:
    """The native rows of the tests, by data set."""
    return {"trajectory": trajectories(), "preference": pairs(), "feedback": feedback_examples()}


def measured(vocabulary: Path) -> dict[str, Any]:
    """Count everything again with the real vocabulary."""
    import llama_cpp

    model = llama_cpp.Llama(str(vocabulary), vocab_only=True, verbose=False)

    def ids(text: str) -> list[int]:
        return list(model.tokenize(text.encode(), add_bos=False, special=True))

    @functools.cache
    def start(text: str) -> int:
        return len(ids(text))

    bare = len(ids(GEMMA4.render((SYSTEM,), None).text))
    pieces = tokens = 0

    def rest(text: str) -> int:
        nonlocal pieces, tokens
        count = len(ids(text))
        pieces, tokens = pieces + len(_PIECE.findall(text)), tokens + count
        return count

    found: dict[str, Any] = {"vocabulary": model.n_vocab(), "system_turn": bare}
    found["declarations"] = {name: len(ids(opening((name,)))) - bare for name in ALL_TOOLS}
    found["opening_with_all_tools"] = len(ids(opening(ALL_TOOLS)))
    found["as_declared"] = {
        name: quantiles([length(row, start, rest) for row in made]) for name, made in rows().items()
    }
    found["all_tools"] = {
        name: quantiles([length(row, start, rest, ALL_TOOLS) for row in made]) for name, made in rows().items()
    }
    asked = (prompt(case, GB10) for case in bench_cases())
    encoded = sorted(ids(prompt_text(messages, GEMMA4, schemas)) for messages, schemas in asked)
    common = next(at for at, (a, b) in enumerate(zip(encoded[0], encoded[-1], strict=False)) if a != b)
    found["bench"] = {"prompts": len(encoded), "tokens": sum(map(len, encoded)), "common_prefix": common}
    found["tokens_a_piece"] = round(tokens / pieces, 4)
    return found


def main(arguments: Sequence[str]) -> None:
    """Write the goldens again."""
    FILE.write_text(json.dumps(measured(Path(arguments[0])), indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
