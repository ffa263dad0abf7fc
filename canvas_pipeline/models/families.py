"""Look up model families by name and by checkpoint."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from canvas_pipeline.errors import BadConfig
from canvas_pipeline.models.family import ModelFamily
from canvas_pipeline.models.gemma3 import GEMMA3
from canvas_pipeline.models.gemma4.family import GEMMA4
from canvas_pipeline.models.llama3 import LLAMA3
from canvas_pipeline.models.llama4 import LLAMA4
from canvas_pipeline.models.plain import Plain
from canvas_pipeline.models.qwen3 import QWEN3

CHAT_FAMILIES: tuple[ModelFamily, ...] = (GEMMA4, GEMMA3, LLAMA3, LLAMA4, QWEN3)
FAMILIES: Mapping[str, ModelFamily] = {
    family.name: family for family in (*CHAT_FAMILIES, *(Plain(family) for family in CHAT_FAMILIES))
}
"""Every family by name. ``plain-NAME`` is the base models with the architecture and tokenizer of ``NAME``."""


def family(name: str) -> ModelFamily:
    """Look up a family. Raises ``BadConfig`` that lists the known ones."""
    try:
        return FAMILIES[name]
    except KeyError:
        raise BadConfig(f"there is no model family {name!r}; choose one of: {', '.join(FAMILIES)}") from None


def known_family(folder: Path) -> ModelFamily | None:
    """Return the chat family of a checkpoint by ``model_type`` in its ``config.json``, or None for another model."""
    try:
        kind = json.loads((folder / "config.json").read_bytes()).get("model_type")
    except (OSError, ValueError, AttributeError):
        return None
    return next((family for family in CHAT_FAMILIES if kind in family.model_types), None)


def family_of(folder: Path) -> ModelFamily:
    """Like ``known_family``, but raises ``BadConfig`` that lists the families where the checkpoint belongs to none."""
    found = known_family(folder)
    if found is None:
        names = ", ".join(family.name for family in CHAT_FAMILIES)
        raise BadConfig(f"{folder}: config.json names no model_type that is known here; use a base model of: {names}")
    return found
