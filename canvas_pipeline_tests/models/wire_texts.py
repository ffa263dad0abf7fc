"""Texts that the tests of the wire format share."""

from __future__ import annotations

from canvas_pipeline.models.gemma4.markers import CALL_CLOSE, CALL_OPEN, QUOTE, RESPONSE_CLOSE, RESPONSE_OPEN

MARKERS = (
    CALL_OPEN, CALL_CLOSE, RESPONSE_OPEN, RESPONSE_CLOSE, QUOTE, "<|turn>", "<turn|>", "<eos>", "<bos>", "<pad>",
    "<|channel>", "<channel|>",
    "<|", "|>", "\\", "<\\|", "|\\>", "<\\eos>", "call:canvas.get_todo{}", "{", "}", "[", "]", ",", ":", '"', "'", "=",
)  # fmt: skip


def block(body: str) -> str:
    return f"{CALL_OPEN}{body}{CALL_CLOSE}"


OTHER_NOTATIONS = {
    "call:canvas.get_todo:\nBEGIN_ARG:\n5\nEND_ARG\n": "without braces",
    "call:canvas.get_todo": "without braces",
    "BEGIN_ARG\nx\nEND_ARG": "BEGIN_ARG",
    '<tool_call>{"name":"canvas.get_grades","arguments":{}}</tool_call>': "in tags",
    '<tool_call>\n{"name": "x"}': "in tags",
    'Sure. <tool_call>{"name": "x"}</tool_call>': "in tags",
    "<tool_call>canvas.get_todo\n<arg_key>x</arg_key>": "in tags",
    "<function=canvas.get_todo>\n</function>": "in tags",
    '<function_calls>\n<invoke name="canvas.get_todo">\n</invoke>': "in tags",
    "<start_function_call>call:canvas.get_todo{}<end_function_call>": "in tags",
    '<|python_tag|>{"name": "x"}': "another model family",
    "<|tool_calls_section_begin|><|tool_call_begin|>x": "another model family",
    "<|tool_call_start|>[canvas.get_todo()]<|tool_call_end|>": "another model family",
    "<｜tool▁calls▁begin｜>x": "another model family",
    '<|channel|>commentary to=functions.get_todo<|message|>{}': "another model family",
    '[TOOL_CALLS][{"name": "x", "arguments": {}}]': "another model family",
    "```tool_code\nprint(canvas.get_todo())\n```": "fence",
    "tool_code\nprint(canvas.get_todo())": "fence",
    '```tool_call\n{"name": "x"}\n```': "fence",
    '```json\n{"name": "canvas.get_todo", "arguments": {}}\n```': "as JSON",
    '{"name": "canvas.get_todo", "arguments": {}}': "as JSON",
    '[{"id": "call_1", "type": "function", "function": {"name": "x"}}]': "as JSON",
    "{'tool': 'canvas.get_todo'}": "as JSON",
    'I call {"name": "canvas.get_todo", "parameters": {}} now': "as JSON",
    "canvas.get_todo()": "as code",
    "[canvas.get_todo(), canvas.get_grades(course_id=4)]": "as code",
    "print(default_api.get_todo())": "as code",
    "canvas.get_todo{}": "as code",
    "Let me look.\nget_todo()": "as code",
    "Thought: I look.\nAction: get_todo\nAction Input: {}": "Action",
    "thought\nThe student wants": "without its markers",
    "thought\nthought\nthought\n": "without its markers",
    "<think>hm</think>Monday.": "in tags",
    "hm</think>Monday.": "in tags",
    "I will look.\n" * 12: "again and again",
    "Sure. " + "I should look at the list first. " * 12: "again and again",
}  # fmt: skip
