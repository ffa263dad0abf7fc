"""The Llama 3.1 family: headers around roles, one JSON call a turn, tools declared in the first user turn.

Every conversation opens with a system turn that contains two dates. They are fixed, so that a prompt does not depend on the
clock."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from canvas_pipeline.models import byte_level
from canvas_pipeline.models.escaping import escaping
from canvas_pipeline.models.family import GgufFacts, OllamaFacts, Schemas, Shape
from canvas_pipeline.models.json_calls import JsonCalls
from canvas_pipeline.models.own_template import PINNED
from canvas_pipeline.models.template_family import Chat, TemplateFamily, sizes, turns_with_tools_in_the_first
from canvas_pipeline.records import Message

_BOS, _END, _PAD = "<|begin_of_text|>", "<|end_of_text|>", "<|finetune_right_pad_id|>"
_SPECIALS = (
    _BOS, _END, _PAD, "<|start_header_id|>", "<|end_header_id|>", "<|eot_id|>", "<|eom_id|>", "<|python_tag|>",
)  # fmt: skip
_STOPS = ("<|eot_id|>", "<|eom_id|>", _END)
_PATTERN = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
_CALLS = JsonCalls(escaping=escaping(_SPECIALS), stops=_STOPS, arguments="parameters", prefix="<|python_tag|>")
_OLLAMA = """\
<|start_header_id|>system<|end_header_id|>

Cutting Knowledge Date: December 2023
Today Date: 26 Jul 2024

{{ .System }}<|eot_id|>
{{- range .Messages }}{{ if ne .Role "system" }}<|start_header_id|>{{ .Role }}<|end_header_id|>

{{ .Content }}<|eot_id|>{{ end }}{{ end }}<|start_header_id|>assistant<|end_header_id|>

"""


def _turns(messages: Sequence[Message], tools: Schemas | None, strict: bool) -> Chat:
    return turns_with_tools_in_the_first(messages, tools, _CALLS, strict)


def _tokenizer(texts: Iterable[str], vocabulary: int) -> Any:
    return byte_level.build_tokenizer(
        texts, vocabulary, pattern=_PATTERN, specials=_SPECIALS, end=_END, pad=_PAD, bos=_BOS
    )


def _config(shape: Shape, tokenizer: Any) -> Any:
    from transformers import LlamaConfig

    return LlamaConfig(**sizes(shape, tokenizer))


LLAMA3 = TemplateFamily(
    name="llama3",
    model_types=frozenset({"llama"}),
    required_tokens=_SPECIALS,
    bos=_BOS,
    end_of_text=_END,
    turn_end="<|eot_id|>",
    pad=_PAD,
    stops=_STOPS,
    calls=_CALLS,
    template=Path(__file__).with_name("llama3.jinja"),
    turns=_turns,
    values=PINNED,
    gguf=GgufFacts(pre_tokenizer="llama-bpe"),
    ollama=OllamaFacts(template=_OLLAMA),
    tokenizer=_tokenizer,
    config=_config,
)
