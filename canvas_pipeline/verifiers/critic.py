"""Let a model choose the better of two answers, by the log-probability of one token: A or B.

Each pair is presented twice, swapped the second time. A preference counts where both presentations agree after the swap is undone
and both margins are large enough; all others are discarded with a reason. A critic only filters data; verifiers decide what is
right.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal, Protocol

from canvas_pipeline.errors import BadInput
from canvas_pipeline.records import Row

MARGIN = 1.0
"""Minimum difference of the two log-probabilities, in nats."""
FORMS: Mapping[str, tuple[str, ...]] = {"A": ("A", " A"), "B": ("B", " B")}
"""Token forms of each answer; the most likely form counts."""
PROMPT = (
    "Principle: {principle}\n\nRequest: {instruction}\n\nAnswer A: {a}\n\nAnswer B: {b}\n\n"
    "The answer that follows the principle better is Answer"
)

Reason = Literal["critic_low_margin", "critic_position"]


class FirstTokenModel(Protocol):
    """A model that computes log-probabilities of the next token."""

    def first_token_logprobs(self, prompts: Sequence[str], tokens: Sequence[str]) -> Sequence[Mapping[str, float]]:
        """Return, for each prompt, the log-probability of each of these single tokens as the next one.

        A string that is no single token of the model's vocabulary is left out. Where only the likeliest tokens are known, an upper
        bound may stand for a value, which makes a margin at most smaller."""
        ...


class Comparison(Row, frozen=True, kw_only=True):
    """Two answers to one request and the principle to compare them by."""

    id: str
    instruction: str
    first: str
    second: str
    principle: str


class Preference(Row, frozen=True, kw_only=True):
    """The critic's result. ``reason`` is why ``winner`` is None.

    Margins are log-probability of A minus that of B in each presentation, in nats."""

    id: str
    winner: Literal["first", "second"] | None
    reason: Reason | None
    margins: tuple[float, float]


def prefer(model: FirstTokenModel, comparisons: Sequence[Comparison], margin: float = MARGIN) -> list[Preference]:
    """Compare the pairs, in their order. Raises ``BadInput`` where a model has no token for A or B."""
    prompts = [_prompt(c, swapped) for c in comparisons for swapped in (False, True)]
    tokens = [form for forms in FORMS.values() for form in forms]
    margins = [_margin(found) for found in model.first_token_logprobs(prompts, tokens)]
    pairs = zip(comparisons, margins[::2], margins[1::2], strict=True)
    return [_preference(comparison.id, plain, swapped, margin) for comparison, plain, swapped in pairs]


def accepted_share(preferences: Sequence[Preference]) -> float | None:
    """Return the share of comparisons that have a winner, or None where there are no comparisons."""
    return sum(p.winner is not None for p in preferences) / len(preferences) if preferences else None


def _prompt(c: Comparison, swapped: bool) -> str:
    a, b = (c.second, c.first) if swapped else (c.first, c.second)
    return PROMPT.format(principle=c.principle, instruction=c.instruction, a=a, b=b)


def _margin(found: Mapping[str, float]) -> float:
    best = {}
    for answer, forms in FORMS.items():
        present = [found[form] for form in forms if form in found]
        if not present:
            raise BadInput(f"the model has no single token for {answer}; it cannot be the critic")
        best[answer] = max(present)
    return best["A"] - best["B"]


def _preference(id_: str, plain: float, swapped: float, margin: float) -> Preference:
    if min(abs(plain), abs(swapped)) < margin:
        return Preference(id=id_, winner=None, reason="critic_low_margin", margins=(plain, swapped))
    if (plain > 0) == (swapped > 0):
        return Preference(id=id_, winner=None, reason="critic_position", margins=(plain, swapped))
    return Preference(id=id_, winner="first" if plain > 0 else "second", reason=None, margins=(plain, swapped))
