"""The Gemma-4 chat template with its assistant spans marked, and our messages in the form it reads.

In: rows' messages (assistant content is native wire text). Out: the rendered text and the character spans that a model has
to write itself: calls, answers, and the stop after each (``<|tool_response>`` after calls, ``<turn|>`` after an answer).
What must hold: the template renders byte for byte what the published one renders, and a canonical call in a row is
rendered as exactly the text ``wire.serialise`` gives.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from canvas_pipeline.errors import BadInput
from canvas_pipeline.models import jinja
from canvas_pipeline.models.family import Schemas, Span
from canvas_pipeline.models.gemma4 import wire
from canvas_pipeline.records import Message


def marked_template() -> str:
    """The family's chat template with generation blocks around what the model writes."""
    return jinja.template(Path(__file__).with_name("chat_template.jinja"))


def to_chat(messages: Sequence[Message]) -> list[dict[str, Any]]:
    """Messages in the form the template reads. Canonical call text becomes structured ``tool_calls`` with escaped strings;
    any other assistant content (an answer, a malformed call) stays verbatim text.

    Raises ``BadInput`` where a tool message does not follow calls: the template would drop it without a word."""
    chat: list[dict[str, Any]] = []
    answering = False
    for index, message in enumerate(messages):
        if message.role == "tool":
            if not answering:
                raise BadInput(
                    f"message {index} is a tool's result, but no readable call stands before it; the template would drop it"
                )
            chat.append(_result(message))
            continue
        calls = canonical_calls(message.content) if message.role == "assistant" else ()
        answering = bool(calls)
        if calls:
            chat.append({"role": "assistant", "content": "", "tool_calls": [_structured(call) for call in calls]})
        else:
            chat.append({"role": message.role, "content": message.content})
    return chat


def to_spoken_chat(messages: Sequence[Message]) -> list[dict[str, Any]]:
    """Like ``to_chat`` for what a model really said: readable calls in other than canonical text are structured as well, and
    a result that answers an unreadable call, which the native form cannot carry, is told as a user turn. Nothing is dropped.

    Words beside calls are a message of their own before them: in one message the template writes them after the results and
    closes the turn, so that the model would not go on. The template joins the two into one turn."""
    chat: list[dict[str, Any]] = []
    answering = False
    for message in messages:
        if message.role == "tool" and not answering:
            chat.append(
                {"role": "user", "content": f"Tool message from {message.name or 'the tools'}: {message.content}"}
            )
        elif message.role == "tool":
            chat.append(_result(message))
        elif message.role == "assistant":
            turn = wire.parse_turn(message.content)
            answering = bool(turn.well_formed) and not turn.malformed
            if answering:
                calls = [_structured(call) for call in turn.well_formed]
                if turn.text:
                    chat.append({"role": "assistant", "content": turn.text})
                chat.append({"role": "assistant", "content": "", "tool_calls": calls})
            else:
                chat.append({"role": "assistant", "content": message.content})
        else:
            answering = False
            chat.append({"role": message.role, "content": message.content})
    return chat


def canonical_calls(content: str) -> tuple[wire.ToolCall, ...]:
    """The calls of an assistant turn if its text is exactly their canonical form with plain keys, else nothing."""
    if not content.startswith(wire.CALL_OPEN):
        return ()
    calls = wire.parse_turn(content).calls
    readable = tuple(call for call in calls if isinstance(call, wire.ToolCall))
    if not readable or len(readable) != len(calls) or not all(_plain_keys(call.arguments) for call in readable):
        return ()
    return readable if "".join(wire.serialise(call) for call in readable) == content else ()


def _plain_keys(value: Any) -> bool:
    if isinstance(value, dict):
        return all(re.fullmatch(r"\w+", key) and _plain_keys(inner) for key, inner in value.items())
    return all(_plain_keys(inner) for inner in value) if isinstance(value, list) else True


def _result(message: Message) -> dict[str, Any]:
    # An id that no call has: without one the template compares None with None and names every result after the last call.
    return {"role": "tool", "name": message.name or "unknown", "content": message.content, "tool_call_id": ""}


def _structured(call: wire.ToolCall) -> dict[str, Any]:
    return {"type": "function", "function": {"name": call.name, "arguments": _escaped(call.arguments)}}


def _escaped(value: Any) -> Any:
    if isinstance(value, str):
        return wire.escape(value)
    if isinstance(value, dict):
        return {
            (key if re.fullmatch(r"\w+", key) else wire.serialise_key(key)): _escaped(inner)
            for key, inner in value.items()
        }
    return [_escaped(inner) for inner in value] if isinstance(value, (list, tuple)) else value


def render(
    chat: list[dict[str, Any]], tools: Schemas | None = None, *, prompt: bool = False
) -> tuple[str, tuple[Span, ...]]:
    """The rendered conversation and the character spans ``[start, end)`` that the model writes, in order.

    ``prompt`` adds what opens the model's next turn. The text starts with ``<bos>``: tokenise without special tokens."""
    rendered = jinja.render(marked_template(), chat, tools, generation=prompt, bos_token="<bos>")
    return rendered.text, rendered.spans
