"""The Llama 4 family: headers around roles, calls as JSON, tools declared in the first user turn, a mixture of experts.

A small model that is built here has one expert, which every token is sent to. Of a published one LoRA adapts attention and the
expert that all tokens share: the routed experts are single tensors, not linear modules."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from canvas_pipeline.errors import BadInput
from canvas_pipeline.models import byte_level
from canvas_pipeline.models.escaping import escaping
from canvas_pipeline.models.family import GgufFacts, OllamaFacts, Schemas, Shape
from canvas_pipeline.models.json_calls import JsonCalls
from canvas_pipeline.models.template_family import Chat, TemplateFamily, sizes, turns_with_tools_in_the_first
from canvas_pipeline.records import Message

_BOS, _END, _PAD = "<|begin_of_text|>", "<|end_of_text|>", "<|finetune_right_pad|>"
_SPECIALS = (
    _BOS, _END, _PAD, "<|header_start|>", "<|header_end|>", "<|eot|>", "<|eom|>", "<|python_start|>", "<|python_end|>",
)  # fmt: skip
_STOPS = ("<|eot|>", "<|eom|>", _END)
_PERIOD = 4
"""Of so many layers the last has no positions and attends to everything. llama.cpp ends the process where there is no such one."""
_UPPER, _LOWER = r"\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}", r"\p{Ll}\p{Lm}\p{Lo}\p{M}"
_CONTRACTION = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)?"
_PATTERN = (
    rf"[^\r\n\p{{L}}\p{{N}}]?[{_UPPER}]*[{_LOWER}]+{_CONTRACTION}|[^\r\n\p{{L}}\p{{N}}]?[{_UPPER}]+[{_LOWER}]*{_CONTRACTION}"
    r"|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)
_CALLS = JsonCalls(
    escaping=escaping(_SPECIALS), stops=_STOPS, arguments="parameters", prefix="<|python_start|><|python_end|>"
)
_OLLAMA = """\
{{- if .System }}<|header_start|>system<|header_end|>

{{ .System }}<|eot|>{{ end }}
{{- range .Messages }}{{ if ne .Role "system" }}<|header_start|>{{ .Role }}<|header_end|>

{{ .Content }}<|eot|>{{ end }}{{ end }}<|header_start|>assistant<|header_end|>

"""


def _turns(messages: Sequence[Message], tools: Schemas | None, strict: bool) -> Chat:
    return turns_with_tools_in_the_first(messages, tools, _CALLS, strict)


def _tokenizer(texts: Iterable[str], vocabulary: int) -> Any:
    return byte_level.build_tokenizer(
        texts, vocabulary, pattern=_PATTERN, specials=_SPECIALS, end=_END, pad=_PAD, bos=_BOS
    )


def _config(shape: Shape, tokenizer: Any) -> Any:
    from transformers import Llama4TextConfig

    if shape.layers < _PERIOD:
        raise BadInput(
            f"every {_PERIOD}th layer of this family attends to everything; give a model at least {_PERIOD} layers"
        )
    return Llama4TextConfig(
        **sizes(shape, tokenizer),
        intermediate_size_mlp=shape.intermediate,
        num_local_experts=1,
        no_rope_layer_interval=_PERIOD,
    )


LLAMA4 = TemplateFamily(
    name="llama4",
    model_types=frozenset({"llama4", "llama4_text"}),
    required_tokens=_SPECIALS,
    bos=_BOS,
    end_of_text=_END,
    turn_end="<|eot|>",
    pad=_PAD,
    stops=_STOPS,
    calls=_CALLS,
    template=Path(__file__).with_name("llama4.jinja"),
    turns=_turns,
    assistant_text=str,
    frozen=("vision_model", "multi_modal_projector"),
    unquantised=("lm_head", r"feed_forward\.router", r"feed_forward\.experts"),
    adapted=(
        r"^(?!.*vision).*layers\.\d+\."
        r"(?:self_attn\.(?:q|k|v|o)_proj|feed_forward\.(?:shared_expert\.)?(?:gate|up|down)_proj)$"
    ),
    gguf=GgufFacts(pre_tokenizer="llama4"),
    ollama=OllamaFacts(template=_OLLAMA),
    tokenizer=_tokenizer,
    config=_config,
)
