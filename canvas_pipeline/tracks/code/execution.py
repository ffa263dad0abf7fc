"""Run programs in the sandbox, each once: what a program did is known by its text, its tests, the interpreter and the barriers."""

from __future__ import annotations

import dataclasses
import functools
import os
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Self

from canvas_pipeline.errors import MissingTool
from canvas_pipeline.records import Row, digest, dumps
from canvas_pipeline.storage.journal import Journal
from canvas_pipeline.storage.seal import Seal
from canvas_pipeline.verifiers.programs import Program, ProgramResult, run_program
from canvas_pipeline.verifiers.sandbox.session import Sandbox, open_sandbox


class Executed(Row, frozen=True, kw_only=True):
    """What a program did. ``key`` is that of ``Runner.key``; ``seal`` is the data folder's, for a result that is read again."""

    key: str
    result: ProgramResult
    seal: str = ""


class Runner:
    """Runs programs. Results are kept in memory, and in a file where one is given: a killed run goes on from it.

    A result in the file is believed where it is sealed for its program."""

    def __init__(self, sandbox: Sandbox, journal: Path | None = None, seal: Seal | None = None) -> None:
        self.sandbox = sandbox
        self._seal = seal
        self._known = Journal(
            journal, Executed, lambda row: (row.key,), "another process runs these programs; wait for it"
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._known.__exit__(None, None, None)

    @property
    def barriers(self) -> int:
        """Count the mechanisms that confine the programs."""
        return len(self.sandbox.mechanisms)

    def key(self, program: Program, hash_seed: int = 0) -> str:
        """Return the sha256 of all that decides a program's result: text, tests, limits, interpreter, barriers, hash seed."""
        limits = repr(dataclasses.astuple(self.sandbox.limits))
        return digest(dumps(program).decode(), limits, sys.version, *self.sandbox.mechanisms, str(hash_seed))

    def run(self, programs: Sequence[Program], hash_seed: int = 0) -> list[ProgramResult]:
        """Run programs, as many at once as there are processors. Results come in the programs' order.

        Raises ``MissingTool`` where the sandbox refuses to start: a program that was not run is neither right nor wrong."""
        sandbox = dataclasses.replace(self.sandbox, hash_seed=hash_seed)
        missing = {
            key: program
            for program in programs
            if self._found(key := self.key(program, hash_seed)) is None
        }  # fmt: skip

        def execute(key: str) -> None:
            result = _decided(run_program(missing[key], sandbox))
            seal = self._seal.sign(key, _sha256(result)) if self._seal else ""
            self._known.add(Executed(key=key, result=result, seal=seal))

        with ThreadPoolExecutor(os.cpu_count()) as pool:
            list(pool.map(execute, missing))

        def found(program: Program) -> ProgramResult:
            result = self._found(self.key(program, hash_seed))
            assert result is not None, "every program was run above"
            return result

        return [found(program) for program in programs]

    def _found(self, key: str) -> ProgramResult | None:
        found = self._known.find(key)
        if found is None or (self._seal and not self._seal.signed(key, _sha256(found.result), found.seal)):
            return None
        return found.result


@functools.cache
def shared_runner() -> Runner:
    """Return this process's runner for scoring. Raises ``MissingTool`` where fewer than two barriers stand."""
    return Runner(open_sandbox())


@contextmanager
def journalled(folder: Path, seal: Seal) -> Iterator[Runner]:
    """Open a runner whose results are in a folder, each sealed, until its stage is whole."""
    with Runner(open_sandbox(), folder / "results.jsonl", seal) as runner:
        yield runner


def _sha256(result: ProgramResult) -> str:
    return digest(dumps(result).decode())


def _decided(result: ProgramResult) -> ProgramResult:
    first = result.outcomes[0]
    if first.state == "not_run" and first.error != "no_tests":
        raise MissingTool(f"the sandbox does not start: {first.error}; look at the machine, then run again")
    return result
