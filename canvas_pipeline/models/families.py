"""The families there are, and which one a checkpoint belongs to."""

from __future__ import annotations

import json
from pathlib import Path

from canvas_pipeline.errors import BadConfig
from canvas_pipeline.models.family import ModelFamily
from canvas_pipeline.models.gemma4.family import GEMMA4

FAMILIES: tuple[ModelFamily, ...] = (GEMMA4,)


def known_family(folder: Path) -> ModelFamily | None:
    """The family of a checkpoint by the ``model_type`` in its ``config.json``, never by its name; None for another model."""
    try:
        kind = json.loads((folder / "config.json").read_bytes()).get("model_type")
    except (OSError, ValueError, AttributeError):
        return None
    return next((family for family in FAMILIES if kind in family.model_types), None)


def family_of(folder: Path) -> ModelFamily:
    """Like ``known_family``; raises ``BadConfig`` naming the families where the checkpoint belongs to none."""
    found = known_family(folder)
    if found is None:
        names = ", ".join(family.name for family in FAMILIES)
        raise BadConfig(f"{folder}: config.json names no model_type that is known here; use a base model of: {names}")
    return found
