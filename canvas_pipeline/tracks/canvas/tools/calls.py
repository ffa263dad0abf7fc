"""The notation in which Canvas rows write tool calls and tool results: that of the base models of its profiles."""

from __future__ import annotations

from canvas_pipeline.models.family import ToolCallFormat
from canvas_pipeline.models.gemma4.calls import GEMMA4_CALLS

CALLS: ToolCallFormat = GEMMA4_CALLS
