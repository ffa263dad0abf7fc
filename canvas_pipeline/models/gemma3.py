"""The Gemma 3 family: alternating user and model turns, the system message in the first user turn, no tool roles.

The vendor documents calls by prompt: the system message names the tools, a call is a JSON object that is the whole answer, and a
result is part of a user turn."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from canvas_pipeline.errors import BadInput
from canvas_pipeline.models.escaping import escaping
from canvas_pipeline.models.family import GgufFacts, OllamaFacts, Schemas, Shape
from canvas_pipeline.models.gemma_tokenizer import build_tokenizer
from canvas_pipeline.models.json_calls import JsonCalls
from canvas_pipeline.models.template_family import Chat, TemplateFamily, as_user_text, sizes
from canvas_pipeline.records import Message

_SPECIALS = (
    "<pad>", "<eos>", "<bos>", "<unk>", "<mask>", "<start_of_turn>", "<end_of_turn>", "<start_of_image>", "<end_of_image>",
)  # fmt: skip
_STOPS = ("<end_of_turn>", "<eos>")
_CALLS = JsonCalls(escaping=escaping(_SPECIALS), stops=_STOPS, arguments="parameters")
_DECLARATION = (
    "You have access to functions. If you decide to invoke any of the function(s), you MUST put it in the format of\n"
    '{"name": function name, "parameters": dictionary of argument name and its value}\n\n'
    "You SHOULD NOT include any other text in the response if you call a function\n"
)
_OLLAMA = """\
{{- $opening := .System }}
{{- range .Messages }}{{ if ne .Role "system" }}<start_of_turn>{{ if eq .Role "assistant" }}model{{ else }}user{{ end }}
{{ if $opening }}{{ $opening }}

{{ $opening = "" }}{{ end }}{{ .Content }}<end_of_turn>
{{ end }}{{ end }}<start_of_turn>model
"""


def _turns(messages: Sequence[Message], tools: Schemas | None, strict: bool) -> Chat:
    """Build alternating user and assistant turns. Tool results belong to the user's side."""
    chat: Chat = []
    system = [message.content for message in messages if message.role == "system"]
    if tools:
        system.append(_DECLARATION + json.dumps([tool["function"] for tool in tools], ensure_ascii=False))
    for message in messages:
        if message.role == "system":
            continue
        role = "assistant" if message.role == "assistant" else "user"
        content = as_user_text(message) if message.role == "tool" else message.content
        if not chat and role == "assistant" or chat and chat[-1]["role"] == role == "assistant":
            if strict:
                raise BadInput("this family's turns alternate: an assistant message must follow a user's or a tool's")
            if not chat:
                chat.append({"role": "user", "content": ""})
        if chat and chat[-1]["role"] == role:
            chat[-1]["content"] += "\n" + content
        else:
            chat.append({"role": role, "content": content})
    return [{"role": "system", "content": "\n\n".join(system)}, *chat] if system else chat


def _tokenizer(texts: Iterable[str], vocabulary: int) -> Any:
    return build_tokenizer(texts, vocabulary, _SPECIALS)


def _config(shape: Shape, tokenizer: Any) -> Any:
    from transformers import Gemma3TextConfig

    layers = ["full_attention" if (shape.layers - at) % 2 else "sliding_attention" for at in range(shape.layers)]
    return Gemma3TextConfig(
        **sizes(shape, tokenizer),
        sliding_window=shape.window,
        layer_types=layers,
        query_pre_attn_scalar=shape.head_dim,
    )


GEMMA3 = TemplateFamily(
    name="gemma3",
    model_types=frozenset({"gemma3", "gemma3_text"}),
    required_tokens=_SPECIALS[:7],
    bos="<bos>",
    end_of_text="<eos>",
    turn_end="<end_of_turn>",
    pad="<pad>",
    stops=_STOPS,
    calls=_CALLS,
    template=Path(__file__).with_name("gemma3.jinja"),
    turns=_turns,
    tools_in_template=False,
    frozen=("vision_tower", "multi_modal_projector"),
    gguf=GgufFacts(vocabulary_as="Gemma4ForCausalLM"),
    ollama=OllamaFacts(template=_OLLAMA),
    tokenizer=_tokenizer,
    config=_config,
)
