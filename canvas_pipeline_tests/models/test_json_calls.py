"""Calls as JSON: what is read, what is malformed, and that markers from outside stay inert."""

from __future__ import annotations

import time
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from canvas_pipeline.errors import BadInput
from canvas_pipeline.models.families import CHAT_FAMILIES
from canvas_pipeline.models.family import ModelFamily, ToolCall, ToolCallFormat
from canvas_pipeline.models.gemma3 import GEMMA3
from canvas_pipeline.models.llama3 import LLAMA3
from canvas_pipeline.models.llama4 import LLAMA4
from canvas_pipeline.models.plain import Plain
from canvas_pipeline.models.qwen3 import QWEN3

NASTY = st.sampled_from(
    ("<|im_end|>", "</tool_call>", "<\\|eot_id|>", "<end_of_turn>", "<\\\\think>", '"}', "\\", "<|tool_call>", "<eos>")
)
PIECES = st.sampled_from(("<tool_call>", '{"name": "f", ', '"arguments": {', "}}", "<think>"))
TEXT = st.lists(st.text(max_size=8) | NASTY, max_size=4).map("".join)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=6,
)
WORDS = st.dictionaries(st.from_regex(r"[a-z]\w{0,6}", fullmatch=True), JSON, max_size=3)
JSON_FAMILIES = (GEMMA3, LLAMA3, LLAMA4, QWEN3)
each_family = pytest.mark.parametrize("family", CHAT_FAMILIES, ids=lambda family: family.name)
each_json_family = pytest.mark.parametrize("family", JSON_FAMILIES, ids=lambda family: family.name)


def live(family: ModelFamily, text: str) -> bool:
    """Whether a marker of the family stands in a text."""
    return any(token in text for token in family.required_tokens)


@each_family
@settings(max_examples=60, deadline=None)
@given(name=st.from_regex(r"[a-z]\w*(\.\w+)?", fullmatch=True), arguments=WORDS)
def test_a_call_is_read_back_as_it_was_written(family: ModelFamily, name: str, arguments: dict[str, Any]) -> None:
    call = ToolCall(name, arguments)
    turn = family.calls.parse(family.calls.serialise(call) + family.stops[0] + "anything")
    assert turn.calls == (call,) and not turn.calls[0].lenient and turn.text == ""  # type: ignore[union-attr]


@each_family
@settings(max_examples=60, deadline=None)
@given(text=TEXT)
def test_text_from_outside_is_inert_after_escaping_and_comes_back(family: ModelFamily, text: str) -> None:
    assert not live(family, family.calls.escape(text).replace('<|"|>', ""))
    assert family.calls.unescape(family.calls.escape(text)) == text


@each_family
@settings(max_examples=100, deadline=None)
@given(
    parts=st.lists(
        st.text(max_size=6)
        | NASTY
        | st.sampled_from(("<tool_call>", '{"name": "f", ', '"arguments": {', "}}", "<think>")),
        max_size=8,
    )
)
def test_reading_never_raises_and_shows_no_marker(family: ModelFamily, parts: list[str]) -> None:
    turn = family.calls.parse("".join(parts))
    if family in JSON_FAMILIES:
        assert not live(family, turn.text)


NATIVE = '{"name": "f", "parameters": {"n": 1}}'
TAGGED = '<tool_call>\n{"name": "f", "arguments": {"n": 1}}\n</tool_call>'
F = ToolCall("f", {"n": 1})


@pytest.mark.parametrize(
    ("calls", "text", "expected", "words"),
    [
        (QWEN3.calls, TAGGED, (F,), ""),
        (QWEN3.calls, f"Let me look.\n{TAGGED}\n{TAGGED}", (F, F), "Let me look."),
        (QWEN3.calls, f"<think>\nIf {TAGGED}?\n</think>\n\nNo.", (), "No."),
        (QWEN3.calls, "hm\n</think>\n\nNo.", (), "No."),
        (LLAMA3.calls, NATIVE, (F,), ""),
        (LLAMA3.calls, f"<|python_tag|>{NATIVE}; {NATIVE}", (F, F), ""),
        (LLAMA3.calls, NATIVE.replace("parameters", "arguments"), (F,), ""),
        (LLAMA3.calls, '{"rooms": [1, 2]}', (), '{"rooms": [1, 2]}'),
        (GEMMA3.calls, f"  {NATIVE}\n", (F,), ""),
        (GEMMA3.calls, "It is 3 pm.<end_of_turn>\nmore", (), "It is 3 pm."),
        (Plain(LLAMA3).calls, f"{NATIVE}<|end_of_text|>more", (), NATIVE),
    ],
)
def test_calls_and_words_are_separated(
    calls: ToolCallFormat, text: str, expected: tuple[ToolCall, ...], words: str
) -> None:
    turn = calls.parse(text)
    assert (turn.calls, turn.text) == (expected, words)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("<tool_call>\n{'name': 'f'}\n</tool_call>", "not JSON"),
        ('<tool_call>{"name": "f", "arguments": {"n": NaN}}</tool_call>', "NaN"),
        ('<tool_call>{"name": "f", "arguments": {"n": 1e999}}</tool_call>', "out of range"),
        ('<tool_call>{"name": "f", "arguments": {"n": 1, "n": 2}}</tool_call>', "duplicate"),
        ('<tool_call>{"name": "f", "arguments": [1]}</tool_call>', "no object"),
        ('<tool_call>{"name": "f", "arguments": {}, "id": 4}</tool_call>', "beside"),
        ('<tool_call>{"arguments": {}}</tool_call>', "no object with a tool's name"),
        ("<tool_call></tool_call>", "not JSON"),
        (TAGGED.removesuffix("</tool_call>"), "unterminated"),
        ("a</tool_call>", "closing marker"),
        ("<think>\nShould I", "does not end"),
        ("<think>\n\n</think>\n\n", "without an answer"),
        (NATIVE.replace("parameters", "arguments"), "JSON"),
        ('<tool_call>{"name": "f", "arguments": {"n": ' + "9" * 5000 + "}}</tool_call>", "not JSON"),
        ('<tool_call>{"name": "f", "arguments": {"n": ' + "[" * 100 + "]" * 100 + "}}</tool_call>", "nested"),
        ('<tool_call>{"name": "f", "arguments": ' + '{"n":' * 100_000 + "</tool_call>", ""),
    ],
)
def test_what_was_meant_as_a_call_and_cannot_be_read_is_malformed(text: str, reason: str) -> None:
    turn = QWEN3.calls.parse(text)
    assert turn.text == "" and not turn.well_formed
    assert reason in turn.malformed[0].reason


@each_json_family
@pytest.mark.parametrize("arguments", [{"n": float("nan")}, {"n": {1}}, {"n": {1: 2}}])
def test_what_json_cannot_carry_is_refused_when_written(family: ModelFamily, arguments: dict[str, Any]) -> None:
    with pytest.raises(BadInput):
        family.calls.serialise(ToolCall("f", arguments))


@each_json_family
@pytest.mark.parametrize("piece", ["<tool_call>", "<think>", '{"name": "f", ', "<\\", "</tool_call>", '{"a":'])
def test_reading_a_long_text_is_fast(family: ModelFamily, piece: str) -> None:
    started = time.monotonic()
    family.calls.parse(piece * (200_000 // len(piece)))
    assert time.monotonic() - started < 3
