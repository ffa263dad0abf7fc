"""Answer cases without a model: by the best constant program, and by the training program whose instruction is nearest."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence

from canvas_pipeline.tracks.code.execution import Runner
from canvas_pipeline.tracks.code.rows import CodeCase, CodeRow
from canvas_pipeline.tracks.nearest import NearestText
from canvas_pipeline.verifiers.programs import Program

CONSTANTS: Mapping[str, str] = {
    "0": "return 0", "[]": "return []", "''": "return ''", "None": "return None", "True": "return True",
    "the argument": "return arguments[0]",
}  # fmt: skip
"""What a constant program returns → its body."""


def constant_program(entry_point: str, name: str) -> str:
    """Return the text of a constant program that takes any arguments."""
    return f"def {entry_point}(*arguments, **named): {CONSTANTS[name]}"


def constant_answers(cases: Sequence[CodeCase], runner: Runner) -> tuple[str, list[str]]:
    """Return the name of the constant program that is right most often, and its text for each case."""
    rights = {name: sum(_constant_rights(cases, name, runner)) for name in CONSTANTS}
    best = max(CONSTANTS, key=lambda name: rights[name])
    return f"returns {best}", [constant_program(case.entry_point, best) for case in cases]


def _constant_rights(cases: Sequence[CodeCase], name: str, runner: Runner) -> list[bool]:
    """Tell which cases a constant is right for. Cases with one entry point are run together: the program is the same."""
    together: dict[tuple[str, str], list[CodeCase]] = {}
    for case in cases:
        together.setdefault((case.entry_point, case.setup), []).append(case)
    programs = [
        Program(
            code=constant_program(entry, name), setup=setup, tests=tuple(test for case in group for test in case.tests)
        )
        for (entry, setup), group in together.items()
    ]
    right: list[bool] = []
    for group, result in zip(together.values(), runner.run(programs), strict=True):
        passed = iter(outcome.state == "passed" for outcome in result.outcomes)
        right += [all(list(itertools.islice(passed, len(case.tests)))) for case in group]
    return right


def nearest_programs(cases: Sequence[CodeCase], rows: Sequence[CodeRow]) -> list[str]:
    """Return for each case the program of the row whose instruction shares most words with it (Jaccard; the first of equals).

    Raises ``IndexError`` without rows."""
    nearest = NearestText([row.instruction for row in rows])
    return [rows[nearest.index(case.instruction)].code for case in cases]
