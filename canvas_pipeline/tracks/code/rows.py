"""Define the rows of the code track: tasks with programs and tests, benchmark cases, and how predictions come out."""

from __future__ import annotations

import ast
from typing import Any

from canvas_pipeline.records import Message, Row, digest
from canvas_pipeline.verifiers.programs import Program, Test

INSTRUCTION, RESPONSE = "Instruction: ", "\nResponse:"


def prompt_of(instruction: str) -> str:
    """Return the prompt of an instruction, byte for byte the same in training and benchmark."""
    return f"{INSTRUCTION}{instruction}{RESPONSE}"


def program_group(code: str) -> str:
    """Return the group of a program: the same for texts that differ in layout and comments only.

    Raises ``SyntaxError`` or ``ValueError`` where the text is no Python."""
    return digest("program", ast.dump(ast.parse(code)))[:12]


class CodeRow(Row, frozen=True, kw_only=True):
    """A task that a model is trained on, with its program and tests.

    ``code`` is the answer to imitate, since it is what was run; ``output`` is the source's text around it. ``level`` and ``extra``
    are the source's own, as it gives them; ``source`` names the format or generator that the row comes from."""

    id: str
    instruction: str
    code: str
    entry_point: str
    tests: tuple[Test, ...]
    setup: str = ""
    output: str
    level: str = ""
    source: str
    extra: dict[str, Any] = {}

    @property
    def program(self) -> Program:
        """Return the program with its tests, to be run."""
        return Program(code=self.code, tests=self.tests, setup=self.setup)

    @property
    def messages(self) -> tuple[Message, ...]:
        """Return the training messages; the prompt is byte for byte that of the benchmark."""
        return (
            Message(role="user", content=prompt_of(self.instruction)),
            Message(role="assistant", content=f"\n{self.code}"),
        )

    @property
    def item_ids(self) -> tuple[str, ...]:
        """Return the row's program, which may not stand in two splits."""
        return (program_group(self.code),)


class CodeCase(Row, frozen=True, kw_only=True):
    """A task to be answered. ``code`` is its reference program; ``group`` names its suite, or whether its structure is trained on.

    ``cluster`` is what it shares with cases that come out alike."""

    id: str
    instruction: str
    code: str
    entry_point: str
    tests: tuple[Test, ...]
    setup: str = ""
    group: str
    cluster: str = ""

    @property
    def program(self) -> Program:
        """Return the reference program with the tests."""
        return Program(code=self.code, tests=self.tests, setup=self.setup)


class CodeOutcome(Row, frozen=True, kw_only=True):
    """How one prediction came out. ``state`` is that of its tests, or ``truncated`` or ``no_code`` where nothing was run.

    ``stub``: the function does nothing but return a constant. ``weak``: one of its tests could not be split."""

    case_id: str
    group: str
    state: str
    right: bool
    stub: bool
    weak: bool
    cluster: str
    sha256: str


class Reference(Row, frozen=True, kw_only=True):
    """How the reference program of a row or case did against its own tests. ``key`` is that of the program's result."""

    key: str
    state: str
    runs: int
