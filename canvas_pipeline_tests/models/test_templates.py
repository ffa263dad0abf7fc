"""Our templates against those that TRL and transformers distribute, byte for byte, and the spans they mark."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import pytest
import trl
from hypothesis import given, settings
from hypothesis import strategies as st
from jinja2.exceptions import TemplateError
from transformers.models.llama4 import processing_llama4
from transformers.utils.chat_template_utils import render_jinja_template

from canvas_pipeline.models import jinja

BOS = {"gemma3": "<bos>", "llama3": "<|begin_of_text|>", "llama4": "<|begin_of_text|>", "qwen3": ""}
PUBLISHED = {"gemma3": "gemma3", "llama3": "llama3_1", "llama4": "llama4", "qwen3": "qwen3"}
SCHEMAS = [
    {
        "type": "function",
        "function": {
            "name": "list_rooms",
            "description": "Rooms of a building – é.",
            "parameters": {"type": "object", "properties": {"floor": {"type": "integer"}}, "required": ["floor"]},
        },
    },
    {
        "type": "function",
        "function": {"name": "now", "description": "", "parameters": {"type": "object", "properties": {}}},
    },
]
TEXT = st.text(max_size=24) | st.sampled_from(
    (" a \n", "\n\nb", "<think>\nhm\n</think>\n\nyes", "<tool_response>\n1\n</tool_response>")
)
ARGUMENTS = st.dictionaries(st.text(max_size=4), TEXT | st.integers() | st.none(), max_size=2)
CALL = st.fixed_dictionaries(
    {
        "name": st.sampled_from(("list_rooms", "now")),
        "arguments": ARGUMENTS,
    }
)


def ours_at(name: str) -> str:
    return jinja.template(Path(jinja.__file__).parent / name)


@cache
def published(name: str) -> str:
    if name == "llama4":  # TRL has none; transformers' processor has the published one
        return str(processing_llama4.chat_template)
    return (Path(trl.__file__).parent / "chat_templates" / f"{name}.jinja").read_text(encoding="utf-8")


def rendered(text: str, chat: list[dict[str, Any]], tools: Any, **values: Any) -> str:
    texts, _ = render_jinja_template([chat], tools=tools, chat_template=text, **values)
    return str(texts[0])


@st.composite
def chats(draw: st.DrawFn, family: str) -> list[dict[str, Any]]:
    """Conversations of a family: Gemma 3's alternate; Llama 3's make one call a turn."""
    chat = [{"role": "system", "content": draw(TEXT)}] if draw(st.booleans()) else []
    for _ in range(draw(st.integers(1, 3))):
        chat.append({"role": "user", "content": draw(TEXT)})
        if family != "gemma3":
            for _ in range(draw(st.integers(0, 2))):
                calls = draw(st.lists(CALL, min_size=1, max_size=1 if family == "llama3" else 2))
                words = draw(TEXT) if family in ("qwen3", "llama4") else ""
                chat.append(
                    {
                        "role": "assistant",
                        "content": words,
                        "tool_calls": [{"type": "function", "function": c} for c in calls],
                    }
                )
                chat += [{"role": "tool", "name": c["name"], "content": draw(TEXT)} for c in calls]
        chat.append({"role": "assistant", "content": draw(TEXT)})
    return chat if draw(st.booleans()) else chat[:-1]


@pytest.mark.parametrize("family", sorted(PUBLISHED))
@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_a_family_s_template_renders_byte_for_byte_like_the_published_one(family: str, data: st.DataObject) -> None:
    chat = data.draw(chats(family))
    tools = data.draw(st.sampled_from((None, SCHEMAS))) if family != "gemma3" else None
    values = {"add_generation_prompt": data.draw(st.booleans()), "bos_token": BOS[family]}
    if family == "qwen3" and data.draw(st.booleans()):
        values["enable_thinking"] = False
    ours, theirs = ours_at(f"{family}.jinja"), published(PUBLISHED[family])
    expected = rendered(theirs, chat, tools, **values)
    assert rendered(ours, chat, tools, **values) == expected
    assert rendered(jinja.published(ours), chat, tools, **values) == expected


@settings(max_examples=60, deadline=None)
@given(chat=chats("qwen3"), tools=st.sampled_from((None, SCHEMAS)))
def test_qwen_s_template_with_a_thought_in_every_turn_renders_like_trl_s_for_training(
    chat: list[dict[str, Any]], tools: Any
) -> None:
    ours = rendered(ours_at("qwen3.jinja"), chat, tools, every_turn_thinks=True)
    assert ours == rendered(published("qwen3_training"), chat, tools)


@settings(max_examples=60, deadline=None)
@given(chat=chats("gemma3"))
def test_the_spans_of_gemma_3_are_those_of_trl_s_training_template_without_the_line_s_end(
    chat: list[dict[str, Any]],
) -> None:
    marked = jinja.render(ours_at("gemma3.jinja"), chat, None, generation=False, bos_token="<bos>")
    texts, spans = render_jinja_template(
        [chat], chat_template=published("gemma3_training"), return_assistant_tokens_mask=True, bos_token="<bos>"
    )
    assert marked.text == texts[0]
    assert list(marked.spans) == [(start, end - 1) for start, end in spans[0]]


def test_images_are_placed_as_in_the_published_template() -> None:
    chat = [{"role": "user", "content": [{"type": "image"}, {"type": "text", "text": " What is it? "}]}]
    assert rendered(ours_at("gemma3.jinja"), chat, None, bos_token="<bos>") == rendered(
        published("gemma3"), chat, None, bos_token="<bos>"
    )


@pytest.mark.parametrize(
    ("family", "chat", "tools"),
    [
        ("gemma3", [{"role": "user", "content": "a"}, {"role": "user", "content": "b"}], None),
        ("llama3", [{"role": "system", "content": "a"}], SCHEMAS),
        ("llama4", [{"role": "system", "content": "a"}], SCHEMAS),
        (
            "llama3",
            [{"role": "user", "content": "a"}, {"role": "assistant", "tool_calls": [{"function": {}}] * 2}],
            None,
        ),
    ],
)
def test_what_a_published_template_refuses_ours_refuses(family: str, chat: list[dict[str, Any]], tools: Any) -> None:
    for text in (ours_at(f"{family}.jinja"), published(PUBLISHED[family])):
        with pytest.raises(TemplateError):
            rendered(text, chat, tools, bos_token=BOS[family])


@pytest.mark.parametrize(
    "name", ["gemma3.jinja", "gemma4/chat_template.jinja", "llama3.jinja", "llama4.jinja", "qwen3.jinja"]
)
def test_each_template_file_states_its_licence(name: str) -> None:
    assert "SPDX-License-Identifier: Apache-2.0" in ours_at(name)[:200]
