"""A run spec together with what its track says of it: how its rows read, which sizes it has, which model family."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from canvas_pipeline.datasets.spec import DatasetSpec
from canvas_pipeline.methods import Hyperparameters
from canvas_pipeline.models.families import family as family_named
from canvas_pipeline.models.family import ModelFamily
from canvas_pipeline.profiles import Profile
from canvas_pipeline.records import Message, read_jsonl
from canvas_pipeline.training.encoding import Encoded, EncodedPair, encode, named
from canvas_pipeline.training.spec import RunSpec


@dataclass(frozen=True, slots=True)
class Run:
    """One run of a track's method. Rows are those of the method's data set: conversations for ``sft``, pairs, feedback.

    ``numbers`` are the track's own for the method at this profile; None where those of the method table hold."""

    spec: RunSpec
    dataset: DatasetSpec
    profile: Profile
    numbers: Hyperparameters | None = None

    @property
    def family(self) -> ModelFamily:
        """What renders, stops and adapts its model."""
        return family_named(self.profile.family_name)

    def rows(self, path: Path) -> Iterator[Any]:
        """The rows of one of its files."""
        return read_jsonl(path, self.dataset.row_type)

    def encode_conversation(self, row: Any, tokenizer: Any) -> Encoded:
        """All assistant turns of a conversation count."""
        return named(row.id, lambda: self._encode(row, row.messages, tokenizer))

    def encode_pair(self, row: Any, tokenizer: Any) -> EncodedPair:
        """The completions' assistant turns count; earlier turns of the prompt do not."""
        sides = (row.chosen, row.rejected)
        return named(row.id, lambda: EncodedPair(*(self._encode(row, side, tokenizer, row.prompt) for side in sides)))

    def encode_feedback(self, row: Any, tokenizer: Any, completion: Sequence[Message] = ()) -> Encoded:
        """The completion's assistant turns count; another ``completion`` than the row's own is put behind its prompt."""
        return named(row.id, lambda: self._encode(row, completion or row.completion, tokenizer, row.prompt))

    def _encode(self, row: Any, messages: Sequence[Message], tokenizer: Any, prompt: Sequence[Message] = ()) -> Encoded:
        return encode(messages, tokenizer, self.family, self.dataset.schemas(row, self.profile), prompt)
