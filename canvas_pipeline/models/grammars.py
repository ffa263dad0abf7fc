"""Look up the grammar of a turn by the model's family, for llama.cpp's constrained decoding."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from canvas_pipeline.errors import BadConfig
from canvas_pipeline.models.family import Schemas
from canvas_pipeline.models.gbnf import Grammar
from canvas_pipeline.models.gemma4 import grammar as gemma4

NOTATIONS: Mapping[str, Callable[[Schemas], Grammar]] = {"gemma4": gemma4.grammar}


def grammar(family_name: str, tools: Schemas) -> Grammar:
    """Return the grammar of a turn of a family with these tools declared.

    Raises ``BadConfig`` for a family whose calls have no grammar here, ``BadInput`` for a schema that it cannot express."""
    if family_name not in NOTATIONS:
        raise BadConfig(f"there is no grammar for the calls of {family_name}; there is one for: {', '.join(NOTATIONS)}")
    return NOTATIONS[family_name](tools)
