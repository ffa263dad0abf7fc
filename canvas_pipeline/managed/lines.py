"""Write one conversation as lines of a tuning file: prompt and completion, messages, or Gemini's contents."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from canvas_pipeline.errors import BadInput
from canvas_pipeline.managed.bases import Format
from canvas_pipeline.models.family import ModelFamily, Schemas, Span
from canvas_pipeline.records import Message

Line = dict[str, Any]


def prompt_completion(
    messages: Sequence[Message], schemas: Schemas | None, family: ModelFamily, *, bos: bool
) -> list[Line]:
    """Return a line for each turn that the model writes: the template's text up to it, and the turn with its stop.

    Without ``bos`` the text begins after the family's first token, which a tokenizer adds by itself."""
    rendered = family.render(messages, schemas)
    start = 0 if bos or not family.bos else len(family.bos)
    if not rendered.text.startswith(family.bos or ""):
        raise BadInput(f"the text of the family {family.name} does not begin with {family.bos}")
    return [
        {"prompt": rendered.text[start:begin], "completion": rendered.text[begin:end]}
        for begin, end in joined(rendered.spans)
    ]


def joined(spans: Sequence[Span]) -> list[Span]:
    """Return spans with those that follow each other without a gap made one."""
    found: list[Span] = []
    for begin, end in spans:
        if found and found[-1][1] == begin:
            found[-1] = (found[-1][0], end)
        else:
            found.append((begin, end))
    return found


def chat_messages(messages: Sequence[Message], schemas: Schemas | None) -> list[Line]:
    """Return one line of messages, to which the service applies the base's template."""
    _words_only(messages, schemas)
    return [{"messages": [{"role": message.role, "content": message.content} for message in messages]}]


def gemini(messages: Sequence[Message], schemas: Schemas | None) -> list[Line]:
    """Return one line of contents, with the system message apart."""
    _words_only(messages, schemas)
    system = [message.content for message in messages if message.role == "system"]
    line: Line = {"systemInstruction": {"role": "system", "parts": [{"text": "\n\n".join(system)}]}} if system else {}
    line["contents"] = [
        {"role": "model" if message.role == "assistant" else "user", "parts": [{"text": message.content}]}
        for message in messages
        if message.role != "system"
    ]
    return [line]


def _words_only(messages: Sequence[Message], schemas: Schemas | None) -> None:
    if schemas or any(message.role == "tool" for message in messages):
        raise BadInput("tools and their results have no form in this format; export prompt-completion")


def texts_of(line: Line, format_: Format) -> list[str]:
    """Return the texts of a line that the service tokenises."""
    if format_ == "prompt-completion":
        return [line["prompt"], line["completion"]]
    if format_ == "messages":
        return [message["content"] for message in line["messages"]]
    turns = [*([line["systemInstruction"]] if "systemInstruction" in line else []), *line["contents"]]
    return [part["text"] for turn in turns for part in turn["parts"]]
