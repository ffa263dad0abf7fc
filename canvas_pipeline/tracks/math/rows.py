"""Define the rows of the math track: a problem with its worked solution and its gold answer, to train on or to be measured by."""

from __future__ import annotations

from canvas_pipeline.records import Message, Row, digest
from canvas_pipeline.verifiers.answers import AnswerKind, Gold

PROBLEM, SOLUTION, FINAL = "Problem: ", "\nSolution:", "#### "
LETTERS = "ABCDEFGHIJ"


def prompt_of(problem: str, options: tuple[str, ...] = ()) -> str:
    """Return the prompt of a problem, byte for byte the same in training and benchmark. Options have a line each."""
    lines = (f"\n{letter}) {option}" for letter, option in zip(LETTERS, options, strict=False))
    return f"{PROBLEM}{problem}{''.join(lines)}{SOLUTION}"


def completion_of(solution: str, answer: str | None) -> str:
    """Return what is trained: the worked solution, and on the last line the answer, where there is one."""
    lines = [line for line in (solution, None if answer is None else f"{FINAL}{answer}") if line]
    return "".join(f"\n{line}" for line in lines)


class MathRow(Row, frozen=True, kw_only=True, omit_defaults=True):
    """One problem. ``answer`` is None where nobody labelled it: such a row can be trained on, and belongs to no denominator.

    ``answer`` of a choice is the letter. ``source`` is the file, ``suite`` the benchmark or format that the row belongs to,
    ``wording`` what rows share that come out alike, ``extra`` what the format gives beyond (equations, calculator marks)."""

    id: str
    problem: str
    solution: str
    answer: str | None
    source: str
    suite: str
    answer_kind: AnswerKind = "text"
    options: tuple[str, ...] = ()
    level: str = ""
    subject: str = ""
    wording: str = ""
    extra: dict[str, str] = {}

    @property
    def gold(self) -> Gold | None:
        """Return the gold answer for the verifier; None for an unlabelled row."""
        return None if self.answer is None else Gold(kind=self.answer_kind, text=self.answer, options=self.options)

    @property
    def prompt(self) -> str:
        """Return the prompt, which is that of the benchmark."""
        return prompt_of(self.problem, self.options)

    @property
    def messages(self) -> tuple[Message, ...]:
        """Return the training messages."""
        said = completion_of(self.solution, self.answer)
        return Message(role="user", content=self.prompt), Message(role="assistant", content=said)

    @property
    def group(self) -> str:
        """Return the digest of the problem with its options. Rows of one group never stand in two parts or suites."""
        return digest("problem", *(" ".join(text.casefold().split()) for text in (self.problem, *self.options)))[:16]

    @property
    def item_ids(self) -> tuple[str, ...]:
        """Return the ids that may not span splits."""
        return (self.group,)
