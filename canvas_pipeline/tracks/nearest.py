"""Find the text that shares most words with another one: what copying the training rows would answer."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from canvas_pipeline.verifiers.words import words


class NearestText:
    """Texts by their words."""

    def __init__(self, texts: Sequence[str]) -> None:
        self._words = [frozenset(words(text)) for text in texts]
        self._with: dict[str, list[int]] = {}
        for at, found in enumerate(self._words):
            for word in found:
                self._with.setdefault(word, []).append(at)

    def index(self, text: str) -> int:
        """Return the index of the text with the largest Jaccard similarity of words; the first of equal ones."""
        asked = frozenset(words(text))
        common = Counter(at for word in asked for at in self._with.get(word, ()))
        return min(common, key=lambda at: (-common[at] / len(asked | self._words[at]), at), default=0)
