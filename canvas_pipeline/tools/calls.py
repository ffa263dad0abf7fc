"""The family of the Canvas models, in whose notation Canvas rows write tool calls and tool results."""

from __future__ import annotations

from canvas_pipeline.models.family import ModelFamily, ToolCallFormat
from canvas_pipeline.models.gemma4.family import GEMMA4

FAMILY: ModelFamily = GEMMA4
CALLS: ToolCallFormat = FAMILY.calls
