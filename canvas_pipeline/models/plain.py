"""Base models without a template: the concatenated texts of a conversation, with an end of text after each answer."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from canvas_pipeline.errors import BadInput
from canvas_pipeline.models.family import (
    GgufFacts,
    ModelFamily,
    OllamaFacts,
    Rendered,
    Schemas,
    Shape,
    Span,
    ToolCall,
    ToolCallFormat,
    Turn,
)
from canvas_pipeline.records import Message


@dataclass(frozen=True, slots=True)
class NoCalls:
    """The ``ToolCallFormat`` of a model without tool calls: every answer is words."""

    of: ToolCallFormat
    end: str
    call_open: str = ""
    call_close: str = ""
    response_open: str = ""
    response_close: str = ""
    quote: str = '"'

    def serialise(self, call: ToolCall) -> str:
        raise BadInput("a model without a template makes no tool calls; choose a family that has a format for them")

    def parse(self, text: str, input_texts: Iterable[str] = ()) -> Turn:
        return Turn((), text.partition(self.end)[0].strip())

    def response_text(self, value: Any) -> str:
        return self.of.response_text(value)

    def escape(self, text: str) -> str:
        return self.of.escape(text)

    def unescape(self, text: str) -> str:
        return self.of.unescape(text)


@dataclass(frozen=True, slots=True)
class Plain:
    """A ``ModelFamily`` with the architecture and tokenizer of ``of``, and conversations as bare text."""

    of: ModelFamily
    chat_template: None = None
    results_vary: bool = False

    @property
    def name(self) -> str:
        return f"plain-{self.of.name}"

    @property
    def model_types(self) -> frozenset[str]:
        return self.of.model_types

    @property
    def required_tokens(self) -> tuple[str, ...]:
        return (self.end_of_text, self.pad, *((self.bos,) if self.bos else ()))

    @property
    def bos(self) -> str | None:
        return self.of.bos

    @property
    def end_of_text(self) -> str:
        return self.of.end_of_text

    @property
    def pad(self) -> str:
        return self.of.pad

    @property
    def stops(self) -> tuple[str, ...]:
        return (self.of.end_of_text,)

    @property
    def calls(self) -> ToolCallFormat:
        return NoCalls(self.of.calls, self.of.end_of_text)

    @property
    def adapted(self) -> str:
        return self.of.adapted

    @property
    def frozen(self) -> tuple[str, ...]:
        return self.of.frozen

    @property
    def unquantised(self) -> tuple[str, ...]:
        return self.of.unquantised

    @property
    def gguf(self) -> GgufFacts:
        return self.of.gguf

    @property
    def ollama(self) -> OllamaFacts:
        end = '{{ if eq .Role "assistant" }}' + self.end_of_text + "{{ end }}"
        return OllamaFacts(template="{{ range .Messages }}{{ .Content }}" + end + "{{ end }}")

    def render(
        self,
        messages: Sequence[Message],
        tools: Schemas | None = None,
        *,
        generation: bool = False,
        strict: bool = True,
    ) -> Rendered:
        if tools:
            raise BadInput("a model without a template has no place to declare tools; name them in the system message")
        text = self.bos or ""
        spans: list[Span] = []
        for message in messages:
            start = len(text)
            text += message.content
            if message.role == "assistant":
                text += self.end_of_text
                spans.append((start, len(text)))
        return Rendered(text, tuple(spans))

    def written(self, messages: Sequence[Message]) -> str:
        return "".join(message.content + self.end_of_text for message in messages if message.role == "assistant")

    def build_tokenizer(self, texts: Iterable[str], vocabulary: int) -> Any:
        tokenizer = self.of.build_tokenizer(texts, vocabulary)
        tokenizer.chat_template = None
        return tokenizer

    def build_model(self, tokenizer: Any, seed: int, shape: Shape | None = None) -> Any:
        return self.of.build_model(tokenizer, seed, shape)
