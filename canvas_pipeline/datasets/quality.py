"""Check the quality of generated training texts: reasons to refuse single rows, and bounds on the whole set.

The report lists every bound with its measured value.
"""

from __future__ import annotations

import operator
import re
import statistics
from collections.abc import Callable, Mapping, Sequence
from typing import Literal

from canvas_pipeline.records import Row

PLACEHOLDERS = frozenset(
    "i'm not sure|i am not sure|i don't know|i do not know|todo|tbd|n/a|none|null|response|answer|your answer here"
    "|insert answer here|placeholder|lorem ipsum|as an ai language model|sorry i cannot".split("|")
)
DELIMITERS = re.compile(
    r"(?im)^\s*(?:instruction|response|question|answer|q|a|user|assistant|human|end)\s*:|^END\s*$|^###|<\|[^|>\s]{1,40}\|>|</?s>"
    r"|\[/?INST\]|<(?:start|end)_of_turn>"
)
_BRACKETED = re.compile(r"^\W*\[[^\]]{0,60}\]\W*$")
_RUN = 4
"""This many repetitions of a phrase in a row are a runaway."""


class TextLimits(Row, frozen=True, kw_only=True):
    """Bounds on one row, in characters."""

    instruction: tuple[int, int] = (3, 500)
    response: tuple[int, int] = (1, 600)


class QualityBounds(Row, frozen=True, kw_only=True):
    """Bounds on a data set. Shares are 0..1 of the generated texts; lengths are tokens."""

    runaway_below: float = 0.05
    token_limit_hits_below: float = 0.10
    delimiter_leaks_most: int = 0
    median_tokens_below: int = 40
    critic_accept_least: float = 0.50


class Measure(Row, frozen=True, kw_only=True):
    """One value with its bound. ``value`` is None where it could not be measured, which does not pass."""

    name: str
    value: float | None
    relation: Literal["<", "<=", ">="]
    bound: float
    passed: bool


class QualityReport(Row, frozen=True, kw_only=True):
    """The result of the quality checks. ``failed`` names the values out of bounds, in their order."""

    rows: int
    passed: bool
    failed: tuple[str, ...]
    measures: tuple[Measure, ...]
    reasons: dict[str, int]


def refusal_reason(instruction: str, response: str, limits: TextLimits | None = None) -> str | None:
    """Return the reason why a row must not be trained on, or None. Funnels count these reasons."""
    limits = limits or TextLimits()
    bare = response.strip()
    if not bare or not instruction.strip():
        return "empty"
    if not limits.instruction[0] <= len(instruction) <= limits.instruction[1]:
        return "instruction_length"
    if len(bare) < limits.response[0]:
        return "too_short"
    if is_placeholder(bare):
        return "placeholder"
    if DELIMITERS.search(response) or DELIMITERS.search(instruction):
        return "delimiter_in_text"
    if is_runaway(bare):
        return "runaway"
    return "too_long" if len(bare) > limits.response[1] else None


def is_placeholder(text: str) -> bool:
    """Tell whether a text is a placeholder for an answer."""
    bare = text.strip().casefold().replace("’", "'").strip(" .!?\"'`*_-")
    return bare in PLACEHOLDERS or bool(_BRACKETED.match(text.strip()))


def is_runaway(text: str) -> bool:
    """Tell whether a phrase of 1–8 words, or a line, occurs at least four times in a row."""
    tokens = text.split()
    return any(_repeats(tokens, size) for size in range(1, 9)) or _repeats(text.split("\n"), 1)


def _repeats(tokens: Sequence[str], size: int) -> bool:
    """Tell whether ``_RUN`` equal blocks of ``size`` tokens follow each other. Linear in the number of tokens."""
    equal = 0
    for at in range(size, len(tokens)):
        equal = equal + 1 if tokens[at] == tokens[at - size] else 0
        if equal >= size * (_RUN - 1):
            return True
    return False


def quality(
    *,
    responses: Sequence[str],
    tokens: Sequence[int],
    stopped: Sequence[bool],
    reasons: Mapping[str, int],
    critic_accept: float | None,
    critic_ran: bool,
    bounds: QualityBounds | None = None,
) -> QualityReport:
    """Check a data set by its generated responses, before any was refused.

    ``tokens`` and ``stopped`` belong to the responses; ``reasons`` are the funnel's refusals, for the report. The share that the
    critic accepted is checked only where a critic ran. Without responses every check fails."""
    bounds = bounds or QualityBounds()
    count = len(responses)
    delimiters = sum(bool(DELIMITERS.search(text)) for text in responses)
    figures: list[tuple[str, float | None, Literal["<", "<=", ">="], float]] = [
        ("runaway", _share([is_runaway(text) for text in responses]), "<", bounds.runaway_below),
        ("token_limit_hits", _share([not done for done in stopped]), "<", bounds.token_limit_hits_below),
        ("delimiter_leaks", delimiters if count else None, "<=", bounds.delimiter_leaks_most),
        ("median_tokens", statistics.median(tokens) if tokens else None, "<", bounds.median_tokens_below),
    ]
    if critic_ran:
        figures.append(("critic_accept", critic_accept, ">=", bounds.critic_accept_least))
    measures = tuple(
        Measure(
            name=name,
            value=value,
            relation=relation,
            bound=bound,
            passed=value is not None and RELATIONS[relation](value, bound),
        )
        for name, value, relation, bound in figures
    )
    failed = tuple(measure.name for measure in measures if not measure.passed)
    return QualityReport(
        rows=count, passed=not failed, failed=failed, measures=measures, reasons=dict(sorted(reasons.items()))
    )


def _share(hits: Sequence[bool]) -> float | None:
    return sum(hits) / len(hits) if hits else None


RELATIONS: Mapping[str, Callable[[float, float], bool]] = {"<": operator.lt, "<=": operator.le, ">=": operator.ge}
