"""The grammar of a turn, asked of llama.cpp's own engine on a real GGUF file."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from canvas_pipeline.errors import BadConfig, BadInput
from canvas_pipeline.evaluation.constrained import Compiled
from canvas_pipeline.evaluation.llama import Gguf
from canvas_pipeline.models.family import ToolCall
from canvas_pipeline.models.gbnf import Grammar, Grammars
from canvas_pipeline.models.gemma4.family import GEMMA4
from canvas_pipeline.models.gemma4.markers import QUOTE, escape
from canvas_pipeline.models.gemma4.wire import parse_turn, serialise
from canvas_pipeline.models.grammars import grammar
from canvas_pipeline.tracks.canvas.tools.tool_table import TOOLS, Parameter, schemas
from canvas_pipeline_tests.models.wire_texts import MARKERS
from canvas_pipeline_tests.release.conftest import converter, micro_gemma, unquantised

__all__ = ["converter", "micro_gemma", "unquantised"]

AFTER_CALLS, AFTER_ANSWER = "<|tool_response>", "<turn|>"


@pytest.fixture(scope="module")
def vocabulary(unquantised: Path) -> Any:
    from llama_cpp import Llama

    return Llama(str(unquantised), vocab_only=True, verbose=False)


@pytest.fixture(scope="module")
def every_tool(vocabulary: Any) -> Compiled:
    return Compiled(vocabulary, grammar("gemma4", schemas()))


def accepts(compiled: Compiled, text: str) -> bool:
    """Tell whether the grammar allows each token of a text, stop included, when nothing else is likely."""
    import numpy as np

    turn = compiled.start()
    count = compiled.model.n_vocab()
    for token in compiled.model.tokenize(text.encode(), add_bos=False, special=True):
        logits = np.full(count, -np.inf, np.float32)
        logits[token] = 0
        try:
            if turn.choose(logits) != token:
                return False
        except BadInput:
            return False
    return True


def words(rng: random.Random) -> str:
    pieces = (*MARKERS, "Lab 3", "é", "🎉", "\n", " ", "<", "|", ">", "\\", '"', "call:canvas.get_todo{}")
    return "".join(rng.choice(pieces) for _ in range(rng.randrange(7)))


def value(parameter: Parameter, rng: random.Random) -> Any:
    if parameter.nullable and rng.random() < 0.2:
        return None
    if parameter.enum:
        return rng.choice(parameter.enum)
    if isinstance(parameter.items, tuple):
        return [{p.name: value(p, rng) for p in parameter.items} for _ in range(rng.randrange(3))]
    return {
        "integer": lambda: rng.randrange(-(10**6), 10**9), "boolean": lambda: rng.random() < 0.5,
        "number": lambda: rng.choice((rng.randrange(99), rng.uniform(-9, 9), 1e-9, 1e20)),
        "string": lambda: words(rng), "iso": lambda: "2026-03-02T09:00:00Z",
        "array": lambda: [rng.randrange(9999) for _ in range(rng.randrange(3))],
    }[parameter.kind]()  # fmt: skip


def calls(rng: random.Random, name: str) -> Iterator[ToolCall]:
    for _ in range(rng.randrange(1, 3)):
        given = [p for p in TOOLS[name].parameters if p.required or rng.random() < 0.5]
        rng.shuffle(given)
        yield ToolCall(name, {p.name: value(p, rng) for p in given})


@pytest.mark.parametrize("name", TOOLS)
def test_right_calls_with_random_arguments_are_accepted_with_the_stop_of_calls_alone(
    name: str, every_tool: Compiled
) -> None:
    rng = random.Random(name)
    for _ in range(12):
        text = "".join(map(serialise, calls(rng, name)))
        assert accepts(every_tool, text + AFTER_CALLS), text
        assert not any(accepts(every_tool, text + stop) for stop in (AFTER_ANSWER, "<eos>"))


def test_answers_are_accepted_with_their_own_stop_whatever_they_repeat_from_outside(every_tool: Compiled) -> None:
    rng = random.Random(3)
    for _ in range(60):
        answer = escape(f"It is due on Monday. {words(rng)}")
        assert accepts(every_tool, answer + AFTER_ANSWER), answer
        assert not accepts(every_tool, answer + AFTER_CALLS)


WRONG = {
    "an unknown tool": "<|tool_call>call:canvas.get_exam{}<tool_call|>",
    "an unknown key": "<|tool_call>call:canvas.get_todo{limit:3}<tool_call|>",
    "a doubled key": "<|tool_call>call:canvas.get_course{course_id:4,course_id:4}<tool_call|>",
    "a missing required key": "<|tool_call>call:canvas.get_course{}<tool_call|>",
    "a missing required key among others": f"<|tool_call>call:calendar.delete_event{{event_id:{QUOTE}e1{QUOTE}}}<tool_call|>",
    "a text for a number": f"<|tool_call>call:canvas.get_course{{course_id:{QUOTE}4{QUOTE}}}<tool_call|>",
    "a fraction for a whole number": "<|tool_call>call:canvas.get_course{course_id:4.5}<tool_call|>",
    "a number for a truth value": "<|tool_call>call:canvas.list_courses{active_only:1}<tool_call|>",
    "null where it is no value": "<|tool_call>call:canvas.get_course{course_id:null}<tool_call|>",
    "a value out of no enum": f"<|tool_call>call:study.recommend_block_size{{task_type:{QUOTE}sleep{QUOTE}}}<tool_call|>",
    "an unclosed quote": f"<|tool_call>call:study.recommend_block_size{{task_type:{QUOTE}lab}}<tool_call|>",
    "plain quotes": '<|tool_call>call:study.recommend_block_size{task_type:"lab"}<tool_call|>',
    "a trailing comma": "<|tool_call>call:canvas.get_course{course_id:4,}<tool_call|>",
    "an open call": "<|tool_call>call:canvas.get_todo{}",
    "words behind a call": "<|tool_call>call:canvas.get_todo{}<tool_call|>Done.",
    "words before a call": "I look. <|tool_call>call:canvas.get_todo{}<tool_call|>",
    "a thought": "<|channel>thought<channel|>Monday.",
    "nothing": "",
}  # fmt: skip


@pytest.mark.parametrize("what", WRONG)
def test_a_turn_is_refused_for(what: str, every_tool: Compiled) -> None:
    assert not any(accepts(every_tool, WRONG[what] + stop) for stop in (AFTER_CALLS, AFTER_ANSWER, "<eos>"))


def test_a_tool_that_is_not_declared_is_refused(vocabulary: Any) -> None:
    call = serialise(ToolCall("canvas.get_todo", {})) + AFTER_CALLS
    assert accepts(Compiled(vocabulary, grammar("gemma4", schemas(("canvas.get_todo",)))), call)
    assert not accepts(Compiled(vocabulary, grammar("gemma4", schemas(("canvas.get_course",)))), call)
    none = Compiled(vocabulary, grammar("gemma4", []))
    assert not accepts(none, call) and accepts(none, f"Monday.{AFTER_ANSWER}")


def test_a_model_that_says_noise_says_what_the_grammar_allows_and_the_same_each_time(unquantised: Path) -> None:
    """Untrained, it would not close a call by chance: the grammar without the answers leaves it no other way."""
    whole = grammar("gemma4", schemas(("canvas.get_todo", "canvas.list_courses")))
    only_calls = Grammar(
        gbnf=whole.gbnf.replace("root ::= some-text | call+", "root ::= call"), call_open=whole.call_open,
        after_calls=whole.after_calls, after_answer=whole.after_answer,
    )  # fmt: skip
    prompts, names = ["<bos>What is due?", "<bos>Which courses?"], ["a", "b"]
    known = Grammars(grammars=(only_calls,), of=dict.fromkeys(names, 0))
    said = [Gguf(unquantised, GEMMA4, 60, 256, workers, grammars=known).generate(prompts, names) for workers in (1, 2)]
    assert said[0] == said[1]
    for text, stopped in said[0]:
        turn = parse_turn(text)
        assert stopped and not turn.malformed and len(turn.well_formed) == 1
        assert turn.well_formed[0].name in ("canvas.get_todo", "canvas.list_courses")


def test_another_family_and_another_type_are_refused_clearly() -> None:
    with pytest.raises(BadConfig, match="no grammar for the calls of qwen3"):
        grammar("qwen3", schemas())
    odd = {"function": {"name": "f", "parameters": {"type": "object", "properties": {"x": {"type": "date"}}}}}
    with pytest.raises(BadInput, match="type date"):
        grammar("gemma4", [odd])


def test_a_grammar_that_llama_cpp_cannot_read_is_an_error(vocabulary: Any) -> None:
    with pytest.raises(BadInput, match="cannot parse"):
        Compiled(vocabulary, Grammar(gbnf="root ::= nowhere", call_open="", after_calls="<eos>", after_answer="<eos>"))
