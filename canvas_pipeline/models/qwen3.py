"""The Qwen 3 family: ChatML turns without a BOS, calls between tags, an empty thought in every prompt."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from canvas_pipeline.models import byte_level
from canvas_pipeline.models.escaping import escaping
from canvas_pipeline.models.family import GgufFacts, OllamaFacts, Schemas, Shape
from canvas_pipeline.models.json_calls import JsonCalls
from canvas_pipeline.models.own_template import PINNED
from canvas_pipeline.models.template_family import Chat, TemplateFamily, plain_turns, sizes
from canvas_pipeline.records import Message

_END, _PAD = "<|endoftext|>", "<|fim_pad|>"
_TAGS = ("<tool_call>", "</tool_call>", "<tool_response>", "</tool_response>", "<think>", "</think>")
_SPECIALS = (_END, "<|im_start|>", "<|im_end|>", _PAD)
_STOPS = ("<|im_end|>", _END)
_PATTERN = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)
_CALLS = JsonCalls(
    escaping=escaping((*_SPECIALS, *_TAGS)),
    stops=_STOPS,
    arguments="arguments",
    opening="<tool_call>",
    closing="</tool_call>",
    response_open="<tool_response>",
    response_close="</tool_response>",
    thought=("<think>", "</think>"),
)
_OLLAMA = """\
{{- if .System }}<|im_start|>system
{{ .System }}<|im_end|>
{{ end }}
{{- range .Messages }}{{ if ne .Role "system" }}<|im_start|>{{ .Role }}
{{ if eq .Role "assistant" }}<think>

</think>

{{ end }}{{ .Content }}<|im_end|>
{{ end }}{{ end }}<|im_start|>assistant
<think>

</think>

"""


def _turns(messages: Sequence[Message], tools: Schemas | None, strict: bool) -> Chat:
    return plain_turns(messages, _CALLS, strict)


def _assistant_text(content: str) -> str:
    """Return an assistant's text as the template writes it, without an empty thought: the prompt contains that."""
    thought, closed, answer = content.rpartition("</think>")
    if not closed:
        return content.lstrip("\n")
    inner = thought.partition("</think>")[0].rstrip("\n").rpartition("<think>")[2].strip("\n")
    return (f"<think>\n{inner}\n</think>\n\n" if inner else "") + answer.lstrip("\n")


def _tokenizer(texts: Iterable[str], vocabulary: int) -> Any:
    tokenizer = byte_level.build_tokenizer(
        texts, vocabulary, pattern=_PATTERN, specials=(*_SPECIALS, *_TAGS), end="<|im_end|>", pad=_PAD, compose=True
    )
    return tokenizer


def _config(shape: Shape, tokenizer: Any) -> Any:
    from transformers import Qwen3Config

    return Qwen3Config(**sizes(shape, tokenizer))


QWEN3 = TemplateFamily(
    name="qwen3",
    # Qwen 2.5 has this tokenizer without the thoughts: a base of it (plain) is of this family, a chat model of it is refused.
    model_types=frozenset({"qwen3", "qwen2"}),
    required_tokens=(*_SPECIALS, *_TAGS),
    bos=None,
    end_of_text=_END,
    turn_end="<|im_end|>",
    pad=_PAD,
    stops=_STOPS,
    calls=_CALLS,
    template=Path(__file__).with_name("qwen3.jinja"),
    turns=_turns,
    assistant_text=_assistant_text,
    # Each turn carries its thought, if only an empty one: what is trained is what is prompted, turn after turn.
    values={**PINNED, "every_turn_thinks": True},
    gguf=GgufFacts(pre_tokenizer="qwen2"),
    ollama=OllamaFacts(template=_OLLAMA),
    tokenizer=_tokenizer,
    config=_config,
)
