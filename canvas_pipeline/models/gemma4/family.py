"""The Gemma-4 family: native tool calls inside the model's turn, tool results too, no system-role tricks."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from canvas_pipeline.models import jinja
from canvas_pipeline.models.family import GgufFacts, OllamaFacts, Rendered, Schemas, Shape, ToolCall, Turn
from canvas_pipeline.models.gemma4 import chat, ollama, tiny, wire
from canvas_pipeline.records import Message

_TOWERS = ("vision_tower", "audio_tower", "embed_vision", "embed_audio")


class Gemma4Calls:
    """Native calls as ``wire`` writes and reads them."""

    call_open = wire.CALL_OPEN
    call_close = wire.CALL_CLOSE
    response_open = wire.RESPONSE_OPEN
    response_close = wire.RESPONSE_CLOSE
    quote = wire.QUOTE

    def serialise(self, call: ToolCall) -> str:
        return wire.serialise(call)

    def parse(self, text: str, heard: Iterable[str] = ()) -> Turn:
        return wire.parse_turn(text, heard)

    def response_text(self, value: Any) -> str:
        return wire.response_text(value)

    def escape(self, text: str) -> str:
        return wire.escape(text)

    def unescape(self, text: str) -> str:
        return wire.unescape(text)


class Gemma4:
    """See ``ModelFamily``. A turn stops with ``<turn|>`` after an answer and with ``<|tool_response>`` after calls."""

    name = "gemma4"
    licence = "gemma"
    model_types = frozenset({"gemma4", "gemma4_text"})
    bos = "<bos>"
    end_of_text = "<eos>"
    pad = "<pad>"
    stops = ("<eos>", "<turn|>", "<|tool_response>")
    required_tokens = (*stops, bos, pad, "<|turn>", "<|tool_call>", "<tool_call|>", "<tool_response|>", '<|"|>')
    calls = Gemma4Calls()
    # The text tower only: vision and audio layers of a ForConditionalGeneration checkpoint are never trained.
    frozen = _TOWERS
    adapted = (
        rf"^(?!.*(?:{'|'.join(_TOWERS)})).*layers\.\d+\.(?:self_attn\.(?:q|k|v|o)_proj|mlp\.(?:gate|up|down)_proj)$"
    )
    gguf = GgufFacts(same_head_dim=True, kept_in_float=r"^per_layer_model_proj\.")
    ollama = OllamaFacts(template=ollama.TEMPLATE, renderer="gemma4", parser="gemma4-no-thinking")

    @property
    def chat_template(self) -> str:
        return chat.marked_template()

    def render(
        self,
        messages: Sequence[Message],
        tools: Schemas | None = None,
        *,
        generation: bool = False,
        strict: bool = True,
    ) -> Rendered:
        turns = chat.to_chat(messages) if strict else chat.to_spoken_chat(messages)
        return jinja.render(self.chat_template, turns, tools, generation=generation, bos_token=self.bos)

    def written(self, messages: Sequence[Message]) -> str:
        text = []
        for at, message in enumerate(messages):
            if message.role != "assistant":
                continue
            calls = bool(chat.canonical_calls(message.content))
            following = next((later.role for later in messages[at + 1 :] if later.role != "tool"), None)
            stop = "<|tool_response>" if calls else "" if following == "assistant" else "<turn|>"
            text.append(message.content.strip() + stop)
        return "".join(text)

    def build_tokenizer(self, texts: Iterable[str], vocabulary: int) -> Any:
        return tiny.build_tokenizer(texts, vocabulary)

    def build_model(self, tokenizer: Any, seed: int, shape: Shape | None = None) -> Any:
        return tiny.build_model(tokenizer, seed, shape)


GEMMA4 = Gemma4()
