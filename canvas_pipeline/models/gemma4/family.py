"""The Gemma-4 family: native tool calls and tool results inside the model's turn."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from canvas_pipeline.models import jinja
from canvas_pipeline.models.family import GgufFacts, OllamaFacts, Rendered, Schemas, Shape
from canvas_pipeline.models.gemma4 import chat, ollama, tiny
from canvas_pipeline.models.gemma4.calls import GEMMA4_CALLS
from canvas_pipeline.records import Message

_TOWERS = ("vision_tower", "audio_tower", "embed_vision", "embed_audio")


class Gemma4:
    """A ``ModelFamily``. A turn stops with ``<turn|>`` after an answer and with ``<|tool_response>`` after calls, also after
    malformed ones that end a row."""

    name = "gemma4"
    model_types = frozenset({"gemma4", "gemma4_text"})
    bos = "<bos>"
    end_of_text = "<eos>"
    pad = "<pad>"
    stops = ("<eos>", "<turn|>", "<|tool_response>")
    required_tokens = (*stops, bos, pad, "<|turn>", "<|tool_call>", "<tool_call|>", "<tool_response|>", '<|"|>')
    calls = GEMMA4_CALLS
    # The first release's template gives a message of the role "tool" a turn of its own, later ones place it in the model's turn.
    results_vary = True
    # The text tower only: vision and audio layers of a ForConditionalGeneration checkpoint are never trained.
    frozen = _TOWERS
    # The projections of the per-layer embeddings are 2 % of the weights and feed every layer; quantised towers would be saved so.
    unquantised = (
        "lm_head", "per_layer_model_projection", "per_layer_input_gate", "per_layer_projection",
        *(f".*{tower}" for tower in _TOWERS),
    )  # fmt: skip
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
        turns = chat.to_chat(messages) if strict else chat.to_generated_chat(messages)
        rendered = jinja.render(self.chat_template, turns, tools, generation=generation, bos_token=self.bos)
        if strict and not generation and chat.ends_in_other_calls(messages):
            return chat.stopped_after_calls(rendered)
        return rendered

    def written(self, messages: Sequence[Message]) -> str:
        text = []
        for at, message in enumerate(messages):
            if message.role != "assistant":
                continue
            calls = chat.canonical_calls(message.content) or chat.ends_in_other_calls(messages[at:])
            following = next((later.role for later in messages[at + 1 :] if later.role != "tool"), None)
            stop = "<|tool_response>" if calls else "" if following == "assistant" else "<turn|>"
            text.append(message.content.strip() + stop)
        return "".join(text)

    def build_tokenizer(self, texts: Iterable[str], vocabulary: int) -> Any:
        return tiny.build_tokenizer(texts, vocabulary)

    def build_model(self, tokenizer: Any, seed: int, shape: Shape | None = None) -> Any:
        return tiny.build_model(tokenizer, seed, shape)


GEMMA4 = Gemma4()
