"""Apply a function to the free text inside structured strings: native tool calls, tool results, JSON.

Only free text and string values change. Every other byte is kept (markers, names, keys, numbers, spacing), so that whatever parsed
before parses after, with the same shape.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable
from typing import Any

from canvas_pipeline.privacy.courses.masker import CourseMasker
from canvas_pipeline.privacy.identities.pii import Scrubber
from canvas_pipeline.tracks.canvas.tools.calls import CALLS

Change = Callable[[str], str]

_BLOCK = re.compile(r"(<\|tool_call>.*?<tool_call\|>|<\|tool_response>.*?<tool_response\|>)", re.S)
_MARKER = re.compile(r'(<\|[\w"]*\|?>|<\w+\|>|<(?:eos|bos|pad|unk|mask)>)')
_JSON_LITERAL = re.compile(r'"(?:[^"\\]|\\.)*"', re.S)
_LITERAL = re.compile(r'<\|"\|>.*?<\|"\|>|"(?:[^"\\]|\\.)*"', re.S)
_RESPONSE = re.compile(r"<\|tool_response>response:[\w.]+\{", re.S)
# The contributor's own id is not masked, so that their rows can be found and removed.
LINK_FIELDS = frozenset({"contributor_id"})


def scrub_rows(rows: Iterable[Any], scrubber: Scrubber, courses: CourseMasker | None = None) -> list[Any]:
    """Mask every string value of JSON-like rows (sessions, messages, anything nested): courses first, then identities.

    Keys, numbers, native tool-call markup, JSON inside strings and ``contributor_id`` do not change. Returns new plain objects, in
    order.
    """
    kept = list(rows)
    texts: dict[str, str] = {}

    def collect(text: str) -> str:
        texts[text] = courses.mask(text)[0] if courses else text
        return text

    for row in kept:
        change_strings(row, collect)
    scrubbed = scrubber.scrub(list(texts.values()))
    done = {source: result.text for source, result in zip(texts, scrubbed, strict=True)}
    return [change_strings(row, done.__getitem__) for row in kept]


def change_strings(value: Any, change: Change) -> Any:
    """Apply ``change`` to every string of a JSON-like value at any depth, except keys and ``contributor_id``."""
    if isinstance(value, str):
        return change_text(value, change)
    if isinstance(value, dict):
        return {k: v if k in LINK_FIELDS else change_strings(v, change) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [change_strings(item, change) for item in value]
    return value


def change_text(text: str, change: Change) -> str:
    """Apply ``change`` to the free text in a string that may hold native blocks or be JSON."""
    if "|>" in text or "<|" in text or "<eos>" in text:
        return "".join(
            _change_block(part, change) if index % 2 else _change_prose(part, change)
            for index, part in enumerate(_BLOCK.split(text))
        )
    return _change_inner(text, change)


def _change_inner(text: str, change: Change) -> str:
    """Change text that is prose or JSON: a tool's result, or JSON inside a string of JSON at any depth."""
    if text[:1] in ("{", "[", '"') and _is_json(text):
        return _JSON_LITERAL.sub(lambda m: m.group() if _is_key(m) else _change_json(m.group(), change), text)
    return change(text)


def _is_json(text: str) -> bool:
    try:
        json.loads(CALLS.unescape(text))
    except (ValueError, RecursionError):
        return False
    return True


def _change_prose(text: str, change: Change) -> str:
    parts = _MARKER.split(text)
    return "".join(part if index % 2 or not part else change(part) for index, part in enumerate(parts))


def _change_block(block: str, change: Change) -> str:
    response = block.startswith(CALLS.response_open)
    readable = _RESPONSE.match(block) is not None if response else not CALLS.parse(block).malformed
    if not readable:  # malformed: treat all of it as prose, so that no identity remains
        return _change_prose(block, change)
    return _LITERAL.sub(lambda m: m.group() if _is_key(m) else _change_native(m.group(), change), block)


def _is_key(match: re.Match[str]) -> bool:
    return match.string[match.end() : match.end() + 8].lstrip().startswith(":")


def _change_native(literal: str, change: Change) -> str:
    """Change a string in a native block, in native or plain quotes. It may itself be JSON, as a tool's result is."""
    if literal.startswith(CALLS.quote):
        inner = CALLS.unescape(literal[len(CALLS.quote) : -len(CALLS.quote)])
        changed = _change_inner(inner, change)
        return literal if changed == inner else f"{CALLS.quote}{CALLS.escape(changed)}{CALLS.quote}"
    inner = CALLS.unescape(json.loads(literal, strict=False))
    changed = _change_inner(inner, change)
    return literal if changed == inner else json.dumps(CALLS.escape(changed), ensure_ascii=False)


def _change_json(literal: str, change: Change) -> str:
    """Change a string in JSON text that was escaped as a whole (``CALLS.response_text``) or not at all."""
    inner = json.loads(CALLS.unescape(literal), strict=False)
    changed = _change_inner(inner, change)
    return literal if changed == inner else CALLS.escape(json.dumps(changed, ensure_ascii=False))
