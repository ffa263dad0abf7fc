"""A server's tool parser against the project's own, on answers as servers give them."""

from __future__ import annotations

import json
from typing import Any

import pytest

from canvas_pipeline.evaluation.tool_parser import differences
from canvas_pipeline.models.family import ToolCall
from canvas_pipeline.models.gemma4.calls import GEMMA4_CALLS

Q = '<|"|>'
GRADES = "<|tool_call>call:canvas.get_grades{course_id:12}<tool_call|>"
EVENT = f'<|tool_call>call:calendar.create_event{{tags:[{Q}a{Q},{Q}b{Q}],title:{Q}Read "Emma"{Q}}}<tool_call|>'
BROKEN = "<|tool_call>call:canvas.get_grades{course_id=12}<tool_call|>"


def response(*calls: tuple[str, Any]) -> dict[str, Any]:
    """A chat response in the form of vLLM's."""
    listed = [
        {"id": f"chatcmpl-tool-{n}", "type": "function", "function": {"name": name, "arguments": json.dumps(arguments)}}
        for n, (name, arguments) in enumerate(calls)
    ]
    return {
        "choices": [
            {"finish_reason": "tool_calls", "message": {"role": "assistant", "content": None, "tool_calls": listed}}
        ]
    }


READ = ("canvas.get_grades", {"course_id": 12})
MADE = ("calendar.create_event", {"title": 'Read "Emma"', "tags": ["a", "b"]})


@pytest.mark.parametrize(
    ("raw", "answer"),
    [
        (GRADES + "<|tool_response>", response(READ)),
        (GRADES + EVENT + "<|tool_response>", response(READ, MADE)),
        ("Nothing is due.<turn|>", response()),
        ("Nothing is due.<turn|>", {"choices": [{"message": {"role": "assistant", "content": "Nothing is due."}}]}),
        (BROKEN, response()),
        ("<|tool_call>call:canvas.get_todo{}<tool_call|>", response(("canvas.get_todo", {}))),
    ],
)
def test_a_parser_that_reads_the_same_calls_agrees(raw: str, answer: dict[str, Any]) -> None:
    assert differences(raw, answer, GEMMA4_CALLS) == ()


@pytest.mark.parametrize(
    ("raw", "answer", "expected"),
    [
        (
            GRADES,
            response(("canvas.get_grades", {"course_id": "12"})),
            'call 1, course_id: 12 here, "12" at the server',
        ),
        (
            GRADES,
            response(("canvas.get_grades", {"course_id": 12.0})),
            "call 1, course_id: 12 here, 12.0 at the server",
        ),
        (
            GRADES,
            response(("get_grades", {"course_id": 12})),
            "call 1 is canvas.get_grades here, get_grades at the server",
        ),
        (GRADES, response(("canvas.get_grades", {})), "call 1, course_id: 12 here, nothing at the server"),
        (
            EVENT,
            response((MADE[0], {**MADE[1], "title": "Read "})),
            'call 1, title: "Read \\"Emma\\"" here, "Read " at the server',
        ),
        (
            EVENT,
            response((MADE[0], {**MADE[1], "tags": [f"{Q}a{Q}", f"{Q}b{Q}"]})),
            f'call 1, tags: ["a", "b"] here, {json.dumps([f"{Q}a{Q}", f"{Q}b{Q}"])} at the server',
        ),
        (GRADES + EVENT, response(READ), "2 calls here, 1 at the server"),
        (BROKEN, response(READ), "0 calls and 1 unreadable here, 1 at the server"),
        ("No calls.", response(READ), "0 calls here, 1 at the server"),
    ],
)
def test_what_it_reads_otherwise_is_told(raw: str, answer: dict[str, Any], expected: str) -> None:
    assert differences(raw, answer, GEMMA4_CALLS) == (expected,)


@pytest.mark.parametrize("arguments", ["{course_id: 12}", "[1]"])
def test_arguments_that_are_no_json_object_are_told(arguments: str) -> None:
    answer = response(READ)
    answer["choices"][0]["message"]["tool_calls"][0]["function"]["arguments"] = arguments
    (told,) = differences(GRADES, answer, GEMMA4_CALLS)
    assert "tool call" in told
    assert differences(GRADES, {}, GEMMA4_CALLS) == ("not a chat response with readable tool calls (KeyError)",)


def test_text_with_the_formats_own_markers_survives_both_ways() -> None:
    """The text is escaped on the wire: a server's parser that leaves it escaped would hand another title to the tool."""
    call = ToolCall("calendar.create_event", {"title": f"a {Q} and <tool_call|>"})
    raw = GEMMA4_CALLS.serialise(call)
    assert differences(raw, response((call.name, call.arguments)), GEMMA4_CALLS) == ()
    escaped = {"title": GEMMA4_CALLS.escape(str(call.arguments["title"]))}
    assert len(differences(raw, response((call.name, escaped)), GEMMA4_CALLS)) == 1
