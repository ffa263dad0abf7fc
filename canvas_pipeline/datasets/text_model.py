"""What data making needs of a model that writes text."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Generated:
    """What a model said to one prompt. ``tokens`` counts it; ``stopped`` is False at the length limit."""

    text: str
    stopped: bool
    tokens: int


class Generator(Protocol):
    """A model that writes. It sees text alone, without any template, and stops at its end of text or a blank line."""

    name: str

    def generate(
        self, prompts: Sequence[str], *, temperature: float, seed: int, max_new_tokens: int
    ) -> Sequence[Generated]: ...
