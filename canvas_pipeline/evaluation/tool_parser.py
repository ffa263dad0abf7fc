"""Compare the tool calls that a server read out of a model's text with those that the project's own parser reads.

An agent behind vLLM acts on the server's parser, the benchmark scores the project's: where they differ, the figures of one say
nothing about the other. Known faults of such parsers: quote tokens kept inside lists, a text cut at an inner quote, bare values
taken for strings, calls lost after an unreadable one."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from canvas_pipeline.errors import BadInput
from canvas_pipeline.models.family import ToolCall, ToolCallFormat


def calls_of(response: Mapping[str, Any]) -> tuple[ToolCall, ...]:
    """Return the tool calls of the first choice of an OpenAI chat response. Raises ``BadInput`` for what is not in that form."""
    try:
        listed = response["choices"][0]["message"].get("tool_calls") or ()
        found = [(str(call["function"]["name"]), json.loads(call["function"]["arguments"] or "{}")) for call in listed]
    except (LookupError, TypeError, AttributeError, ValueError) as error:
        raise BadInput(f"not a chat response with readable tool calls ({type(error).__name__})") from None
    if not all(isinstance(arguments, dict) for _, arguments in found):
        raise BadInput("the arguments of a tool call are no object")
    return tuple(ToolCall(name, arguments) for name, arguments in found)


def differences(raw: str, response: Mapping[str, Any], calls: ToolCallFormat) -> tuple[str, ...]:
    """List how a server's calls differ from those that ``calls`` reads in the raw text of the same answer; empty where they agree.

    Order, names, and arguments with their types count. A call that the project finds unreadable must not be among the server's."""
    turn = calls.parse(raw)
    try:
        theirs: Sequence[ToolCall] = calls_of(response)
    except BadInput as error:
        return (str(error),)
    ours = turn.well_formed
    found = [
        reason
        for number, (mine, other) in enumerate(zip(ours, theirs, strict=False), 1)
        for reason in _of_call(f"call {number}", mine, other)
    ]
    if len(ours) != len(theirs):
        unreadable = f" and {len(turn.malformed)} unreadable" if turn.malformed else ""
        found.append(f"{len(ours)} calls{unreadable} here, {len(theirs)} at the server")
    return tuple(found)


def _of_call(place: str, mine: ToolCall, other: ToolCall) -> list[str]:
    if mine.name != other.name:
        return [f"{place} is {mine.name} here, {other.name} at the server"]
    absent: Any = object()
    names = dict.fromkeys([*mine.arguments, *other.arguments])
    pairs = {name: (mine.arguments.get(name, absent), other.arguments.get(name, absent)) for name in names}
    return [
        f"{place}, {name}: {_shown(a, absent)} here, {_shown(b, absent)} at the server"
        for name, (a, b) in pairs.items()
        if _shown(a, absent) != _shown(b, absent)
    ]


def _shown(value: Any, absent: Any) -> str:
    """Return canonical JSON, in which ``1``, ``1.0``, ``true`` and ``"1"`` differ."""
    return "nothing" if value is absent else json.dumps(value, sort_keys=True, ensure_ascii=False)
