"""Generated calls, hostile texts: the round trip, and that anything at all is answered in linear time."""

from __future__ import annotations

import random
import string
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from canvas_pipeline.models.family import ToolCall, Turn
from canvas_pipeline.models.gemma4 import wire
from canvas_pipeline.models.gemma4.markers import CALL_CLOSE, CALL_OPEN, QUOTE, STOPS, escape, unescape
from canvas_pipeline.models.gemma4.wire import parse_turn, serialise
from canvas_pipeline.tracks.canvas.tools.tool_table import TOOLS
from canvas_pipeline_tests.models.wire_texts import MARKERS, OTHER_NOTATIONS, block

# the round trip

KEYS = (*(p.name for tool in TOOLS.values() for p in tool.parameters), "x y", "", "é", QUOTE, "a:b", "True")


def text(rng: random.Random) -> str:
    return "".join(
        rng.choice((rng.choice(MARKERS), rng.choice(string.printable), chr(rng.randrange(1, 0xD800)), "🎉"))
        for _ in range(rng.randrange(8))
    )


def value(rng: random.Random, depth: int) -> Any:
    kind = rng.randrange(9 if depth else 7)
    if kind == 7:
        return [value(rng, depth - 1) for _ in range(rng.randrange(4))]
    if kind == 8:
        return {
            rng.choice(KEYS) if rng.random() < 0.8 else text(rng): value(rng, depth - 1)
            for _ in range(rng.randrange(4))
        }
    return (
        None,
        True,
        False,
        rng.randrange(-(10**12), 10**12),
        rng.uniform(-1e9, 1e9),
        10.0 ** rng.randrange(-300, 300),
        text(rng),
    )[kind]


def calls(seed: int, count: int) -> Iterator[ToolCall]:
    rng, names = random.Random(seed), (*TOOLS, "x", "a.b.c", "_1")
    for _ in range(count):
        yield ToolCall(rng.choice(names), {rng.choice(KEYS): value(rng, 3) for _ in range(rng.randrange(4))})


def test_a_hundred_thousand_generated_calls_come_back_equal() -> None:
    equal = total = 0
    for call in calls(7, 100_000):
        total += 1
        equal += parse_turn(serialise(call)).calls == (call,)
    assert equal == total == 100_000


ANY = st.lists(
    st.sampled_from(MARKERS) | st.text(st.characters(exclude_categories=["Cs"]), max_size=4), max_size=10
).map("".join)
JSONLIKE = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | ANY,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(ANY, inner, max_size=4),
    max_leaves=12,
)


@given(st.from_regex(r"[\w.]+", fullmatch=True), st.dictionaries(ANY, JSONLIKE, max_size=4))
def test_every_json_like_call_comes_back_equal(name: str, arguments: dict[str, Any]) -> None:
    call = ToolCall(name, arguments)
    turn = parse_turn(serialise(call))
    assert turn == Turn((call,), "") and serialise(turn.well_formed[0]) == serialise(call)


@given(ANY)
def test_escaping_is_exact_and_leaves_no_marker(raw: str) -> None:
    safe = escape(raw)
    assert unescape(safe) == raw
    assert not any(marker in safe for marker in (*STOPS, CALL_OPEN, CALL_CLOSE, QUOTE, "<|turn>", "<bos>"))
    assert "<|" not in safe and "|>" not in safe


# anything at all


@given(st.lists(st.sampled_from(MARKERS) | st.text(max_size=5), max_size=40).map("".join))
@settings(max_examples=400)
def test_any_text_gives_a_turn_whose_answer_holds_no_call(raw: str) -> None:
    turn = parse_turn(raw)
    assert isinstance(turn, Turn) and CALL_OPEN not in turn.text and CALL_CLOSE not in turn.text
    before_stop = raw[: min([raw.find(stop) for stop in STOPS if stop in raw], default=len(raw))]
    thoughtless = CALL_OPEN in before_stop and "<|channel>" not in before_stop and "<channel|>" not in before_stop
    assert thoughtless <= (bool(turn.calls) or escape(CALL_OPEN) in turn.text)


FORMS = st.lists(
    st.sampled_from([*MARKERS, *OTHER_NOTATIONS, "'", "{{", "}}", "\n", " ", "Lab 3 is due. ", "call:a{x:1}"])
    | st.text(max_size=4),
    max_size=12,
).map("".join)


@given(FORMS, st.lists(FORMS, max_size=3))
@settings(max_examples=400)
def test_no_call_is_made_out_of_a_thought_and_no_answer_holds_a_marker(raw: str, input_texts: list[str]) -> None:
    turn = parse_turn(raw, input_texts)
    assert all(found.name for found in turn.well_formed)
    assert parse_turn(f"<|channel>{raw.replace('<channel|>', '')}<channel|>Shall I?").well_formed == ()
    assert not any(marker in turn.text for marker in (*STOPS, CALL_OPEN, CALL_CLOSE))


@given(FORMS.map(escape))
@settings(max_examples=400)
def test_text_from_outside_is_an_answer_when_it_is_repeated_line_by_line(safe: str) -> None:
    assert parse_turn(safe).well_formed == ()
    repeated = "\n".join(line.strip() for line in safe.splitlines() if len(line.strip()) > 12)
    assert parse_turn(f"Your items:\n{repeated}", [safe]).calls == () or "again and again" in str(
        parse_turn(repeated, [safe])
    )


@given(st.binary(max_size=300))
def test_bytes_read_as_text_never_raise(raw: bytes) -> None:
    parse_turn(block("call:a{" + raw.decode("utf-8", "replace")))
    parse_turn(raw.decode("latin-1"))
    parse_turn(raw.decode("utf-8", "surrogateescape"))


HOSTILE = {
    "openings": CALL_OPEN, "closings": CALL_CLOSE, "quotes": QUOTE, "brackets": "[", "braces": "call:a{x:{",
    "spaces": " ", "bars": "<|",
    "backslashes": "<" + "\\" * 7, "halves": "|\\>", "thoughts": "<|channel>", "plain": '"', "escapes": '\\"', "letters": "x",
    "names": "call:", "digits": "9", "commas": "x:1,", "blocks": "<|tool_call>call:a{x:1}<tool_call|>",
    "apostrophes": "' ", "quoted": "'a',", "thought ends": "<channel|>", "closed thoughts": "<|channel>a<channel|>",
    "bare": "call:a{",
    "bare lines": "call:a_b{x}\n", "tags": "<tool_call ", "closed tags": "}</tool_call>\n", "json": '[{"a":\n', "lines": "\n",
    "same line": "aaa\n", "sentence again": "I look. ", "points": ". ",
    "code": "a.b(", "dots": "a.", "fences": "```tool_code x\n", "actions": "Action: a\n", "backticks": "`", "ends": "x} ",
    "together": "call:a{}", "doubled": "{{", "sentence": "The <|tool_call> marker is ",
}  # fmt: skip


def instructions(raw: str) -> int:
    """How many lines of the parser run: a measure of work that no busy machine changes. Work inside a single regex or string
    method is bounded by the patterns' form, which the next test looks at."""
    count, tools = 0, str(Path(wire.__file__).parent)

    def trace(frame: Any, event: str, _: Any) -> Any:
        nonlocal count
        count += 1
        return trace if frame.f_code.co_filename.startswith(tools) else None

    sys.settrace(trace)
    try:
        parse_turn(raw)
    finally:
        sys.settrace(None)
    return count


@pytest.mark.parametrize("name", HOSTILE)
@pytest.mark.parametrize("frame", ["{}", CALL_OPEN + "call:a{{x:{}", CALL_OPEN + "call:a{{x:{}}}" + CALL_CLOSE])
def test_the_work_grows_no_faster_than_the_text(name: str, frame: str) -> None:
    unit = HOSTILE[name]
    small, large = (instructions(frame.format(unit * count)) for count in (200, 1600))
    assert large <= 8 * small + 200


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_megabyte_is_answered(name: str) -> None:
    raw = HOSTILE[name] * (1_000_000 // len(HOSTILE[name]))
    for hostile in (raw, CALL_OPEN + "call:a{x:" + raw, block("call:a{x:" + raw), block(f"call:a{{x:{QUOTE}" + raw)):
        assert isinstance(parse_turn(hostile), Turn)
    assert unescape(escape(raw)) == raw
