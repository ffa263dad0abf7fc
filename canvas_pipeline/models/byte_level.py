"""Train small byte-level BPE tokenizers on rendered conversations."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any


def build_tokenizer(
    texts: Iterable[str],
    vocabulary: int,
    *,
    pattern: str,
    specials: Sequence[str],
    end: str,
    pad: str,
    bos: str | None = None,
    compose: bool = False,
) -> Any:
    """Train a byte-level BPE tokenizer whose pre-tokenizer splits at ``pattern``. Deterministic.

    With ``bos`` the tokenizer adds it where special tokens are asked for; ``compose`` normalises to NFC."""
    from tokenizers import Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers
    from transformers import PreTrainedTokenizerFast

    learner = Tokenizer(models.BPE())
    if compose:
        learner.normalizer = normalizers.NFC()
    learner.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(pattern), "isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    learner.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=vocabulary,
        special_tokens=list(specials),
        show_progress=False,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
    )
    special = re.compile("|".join(re.escape(token) for token in specials))
    learner.train_from_iterator((piece for text in texts for piece in special.split(text) if piece), trainer)
    if bos is not None:
        learner.post_processor = processors.Sequence(
            [
                processors.ByteLevel(trim_offsets=False),
                processors.TemplateProcessing(
                    single=f"{bos} $A", pair=f"{bos} $A {bos} $B", special_tokens=[(bos, learner.token_to_id(bos))]
                ),
            ]
        )
    names = {"bos_token": bos} if bos is not None else {}
    return PreTrainedTokenizerFast(tokenizer_object=learner, eos_token=end, pad_token=pad, **names)
