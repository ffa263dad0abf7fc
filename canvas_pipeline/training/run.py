"""Join a run spec with its track's data set, profile and model family."""

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
    """One run of a track's method. Rows are those of the method's data set: conversations, pairs, completions of a prompt.

    ``numbers`` are the track's own hyperparameters for the method at this profile; None where the method table's apply."""

    spec: RunSpec
    dataset: DatasetSpec
    profile: Profile
    numbers: Hyperparameters | None = None

    @property
    def family(self) -> ModelFamily:
        """The family that renders, stops and adapts its model."""
        return family_named(self.profile.family_name)

    def rows(self, path: Path) -> Iterator[Any]:
        """Read the rows of one of its files."""
        return read_jsonl(path, self.dataset.row_type)

    def learnt(self, row: Any) -> Sequence[Message]:
        """Return what supervised training learns of a row: the whole conversation, or the completion of its prompt."""
        found: Sequence[Message] = row.completion if self._completes else row.messages
        return found

    @property
    def _completes(self) -> bool:
        return not hasattr(self.dataset.row_type, "messages")

    def encode_supervised(self, row: Any, tokenizer: Any) -> Encoded:
        """Encode a row of ``learnt``; the mask covers its assistant turns, not those of a prompt."""
        prompt = row.prompt if self._completes else ()
        return named(row.id, lambda: self._encode(row, self.learnt(row), tokenizer, prompt))

    def encode_pair(self, row: Any, tokenizer: Any) -> EncodedPair:
        """Encode both sides of a pair; the mask covers the completions' assistant turns, not those of the prompt."""
        sides = (row.chosen, row.rejected)
        return named(row.id, lambda: EncodedPair(*(self._encode(row, side, tokenizer, row.prompt) for side in sides)))

    def encode_feedback(self, row: Any, tokenizer: Any, completion: Sequence[Message] = ()) -> Encoded:
        """Encode a feedback row as ``encode_pair`` does a side; ``completion`` replaces the row's own."""
        return named(row.id, lambda: self._encode(row, completion or row.completion, tokenizer, row.prompt))

    def _encode(self, row: Any, messages: Sequence[Message], tokenizer: Any, prompt: Sequence[Message] = ()) -> Encoded:
        return encode(messages, tokenizer, self.family, self.dataset.schemas(row, self.profile), prompt)
