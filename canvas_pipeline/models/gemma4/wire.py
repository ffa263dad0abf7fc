"""Serialise and parse Gemma-4 native tool calls.

    <|tool_call>call:NAME{key:value,…}<tool_call|>        strings are <|"|>…<|"|>, keys are bare, several blocks a turn

``parse_turn(serialise(call)).calls == (call,)`` for every JSON-like call; ``parse_turn`` takes any text, runs in linear
time and never raises. A call that cannot be read becomes a ``Malformed`` value with its raw text: it can neither
vanish (and be counted as "the model abstained") nor be shown as an answer.

Accepted: spaces around keys, colons and commas.
Accepted and flagged as lenient: strings in plain ``"…"`` or ``'…'`` (an apostrophe ends one only before a comma, colon, bracket or
the end, so ``'Ana's lab'`` is one string); a doubled brace ``call:f{{…}}``; several calls in one envelope, with or without
``,`` or ``;`` between (all of them, or the block is Malformed).
Ignored: a repeated closing marker after a block; whatever follows ``<eos>``, ``<turn|>`` or ``<|tool_response>``.
Malformed:
- ``True``, ``None``, a trailing comma, ``k=v``, ``call:f(…)``, a hyphen in a name, NaN, Infinity, a duplicate key, text after
  the last brace, a block or a string without its end;
- a thought that does not end, with a call in it or without; thoughts and nothing else;
- ``call:f{…}`` without markers, alone on its lines or at the end of the text;
- another notation (JSON, tags, fences, code, BEGIN_ARG, ReAct, other families' markers and thoughts), or a loop: see
  ``models.notations``.
Neither a call nor Malformed: a call in a closed thought. Text before a ``<channel|>`` without an opening marker is a thought too:
the prompt opened it.
Text: ``call:f{…}`` inside a sentence, in quotes, escaped, or repeated from the input (``input_texts``); a marker mentioned in a
sentence ("The token <|tool_call> opens a call."), which is returned escaped. With a name or a brace after it, or at the start of
its line, the marker opens a call.

Strings, and any text that comes from outside, are escaped (``markers``), so a block ends at the first closing marker.

Source: the Gemma-4 chat template as shipped with TRL (``gemma4_v5.jinja``): keys sorted without regard to case, nested keys
bare.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable
from typing import Any

from canvas_pipeline.errors import BadInput
from canvas_pipeline.models.family import Malformed, ToolCall, Turn
from canvas_pipeline.models.gemma4.blocks import KEY, MAX_DEPTH, Unreadable, read_calls
from canvas_pipeline.models.gemma4.markers import (
    CALL_CLOSE,
    CALL_OPEN,
    QUOTE,
    RESPONSE_CLOSE,
    RESPONSE_OPEN,
    STOPS,
    THOUGHT_CLOSE,
    THOUGHT_OPEN,
    escape,
    unescape,
)
from canvas_pipeline.models.notations import foreign_form

_STOP = re.compile("|".join(re.escape(s) for s in STOPS))
_THOUGHT_MARKER = re.compile(f"{re.escape(THOUGHT_OPEN)}|{re.escape(THOUGHT_CLOSE)}")
_CALL_MARKER = re.compile(f"{re.escape(CALL_OPEN)}|{re.escape(CALL_CLOSE)}")
_ANY_SPECIAL = re.compile(r"<\|\w*>|<\w+\|>|<\|\"\|>|<\|\w+\|>|<(?:eos|bos|pad|unk|mask)>")
_TWO_WORDS = re.compile(r"[\s\"'“”‘’`(),.;:!?–—-]*(?!call\b)[^\W\d_]+[\"'”’`),.;:!?]*(?:\s+[^\W\d_]|\s*\Z)")
_CLOSING_PUNCTUATION = re.compile(r"\s*[\"'”’`).,;:!?]+\s*(?:\Z|[^\W_])")


def serialise(call: ToolCall) -> str:
    """Write a call as native text.

    Raises ``BadInput`` for what the format cannot carry: NaN, infinities, names with other characters than letters, digits, ``_``
    and ``.``, nesting deeper than 64, values that are not JSON-like."""
    if not re.fullmatch(r"[\w.]+", call.name):
        raise BadInput("a tool name may hold letters, digits, '_' and '.' only")
    return f"{CALL_OPEN}call:{call.name}{_mapping(call.arguments, 1)}{CALL_CLOSE}"


def serialise_response(name: str, value: Any) -> str:
    """Write a tool's result as native text: its JSON in one escaped string."""
    return f"{RESPONSE_OPEN}response:{name}{{value:{QUOTE}{response_text(value)}{QUOTE}}}{RESPONSE_CLOSE}"


def response_text(value: Any) -> str:
    """Return a tool's result as the escaped JSON text that a tool message carries (a ``str`` result is JSON too)."""
    return escape(json.dumps(value, ensure_ascii=False, separators=(",", ":")))


def _value(value: Any, depth: int) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return f"{QUOTE}{escape(value)}{QUOTE}"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, float):
        if not math.isfinite(value):
            raise BadInput("NaN and infinities have no native form")
        return repr(value)
    if isinstance(value, dict):
        return _mapping(value, depth + 1)
    if isinstance(value, (list, tuple)):
        if depth >= MAX_DEPTH:
            raise BadInput(f"nested deeper than {MAX_DEPTH}")
        return "[" + ",".join(_value(item, depth + 1) for item in value) + "]"
    raise BadInput(f"a {type(value).__name__} is not a JSON-like value")


def _mapping(mapping: dict[str, Any], depth: int) -> str:
    if depth > MAX_DEPTH:
        raise BadInput(f"nested deeper than {MAX_DEPTH}")
    if not all(isinstance(key, str) for key in mapping):
        raise BadInput("argument names must be strings")
    ordered = sorted(mapping.items(), key=lambda entry: entry[0].lower())
    return "{" + ",".join(f"{serialise_key(key)}:{_value(value, depth)}" for key, value in ordered) + "}"


def serialise_key(key: str) -> str:
    """Write an argument's name: bare if it is a word, else a quoted string."""
    return key if KEY.fullmatch(key) else f"{QUOTE}{escape(key)}{QUOTE}"


def parse_turn(text: str, input_texts: Iterable[str] = ()) -> Turn:
    """Parse a model's output up to its first stop marker. Linear in the length; never raises.

    ``input_texts`` are from the model's input. Their lines are plain words when the model repeats them."""
    stop = _STOP.search(text)
    if stop:
        text = text[: stop.start()]
    calls: list[ToolCall | Malformed] = []
    words: list[str] = []
    parts, thought, open_thought = _without_thoughts(text)
    for part in parts:
        _read_part(part, calls, words)
    if open_thought is not None:
        inside = "call inside a thought that does not end" if CALL_OPEN in open_thought else "thought that does not end"
        calls.append(Malformed(open_thought, inside))
    plain = "".join(words)
    reason = foreign_form(plain, input_texts, escape, unescape) if plain else None
    if reason is not None:
        calls.append(Malformed(plain, reason))
        plain = ""
    plain = _ANY_SPECIAL.sub("", plain).strip()
    if thought and not calls and not plain:
        calls.append(Malformed(text, "thought without an answer"))
    return Turn(tuple(calls), plain)


def _without_thoughts(text: str) -> tuple[list[str], bool, str | None]:
    """Return the parts outside of thoughts, whether there were any thoughts, and the thought still open at the end.

    Text before a closing marker is a thought, also where the prompt opened it."""
    parts: list[str] = []
    since_thought = 0
    position, opened, thought = 0, -1, False
    for marker in _THOUGHT_MARKER.finditer(text):
        thought = True
        if marker.group() == THOUGHT_CLOSE:
            if opened < 0:
                del parts[since_thought:]
            position, opened, since_thought = marker.end(), -1, len(parts)
        elif opened < 0:
            parts.append(text[position : marker.start()])
            since_thought = len(parts)
            opened = marker.start()
    if opened < 0:
        parts.append(text[position:])
    return parts, thought, text[opened:] if opened >= 0 else None


def _read_part(text: str, calls: list[ToolCall | Malformed], words: list[str]) -> None:
    """Read a text without thoughts: its blocks into ``calls``, everything else into ``words``."""
    position, opened = 0, -1
    for marker in _CALL_MARKER.finditer(text):
        part = text[position : marker.start()]
        if marker.group() == CALL_OPEN:
            if opened < 0:
                words.append(part)
            else:
                _read_unterminated(text, opened, marker.start(), calls, words)
            opened = marker.start()
        elif opened >= 0:
            if _mentioned(text, opened, part, marker.end()):
                words += (escape(CALL_OPEN), part, escape(CALL_CLOSE))
            else:
                calls += _read_block(text[opened : marker.end()])
            opened = -1
        elif not part.strip() and position:
            pass  # the closing marker once more
        elif part.strip() and not part.rstrip().endswith(("}", ")", "]")) and _in_sentence(text[marker.end() :][:200]):
            words += (part, escape(CALL_CLOSE))
        else:
            calls.append(Malformed(text[position : marker.end()], "closing marker without an opening one"))
        position = marker.end()
    if opened >= 0:
        _read_unterminated(text, opened, len(text), calls, words)
    else:
        words.append(text[position:])


def _read_unterminated(text: str, start: int, end: int, calls: list[ToolCall | Malformed], words: list[str]) -> None:
    body = text[start + len(CALL_OPEN) : end]
    if _same_line(text, start) and _in_sentence(body[:200]):
        words += (escape(CALL_OPEN), body)
    else:
        calls.append(Malformed(text[start:end], "unterminated block"))


def _mentioned(text: str, start: int, body: str, end: int) -> bool:
    """Tell whether a sentence names both markers: words before, one or two words between, more of it after."""
    return bool(
        len(body) < 40
        and _same_line(text, start)
        and _TWO_WORDS.match(body)
        and text[end : end + 1].strip()
        and _in_sentence(text[end:][:200])
    )


def _same_line(text: str, at: int) -> str:
    """Return the part of a line before a position (its last 200 characters)."""
    return text[max(0, at - 200) : at].rpartition("\n")[2].strip()


def _in_sentence(after: str) -> bool:
    """Tell whether the text after a marker continues as words do, and not as a call does."""
    start = after[:60]
    return "{" not in start and "_" not in start and bool(_TWO_WORDS.match(after) or _CLOSING_PUNCTUATION.match(after))


def _read_block(raw: str) -> list[ToolCall | Malformed]:
    try:
        return [ToolCall(*call) for call in read_calls(raw[len(CALL_OPEN) : -len(CALL_CLOSE)].strip())]
    except Unreadable as reason:
        return [Malformed(raw, str(reason))]
