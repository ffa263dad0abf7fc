"""Train small byte-fallback BPE tokenizers in the form of the Gemma families on rendered conversations."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from typing import Any

# Words, single digits, single signs: no merge crosses a class, so Gemma's own pre-tokeniser (at blanks) and llama.cpp's
# (at newlines) find the same merges.
_CLASSES = r"▁?\p{L}+|\p{N}|▁?[^\s\p{L}\p{N}▁]|▁|\n"


def build_tokenizer(texts: Iterable[str], vocabulary: int, specials: Sequence[str]) -> Any:
    """Train a ``GemmaTokenizer`` that llama.cpp tokenises alike. Deterministic.

    ``specials`` begin with pad, end, begin, unknown and mask."""
    from tokenizers import Regex, Tokenizer, models, normalizers, pre_tokenizers, trainers
    from transformers import GemmaTokenizer

    learner = Tokenizer(models.BPE(unk_token="<unk>", byte_fallback=True, fuse_unk=True))
    learner.normalizer = normalizers.Replace(" ", "▁")
    learner.pre_tokenizer = pre_tokenizers.Split(Regex(_CLASSES), "isolated")
    trainer = trainers.BpeTrainer(
        vocab_size=vocabulary,
        special_tokens=[*specials, *(f"<0x{byte:02X}>" for byte in range(256))],
        show_progress=False,
        initial_alphabet=[*map(chr, range(33, 127)), "▁", "\n"],
    )
    special = re.compile("|".join(re.escape(token) for token in specials))
    learner.train_from_iterator((piece for text in texts for piece in special.split(text) if piece), trainer)
    model = json.loads(learner.to_str())["model"]
    tokenizer = GemmaTokenizer(vocab=model["vocab"], merges=[tuple(pair) for pair in model["merges"]])
    tokenizer.add_special_tokens({"additional_special_tokens": list(specials[5:])})
    return tokenizer
