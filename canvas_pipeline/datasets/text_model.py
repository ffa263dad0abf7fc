"""The protocol of a text model that generates training data."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Generated:
    """The output for one prompt. ``tokens`` is its length; ``stopped`` is False at the length limit."""

    text: str
    stopped: bool
    tokens: int


class TextGenerator(Protocol):
    """A text model. It reads plain text without a template, and stops at its end of text or a blank line."""

    name: str

    def generate(
        self, prompts: Sequence[str], *, temperature: float, seed: int, max_new_tokens: int
    ) -> Sequence[Generated]: ...
