"""Count the tokens of a text as a base model reads it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from canvas_pipeline.models.family import ModelFamily
from canvas_pipeline.training.checkpoint import load_tokenizer
from canvas_pipeline.training.encoding import tokenise


def counter(folder: Path, family: ModelFamily) -> Callable[[str], int]:
    """Return a function that counts a text's tokens. ``folder`` holds the base's tokenizer; one of another family or with another
    chat template is refused. The text includes its BOS."""
    tokenizer = load_tokenizer(folder, family)
    return lambda text: len(tokenise(text, tokenizer)[0])
