"""Encode conversations as token ids with the mask of what the model generates, for every trainer, guard and measurement.

The mask is never empty and decodes to exactly the assistant spans: calls, answers and their stop tokens, without prompts and tool
results, also where a completion has several messages. A row is never truncated.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from canvas_pipeline.errors import BadInput
from canvas_pipeline.models.family import ModelFamily, Span
from canvas_pipeline.records import Message

BUCKET = 32
E = TypeVar("E")


@dataclass(frozen=True, slots=True)
class Encoded:
    """Token ids of a whole conversation; ``mask`` is 1 where the loss or the log-probability counts."""

    ids: list[int]
    mask: list[int]
    prompt_length: int = 0

    @property
    def labels(self) -> list[int]:
        """Return the ids where the mask is 1, and -100 elsewhere (the label that every trainer ignores)."""
        return [token if kept else -100 for token, kept in zip(self.ids, self.mask, strict=True)]

    @property
    def length(self) -> int:
        return len(self.ids)


@dataclass(frozen=True, slots=True)
class EncodedPair:
    """Both sides of a preference pair."""

    chosen: Encoded
    rejected: Encoded

    @property
    def length(self) -> int:
        """Return the tokens of both sides in one row: what they begin with in common counts once, its last token twice."""
        sides = [list(zip(side.ids, side.mask, strict=True)) for side in (self.chosen, self.rejected)]
        common = len(os.path.commonprefix(sides))  # it takes any sequences
        return self.chosen.length + self.rejected.length - max(0, common - 1)


def encode(
    messages: Sequence[Message],
    tokenizer: Any,
    family: ModelFamily,
    schemas: Sequence[dict[str, Any]] | None = None,
    prompt: Sequence[Message] = (),
) -> Encoded:
    """Encode ``prompt`` + ``messages``; the mask covers the assistant spans of ``messages`` only. ``schemas`` are those of the
    tools that the prompt declares.

    Raises ``BadInput`` when the mask would be empty or the prompt is not a prefix of the whole."""
    rendered = family.render((*prompt, *messages), schemas)
    text, spans = rendered.text, rendered.spans
    start = 0
    if prompt:
        opening = family.render(prompt, schemas, generation=True).text
        if not text.startswith(opening):
            raise BadInput(
                "the prompt's text is not the beginning of the conversation's text; check the messages' order"
            )
        start = len(opening)
    ids, offsets = tokenise(text, tokenizer)
    mask = mask_of(offsets, tuple(span for span in spans if span[0] >= start))
    if not any(mask):
        raise BadInput("no assistant turn to learn from: the row must end with an assistant message")
    prompt_length = sum(1 for begin, end in offsets if end <= start and begin < start) if prompt else 0
    return Encoded(ids, mask, prompt_length)


def tokenise(text: str, tokenizer: Any) -> tuple[list[int], list[Span]]:
    """Return ids and character offsets of a rendered conversation, which includes its BOS."""
    output = tokenizer(text, add_special_tokens=False, return_offsets_mapping=True)
    return output["input_ids"], output["offset_mapping"]


def mask_of(offsets: Sequence[Span], spans: Sequence[Span]) -> list[int]:
    """Return 1 for each token that overlaps a span, else 0. Spans are ordered and do not overlap. Linear in both lengths."""
    mask = [0] * len(offsets)
    current = 0
    for index, (begin, end) in enumerate(offsets):
        while current < len(spans) and spans[current][1] <= begin:
            current += 1
        if current < len(spans) and begin < spans[current][1] and end > spans[current][0]:
            mask[index] = 1
    return mask


def named(row_id: str, work: Callable[[], E]) -> E:
    """Call ``work`` and add the row's id to a ``BadInput`` that it raises."""
    try:
        return work()
    except BadInput as error:
        raise BadInput(f"row {row_id}: {error}") from None


def padded_length(longest: int) -> int:
    """Return the length to pad a batch to: the next multiple of ``BUCKET``.

    oneDNN compiles and caches a kernel for every shape. With arbitrary lengths a run's memory grows by a gigabyte in a hundred
    steps; with multiples of 32 it does not grow."""
    return -(-longest // BUCKET) * BUCKET


def batches(order: Iterable[int], lengths: Sequence[int], tokens: int) -> Iterator[list[int]]:
    """Split row indices, in their order, into batches of at most ``tokens`` tokens, counted as rows times the longest row.

    A longer row is a batch of its own."""
    batch: list[int] = []
    longest = 0
    for index in order:
        longest = max(longest, lengths[index])
        if batch and longest * (len(batch) + 1) > tokens:
            yield batch
            batch, longest = [], lengths[index]
        batch.append(index)
    if batch:
        yield batch
