"""A family whose assistant turns are plain text between a header and one stop, as in Gemma 3, Llama 3.1 and Qwen 3."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from canvas_pipeline.errors import BadInput
from canvas_pipeline.models import jinja
from canvas_pipeline.models.family import GgufFacts, OllamaFacts, Rendered, Schemas, Shape, ToolCallFormat
from canvas_pipeline.records import Message

Chat = list[dict[str, Any]]


@dataclass(frozen=True, slots=True, kw_only=True)
class TemplateFamily:
    """A ``ModelFamily`` whose template writes assistant content unchanged.

    ``turns`` converts messages to the form the template reads; ``values`` are variables of the template; ``turn_end`` ends an
    assistant turn; ``assistant_text`` gives a turn's text as the template writes it."""

    name: str
    model_types: frozenset[str]
    required_tokens: tuple[str, ...]
    bos: str | None
    end_of_text: str
    turn_end: str
    pad: str
    stops: tuple[str, ...]
    calls: ToolCallFormat
    template: Path
    turns: Callable[[Sequence[Message], Schemas | None, bool], Chat]
    gguf: GgufFacts
    ollama: OllamaFacts
    tokenizer: Callable[[Iterable[str], int], Any]
    config: Callable[[Shape, Any], Any]
    assistant_text: Callable[[str], str] = str.strip
    values: Mapping[str, Any] = field(default_factory=dict)
    tools_in_template: bool = True
    frozen: tuple[str, ...] = ()
    unquantised: tuple[str, ...] = ("lm_head",)
    results_vary: bool = False
    adapted: str = r"^(?!.*vision).*layers\.\d+\.(?:self_attn\.(?:q|k|v|o)_proj|mlp\.(?:gate|up|down)_proj)$"

    @property
    def chat_template(self) -> str:
        return jinja.template(self.template)

    def render(
        self,
        messages: Sequence[Message],
        tools: Schemas | None = None,
        *,
        generation: bool = False,
        strict: bool = True,
    ) -> Rendered:
        chat = self.turns(messages, tools, strict)
        declared = tools if self.tools_in_template else None
        values = {"bos_token": self.bos or "", **self.values}
        return jinja.render(self.chat_template, chat, declared, generation=generation, **values)

    def written(self, messages: Sequence[Message]) -> str:
        return "".join(self.assistant_text(m.content) + self.turn_end for m in messages if m.role == "assistant")

    def build_tokenizer(self, texts: Iterable[str], vocabulary: int) -> Any:
        tokenizer = self.tokenizer(texts, vocabulary)
        tokenizer.chat_template = self.chat_template
        return tokenizer

    def build_model(self, tokenizer: Any, seed: int, shape: Shape | None = None) -> Any:
        import torch
        from transformers import AutoModelForCausalLM

        torch.manual_seed(seed)
        return AutoModelForCausalLM.from_config(self.config(shape or Shape(), tokenizer))


def plain_turns(messages: Sequence[Message], calls: ToolCallFormat, strict: bool) -> Chat:
    """Convert messages by role. A tool result without a call before it raises if ``strict``, else becomes a user turn."""
    chat: Chat = []
    answering = False
    for index, message in enumerate(messages):
        if message.role == "assistant":
            answering = bool(calls.parse(message.content).well_formed)
        elif message.role != "tool":
            answering = False
        if message.role == "tool" and not answering:
            if strict:
                raise BadInput(f"message {index} is a tool's result, but no readable call stands before it")
            chat.append({"role": "user", "content": as_user_text(message)})
        else:
            chat.append({"role": message.role, "content": message.content})
    return chat


def turns_with_tools_in_the_first(
    messages: Sequence[Message], tools: Schemas | None, calls: ToolCallFormat, strict: bool
) -> Chat:
    """Do what ``plain_turns`` does. Raises ``BadInput`` where there are tools and no first user message to declare them in."""
    chat = plain_turns(messages, calls, strict)
    rest = [turn for turn in chat[:2] if turn["role"] != "system"]
    if tools and (not rest or rest[0]["role"] != "user"):
        raise BadInput("this family declares tools in the first user message: the conversation must begin with one")
    return chat


def as_user_text(message: Message) -> str:
    """Phrase a tool's result as the text of a user turn."""
    return f"Tool message from {message.name or 'the tools'}: {message.content}"


def sizes(shape: Shape, tokenizer: Any) -> dict[str, Any]:
    """Return the configuration sizes that all text models share."""
    return {
        "vocab_size": len(tokenizer),
        "hidden_size": shape.hidden,
        "intermediate_size": shape.intermediate,
        "num_hidden_layers": shape.layers,
        "num_attention_heads": shape.heads,
        "num_key_value_heads": shape.kv_heads,
        "head_dim": shape.head_dim,
        "max_position_embeddings": shape.positions,
        "bos_token_id": tokenizer.bos_token_id,
        "eos_token_id": tokenizer.eos_token_id,
        "pad_token_id": tokenizer.pad_token_id,
        "tie_word_embeddings": True,
    }
