"""The Gemma-4 chat template with its assistant spans marked, and our messages in the form it reads.

In: rows' messages (assistant content is native wire text). Out: the rendered text and the character spans that a model has
to write itself: calls, answers, and the stop after each (``<|tool_response>`` after calls, ``<turn|>`` after an answer).
What must hold: the marked template renders byte for byte what the installed one renders, and a canonical call in a row is
rendered as exactly the text ``wire.serialise`` gives.

Neither TRL nor transformers ship a training template for Gemma 4: the stock one marks nothing, so every mask would be zero.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from canvas_pipeline.errors import BadInput, MissingTool
from canvas_pipeline.records import Message
from canvas_pipeline.tools import registry, wire
from canvas_pipeline.tools.prompt import Declaration

TEMPLATE_NAME = "gemma4_v5.jinja"
Span = tuple[int, int]

_OPEN, _SHUT = "{%- generation -%}", "{%- endgeneration -%}"


def _marked(text: str) -> str:
    return f"{_OPEN}{text}{_SHUT}"


_OPENER = "{{- '<|tool_response>' -}}"
_FIRST_OPENER = "{%- if not ns_tr_out.flag -%}" + _marked(_OPENER) + "{%- else -%}" + _OPENER + "{%- endif -%}"
# (what the stock template says, what the marked one says, how often it stands there). The opener of the first response is
# the token at which the model stops, so it is its own text; it moves out of the macro, where a span cannot be tracked.
_EDITS: tuple[tuple[str, str, int], ...] = (
    ("    {{- '<|tool_response>' -}}\n    {%- if response is mapping -%}", "    {%- if response is mapping -%}", 1),
    ("{{- format_tool_response_block(", _FIRST_OPENER + "{{- format_tool_response_block(", 4),
    (
        "{{- '<|channel>thought\\n' + thinking_text + '\\n<channel|>' -}}",
        _marked("{{- '<|channel>thought\\n' + thinking_text + '\\n<channel|>' -}}"),
        1,
    ),
    ("{%- for tool_call in message.get('tool_calls') -%}", _OPEN + "{%- for tool_call in message.get('tool_calls') -%}", 1),
    (
        "{{- '}<tool_call|>' -}}\n                {%- endfor -%}",
        "{{- '}<tool_call|>' -}}\n                {%- endfor -%}" + _SHUT,
        1,
    ),
    (
        "            {{- captured_content -}}\n",
        "            {%- if role == 'model' -%}" + _marked("{{- captured_content -}}")
        + "{%- else -%}{{- captured_content -}}{%- endif -%}\n",
        1,
    ),
    (
        "            {{- '<turn|>\\n' -}}\n",
        "            {%- if role == 'model' -%}" + _marked("{{- '<turn|>' -}}") + "{{- '\\n' -}}"
        + "{%- else -%}{{- '<turn|>\\n' -}}{%- endif -%}\n",
        1,
    ),
    ("            {{- '<|tool_response>' -}}\n", "            " + _marked(_OPENER) + "\n", 1),
)  # fmt: skip


@cache
def stock_template() -> str:
    """The installed template's text; raises ``MissingTool`` where TRL (or this version of the template) is not there."""
    spec = find_spec("trl")
    path = Path(spec.origin or "").parent / "chat_templates" / TEMPLATE_NAME if spec else None
    if path is None or not path.is_file():
        raise MissingTool(
            f"trl with chat_templates/{TEMPLATE_NAME} is not installed; install the extra canvas-pipeline[train]"
        )
    return path.read_text(encoding="utf-8")


@cache
def marked_template() -> str:
    """The stock template with generation marks around what the model writes; raises ``MissingTool`` where the installed
    template is not the one the marks were made for."""
    text = stock_template()
    for old, new, count in _EDITS:
        if text.count(old) != count:
            raise MissingTool(
                f"trl's {TEMPLATE_NAME} has changed, so its assistant spans cannot be marked; install trl 1.16"
            )
        text = text.replace(old, new)
    return text


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


def declared(tools: tuple[str, ...], declaration: Declaration) -> list[dict[str, Any]] | None:
    """The schemas the template declares: none with a catalogue (the system message names the tools), all with native."""
    return registry.schemas(tools) if declaration == "native" else None


def render(
    chat: list[dict[str, Any]], tools: list[dict[str, Any]] | None = None, *, prompt: bool = False
) -> tuple[str, tuple[Span, ...]]:
    """The rendered conversation and the character spans ``[start, end)`` that the model writes, in order.

    ``prompt`` adds what opens the model's next turn. The text starts with ``<bos>``: tokenise without special tokens."""
    from transformers.utils.chat_template_utils import render_jinja_template

    rendered, spans = render_jinja_template(
        [chat],
        tools=tools,
        chat_template=marked_template(),
        return_assistant_tokens_mask=True,
        add_generation_prompt=prompt,
        bos_token="<bos>",
    )
    return rendered[0], tuple((start, end) for start, end in spans[0] if end > start)
