"""The critic counts a preference only where two presentations agree by a wide margin."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pytest

from canvas_pipeline.errors import BadInput
from canvas_pipeline.verifiers.critic import Comparison, accepted_share, prefer


class Liking:
    """A model that likes texts by their number of exclamation marks, and A by ``bias`` nats more."""

    def __init__(self, bias: float = 0.0, forms: Sequence[str] = (" A", " B")) -> None:
        self.bias, self.forms = bias, forms

    def first_token_logprobs(self, prompts: Sequence[str], tokens: Sequence[str]) -> list[Mapping[str, float]]:
        found = []
        for prompt in prompts:
            a, b = (prompt.split(f"Answer {name}: ")[1].split("\n")[0].count("!") for name in "AB")
            logprobs = {"A": -9.0, " A": a + self.bias - 9, "B": -9.5, " B": b - 9.0}
            found.append({token: logprobs[token] for token in tokens if token in self.forms})
        return found


def _pair(first: str, second: str) -> Comparison:
    return Comparison(id="c", instruction="Say {hello}.", first=first, second=second, principle="Be lively.")


@pytest.mark.parametrize(
    ("first", "second", "bias", "winner", "reason"),
    [
        ("hello!!", "hello", 0.0, "first", None),
        ("hello", "hello {x}!!", 0.0, "second", None),
        ("hello", "hello", 0.0, None, "critic_low_margin"),
        ("hello!!", "hello", 1.5, None, "critic_low_margin"),
        ("hello!", "hello", 5.0, None, "critic_position"),
    ],
)
def test_a_preference_needs_two_wide_margins_that_agree(
    first: str, second: str, bias: float, winner: str | None, reason: str | None
) -> None:
    [found] = prefer(Liking(bias), [_pair(first, second)])

    assert (found.winner, found.reason) == (winner, reason)


def test_the_share_of_accepted_comparisons_is_computed() -> None:
    found = prefer(Liking(), [_pair("a!!", "b"), _pair("a", "b")]) + prefer(Liking(9), [_pair("a!!", "b")])

    assert accepted_share(found) == pytest.approx(1 / 3)
    assert accepted_share([]) is None


def test_a_model_without_the_tokens_cannot_be_the_critic() -> None:
    with pytest.raises(BadInput, match="token for B"):
        prefer(Liking(forms=("A",)), [_pair("a", "b")])
