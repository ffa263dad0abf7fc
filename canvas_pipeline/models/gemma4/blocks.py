"""Parse the text between ``<|tool_call>`` and ``<tool_call|>``: one or more ``call:NAME{…}``.

The cursor only moves forward, so parsing is linear in the length; nesting and recursion are bounded. The docstring of ``wire``
lists what is accepted."""

from __future__ import annotations

import json
import math
import re
from typing import Any

from canvas_pipeline.models.gemma4.markers import QUOTE, unescape

MAX_DEPTH = 64
KEY = re.compile(r"\w+")
_NAME = re.compile(r"call:([\w.]+)")
_SPACE = re.compile(r"\s*")
_BETWEEN_CALLS = re.compile(r"\s*[,;]?\s*(?=call:)")
_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?")
_PLAIN_STRING = re.compile(r'"(?:[^"\\]|\\.)*+"', re.S)
# An apostrophe ends the string only where one can end: before a comma, a colon, a bracket or the end.
_SINGLE_STRING = re.compile(r"'(?:[^'\\]|\\.|'(?!\s*(?:[,:\]}]|\Z)))*+'", re.S)
_INNER_QUOTES = re.compile(r'\\.|"', re.S)
_WORD = re.compile(r"[A-Za-z_]\w*")
_CONSTANTS = {"true": True, "false": False, "null": None}


class Unreadable(Exception):
    """Why a block cannot be read."""


def read_calls(body: str) -> list[tuple[str, dict[str, Any], bool]]:
    """Return each call's name, its arguments, and whether its notation is not the canonical one.

    Raises ``Unreadable``: a block is read as a whole or not at all."""
    calls: list[tuple[str, dict[str, Any], bool]] = []
    at = 0
    while True:
        head = _NAME.match(body, at)
        if head is None:
            raise Unreadable("does not start with call:NAME")
        reader = Reader(body, head.end())
        calls.append((head.group(1), reader.arguments(), reader.lenient))
        following = _BETWEEN_CALLS.match(body, reader.at)
        if following is None:
            break
        at = following.end()
    reader.skip()
    if reader.at < len(body):
        raise Unreadable("text after the closing brace")
    return [(name, arguments, lenient or len(calls) > 1) for name, arguments, lenient in calls]


class Reader:
    """A cursor over a block's body."""

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
                raise Unreadable("'=' where ':' belongs")
            raise Unreadable(f"expected '{token}' {where}" if found else f"ends where '{token}' belongs ({where})")

    def arguments(self) -> dict[str, Any]:
        """Read the mapping after the name. Braces doubled on both sides (as in a format string) count as one."""
        self.skip()
        doubled = self.body.startswith("{{", self.at)
        self.at += doubled
        result = self.mapping(1)
        if doubled:
            self.need("}", "after a doubled brace")
            self.lenient = True
        return result

    def mapping(self, depth: int) -> dict[str, Any]:
        if depth > MAX_DEPTH:
            raise Unreadable(f"nested deeper than {MAX_DEPTH}")
        self.need("{", "before arguments")
        result: dict[str, Any] = {}
        if self.take("}"):
            return result
        while True:
            key = self.key()
            self.need(":", "after an argument name")
            if key in result:
                raise Unreadable("duplicate key")
            result[key] = self.value(depth)
            if self.take("}"):
                return result
            self.need(",", "between arguments")

    def key(self) -> str:
        self.skip()
        if self.body.startswith(QUOTE, self.at):
            return self.quoted()
        if self.body.startswith(('"', "'"), self.at):
            return self.plain_string()
        match = KEY.match(self.body, self.at)
        if match is None:
            raise Unreadable("expected an argument name")
        self.at = match.end()
        return match.group()

    def value(self, depth: int) -> Any:
        self.skip()
        body, at = self.body, self.at
        if body.startswith(QUOTE, at):
            return self.quoted()
        first = body[at : at + 1]
        if first in ('"', "'"):
            return self.plain_string()
        if first == "{":
            return self.mapping(depth + 1)
        if first == "[":
            return self.sequence(depth + 1)
        if first == "-" or first.isdigit():
            return self.number()
        word = _WORD.match(body, at)
        if word and word.group() in _CONSTANTS:
            self.at = word.end()
            return _CONSTANTS[word.group()]
        if word and word.group() in ("True", "False", "None"):
            raise Unreadable("Python literal where true, false or null belongs")
        if word and word.group() in ("NaN", "Infinity", "inf", "nan"):
            raise Unreadable("NaN and infinities are no values")
        raise Unreadable("bare word where a value belongs" if word else "expected a value")

    def sequence(self, depth: int) -> list[Any]:
        if depth > MAX_DEPTH:
            raise Unreadable(f"nested deeper than {MAX_DEPTH}")
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
            raise Unreadable("unterminated string")
        self.at = end + len(QUOTE)
        return unescape(self.body[start:end])

    def plain_string(self) -> str:
        single = self.body.startswith("'", self.at)
        match = (_SINGLE_STRING if single else _PLAIN_STRING).match(self.body, self.at)
        if match is None:
            raise Unreadable("unterminated string")
        text = match.group()
        if single:
            text = (
                '"' + _INNER_QUOTES.sub(lambda m: {"\\'": "'", '"': '\\"'}.get(m.group(), m.group()), text[1:-1]) + '"'
            )
        try:
            value = json.loads(text, strict=False)
        except ValueError:
            raise Unreadable("bad escape in a plain string") from None
        self.lenient = True
        self.at = match.end()
        return unescape(str(value))

    def number(self) -> int | float:
        match = _NUMBER.match(self.body, self.at)
        after = self.body[match.end() : match.end() + 1] if match else ""
        if match is None or after.isalnum() or after in ("_", "."):
            if self.body.startswith("-Infinity", self.at):
                raise Unreadable("NaN and infinities are no values")
            raise Unreadable("not a number")
        self.at = match.end()
        try:
            if match.group(1) or match.group(2):
                value = float(match.group())
                if not math.isfinite(value):
                    raise Unreadable("number out of range")
                return value
            return int(match.group())
        except ValueError:
            raise Unreadable("number out of range") from None
