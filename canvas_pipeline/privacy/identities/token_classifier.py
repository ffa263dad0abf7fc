"""Read texts with an optional second recogniser for ``Scrubber(model=…)``: a local Piiranha-style token classifier.

Nothing is downloaded. Long texts are read in overlapping windows of the model's context (256 tokens), so that every character is
read and a name at the edge of one window is whole in the next. ``B-``/``I-`` prefixes and bare labels are both understood; a
model with a label that is not mapped is refused before it reads anything. Torch and transformers are imported with the first
text.

Models are not shipped; mind their licences (Piiranha v1: cc-by-nc-nd-4.0).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from canvas_pipeline.errors import MissingInput, MissingTool, ServiceUnavailable
from canvas_pipeline.privacy.identities.pii import Finding, model_label

WINDOW, OVERLAP = 256, 64  # tokens, special ones included
_BATCH = 16


class TokenClassifier:
    """A token classifier. ``folder`` has config, weights and a fast tokenizer. Only the path is pickled: each worker loads its
    own model.

    Raises ``MissingInput`` without the folder, ``MissingTool`` without torch, ``ServiceUnavailable`` for a model that does not
    load, has no fast tokenizer, or has labels that ``patterns.MODEL_LABELS`` does not map.
    """

    def __init__(self, folder: Path, window: int = WINDOW, overlap: int = OVERLAP) -> None:
        if not (folder / "config.json").is_file():
            raise MissingInput(
                f"{folder}: no token classifier here; give a folder with config.json, weights and tokenizer"
            )
        self._folder, self._window, self._overlap = folder, window, overlap
        self._loaded: tuple[Any, Any, dict[int, str]] | None = None

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_loaded": None}

    def __call__(self, texts: Sequence[str]) -> list[list[Finding]]:
        """Return the findings of each text, in characters, with the model's labels."""
        if self._loaded is None:
            self._loaded = self._load()
        tokenizer, model, labels = self._loaded
        found: list[list[Finding]] = []
        for at in range(0, len(texts), _BATCH):
            found += self._read(list(texts[at : at + _BATCH]), tokenizer, model, labels)
        return found

    def _load(self) -> tuple[Any, Any, dict[int, str]]:
        try:
            from transformers import AutoModelForTokenClassification, AutoTokenizer
        except ImportError:
            raise MissingTool("torch or transformers is not installed; run: uv sync --extra train") from None
        try:
            tokenizer = AutoTokenizer.from_pretrained(self._folder, local_files_only=True)
            model = AutoModelForTokenClassification.from_pretrained(self._folder, local_files_only=True)
        except (OSError, ValueError, RuntimeError) as error:
            raise ServiceUnavailable(f"the token classifier does not load ({type(error).__name__})") from None
        if not tokenizer.is_fast:
            raise ServiceUnavailable(
                "the token classifier has no fast tokenizer, so its tokens have no place in the text"
            )
        labels = {int(index): str(label) for index, label in model.config.id2label.items()}
        for label in labels.values():
            model_label(label)  # refused now, not at the first text that has one
        return tokenizer, model.eval(), labels

    def _read(self, texts: list[str], tokenizer: Any, model: Any, labels: dict[int, str]) -> list[list[Finding]]:
        import torch

        limit = min(self._window, getattr(model.config, "max_position_embeddings", self._window))
        encoded = tokenizer(
            texts, truncation=True, max_length=limit, stride=min(self._overlap, limit // 2), padding=True,
            return_overflowing_tokens=True, return_offsets_mapping=True, return_special_tokens_mask=True, return_tensors="pt",
        )  # fmt: skip
        tokens: list[set[tuple[int, int, str]]] = [set() for _ in texts]
        inputs = {name: encoded[name] for name in tokenizer.model_input_names if name in encoded}
        for at in range(0, len(encoded["input_ids"]), _BATCH):
            with torch.no_grad():
                chosen = model(**{name: rows[at : at + _BATCH] for name, rows in inputs.items()}).logits.argmax(-1)
            for row, answer in enumerate(chosen.tolist(), at):
                places, special = encoded["offset_mapping"][row].tolist(), encoded["special_tokens_mask"][row].tolist()
                tokens[int(encoded["overflow_to_sample_mapping"][row])].update(
                    (start, end, labels[index])
                    for (start, end), index, mark in zip(places, answer, special, strict=True)
                    if not mark and start < end and model_label(labels[index]) is not None
                )
        return [list(_joined(text, found)) for text, found in zip(texts, tokens, strict=True)]


def _joined(text: str, tokens: Iterable[tuple[int, int, str]]) -> Iterable[Finding]:
    """Join neighbouring tokens of one type to one finding; a ``B-`` at a new word begins another."""
    start = end = -1
    kind = ""
    for first, last, label in sorted(tokens):
        while first < last and text[first].isspace():  # some tokenizers count the blank before a word to it
            first += 1
        type_ = str(model_label(label))
        fresh = label.upper().startswith("B-") and first > end
        if type_ == kind and not fresh and not text[end:first].strip():
            end = max(end, last)
            continue
        if kind:
            yield Finding(start, end, kind)
        start, end, kind = first, last, type_
    if kind:
        yield Finding(start, end, kind)
