"""A reference is kept where it passes its own tests twice, in time; broken lines of the shipped file are refused as they should."""

from __future__ import annotations

import json
from pathlib import Path

import msgspec
import pytest

from canvas_pipeline.errors import MissingTool
from canvas_pipeline.records import Refusal, write_jsonl
from canvas_pipeline.storage.seal import Seal
from canvas_pipeline.tracks.code import execution
from canvas_pipeline.tracks.code.execution import Executed, Runner, journalled
from canvas_pipeline.tracks.code.formats import Placed, read_tasks
from canvas_pipeline.tracks.code.guards import R12, ReferenceEvidence
from canvas_pipeline.tracks.code.references import check_rows
from canvas_pipeline.tracks.code.rows import CodeRow
from canvas_pipeline.verifiers.programs import Program, ProgramResult, TestOutcome, parse_test
from canvas_pipeline.verifiers.sandbox.session import Limits, Sandbox, open_sandbox
from canvas_pipeline_tests.tracks.code.test_formats import SHIPPED

FAST = Limits(wall_seconds=5, cpu_seconds=1)
RIGHT = Program(code="def f(x): return x + 1", tests=(parse_test("assert f(1) == 2"),))


def placed(number: int, code: str, instruction: str = "") -> Placed:
    row = CodeRow(
        id=str(number), instruction=instruction or f"Task {'ab'[number % 2] * (number + 1)}", code=code, entry_point="f",
        tests=RIGHT.tests, output=code, source="opc",
    )  # fmt: skip
    return Placed("x.jsonl", number, row)


@pytest.fixture(scope="module")
def sandbox() -> Sandbox:
    return open_sandbox(FAST)


def test_the_reasons_of_the_shipped_files_broken_lines_are_its_truth(sandbox: Sandbox) -> None:
    found = list(read_tasks(SHIPPED / "opc-style.jsonl"))
    truth = json.loads((SHIPPED / "truth" / "opc-style.json").read_bytes())
    few = [item for item in found if str(item.line) in truth or item.line <= 12]
    checked = check_rows(few, Runner(sandbox), "source_rows")
    assert {str(refusal.line): refusal.reason for refusal in checked.refusals} == truth
    assert checked.funnel.kept == len(checked.rows) == 12 and len(truth) >= 10
    assert {reference.state for reference in checked.references} == {"passed"}


def test_rows_with_the_same_program_or_instruction_are_duplicates(sandbox: Sandbox) -> None:
    rows = [
        placed(1, "def f(x): return x + 1", "Add one."),
        placed(2, "def f(x):\n    return x + 1  # the same"),
        placed(3, "def f(x): return 1 + x", "add ONE"),
        Refusal(source="x.jsonl", line=4, reason="no_tests"),
    ]
    checked = check_rows(rows, Runner(sandbox), "source_rows")
    assert [row.id for row in checked.rows] == ["1"]
    assert checked.funnel.refused == {"duplicate": 2, "no_tests": 1} and checked.funnel.rows_in == 4


def test_a_program_that_depends_on_the_hash_seed_is_flaky(sandbox: Sandbox) -> None:
    by_hash = "def f(x): return 2 if hash('text %s') %% 2 else 3"  # none of twelve differs once in four thousand seeds
    rows = [placed(1, "def f(x): return len(set('ab'))"), *(placed(2 + at, by_hash % at) for at in range(12))]
    checked = check_rows(rows, Runner(sandbox), "source_rows")
    assert checked.rows[0].id == "1" and checked.funnel.refused["tests_flaky"] >= 1


def test_a_program_is_run_once_and_again_under_another_hash_seed(
    sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    ran: list[int] = []

    def run(program: Program, sandbox: Sandbox) -> ProgramResult:
        ran.append(sandbox.hash_seed)
        return ProgramResult(outcomes=(TestOutcome(state="passed"),))

    monkeypatch.setattr(execution, "run_program", run)
    runner = Runner(sandbox)
    assert len(runner.run([RIGHT, RIGHT])) == 2 and runner.run([RIGHT]) and runner.run([RIGHT], 1)
    assert ran == [0, 1]


def test_a_killed_run_goes_on_from_its_results(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seal = Seal(tmp_path / "key")
    with journalled(tmp_path, seal) as runner:
        (before,) = runner.run([RIGHT])
    monkeypatch.setattr(execution, "run_program", lambda *_: pytest.fail("it was run before"))
    with journalled(tmp_path, seal) as runner:
        assert runner.run([RIGHT]) == [before]


def test_a_result_that_somebody_wrote_is_not_believed_and_the_program_is_run(tmp_path: Path) -> None:
    seal, wrong = Seal(tmp_path / "key"), msgspec.structs.replace(RIGHT, code="def f(x): return x")
    with journalled(tmp_path, seal) as runner:
        assert [result.state for result in runner.run([RIGHT, wrong])] == ["passed", "failed"]
    file = tmp_path / "results.jsonl"
    passed, failed = (msgspec.json.decode(line, type=Executed) for line in file.read_bytes().splitlines())
    if passed.key != runner.key(RIGHT):
        passed, failed = failed, passed
    edited = msgspec.structs.replace(failed, result=passed.result)
    moved = msgspec.structs.replace(passed, key=failed.key)
    for written in (edited, moved, msgspec.structs.replace(edited, seal="")):
        write_jsonl(file, [passed, written])
        with journalled(tmp_path, seal) as runner:
            assert runner.run([wrong]) == [failed.result]
        with journalled(tmp_path, seal) as runner:
            assert runner.run([RIGHT, wrong]) == [passed.result, failed.result]


def test_the_key_of_a_result_names_all_that_decides_it(sandbox: Sandbox) -> None:
    runner, two = Runner(sandbox), Runner(open_sandbox(FAST, sandbox.mechanisms[:2]))
    other = Program(code=RIGHT.code, tests=(parse_test("assert f(1) == 3"),))
    keys = [runner.key(RIGHT), runner.key(other), runner.key(RIGHT, 1), Runner(open_sandbox()).key(RIGHT)]
    keys += [two.key(RIGHT)] if len(sandbox.mechanisms) > 2 else []
    assert len(set(keys)) == len(keys) and runner.key(RIGHT) == keys[0]


def test_a_sandbox_that_does_not_start_is_no_verdict(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    refused = ProgramResult(outcomes=(TestOutcome(state="not_run", error="no namespaces"),))
    monkeypatch.setattr(execution, "run_program", lambda *_: refused)
    with pytest.raises(MissingTool, match="does not start"):
        Runner(sandbox).run([RIGHT])


@pytest.mark.parametrize(
    ("states", "barriers", "passed"),
    [(["passed"] * 100, 2, True), (["passed"] * 97 + ["failed"] * 3, 3, False), (["passed"] * 99 + ["not_run"], 3, True),
     (["passed"] * 100, 1, False), ([], 3, False)],
)  # fmt: skip
def test_r12_wants_references_that_pass_behind_two_barriers(states: list[str], barriers: int, passed: bool) -> None:
    evidence = ReferenceEvidence({f"r{at}": state for at, state in enumerate(states)}, barriers)
    found = R12.verdict(evidence, dict.fromkeys(R12.binds, "x"))
    assert found.passed is passed
    assert passed or found.reason
