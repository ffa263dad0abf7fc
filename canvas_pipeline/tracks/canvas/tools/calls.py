"""Define the notation of tool calls and results in Canvas rows: that of the profiles' base models."""

from __future__ import annotations

from canvas_pipeline.models.family import ToolCallFormat
from canvas_pipeline.models.gemma4.calls import GEMMA4_CALLS

CALLS: ToolCallFormat = GEMMA4_CALLS
