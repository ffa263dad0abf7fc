"""Gemma-4 native tool calls: serialise and parse, side by side.

    <|tool_call>call:NAME{key:value,…}<tool_call|>        strings are <|"|>…<|"|>, keys are bare, several blocks a turn

In: what a model wrote (any text, up to megabytes). Out: a ``Turn`` of ``ToolCall`` and ``Malformed`` values and the text
around them. What must hold: ``parse_turn(serialise(call)).calls == (call,)`` for every JSON-like call; ``parse_turn``
answers in linear time and never raises; a block that cannot be read is a ``Malformed`` value with its raw text, so it can
neither vanish (and be counted as "the model abstained") nor be shown as an answer.

Escaping: inside strings, and in any text that comes from outside, one backslash is put between the characters of every
marker (``<|`` ``|>`` ``<eos>`` …), and one more where some stand there already; nothing else is changed, so ``unescape``
is an exact inverse. Escaped text holds no marker, hence a block always ends at the first closing marker.

Source: the Gemma-4 chat template as shipped with TRL (``gemma4_v5.jinja``): keys sorted without regard to case, nested keys
bare.
"""

from __future__ import annotations

import json
import math
import re
from dataclasses import dataclass, field
from typing import Any

from canvas_pipeline.errors import BadInput

CALL_OPEN, CALL_CLOSE = "<|tool_call>", "<tool_call|>"
RESPONSE_OPEN, RESPONSE_CLOSE = "<|tool_response>", "<tool_response|>"
QUOTE = '<|"|>'
STOPS = ("<eos>", "<turn|>", RESPONSE_OPEN)
MAX_DEPTH = 64

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
_MARKER = re.compile(r"<\|tool_call>|<tool_call\|>")
_STOP = re.compile("|".join(re.escape(s) for s in STOPS))
_THOUGHT = re.compile(r"<\|channel>.*?(?:<channel\|>|\Z)", re.S)
_ANY_SPECIAL = re.compile(r"<\|\w*>|<\w+\|>|<\|\"\|>|<\|\w+\|>|<(?:eos|bos|pad|unk|mask)>")
_BARE_CALL = re.compile(r"\bcall:[\w.\-]+\s*[{(]")
_NAME = re.compile(r"call:([\w.]+)")
_KEY = re.compile(r"\w+")
_SPACE = re.compile(r"\s*")
_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?")
_PLAIN_STRING = re.compile(r'"(?:[^"\\]|\\.)*"', re.S)
_WORD = re.compile(r"[A-Za-z_]\w*")
_CONSTANTS = {"true": True, "false": False, "null": None}


@dataclass(frozen=True, slots=True)
class ToolCall:
    """One readable call. ``lenient`` says it was written with plain quotes; it does not take part in equality."""

    name: str
    arguments: dict[str, Any] = field(default_factory=dict)
    lenient: bool = field(default=False, compare=False)


@dataclass(frozen=True, slots=True)
class Malformed:
    """A block that was meant as a call and cannot be read."""

    raw: str
    reason: str


@dataclass(frozen=True, slots=True)
class Turn:
    """What a model said: calls in order, and the text outside of them without any marker."""

    calls: tuple[ToolCall | Malformed, ...] = ()
    text: str = ""

    @property
    def well_formed(self) -> tuple[ToolCall, ...]:
        return tuple(c for c in self.calls if isinstance(c, ToolCall))

    @property
    def malformed(self) -> tuple[Malformed, ...]:
        return tuple(c for c in self.calls if isinstance(c, Malformed))


def escape(text: str) -> str:
    """Make text from outside inert: it contains no marker afterwards. Exact inverse: ``unescape``."""
    for pattern, replacement in _ESCAPES:
        text = pattern.sub(replacement, text)
    return text


def unescape(text: str) -> str:
    """The inverse of ``escape`` on its image; text without escaped markers is returned unchanged."""
    for pattern, replacement in _UNESCAPES:
        text = pattern.sub(replacement, text)
    return text


def serialise(call: ToolCall) -> str:
    """A call as native text. Raises ``BadInput`` for what the format cannot carry (NaN, infinities, names with other
    characters than letters, digits, ``_`` and ``.``, nesting deeper than 64, values that are not JSON-like)."""
    if not re.fullmatch(r"[\w.]+", call.name):
        raise BadInput("a tool name may hold letters, digits, '_' and '.' only")
    return f"{CALL_OPEN}call:{call.name}{_mapping(call.arguments, 1)}{CALL_CLOSE}"


def serialise_response(name: str, value: Any) -> str:
    """A tool's result as native text: its JSON in one escaped string."""
    return f"{RESPONSE_OPEN}response:{name}{{value:{QUOTE}{response_text(value)}{QUOTE}}}{RESPONSE_CLOSE}"


def response_text(value: Any) -> str:
    """A tool's result as the escaped JSON text that a tool message carries (a ``str`` result is JSON too)."""
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
    return "{" + ",".join(f"{_key(key)}:{_value(value, depth)}" for key, value in ordered) + "}"


def _key(key: str) -> str:
    return key if _KEY.fullmatch(key) else f"{QUOTE}{escape(key)}{QUOTE}"


def parse_turn(text: str) -> Turn:
    """Read what a model wrote, up to its first stop marker. Linear in the length; never raises."""
    stop = _STOP.search(text)
    if stop:
        text = text[: stop.start()]
    calls: list[ToolCall | Malformed] = []
    outside: list[str] = []
    position, opened = 0, -1
    for marker in _MARKER.finditer(text):
        if marker.group() == CALL_OPEN:
            if opened >= 0:
                calls.append(Malformed(text[opened : marker.start()], "unterminated block"))
            else:
                outside.append(text[position : marker.start()])
            opened = marker.start()
        elif opened >= 0:
            calls.append(_parse_block(text[opened : marker.end()]))
            opened = -1
        else:
            calls.append(Malformed(text[position : marker.end()], "closing marker without an opening one"))
        position = marker.end()
    if opened >= 0:
        calls.append(Malformed(text[opened:], "unterminated block"))
    else:
        outside.append(text[position:])
    plain = _THOUGHT.sub("", "".join(outside)) if "<|channel>" in text else "".join(outside)
    if _BARE_CALL.search(plain):
        calls.append(Malformed(plain, "call without its envelope"))
        plain = ""
    return Turn(tuple(calls), _ANY_SPECIAL.sub("", plain).strip())


class _Unreadable(Exception):
    """Why a block cannot be read; becomes a ``Malformed``."""


def _parse_block(raw: str) -> ToolCall | Malformed:
    body = raw[len(CALL_OPEN) : -len(CALL_CLOSE)].strip()
    try:
        head = _NAME.match(body)
        if head is None:
            raise _Unreadable("does not start with call:NAME")
        reader = _Reader(body, head.end())
        arguments = reader.mapping(1)
        reader.skip()
        if reader.at < len(body):
            raise _Unreadable("text after the closing brace")
    except _Unreadable as reason:
        return Malformed(raw, str(reason))
    return ToolCall(head.group(1), arguments, reader.lenient)


class _Reader:
    """A cursor over one block's body; depth is bounded, so recursion is too."""

    def __init__(self, body: str, at: int) -> None:
        self.body = body
        self.at = at
        self.lenient = False

    def skip(self) -> None:
        match = _SPACE.match(self.body, self.at)
        self.at = match.end() if match else self.at

    def take(self, token: str) -> bool:
        self.skip()
        if self.body.startswith(token, self.at):
            self.at += len(token)
            return True
        return False

    def need(self, token: str, where: str) -> None:
        if not self.take(token):
            found = self.body[self.at : self.at + 1]
            if found == "=" and token == ":":
                raise _Unreadable("'=' where ':' belongs")
            raise _Unreadable(f"expected '{token}' {where}" if found else f"ends where '{token}' belongs ({where})")

    def mapping(self, depth: int) -> dict[str, Any]:
        if depth > MAX_DEPTH:
            raise _Unreadable(f"nested deeper than {MAX_DEPTH}")
        self.need("{", "before arguments")
        result: dict[str, Any] = {}
        if self.take("}"):
            return result
        while True:
            key = self.key()
            self.need(":", "after an argument name")
            if key in result:
                raise _Unreadable("duplicate key")
            result[key] = self.value(depth)
            if self.take("}"):
                return result
            self.need(",", "between arguments")

    def key(self) -> str:
        self.skip()
        if self.body.startswith(QUOTE, self.at):
            return self.quoted()
        if self.body.startswith('"', self.at):
            return self.plain_string()
        match = _KEY.match(self.body, self.at)
        if match is None:
            raise _Unreadable("expected an argument name")
        self.at = match.end()
        return match.group()

    def value(self, depth: int) -> Any:
        self.skip()
        body, at = self.body, self.at
        if body.startswith(QUOTE, at):
            return self.quoted()
        first = body[at : at + 1]
        if first == '"':
            return self.plain_string()
        if first == "{":
            return self.mapping(depth + 1)
        if first == "[":
            return self.sequence(depth + 1)
        if first == "'":
            raise _Unreadable("single-quoted string")
        if first == "-" or first.isdigit():
            return self.number()
        word = _WORD.match(body, at)
        if word and word.group() in _CONSTANTS:
            self.at = word.end()
            return _CONSTANTS[word.group()]
        if word and word.group() in ("True", "False", "None"):
            raise _Unreadable("Python literal where true, false or null belongs")
        if word and word.group() in ("NaN", "Infinity", "inf", "nan"):
            raise _Unreadable("NaN and infinities are no values")
        raise _Unreadable("bare word where a value belongs" if word else "expected a value")

    def sequence(self, depth: int) -> list[Any]:
        if depth > MAX_DEPTH:
            raise _Unreadable(f"nested deeper than {MAX_DEPTH}")
        self.need("[", "before a list")
        result: list[Any] = []
        if self.take("]"):
            return result
        while True:
            result.append(self.value(depth))
            if self.take("]"):
                return result
            self.need(",", "between list values")

    def quoted(self) -> str:
        start = self.at + len(QUOTE)
        end = self.body.find(QUOTE, start)
        if end < 0:
            raise _Unreadable("unterminated string")
        self.at = end + len(QUOTE)
        return unescape(self.body[start:end])

    def plain_string(self) -> str:
        match = _PLAIN_STRING.match(self.body, self.at)
        if match is None:
            raise _Unreadable("unterminated string")
        try:
            value = json.loads(match.group(), strict=False)
        except ValueError:
            raise _Unreadable("bad escape in a plain string") from None
        self.lenient = True
        self.at = match.end()
        return unescape(str(value))

    def number(self) -> int | float:
        match = _NUMBER.match(self.body, self.at)
        after = self.body[match.end() : match.end() + 1] if match else ""
        if match is None or after.isalnum() or after in ("_", "."):
            if self.body.startswith("-Infinity", self.at):
                raise _Unreadable("NaN and infinities are no values")
            raise _Unreadable("not a number")
        self.at = match.end()
        try:
            if match.group(1) or match.group(2):
                value = float(match.group())
                if not math.isfinite(value):
                    raise _Unreadable("number out of range")
                return value
            return int(match.group())
        except ValueError:
            raise _Unreadable("number out of range") from None
