"""Gemma-4's tool calls as a ``ToolCallFormat``.

Separate from the family, so that rows can be built and read without a template or torch."""

from __future__ import annotations

from canvas_pipeline.models.gemma4 import markers, wire


class Gemma4Calls:
    """Native calls in the notation of ``wire``."""

    call_open = markers.CALL_OPEN
    call_close = markers.CALL_CLOSE
    response_open = markers.RESPONSE_OPEN
    response_close = markers.RESPONSE_CLOSE
    quote = markers.QUOTE
    serialise = staticmethod(wire.serialise)
    parse = staticmethod(wire.parse_turn)
    response_text = staticmethod(wire.response_text)
    escape = staticmethod(markers.escape)
    unescape = staticmethod(markers.unescape)


GEMMA4_CALLS = Gemma4Calls()
