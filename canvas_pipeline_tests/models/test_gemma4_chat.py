"""Our Gemma-4 template against the one TRL distributes, and our messages in its form."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import pytest
import trl
from hypothesis import given, settings
from hypothesis import strategies as st
from transformers.utils.chat_template_utils import render_jinja_template

from canvas_pipeline.errors import BadInput
from canvas_pipeline.models import jinja
from canvas_pipeline.models.family import ToolCall
from canvas_pipeline.models.gemma4 import wire
from canvas_pipeline.models.gemma4.chat import (
    canonical_calls,
    marked_template,
    render,
    to_chat,
    to_generated_chat,
)
from canvas_pipeline.models.gemma4.family import GEMMA4
from canvas_pipeline.models.gemma4.wire import serialise
from canvas_pipeline.records import Message
from canvas_pipeline.tracks.canvas.tools import tool_table
from canvas_pipeline.tracks.canvas.tools.prompt import declared
from canvas_pipeline_tests.training.rows import SYSTEM, assistant, result, user

TEXT = st.text(max_size=30)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXT,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.from_regex(r"\w{1,6}", fullmatch=True), inner, max_size=3)
    ),
    max_leaves=6,
)
ARGUMENTS = st.dictionaries(st.from_regex(r"[a-zA-Z_]\w{0,6}", fullmatch=True), JSON, max_size=4)
CALLS = st.lists(st.builds(ToolCall, st.sampled_from(list(tool_table.TOOLS)), ARGUMENTS), min_size=1, max_size=3)


@st.composite
def conversations(draw: st.DrawFn) -> tuple[Message, ...]:
    """System or not, then user turns, each followed by call rounds with or without results, and perhaps an answer."""
    messages = [SYSTEM] if draw(st.booleans()) else []
    for _ in range(draw(st.integers(1, 2))):
        messages.append(user(wire.escape(draw(TEXT))))
        for _ in range(draw(st.integers(0, 2))):
            calls = draw(CALLS)
            messages.append(assistant("".join(map(serialise, calls))))
            messages.extend(result(call.name, draw(JSON)) for call in calls)
        if draw(st.booleans()):
            messages.append(assistant(wire.escape(draw(TEXT))))
    if draw(st.booleans()):
        messages.append(assistant("".join(map(serialise, draw(CALLS)))))
    return tuple(messages)


@cache
def stock_template() -> str:
    return (Path(trl.__file__).parent / "chat_templates" / "gemma4_v5.jinja").read_text(encoding="utf-8")


@cache
def unmarked() -> str:
    """What a GGUF carries."""
    return jinja.published(marked_template())


def stock(chat: list[dict[str, Any]], tools: list[dict[str, Any]] | None, prompt: bool) -> str:
    text, _ = render_jinja_template(
        [chat], tools=tools, chat_template=stock_template(), add_generation_prompt=prompt, bos_token="<bos>"
    )
    return text[0]


@settings(max_examples=120, deadline=None)
@given(messages=conversations(), declare=st.booleans(), prompt=st.booleans())
def test_the_marked_template_renders_byte_for_byte_like_the_installed_one(
    messages: tuple[Message, ...], declare: bool, prompt: bool
) -> None:
    tools = tool_table.schemas() if declare else None
    chat = to_chat(messages)
    rendered = stock(chat, tools, prompt)
    assert render(chat, tools, prompt=prompt)[0] == rendered
    assert jinja.render(unmarked(), chat, tools, generation=prompt, bos_token="<bos>").text == rendered


@settings(max_examples=120, deadline=None)
@given(messages=conversations())
def test_calls_and_results_are_rendered_as_the_wire_format_writes_them(messages: tuple[Message, ...]) -> None:
    text, spans = render(to_chat(messages))
    written = "".join(text[start:end] for start, end in spans)
    for message in messages:
        if message.role == "assistant" and canonical_calls(message.content):
            assert message.content in written
        if message.role == "tool":
            assert (
                f'<|tool_response>response:{message.name}{{value:<|"|>{message.content}<|"|>}}<tool_response|>' in text
            )
            assert f"response:{message.name}" not in written


def test_the_stop_after_calls_is_marked_in_the_middle_and_at_the_end() -> None:
    call = serialise(ToolCall("canvas.get_todo", {}))
    messages = (
        SYSTEM,
        user("a"),
        assistant(call),
        result("canvas.get_todo", []),
        assistant("Nothing."),
        user("b"),
        assistant(call),
    )
    text, spans = render(to_chat(messages))
    assert [text[a:b] for a, b in spans] == [call, "<|tool_response>", "Nothing.", "<turn|>", call, "<|tool_response>"]


def test_results_have_the_name_of_their_own_call_when_a_turn_has_several() -> None:
    calls = assistant(
        serialise(ToolCall("canvas.get_todo", {})) + serialise(ToolCall("canvas.get_grades", {"course_id": 4}))
    )
    text, _ = render(to_chat((user("x"), calls, result("canvas.get_todo", []), result("canvas.get_grades", []))))
    assert text.index("response:canvas.get_todo{") < text.index("response:canvas.get_grades{")


def test_a_malformed_call_stays_verbatim_text() -> None:
    broken = "<|tool_call>call:canvas.get_todo{days=3}<tool_call|>"
    text, spans = render(to_chat((user("x"), assistant(broken))))
    assert [text[a:b] for a, b in spans] == [broken, "<turn|>"]


@pytest.mark.parametrize(
    "broken", ["<|tool_call>call:canvas.get_todo{", "<|tool_call>call:canvas.get_todo{a=1}<tool_call|>"]
)
def test_a_row_s_malformed_call_ends_like_a_right_one_and_words_end_like_an_answer(broken: str) -> None:
    right, wrong, words = (
        GEMMA4.render((user("x"), assistant(text)))
        for text in (serialise(ToolCall("canvas.get_todo", {})), broken, "I will call canvas.get_todo.")
    )
    assert right.text.endswith("<tool_call|><|tool_response>") and wrong.written == f"{broken}<|tool_response>"
    assert wrong.text.endswith(wrong.written) and words.written.endswith("<turn|>")


def test_a_result_without_a_readable_call_is_refused_not_dropped() -> None:
    with pytest.raises(BadInput, match="message 2"):
        to_chat((user("x"), assistant("no call"), result("canvas.get_todo", [])))


def test_what_a_model_generated_is_never_dropped_whatever_its_form() -> None:
    broken = "<|tool_call>call:canvas.get_todo{days=3}<tool_call|>"
    lenient = "Let me see. <|tool_call>call:canvas.get_course{ course_id : 4 }<tool_call|>"
    messages = (
        user("x"),
        assistant(broken),
        result("error", "unreadable"),
        assistant(lenient),
        result("canvas.get_course", {"id": 4}),
    )
    text, _ = render(to_generated_chat(messages), prompt=True)
    assert broken in text and "unreadable" in text and "Let me see." in text
    assert "<|tool_call>call:canvas.get_course{course_id:4}<tool_call|>" in text and '{"id":4}' in text


@pytest.mark.parametrize("calls", [1, 2])
@pytest.mark.parametrize("results", [0, 1, 2])
def test_words_beside_a_call_come_before_it_and_the_model_s_turn_stays_open(calls: int, results: int) -> None:
    call = serialise(ToolCall("canvas.get_todo", {}))
    results = tuple(result("canvas.get_todo", [{"id": 5}]) for _ in range(results))
    for words in ("Let me look." + call * calls, call * calls + "Let me look."):
        text, _ = render(to_generated_chat((user("x"), assistant(words), *results)), prompt=True)
        opened = f"<|turn>model\nLet me look.{call * calls}<|tool_response>"
        answered = "<|tool_response>".join(
            'response:canvas.get_todo{value:<|"|>[{"id":5}]<|"|>}<tool_response|>' for _ in results
        )
        assert text.endswith(opened + answered)
        assert text == stock(to_generated_chat((user("x"), assistant(words), *results)), None, True)


def test_a_call_with_keys_that_are_not_words_stays_text() -> None:
    content = serialise(ToolCall("canvas.get_todo", {"a b": 1}))
    assert canonical_calls(content) == () and render(to_chat((user("x"), assistant(content))))[0].count(content) == 1


def test_a_catalogue_declares_nothing_to_the_template_and_native_declares_the_schemas() -> None:
    assert declared(("canvas.get_todo",), "catalogue") is None
    schemas = declared(("canvas.get_todo",), "native")
    text, _ = render(to_chat((SYSTEM, user("x"))), schemas)
    assert "<|tool>declaration:canvas.get_todo" in text


def test_every_edit_of_the_template_marks_something() -> None:
    assert marked_template().count("generation -%}") >= 2 * 6
