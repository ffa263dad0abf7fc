"""Recognise calls and thoughts in notations that are not the family's own: they must not be shown as an answer.

Models of other families, models that lost their markers in decoding, and models that loop generate text that a parser of the
native form takes for an answer. A form counts where it stands alone (from the start of a line, or up to the end of the text), not
inside a sentence or in quotes: there the words only mention it. Repeated input does not count either. Every pattern is linear in
the text's length."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable

_TAG = (
    r"(?:antml:)?(?:tool[_-]?(?:calls?|use|code|request|input)|function[_-]?calls?|function|invoke|use_mcp_tool|parameter"
    r"|start_function_call|TOOLCALL)"
)
_KEYS = r"arguments|parameters|args|input|tool_input|action_input"
_NAMES = r"name|tool|tool_name|function|function_name|function_call|tool_calls?|tool_uses|action|recipient_name"
_DOTTED = r"[A-Za-z]\w*(?:\.\w+)+|[a-z]+_\w+"
_START = r"^[ \t`*]*"

_FORMS: tuple[tuple[re.Pattern[str], str], ...] = (
    # The whole line, or a call that goes on in the next lines.
    (re.compile(_START + r"call:[\w.\-]+\s*[{(](?:[^\n]*[})][ \t`;,.*]*|[^})\n]*)$", re.M), "call without its envelope"),
    (re.compile(r"(?<![\"'“‘`<(\\;])call:[\w.\-]+[ \t]*[{(][ \t]*\n[ \t]*[\w\"'<|>]+[ \t]*[:=]"), "call without its envelope"),
    (re.compile(_START + r"call:\w+[._][\w.\-]*[ \t]*:?[ \t`]*$", re.M), "call without its envelope and without braces"),
    (re.compile(r"^[ \t]*(?:BEGIN|END)_(?:ARG|CALL|TOOL)\w*\b", re.M), "arguments between BEGIN_ARG and END_ARG"),
    (re.compile(rf"{_START}</?[|｜]?{_TAG}\b[^>\n\\]{{0,80}}>\s*(?:[{{\[<(]|call:|[\w.\-]*[ \t]*$)", re.M), "call in tags"),
    (re.compile(rf"<[|｜]?{_TAG}\b[^>\n\\]{{0,80}}>\s*(?:[{{\[<]|call:)"), "call in tags"),
    (re.compile(rf"[}}\])]\s*</{_TAG}>"), "call in tags"),
    (re.compile(r"<[|｜](?:python_tag|tool[_▁]calls?[\w▁]*|action_start|plugin|START_ACTION|DSML|channel|message|call|start"
                r"|constrain)[|｜]"), "markers of another model family"),
    (re.compile(r"^[ \t]*(?:\[TOOL_CALLS?\]|functools\[|✿FUNCTION✿)", re.M), "markers of another model family"),
    (re.compile(r"^[ \t]*(?:`{3,}[ \t]*)?(?:tool_(?:code|calls?|use|outputs?)|function_calls?)[ \t]*:?[ \t]*$", re.M),
     "code fence for a tool"),
    (re.compile(rf"{_START}[\[{{][\[{{\s]{{0,20}}[\"'](?:{_NAMES}|{_KEYS})[\"']\s*:", re.M), "call as JSON"),
    (re.compile(rf"{_START}[\[{{][\[{{\s]{{0,20}}[\"'](?s:.){{0,120}}?[\"'](?:{_KEYS}|function|tool_calls)[\"']\s*:", re.M),
     "call as JSON"),
    (re.compile(rf"\{{\s{{0,20}}[\"'](?:{_NAMES})[\"']\s*:\s*[\"'][\w.\-]+[\"']\s*,\s*[\"'](?:{_KEYS})[\"']\s*:"), "call as JSON"),
    (re.compile(rf"{_START}(?:\w+[ \t]*=[ \t]*)?(?:print\()?(?:await )?\[?(?:{_DOTTED})[({{][^\n]*[)}}]\]?\)?[ \t`;]*$", re.M),
     "call as code"),
    (re.compile(r"^[ \t]*Action:[ \t]*\w+(?:[._]\w+|[ \t]*\n[ \t]*Action Input:)", re.M), "call as Action and Action Input"),
    (re.compile(r"\A\s*thought[ \t]*(?:\n|\Z)"), "thought without its markers"),
    (re.compile(r"\A\s*(?:<(?:think|thinking|thought|reasoning)>|\[THINK\])|</(?:think|thinking|thought|reasoning)>|\[/THINK\]"),
     "thought in tags"),
    (re.compile(r"^([^\n]{3,200})\n(?:\1\n){7,}", re.M), "the same line again and again"),
    (re.compile(r"(?:^|(?<=[.!?] ))([^\n]{8,100}?[.!?] )\1{6,}", re.M), "the same sentence again and again"),
)  # fmt: skip
# In the middle of a line only what looks like the name of a tool.
_MID_LINE_CALL = re.compile(r"(?<![\"'“‘`<(\\;])call:\w+[._][\w.\-]*\s*([{(])")

_SUSPICIOUS = re.compile(r"[{<\[(:_]|[Tt]hought")


def foreign_form(
    text: str,
    input_texts: Iterable[str] = (),
    escape: Callable[[str], str] = str,
    unescape: Callable[[str], str] = str,
) -> str | None:
    """Return which call or thought in another notation an answer contains, or None.

    ``input_texts`` are from the model's input: a repeated line of one of them counts as plain words. ``escape`` and ``unescape``
    are the family's."""
    reason = _form(text)
    if reason is None:
        return None
    lines = {line.strip() for other in input_texts for line in unescape(other).splitlines() if _SUSPICIOUS.search(line)}
    for line in sorted(lines, key=len, reverse=True):
        text = text.replace(line, "…").replace(escape(line), "…")
    return _form(text)


def _form(text: str) -> str | None:
    for pattern, reason in _FORMS:
        if pattern.search(text):
            return reason
    last = text.rstrip()
    last = last[last.rfind("\n") + 1 :]
    call = _MID_LINE_CALL.search(last)
    return "call without its envelope" if call and last.endswith({"{": "}", "(": ")"}[call.group(1)]) else None
