"""Define the rows of the instruct track: test items, training rows, sampled answers and preference pairs."""

from __future__ import annotations

from typing import Literal

from canvas_pipeline.records import Message, Row, digest
from canvas_pipeline.verifiers.constraints import Constraint
from canvas_pipeline.verifiers.words import plain

Split = Literal["train", "selection", "test"]

INSTRUCTION, RESPONSE = "Instruction: ", "\nResponse:"
EXPORT_END = "\nEND"
"""Ends ``formatted_text``, which is for export only and never trained."""


def prompt_of(instruction: str) -> str:
    """Return the prompt of an instruction, byte for byte the same in training and benchmark."""
    return f"{INSTRUCTION}{instruction}{RESPONSE}"


def group_of(instruction: str) -> str:
    """Return the group of rows with the same instruction. A group never spans the parts of a split."""
    return digest("instruction", plain(instruction))[:12]


def conversation(prompt: str, completion: str) -> tuple[Message, Message]:
    """Return a prompt and its completion as messages."""
    return Message(role="user", content=prompt), Message(role="assistant", content=completion)


class TestItem(Row, frozen=True, kw_only=True):
    """One instruction with the constraints that its answer must meet. ``gold`` is one right answer.

    ``terms`` are what was filled into the wording: another wording that holds them asks for the same."""

    __test__ = False

    id: str
    type: str
    instruction: str
    wording_id: str
    constraints: tuple[Constraint, ...]
    gold: str
    topic: str
    terms: tuple[str, ...]
    split: Split


class Provenance(Row, frozen=True, kw_only=True):
    """Where a training row comes from. It holds no time and no commit, so that the same inputs give the same bytes.

    ``generator`` is the name or sha256 of what wrote the response; ``base_verdicts`` the sha256 of the base's verdicts."""

    generator: str
    seed: int
    wording_id: str
    prompt_sha256: str
    parameters: dict[str, float | str] = {}
    quantisation: str = "none"
    dtype: str = "float32"
    template_disabled: bool = True
    add_special_tokens: bool = False
    base_verdicts: str = ""


class InstructRow(Row, frozen=True, kw_only=True):
    """A supervised row. ``completion`` begins with a blank and ends before the end-of-text token, which the encoder adds."""

    id: str
    instruction: str
    instruction_type: str
    response: str
    prompt: str
    completion: str
    topic: str
    constraints: tuple[Constraint, ...]
    provenance: Provenance

    @property
    def messages(self) -> tuple[Message, ...]:
        """Return the training messages; the prompt is byte for byte that of the benchmark."""
        return conversation(self.prompt, self.completion)

    @property
    def item_ids(self) -> tuple[str, ...]:
        """Return the row's group, which may not span splits."""
        return (group_of(self.instruction),)

    @property
    def formatted_text(self) -> str:
        """Return the row as one text with an end mark, for export."""
        return self.prompt + self.completion + EXPORT_END


class SampledAnswer(Row, frozen=True, kw_only=True):
    """One sampled answer to the prompt of a training row. ``stopped`` is False where it reached the length limit."""

    row_id: str
    sample: int
    text: str
    stopped: bool
    tokens: int
    seed: int


class Draft(Row, frozen=True, kw_only=True):
    """An answer to an item before it became a training row. ``instruction`` may be worded unlike the item's own.

    ``generator`` names what wrote the answer; ``tokens`` counts the answer's."""

    item: TestItem
    instruction: str
    response: str
    stopped: bool
    tokens: int
    generator: str
    seed: int
    parameters: dict[str, float | str] = {}


class InstructPair(Row, frozen=True, kw_only=True):
    """Two answers to one prompt. ``margin`` is the difference of their scores, in (0, 1].

    ``chosen`` is always a right answer that the model sampled. ``sampled`` is False where the rejected side was constructed."""

    id: str
    row_id: str
    prompt: str
    chosen: str
    rejected: str
    chosen_score: float
    rejected_score: float
    margin: float
    negative_kind: str
    sampled: bool
    topic: str


class PreferenceRow(Row, frozen=True, kw_only=True):
    """A pair in the trainers' format. ``axes`` names what is wrong with the rejected side."""

    id: str
    row_id: str
    prompt: tuple[Message, ...]
    chosen: tuple[Message, ...]
    rejected: tuple[Message, ...]
    axes: tuple[str, ...]
    chosen_score: float
    rejected_score: float
    margin: float
    sampled: bool
    item_ids: tuple[str, ...]
