"""A micro Gemma-4 on disk, made once a session: the real architecture and tokenizer form, untrained, with rows in multiples
of 256 so that every K-quant applies. Its answers mean nothing; that it converts, quantises, loads and answers does."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from canvas_pipeline.release.converter import ensure_converter
from canvas_pipeline.release.gguf import QUANTS, convert, precision_of, quantise

SPECIALS = (
    "<pad>", "<eos>", "<bos>", "<unk>", "<mask>", "<|tool>", "<tool|>", "<|tool_call>", "<tool_call|>", "<|tool_response>",
    "<tool_response|>", '<|"|>', "<|turn>", "<turn|>",
)  # fmt: skip
TEXTS = ["What is due this week in course 12?", "call:canvas.get_grades{course_id:12}", "user\nmodel\nsystem\n"]
CHAT_TEMPLATE = (
    "{{ bos_token }}{% for m in messages %}<|turn>{{ m.role }}\n{{ m.content }}<turn|>\n{% endfor %}<|turn>model\n"
)


def save_micro_gemma(folder: Path, *, hidden: int = 256, ple: int = 0, dtype: str = "float32", seed: int = 0) -> Path:
    """Save an untrained Gemma-4 with its tokenizer; ``hidden`` off 256 makes the K-quants fall back.

    It has two layers. With ``ple``, the width of per-layer embeddings, it has the form of the real E2B: ten layers, four sliding to
    one full, one head of keys, the upper half without keys of its own and with twice the width."""
    import torch
    from tokenizers import Regex, Tokenizer, models, normalizers, pre_tokenizers, trainers
    from transformers import Gemma4ForCausalLM, Gemma4TextConfig, GemmaTokenizer

    raw = Tokenizer(models.BPE(unk_token="<unk>", byte_fallback=True, fuse_unk=True))
    raw.normalizer = normalizers.Replace(" ", "▁")
    raw.pre_tokenizer = pre_tokenizers.Split(Regex(r"▁?\p{L}+|\p{N}|▁?[^\s\p{L}\p{N}▁]|▁|\n"), "isolated")
    trainer = trainers.BpeTrainer(
        vocab_size=512,
        special_tokens=[*SPECIALS, *(f"<0x{i:02X}>" for i in range(256))],
        show_progress=False,
        initial_alphabet=[*(chr(i) for i in range(33, 127)), "▁", "\n"],
    )
    marker = re.compile("|".join(map(re.escape, SPECIALS)))
    raw.train_from_iterator((piece for text in TEXTS for piece in marker.split(text) if piece), trainer)
    model = json.loads(raw.to_str())["model"]
    tokenizer = GemmaTokenizer(vocab=model["vocab"], merges=[tuple(pair) for pair in model["merges"]])
    tokenizer.add_special_tokens({"additional_special_tokens": list(SPECIALS[5:])})
    tokenizer.chat_template = CHAT_TEMPLATE
    tokenizer.save_pretrained(folder)

    torch.manual_seed(seed)
    layers = (["sliding_attention"] * 4 + ["full_attention"]) * 2 if ple else ["sliding_attention", "full_attention"]
    config = Gemma4TextConfig(
        vocab_size=len(tokenizer), vocab_size_per_layer_input=len(tokenizer), hidden_size=hidden, intermediate_size=2 * hidden,
        num_hidden_layers=len(layers), num_attention_heads=4, num_key_value_heads=1 if ple else 2, head_dim=64, global_head_dim=128,
        hidden_size_per_layer_input=ple, num_kv_shared_layers=len(layers) // 2 if ple else 0, use_double_wide_mlp=bool(ple),
        sliding_window=64, layer_types=layers, final_logit_softcapping=30.0, max_position_embeddings=512,
        pad_token_id=0, eos_token_id=1, bos_token_id=2, tie_word_embeddings=True,
    )  # fmt: skip
    Gemma4ForCausalLM(config).to(getattr(torch, dtype)).save_pretrained(folder)
    return folder


@pytest.fixture(scope="session")
def converter() -> Path:
    return ensure_converter()


@pytest.fixture(scope="session")
def micro_gemma(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_micro_gemma(tmp_path_factory.mktemp("some-private-folder") / "checkpoint")


@pytest.fixture(scope="session")
def unquantised(micro_gemma: Path, converter: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return convert(
        micro_gemma, tmp_path_factory.mktemp("gguf") / "micro-f32.gguf",
        outtype=precision_of(micro_gemma), name="canvas-micro", converter=converter,
    )  # fmt: skip


@pytest.fixture(scope="session")
def quants(unquantised: Path) -> dict[str, Path]:
    return {
        quant: quantise(unquantised, unquantised.with_name(f"canvas-micro-{quant}.gguf"), quant) for quant in QUANTS
    }
