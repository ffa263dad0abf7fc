"""Gemma-4's tool calls as a ``ToolCallFormat``.

Separate from the family, so that rows can be built and read without a template or torch."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from canvas_pipeline.models.family import ToolCall, Turn
from canvas_pipeline.models.gemma4 import wire


class Gemma4Calls:
    """Native calls in the notation of ``wire``."""

    call_open = wire.CALL_OPEN
    call_close = wire.CALL_CLOSE
    response_open = wire.RESPONSE_OPEN
    response_close = wire.RESPONSE_CLOSE
    quote = wire.QUOTE

    def serialise(self, call: ToolCall) -> str:
        return wire.serialise(call)

    def parse(self, text: str, input_texts: Iterable[str] = ()) -> Turn:
        return wire.parse_turn(text, input_texts)

    def response_text(self, value: Any) -> str:
        return wire.response_text(value)

    def escape(self, text: str) -> str:
        return wire.escape(text)

    def unescape(self, text: str) -> str:
        return wire.unescape(text)


GEMMA4_CALLS = Gemma4Calls()
