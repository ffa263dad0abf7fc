"""The markers of the Gemma-4 wire format, and how they are escaped in text from outside.

``escape`` puts one backslash between the characters of every marker (``<|`` ``|>`` ``<eos>`` …), and one more where some are
there already. Nothing else changes, so ``unescape`` is an exact inverse, and escaped text contains no marker."""

from __future__ import annotations

import re

CALL_OPEN, CALL_CLOSE = "<|tool_call>", "<tool_call|>"
RESPONSE_OPEN, RESPONSE_CLOSE = "<|tool_response>", "<tool_response|>"
THOUGHT_OPEN, THOUGHT_CLOSE = "<|channel>", "<channel|>"
QUOTE = '<|"|>'
STOPS = ("<eos>", "<turn|>", RESPONSE_OPEN)

_ESCAPES = (
    (re.compile(r"<(\\*)\|"), r"<\1\\|"),
    (re.compile(r"\|(\\*)>"), r"|\1\\>"),
    (re.compile(r"<(\\*)(eos|bos|pad|unk|mask)>"), r"<\1\\\2>"),
)
_UNESCAPES = (
    (re.compile(r"<(\\*)\\(eos|bos|pad|unk|mask)>"), r"<\1\2>"),
    (re.compile(r"\|(\\*)\\>"), r"|\1>"),
    (re.compile(r"<(\\*)\\\|"), r"<\1|"),
)


def escape(text: str) -> str:
    """Make text from outside inert: it contains no marker afterwards. Exact inverse: ``unescape``."""
    for pattern, replacement in _ESCAPES:
        text = pattern.sub(replacement, text)
    return text


def unescape(text: str) -> str:
    """Invert ``escape``. Text without escaped markers is returned unchanged."""
    for pattern, replacement in _UNESCAPES:
        text = pattern.sub(replacement, text)
    return text
