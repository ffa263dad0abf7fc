"""Rows as token ids with the mask of what the model writes: what every trainer, guard and measurement reads.

In: trajectories, preference pairs, feedback examples, a tokenizer, its family, the profile's way of declaring tools. Out:
``Encoded`` values (ids, a 0/1 mask of equal length, the length of the prompt). What must hold: the mask is non-empty and decodes to
exactly the assistant spans: calls, answers and their stop tokens in; prompts and tool results out, also where a
completion has several messages; a row is never cut.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from canvas_pipeline.errors import BadInput
from canvas_pipeline.models.family import ModelFamily, Span
from canvas_pipeline.records import FeedbackExample, Message, PreferencePair, Trajectory
from canvas_pipeline.tracks.canvas.tools.prompt import Declaration, declared

BUCKET = 32


@dataclass(frozen=True, slots=True)
class Encoded:
    """Token ids of a whole conversation; ``mask`` is 1 where the loss or the log-probability counts."""

    ids: list[int]
    mask: list[int]
    prompt_length: int = 0

    @property
    def labels(self) -> list[int]:
        """The ids where the mask is 1, -100 elsewhere (the ignored label of every trainer)."""
        return [token if kept else -100 for token, kept in zip(self.ids, self.mask, strict=True)]

    @property
    def length(self) -> int:
        return len(self.ids)


@dataclass(frozen=True, slots=True)
class EncodedPair:
    """Both sides of a preference pair."""

    chosen: Encoded
    rejected: Encoded


def encode(
    messages: Sequence[Message],
    tokenizer: Any,
    family: ModelFamily,
    declaration: Declaration,
    tools: tuple[str, ...],
    prompt: Sequence[Message] = (),
) -> Encoded:
    """Encode ``prompt`` + ``messages``; the mask covers the assistant spans of ``messages`` only.

    Raises ``BadInput`` when the mask would be empty or the prompt is not a prefix of the whole."""
    schemas = declared(tools, declaration)
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
    """Ids and character offsets of a rendered conversation (it carries its own BOS)."""
    output = tokenizer(text, add_special_tokens=False, return_offsets_mapping=True)
    return output["input_ids"], output["offset_mapping"]


def mask_of(offsets: Sequence[Span], spans: Sequence[Span]) -> list[int]:
    """1 for each token that overlaps a span. Spans are ordered and do not overlap; linear in both lengths."""
    mask = [0] * len(offsets)
    current = 0
    for index, (begin, end) in enumerate(offsets):
        while current < len(spans) and spans[current][1] <= begin:
            current += 1
        if current < len(spans) and begin < spans[current][1] and end > spans[current][0]:
            mask[index] = 1
    return mask


def encode_trajectory(row: Trajectory, tokenizer: Any, family: ModelFamily, declaration: Declaration) -> Encoded:
    """All assistant turns of a trajectory count."""
    return _named(row.id, lambda: encode(row.messages, tokenizer, family, declaration, row.tools))


def encode_pair(row: PreferencePair, tokenizer: Any, family: ModelFamily, declaration: Declaration) -> EncodedPair:
    """The completions' assistant turns count; earlier turns of the prompt do not."""
    return _named(
        row.id,
        lambda: EncodedPair(
            encode(row.chosen, tokenizer, family, declaration, row.tools, row.prompt),
            encode(row.rejected, tokenizer, family, declaration, row.tools, row.prompt),
        ),
    )


def encode_feedback(row: FeedbackExample, tokenizer: Any, family: ModelFamily, declaration: Declaration) -> Encoded:
    """The completion's assistant turns count."""
    return _named(row.id, lambda: encode(row.completion, tokenizer, family, declaration, row.tools, row.prompt))


def _named(row_id: str, work: Any) -> Any:
    try:
        return work()
    except BadInput as error:
        raise BadInput(f"row {row_id}: {error}") from None


def padded_length(longest: int) -> int:
    """The length batches are padded to. oneDNN compiles and keeps a kernel for every shape it meets: with lengths of any
    size a run's memory grows by a gigabyte in a hundred steps, in steps of 32 it stays where it starts."""
    return -(-longest // BUCKET) * BUCKET
