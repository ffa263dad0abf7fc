"""Define what a model family is: how it renders conversations, writes tool calls, stops, and is adapted, converted and served.

A family is one object of the ``ModelFamily`` protocol, in a file or package of its own beside this one. Code for every family
takes the object as an argument; only the family's own files know its markers."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from canvas_pipeline.records import Message

Span = tuple[int, int]
Schemas = Sequence[dict[str, Any]]
"""Tool declarations as JSON schemas: ``{"type": "function", "function": {"name", "description", "parameters"}}``."""


@dataclass(frozen=True, slots=True)
class ToolCall:
    """One readable call. ``lenient``: it was not written in the native form; this does not count for equality."""

    name: str
    arguments: dict[str, Any] = field(default_factory=dict)
    lenient: bool = field(default=False, compare=False)


@dataclass(frozen=True, slots=True)
class Malformed:
    """A block that was meant as a call and cannot be read."""

    raw: str
    reason: str


@dataclass(frozen=True, slots=True)
class Turn:
    """A parsed model turn: calls in order, and the text outside of them without any marker."""

    calls: tuple[ToolCall | Malformed, ...] = ()
    text: str = ""

    @property
    def well_formed(self) -> tuple[ToolCall, ...]:
        return tuple(c for c in self.calls if isinstance(c, ToolCall))

    @property
    def malformed(self) -> tuple[Malformed, ...]:
        return tuple(c for c in self.calls if isinstance(c, Malformed))


@dataclass(frozen=True, slots=True)
class Rendered:
    """A rendered conversation, with the character spans ``[start, end)`` that the model generates, in order.

    The text includes the family's BOS, if it has one: tokenise it without special tokens."""

    text: str
    spans: tuple[Span, ...] = ()

    @property
    def written(self) -> str:
        """Return the text of the spans."""
        return "".join(self.text[start:end] for start, end in self.spans)


class ToolCallFormat(Protocol):
    """How a family writes tool calls and tool results. ``parse(serialise(call)).calls == (call,)``."""

    @property
    def call_open(self) -> str: ...

    @property
    def call_close(self) -> str: ...

    @property
    def response_open(self) -> str: ...

    @property
    def response_close(self) -> str: ...

    @property
    def quote(self) -> str: ...

    def serialise(self, call: ToolCall) -> str:
        """Write a call as text. Raises ``BadInput`` for what the format cannot carry (NaN, infinities, values not JSON-like)."""
        ...

    def parse(self, text: str, input_texts: Iterable[str] = ()) -> Turn:
        """Parse a model's output up to its first stop. Linear in the length; never raises.

        ``input_texts`` are from the model's input. Their lines are plain words when the model repeats them."""
        ...

    def response_text(self, value: Any) -> str:
        """Return a tool's result as the escaped JSON text that a tool message carries."""
        ...

    def escape(self, text: str) -> str:
        """Make text from outside inert: it contains no marker afterwards. Exact inverse: ``unescape``."""
        ...

    def unescape(self, text: str) -> str: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class GgufFacts:
    """Settings of a family for llama.cpp's converter.

    ``pre_tokenizer``: llama.cpp's name of the pre-tokenizer, for a tokenizer the converter does not recognise. ``vocabulary_as``:
    the architecture whose vocabulary writer is used where there is no ``tokenizer.model``. ``same_head_dim``: fill in
    ``global_head_dim`` where transformers omits it. ``kept_in_float``: a pattern of tensors that llama.cpp never quantises."""

    pre_tokenizer: str | None = None
    vocabulary_as: str | None = None
    same_head_dim: bool = False
    kept_in_float: str = r"(?!)"


@dataclass(frozen=True, slots=True, kw_only=True)
class OllamaFacts:
    """Settings of a family for Ollama. ``renderer`` and ``parser`` name Ollama's built-in ones (None: none).

    ``template`` is a Go template without the BOS, which Ollama adds. ``@OPENING@``, ``@LENGTH@`` and ``@CATALOGUE@`` stand for
    the start of a system message that names tools, its length, and the names."""

    template: str
    renderer: str | None = None
    parser: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """Sizes of a small model that is built from nothing.

    Only Gemma 4 has the fields from ``layout`` to ``per_layer``: a letter for each layer, ``s`` sliding or ``f`` full attention (by
    default they alternate and the last is full); how many layers, the last ones, use the keys and values of earlier layers;
    whether their MLP is twice as wide; the width of the embeddings that each layer has for itself (0: none)."""

    vocabulary: int = 2048
    hidden: int = 256
    layers: int = 4
    intermediate: int = 768
    heads: int = 4
    kv_heads: int = 2
    head_dim: int = 64
    global_head_dim: int = 128
    layout: str = ""
    kv_shared: int = 0
    double_wide: bool = False
    per_layer: int = 0
    window: int = 256
    positions: int = 4096


MICRO = Shape(
    vocabulary=1024, hidden=64, layers=2, intermediate=128, heads=2, kv_heads=1, head_dim=32, global_head_dim=64, window=64
)  # fmt: skip


class ModelFamily(Protocol):
    """Everything that differs between model families."""

    @property
    def name(self) -> str: ...

    @property
    def model_types(self) -> frozenset[str]:
        """The ``model_type`` values of ``config.json`` that belong to the family."""
        ...

    @property
    def required_tokens(self) -> tuple[str, ...]:
        """Tokens that every tokenizer of the family has."""
        ...

    @property
    def bos(self) -> str | None: ...

    @property
    def end_of_text(self) -> str:
        """The token that ends a text of a base model."""
        ...

    @property
    def pad(self) -> str:
        """The padding token; never one of ``stops``."""
        ...

    @property
    def stops(self) -> tuple[str, ...]:
        """Tokens at which generation ends, each the text of one token."""
        ...

    @property
    def calls(self) -> ToolCallFormat: ...

    @property
    def chat_template(self) -> str | None:
        """The Jinja template with assistant spans marked, as a tokenizer carries it; None where there is none."""
        ...

    @property
    def results_vary(self) -> bool:
        """Whether published templates of the family's checkpoints write tool results in different ways. The family's way is
        trained and shipped then, whichever the checkpoint brings."""
        ...

    @property
    def adapted(self) -> str:
        """A regular expression for the modules that LoRA adapts."""
        ...

    @property
    def frozen(self) -> tuple[str, ...]:
        """Modules that are never trained (vision, audio)."""
        ...

    @property
    def unquantised(self) -> tuple[str, ...]:
        """Regular expressions for the modules that QLoRA does not load in 4 bits."""
        ...

    @property
    def gguf(self) -> GgufFacts: ...

    @property
    def ollama(self) -> OllamaFacts: ...

    def render(
        self,
        messages: Sequence[Message],
        tools: Schemas | None = None,
        *,
        generation: bool = False,
        strict: bool = True,
    ) -> Rendered:
        """Render a conversation. ``generation`` adds the prefix of the model's next turn.

        ``strict`` raises ``BadInput`` for what the family cannot express; training uses it. Without it (messages a model really
        generated) the nearest form is rendered and nothing is dropped."""
        ...

    def written(self, messages: Sequence[Message]) -> str:
        """Return what the spans of these messages must be: each assistant turn and its stop, computed without the template."""
        ...

    def build_tokenizer(self, texts: Iterable[str], vocabulary: int) -> Any:
        """Train a small tokenizer of the family's kind on rendered conversations. Deterministic."""
        ...

    def build_model(self, tokenizer: Any, seed: int, shape: Shape | None = None) -> Any:
        """Build an untrained float32 model of the family's architecture for the tokenizer's vocabulary."""
        ...
