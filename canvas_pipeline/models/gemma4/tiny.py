"""Build a small Gemma-4 and its tokenizer from nothing.

For GGUF every row of every matrix must be a multiple of 256 (K-quants fall back silently otherwise), the last layer full attention
and at least one sliding. transformers 5.23 cannot run layers with shared keys without per-layer embeddings.

torch and transformers are imported inside the functions: this file is read when the code location loads."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from canvas_pipeline.models import gemma_tokenizer
from canvas_pipeline.models.family import Shape
from canvas_pipeline.models.gemma4.chat import marked_template

SPECIALS = (
    "<pad>", "<eos>", "<bos>", "<unk>", "<mask>",
    "<|tool>", "<tool|>", "<|tool_call>", "<tool_call|>", "<|tool_response>", "<tool_response|>",
    '<|"|>', "<|think|>", "<|channel>", "<channel|>", "<|turn>", "<turn|>",
    "<|image>", "<image|>", "<|image|>", "<|audio>", "<audio|>", "<|audio|>", "<|video|>",
)  # fmt: skip

_ATTENTION = {"s": "sliding_attention", "f": "full_attention"}


def build_tokenizer(texts: Iterable[str], vocabulary: int = Shape().vocabulary) -> Any:
    """Train a byte-fallback BPE in ``GemmaTokenizer`` form on ``texts`` (rendered conversations). Deterministic."""
    tokenizer = gemma_tokenizer.build_tokenizer(texts, vocabulary, SPECIALS)
    tokenizer.chat_template = marked_template()
    return tokenizer


def build_config(shape: Shape) -> Any:
    """Build the text config of a shape."""
    from transformers import Gemma4TextConfig

    return Gemma4TextConfig(
        vocab_size=shape.vocabulary,
        vocab_size_per_layer_input=shape.vocabulary,
        hidden_size=shape.hidden,
        intermediate_size=shape.intermediate,
        num_hidden_layers=shape.layers,
        num_attention_heads=shape.heads,
        num_key_value_heads=shape.kv_heads,
        head_dim=shape.head_dim,
        global_head_dim=shape.global_head_dim,
        hidden_size_per_layer_input=shape.per_layer,
        num_kv_shared_layers=shape.kv_shared,
        use_double_wide_mlp=shape.double_wide,
        sliding_window=shape.window,
        layer_types=[_ATTENTION[letter] for letter in shape.layout or ("sf" * shape.layers)[-shape.layers :]],
        final_logit_softcapping=30.0,
        max_position_embeddings=shape.positions,
        pad_token_id=0,
        eos_token_id=1,
        bos_token_id=2,
        tie_word_embeddings=True,
    )


def build_model(tokenizer: Any, seed: int, shape: Shape | None = None) -> Any:
    """Build an untrained float32 model for the tokenizer's vocabulary."""
    import torch
    from transformers import Gemma4ForCausalLM

    shape = replace(shape or Shape(), vocabulary=len(tokenizer))
    torch.manual_seed(seed)
    model = Gemma4ForCausalLM(build_config(shape))
    scale_scores(model.model.layers)
    return model


def scale_scores(layers: Iterable[Any]) -> None:
    """Start the norms of queries and keys at ``head_dim ** -0.25``, together the usual ``head_dim ** -0.5``.

    Gemma-4's attention is not scaled by head size: unit norms give scores of order ``head_dim`` at the start, which doubles the
    training time."""
    import torch

    with torch.no_grad():
        for attention in (layer.self_attn for layer in layers):
            for norm in (attention.q_norm, getattr(attention, "k_norm", None)):
                if norm is not None:
                    norm.weight.fill_(attention.head_dim**-0.25)
