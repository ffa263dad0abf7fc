"""Tool calls as JSON objects: between markers (Qwen) or as the whole answer (Llama, Gemma 3).

    <tool_call>                                    {"name": "f", "parameters": {"n": 1}}
    {"name": "f", "arguments": {"n": 1}}
    </tool_call>

A call that cannot be read becomes a ``Malformed`` value with its raw text. Parsing is linear and never raises."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from canvas_pipeline.errors import BadInput
from canvas_pipeline.models.escaping import Escaping
from canvas_pipeline.models.family import Malformed, ToolCall, Turn
from canvas_pipeline.models.notations import foreign_form

MAX_DEPTH = 64
_BETWEEN = re.compile(r"\s*[,;]?\s*")
_NAME = re.compile(r"[\w.\-]+")


class _Unreadable(Exception):
    """Why a block cannot be read."""


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise _Unreadable("duplicate key")
    return found


def _finite(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise _Unreadable("number out of range")
    return value


def _no_constant(_: str) -> Any:
    raise _Unreadable("NaN and infinities are no values")


_DECODER = json.JSONDecoder(object_pairs_hook=_unique, parse_float=_finite, parse_constant=_no_constant)


@dataclass(frozen=True, slots=True, kw_only=True)
class JsonCalls:
    """A ``models.family.ToolCallFormat``. With an empty ``opening`` a call is the whole answer.

    ``prefix`` may precede such an answer; ``stops`` end the text; ``thought`` is the pair of markers around a thought, if any."""

    escaping: Escaping
    stops: tuple[str, ...]
    arguments: str
    opening: str = ""
    closing: str = ""
    response_open: str = ""
    response_close: str = ""
    prefix: str = ""
    thought: tuple[str, str] | None = None
    quote: str = '"'

    @property
    def call_open(self) -> str:
        return self.opening or '{"name": "'

    @property
    def call_close(self) -> str:
        return self.closing or "}}"

    def escape(self, text: str) -> str:
        return self.escaping.escape(text)

    def unescape(self, text: str) -> str:
        return self.escaping.unescape(text)

    def response_text(self, value: Any) -> str:
        return self.escape(json.dumps(value, ensure_ascii=False, separators=(",", ":")))

    def serialise(self, call: ToolCall) -> str:
        if not _NAME.fullmatch(call.name):
            raise BadInput("a tool name may hold letters, digits, '_', '.' and '-' only")
        try:
            written = json.dumps(_changed(call.arguments, self.escape, 1), ensure_ascii=False, allow_nan=False)
        except (TypeError, ValueError):
            raise BadInput("the arguments are not JSON-like values (NaN and infinities have no form)") from None
        text = f'{{"name": "{call.name}", "{self.arguments}": {written}}}'
        return f"{self.opening}\n{text}\n{self.closing}" if self.opening else text

    def parse(self, text: str, input_texts: Iterable[str] = ()) -> Turn:
        for stop in self.stops:
            text = text.partition(stop)[0]
        answer, problem = self._without_thoughts(text)
        calls: list[ToolCall | Malformed] = []
        words = self._read_blocks(answer, calls) if self.opening else self._read_whole(answer, calls)
        if problem is not None:
            calls.append(problem)
        form = foreign_form(words, input_texts, self.escape, self.unescape) if words else None
        if form is not None:
            calls.append(Malformed(words, form))
            words = ""
        words = self.escaping.without_markers(words).strip()
        if answer != text and not calls and not words:
            calls.append(Malformed(text, "thought without an answer"))
        return Turn(tuple(calls), words)

    def _without_thoughts(self, text: str) -> tuple[str, Malformed | None]:
        """Return the text after the last thought, and the thought that is still open at its end."""
        if self.thought is None:
            return text, None
        opened, closed = self.thought
        answer = text.rpartition(closed)[2]
        before, marker, thought = answer.partition(opened)
        return before, Malformed(marker + thought, "thought that does not end") if marker else None

    def _read_blocks(self, text: str, calls: list[ToolCall | Malformed]) -> str:
        """Read the marked blocks into ``calls`` and return the words outside of them."""
        words, *rest = text.split(self.opening)
        answer = [self._words(words, calls)]
        for part in rest:
            body, marker, after = part.partition(self.closing)
            if not marker:
                calls.append(Malformed(self.opening + part, "unterminated block"))
                continue
            try:
                calls.extend(self._calls(body.strip()))
            except _Unreadable as reason:
                calls.append(Malformed(self.opening + body + marker, str(reason)))
            answer.append(self._words(after, calls))
        return "".join(answer)

    def _words(self, text: str, calls: list[ToolCall | Malformed]) -> str:
        if self.closing not in text:
            return text
        calls.append(Malformed(text, "closing marker without an opening one"))
        return ""

    def _read_whole(self, text: str, calls: list[ToolCall | Malformed]) -> str:
        """Read an answer that consists of calls only. Any other text is returned as words."""
        body = text.strip().removeprefix(self.prefix).strip()
        if not body.startswith("{") or not re.match(r'\{\s*"', body):
            return text
        try:
            calls.extend(self._calls(body))
        except _Unreadable as reason:
            if not re.search(r'"(?:name|parameters|arguments|function)"\s*:', body):
                return text  # an answer in JSON
            calls.append(Malformed(text, str(reason)))
        return ""

    def _calls(self, body: str) -> list[ToolCall]:
        """Read the objects of a body, all of them or none. Raises ``_Unreadable``."""
        found: list[ToolCall] = []
        at = 0
        while at < len(body) or not found:
            try:
                value, end = _DECODER.raw_decode(body, at)
            except RecursionError:
                raise _Unreadable(f"nested deeper than {MAX_DEPTH}") from None
            except ValueError:
                raise _Unreadable("not JSON") from None
            found.append(self._call(value))
            between = _BETWEEN.match(body, end)
            at = between.end() if between else end
        return found if len(found) == 1 else [ToolCall(call.name, call.arguments, True) for call in found]

    def _call(self, value: Any) -> ToolCall:
        if not isinstance(value, dict) or not isinstance(value.get("name"), str) or not _NAME.fullmatch(value["name"]):
            raise _Unreadable("no object with a tool's name")
        key = (
            self.arguments
            if self.arguments in value
            else next((k for k in ("arguments", "parameters") if k in value), None)
        )
        extra = value.keys() - {"name", key}
        if extra:
            raise _Unreadable("fields beside the name and the arguments")
        arguments = value[key] if key else {}
        if not isinstance(arguments, dict):
            raise _Unreadable("arguments that are no object")
        try:
            return ToolCall(value["name"], _changed(arguments, self.unescape, 1), key != self.arguments)
        except BadInput as error:
            raise _Unreadable(str(error)) from None


def _changed(value: Any, change: Any, depth: int) -> Any:
    """Apply ``change`` to every text of a JSON-like value. Raises ``BadInput`` where it is nested too deeply."""
    if isinstance(value, str):
        return change(value)
    if isinstance(value, (dict, list, tuple)) and depth > MAX_DEPTH:
        raise BadInput(f"nested deeper than {MAX_DEPTH}")
    if isinstance(value, dict):
        if not all(isinstance(key, str) for key in value):
            raise BadInput("argument names must be strings")
        return {change(key): _changed(inner, change, depth + 1) for key, inner in value.items()}
    return [_changed(inner, change, depth + 1) for inner in value] if isinstance(value, (list, tuple)) else value
