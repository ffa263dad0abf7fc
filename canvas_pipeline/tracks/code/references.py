"""Run reference programs against their own tests, and refuse those that do not pass them, twice and in time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from canvas_pipeline.records import Funnel, Refusal, funnel
from canvas_pipeline.tracks.code.execution import Runner
from canvas_pipeline.tracks.code.formats import Placed
from canvas_pipeline.tracks.code.rows import CodeRow, Reference, program_group
from canvas_pipeline.verifiers.programs import Program, ProgramResult
from canvas_pipeline.verifiers.words import plain

HASH_SEEDS = (0, 1)
"""Two runs, in which sets have another order: a program whose result depends on it is no reference."""
SLOW = frozenset({"timeout"})


@dataclass(frozen=True, slots=True)
class Checked:
    """Rows whose references pass, how each did, and what was refused."""

    rows: tuple[CodeRow, ...]
    references: tuple[Reference, ...]
    refusals: tuple[Refusal, ...]
    funnel: Funnel


def check_rows(found: Sequence[Placed | Refusal], runner: Runner, stage: str) -> Checked:
    """Keep the rows whose reference passes in both runs. Later rows with the same instruction or program are ``duplicate``.

    Reasons: ``duplicate``, ``tests_fail``, ``tests_flaky``, ``too_slow``."""
    refusals = [item for item in found if isinstance(item, Refusal)]
    known: set[str] = set()
    alive: list[Placed] = []
    for at in (item for item in found if isinstance(item, Placed)):
        names = {f"text {plain(at.row.instruction)}", f"program {program_group(at.row.code)}"}
        if names & known:
            refusals.append(Refusal(source=at.source, line=at.line, reason="duplicate"))
            continue
        known |= names
        alive.append(at)
    runs = [runner.run([at.row.program for at in alive], seed) for seed in HASH_SEEDS]
    rows, references = [], []
    for at, *results in zip(alive, *runs, strict=True):
        if reason := reason_against(results):
            refusals.append(Refusal(source=at.source, line=at.line, reason=reason, detail=results[0].state))
        else:
            rows.append(at.row)
            references.append(reference_of(at.row.program, results[0], runner, len(results)))
    return Checked(tuple(rows), tuple(references), tuple(refusals), funnel(stage, len(found), len(rows), refusals))


def reason_against(results: Sequence[ProgramResult]) -> str:
    """Return why a program is no reference, by the results of its runs; empty where all passed."""
    if any(result.state in SLOW for result in results):
        return "too_slow"
    if any(result != results[0] for result in results):
        return "tests_flaky"
    return "" if results[0].state == "passed" else "tests_fail"


def run_once(programs: Mapping[str, Program], runner: Runner) -> dict[str, Reference]:
    """Run programs by their names once, and return how each did."""
    results = runner.run(list(programs.values()))
    return {
        name: reference_of(program, result, runner, 1)
        for (name, program), result in zip(programs.items(), results, strict=True)
    }


def reference_of(program: Program, result: ProgramResult, runner: Runner, runs: int) -> Reference:
    """Return how a reference did."""
    return Reference(key=runner.key(program), state=result.state, runs=runs)
