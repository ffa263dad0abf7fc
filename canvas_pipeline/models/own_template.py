"""Compare a checkpoint's own chat template with its family's, whose assistant spans are marked.

Training and generation render with the family's template. That is right only for a checkpoint whose own template writes the same
text: a fine-tune with another format, or a template that reads the clock, shows here."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from canvas_pipeline.models.family import ModelFamily

PINNED: Mapping[str, Any] = {"date_string": "26 Jul 2024", "enable_thinking": False}
"""Variables of published templates, for every rendering: no prompt depends on the clock, and Qwen's opens an empty thought."""
_TOOLS = [
    {
        "type": "function",
        "function": {
            "name": "rooms",
            "description": "Rooms of a floor.",
            "parameters": {"type": "object", "properties": {"floor": {"type": "integer"}}, "required": ["floor"]},
        },
    }
]
_SYSTEM, _USER, _ASSISTANT = (
    {"role": role, "content": content}
    for role, content in (("system", "Be brief."), ("user", "Which rooms are free?"), ("assistant", "Room 301 – é."))
)
_CALL = {
    "role": "assistant",
    "content": "",
    "tool_calls": [{"type": "function", "function": {"name": "rooms", "arguments": {"floor": 3}}}],
}
_RESULT = {"role": "tool", "name": "rooms", "content": "[301]", "tool_call_id": ""}
_Probe = tuple[list[dict[str, Any]], list[dict[str, Any]] | None, str]
_RESULT_PROBE: _Probe = (
    [_SYSTEM, _USER, _CALL, _RESULT, _ASSISTANT],
    _TOOLS,
    "a conversation with a call and its result",
)
_PROBES: tuple[_Probe, ...] = (
    ([_SYSTEM, _USER, _ASSISTANT], None, "a conversation with a system message"),
    ([_USER, _ASSISTANT, _USER, _ASSISTANT], None, "a conversation without a system message"),
    ([_SYSTEM, _USER], _TOOLS, "a prompt that declares a tool"),
)


def difference(own: str, family: ModelFamily) -> str | None:
    """Return which conversation the template ``own`` writes otherwise than the family's template, or None. Where both refuse a
    conversation they agree. Results of tools are not compared where the family's published templates differ in them."""
    ours = family.chat_template
    if ours is None:
        return None
    for chat, tools, what in _PROBES if family.results_vary else (*_PROBES, _RESULT_PROBE):
        for generation in (False, True):
            if _written(own, chat, tools, family, generation) != _written(ours, chat, tools, family, generation):
                return what
    return None


def _written(
    template: str, chat: list[dict[str, Any]], tools: list[dict[str, Any]] | None, family: ModelFamily, generation: bool
) -> str | None:
    """Return the rendered text, or None where the template refuses the conversation or cannot be read."""
    from jinja2.exceptions import TemplateError
    from transformers.utils.chat_template_utils import render_jinja_template

    values = {"add_generation_prompt": generation, "bos_token": family.bos or "", **PINNED}
    try:
        return str(render_jinja_template([chat], tools=tools, chat_template=template, **values)[0][0])
    except TemplateError:
        return None
