"""Convert messages for the Gemma-4 chat template, and render them with the spans that the model generates.

Assistant content in rows is native wire text. The spans are what the model generates: calls, answers, and the stop after each
(``<|tool_response>`` after calls, ``<turn|>`` after an answer). The template renders byte for byte what the published one
renders, and a canonical call in a row renders as exactly the text of ``wire.serialise``."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from canvas_pipeline.errors import BadInput
from canvas_pipeline.models import jinja
from canvas_pipeline.models.family import Rendered, Schemas, Span, ToolCall
from canvas_pipeline.models.gemma4 import wire
from canvas_pipeline.models.gemma4.markers import CALL_OPEN, RESPONSE_OPEN, escape
from canvas_pipeline.records import Message

ANSWERED = "<turn|>\n"
"""How the template ends an answer."""


def marked_template() -> str:
    """Return the family's chat template with generation blocks around what the model generates."""
    return jinja.template(Path(__file__).with_name("chat_template.jinja"))


def to_chat(messages: Sequence[Message]) -> list[dict[str, Any]]:
    """Convert messages to the form the template reads.

    Canonical call text becomes structured ``tool_calls`` with escaped strings. Other assistant content (an answer, a malformed
    call) stays verbatim. Raises ``BadInput`` where a tool message does not follow calls: the template would drop it silently."""
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
            chat.append({"role": "assistant", "content": "", "tool_calls": [_tool_call(call) for call in calls]})
        else:
            chat.append({"role": message.role, "content": message.content})
    return chat


def to_generated_chat(messages: Sequence[Message]) -> list[dict[str, Any]]:
    """Like ``to_chat``, for messages that a model really generated. Nothing is dropped.

    Readable calls in other than canonical text are structured too. A result of an unreadable call, which the native form cannot
    carry, becomes a user turn. Words beside calls become a message of their own before them: in one message the template writes
    them after the results and closes the turn, and the model would not continue. The template joins the two into one turn."""
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
                calls = [_tool_call(call) for call in turn.well_formed]
                if turn.text:
                    chat.append({"role": "assistant", "content": turn.text})
                chat.append({"role": "assistant", "content": "", "tool_calls": calls})
            else:
                chat.append({"role": "assistant", "content": message.content})
        else:
            answering = False
            chat.append({"role": message.role, "content": message.content})
    return chat


def ends_in_other_calls(messages: Sequence[Message]) -> bool:
    """Tell whether the last turn is the model's and holds marked calls that the template cannot structure: malformed ones, say."""
    last = messages[-1] if messages else None
    if last is None or last.role != "assistant" or CALL_OPEN not in last.content:
        return False
    return bool(wire.parse_turn(last.content).calls) and not canonical_calls(last.content)


def stopped_after_calls(rendered: Rendered) -> Rendered:
    """End the last turn as a turn of calls ends. The template closes text that it cannot structure like an answer, and its stop
    alone would then tell a malformed call from a right one."""
    cut = len(rendered.text.removesuffix(ANSWERED))
    spans = tuple((start, min(end, cut)) for start, end in rendered.spans if start < cut)
    return Rendered(rendered.text[:cut] + RESPONSE_OPEN, (*spans, (cut, cut + len(RESPONSE_OPEN))))


def canonical_calls(content: str) -> tuple[ToolCall, ...]:
    """Return the calls of an assistant turn if its text is exactly their canonical form with plain keys, else nothing."""
    if not content.startswith(CALL_OPEN):
        return ()
    calls = wire.parse_turn(content).calls
    readable = tuple(call for call in calls if isinstance(call, ToolCall))
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


def _tool_call(call: ToolCall) -> dict[str, Any]:
    return {"type": "function", "function": {"name": call.name, "arguments": _escape_strings(call.arguments)}}


def _escape_strings(value: Any) -> Any:
    if isinstance(value, str):
        return escape(value)
    if isinstance(value, dict):
        return {
            (key if re.fullmatch(r"\w+", key) else wire.serialise_key(key)): _escape_strings(inner)
            for key, inner in value.items()
        }
    return [_escape_strings(inner) for inner in value] if isinstance(value, (list, tuple)) else value


def render(
    chat: list[dict[str, Any]], tools: Schemas | None = None, *, prompt: bool = False
) -> tuple[str, tuple[Span, ...]]:
    """Render a conversation and return it with the character spans ``[start, end)`` that the model generates, in order.

    ``prompt`` adds the prefix of the model's next turn. The text starts with ``<bos>``: tokenise without special tokens."""
    rendered = jinja.render(marked_template(), chat, tools, generation=prompt, bos_token="<bos>")
    return rendered.text, rendered.spans
