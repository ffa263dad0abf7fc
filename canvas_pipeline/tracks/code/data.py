"""Make the rows and cases of the code track: drawn tasks, tasks of files, without what the benchmark asks, split by program."""

from __future__ import annotations

import random
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from canvas_pipeline.records import Funnel, Refusal, digest, funnel
from canvas_pipeline.tracks.code import tasks
from canvas_pipeline.tracks.code.execution import Runner
from canvas_pipeline.tracks.code.formats import Placed
from canvas_pipeline.tracks.code.references import run_once
from canvas_pipeline.tracks.code.rows import CodeCase, CodeRow, Reference, program_group
from canvas_pipeline.tracks.contamination import ContaminationReport, apart, contamination

EVAL_SHARE = 0.05
IN_BENCHMARK = "in_benchmark"


@dataclass(frozen=True, slots=True)
class BuiltRows:
    """Rows with what was refused, and how the references of the kept ones did."""

    rows: tuple[CodeRow, ...]
    refusals: tuple[Refusal, ...]
    funnel: Funnel


def drawn_rows(programs: int, wordings: int, seed: int, without: Iterable[str]) -> list[CodeRow]:
    """Draw training rows: so many programs, none of them ``without``, each in as many different wordings as come up."""
    rng = random.Random(f"code.wordings:{seed}")
    found: dict[str, CodeRow] = {}
    for task in tasks.tasks("train", programs, seed, frozenset(without)):
        for _ in range(wordings):
            instruction = tasks.worded(task, "train", rng)
            row = CodeRow(
                id=digest("drawn", instruction)[:12], instruction=instruction, code=task.program.code,
                entry_point=tasks.ENTRY_POINT, tests=task.program.tests, output=task.program.code, source="drawn",
                extra={"triple": task.name},
            )  # fmt: skip
            found.setdefault(instruction, row)
    return list(found.values())


def drawn_cases(use: tasks.Use, count: int, seed: int, without: Iterable[str] = ()) -> list[CodeCase]:
    """Draw benchmark cases in wordings that training never sees."""
    rng = random.Random(f"code.{use}.wordings:{seed}")
    found = []
    for task in tasks.tasks(use, count, seed, frozenset(without)):
        instruction = tasks.worded(task, use, rng)
        found.append(
            CodeCase(
                id=digest(use, instruction, task.program.code)[:12], instruction=instruction, code=task.program.code,
                entry_point=tasks.ENTRY_POINT, tests=task.program.tests, group=task.structure, cluster=task.name,
            )
        )  # fmt: skip
    return found


def suite_case(placed: Placed, suite: str) -> CodeCase:
    """Return a task of a file as a benchmark case of a suite."""
    row = placed.row
    return CodeCase(
        id=digest(suite, row.id)[:12], instruction=row.instruction, code=row.code, entry_point=row.entry_point, tests=row.tests,
        setup=row.setup, group=suite,
    )  # fmt: skip


def running(cases: Sequence[CodeCase], runner: Runner) -> tuple[list[CodeCase], dict[str, Reference]]:
    """Return the cases whose reference passes its own tests, and how each reference did."""
    found = run_once({case.id: case.program for case in cases}, runner)
    return [case for case in cases if found[case.id].state == "passed"], found


def join(rows: Sequence[CodeRow], cases: Sequence[CodeCase], stage: str) -> BuiltRows:
    """Leave out the rows that the benchmark asks for: the same program, or the same or nearly the same instruction.

    Boilerplate is a share of all rows, so it is looked for again where rows were left out."""
    programs = {program_group(case.code) for case in cases}
    kept = [row for row in rows if program_group(row.code) not in programs]
    kept, *_ = apart(kept, lambda row: row.instruction, {case.id: case.instruction for case in cases})
    ids = {row.id for row in kept}
    refusals = tuple(
        Refusal(source=stage, line=at, reason=IN_BENCHMARK) for at, row in enumerate(rows, 1) if row.id not in ids
    )
    return BuiltRows(tuple(kept), refusals, funnel(stage, len(rows), len(kept), refusals))


def compared(rows: Sequence[CodeRow], cases: Sequence[CodeCase]) -> ContaminationReport:
    """Compare the instructions of rows with those of cases."""
    return contamination([(row.id, row.instruction) for row in rows], {case.id: case.instruction for case in cases})


def split(rows: Sequence[CodeRow], seed: int) -> Mapping[str, list[CodeRow]]:
    """Split rows into train and eval, no program in both. The order of the rows does not matter."""
    groups = sorted({row.item_ids[0] for row in rows}, key=lambda group: digest("split", str(seed), group))
    held = frozenset(groups[: max(1, int(EVAL_SHARE * len(groups)))])
    parts: dict[str, list[CodeRow]] = {"train": [], "eval": []}
    for row in sorted(rows, key=lambda row: row.id):
        parts["eval" if row.item_ids[0] in held else "train"].append(row)
    return parts
