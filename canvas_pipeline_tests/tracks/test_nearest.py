"""The nearest text shares most words with what is asked."""

from __future__ import annotations

import random

from hypothesis import given
from hypothesis import strategies as st

from canvas_pipeline.tracks.nearest import NearestText

WORDS = st.lists(st.sampled_from("abcdefgh"), max_size=6).map(" ".join)


@given(st.lists(WORDS, min_size=1, max_size=8), WORDS)
def test_no_text_is_more_similar_and_no_earlier_one_as_similar(texts: list[str], asked: str) -> None:
    def similarity(text: str) -> float:
        mine, other = set(asked.split()), set(text.split())
        return len(mine & other) / max(1, len(mine | other))

    found = NearestText(texts).index(asked)
    assert found == max(range(len(texts)), key=lambda at: (similarity(texts[at]), -at))


def test_case_punctuation_and_order_do_not_count() -> None:
    texts = ["Sort the list.", "Add all numbers of the list", "Reverse it"]
    for text in texts:
        shuffled = random.Random(1).sample(text.upper().rstrip(".").split(), len(text.split()))
        assert texts[NearestText(texts).index("! ".join(shuffled))] == text
