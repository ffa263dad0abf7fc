"""A prediction is right where its program passes; what was not run is counted, and programs that no model wrote are baselines."""

from __future__ import annotations

import random

import msgspec
import pytest

from canvas_pipeline.errors import BadInput, MissingTool
from canvas_pipeline.evaluation.benchmark import Prediction
from canvas_pipeline.evaluation.selection import Candidate
from canvas_pipeline.records import dumps
from canvas_pipeline.tracks.code import benchmark, data, tasks
from canvas_pipeline.tracks.code.baselines import CONSTANTS, constant_answers, constant_program, nearest_programs
from canvas_pipeline.tracks.code.benchmark import END, CodeReport, choose, score, trivial
from canvas_pipeline.tracks.code.execution import Runner
from canvas_pipeline.tracks.code.profiles import PROFILES
from canvas_pipeline.tracks.code.rows import CodeCase, CodeRow
from canvas_pipeline.verifiers.programs import parse_test
from canvas_pipeline.verifiers.sandbox import session
from canvas_pipeline.verifiers.sandbox.session import open_sandbox

CASES = data.drawn_cases("test", 12, 7)
GOLD = [Prediction(id=case.id, text=f"\n{case.code}{END}") for case in CASES]


def case(number: int, code: str, *tests: str, group: str = "seen") -> CodeCase:
    return CodeCase(
        id=f"c{number}", instruction=f"Task {number}", code=code, entry_point="f", tests=tuple(map(parse_test, tests)), group=group
    )  # fmt: skip


ADD = case(0, "def f(x): return x + 1", "assert f(1) == 2", "assert f(0) == 1")


def test_references_are_right_in_seen_and_held_out_groups() -> None:
    found = score(CASES, GOLD)
    assert found.pass_at_1.share == 1.0 and found.states == {"passed": 12}
    assert set(found.by_group) == {"seen", "held out"} and found.stub.hits == 0
    assert msgspec.json.decode(dumps(found), type=CodeReport) == found


@pytest.mark.parametrize(
    ("text", "state", "stub"),
    [
        ("def f(x): return x + 1", "passed", False), ("```python\ndef f(x): return x + 1\n```", "passed", False),
        ("def f(x): return x", "failed", False), ("def f(x): return 2", "failed", True), ("def f(x): pass", "failed", True),
        ("def g(x): return x + 1", "no_code", False), ("I cannot do that.", "no_code", False), ("", "no_code", False),
        ("def f(x): return y", "error", False), ("import os\ndef f(x): os._exit(0)", "no_result", False),
        ("class f:\n    def __init__(self, x): pass\n    def __eq__(self, other): return True", "no_result", False),
        (f"def f(x): return x + 1{END}def f(x): return 0", "passed", False),
        ("def f(x): return x + 1\ndef f(x): return 0", "failed", True),
    ],
)  # fmt: skip
def test_how_a_prediction_comes_out(text: str, state: str, stub: bool) -> None:
    (found,) = score([ADD], [Prediction(id="c0", text=text)]).outcomes
    assert (found.state, found.right, found.stub) == (state, state == "passed", stub)


def test_a_program_that_ran_into_the_limit_is_truncated_and_wrong_whatever_it_holds() -> None:
    found = score([ADD], [Prediction(id="c0", text=ADD.code, stopped=False)])
    assert found.states == {"truncated": 1} and found.truncated.share == 1.0
    assert found.pass_at_1.hits == found.no_code.hits == 0


def test_a_case_without_exactly_one_prediction_is_an_error() -> None:
    for predictions in (
        [],
        [Prediction(id="c0", text=""), Prediction(id="c0", text="")],
        [Prediction(id="c9", text="")],
    ):
        with pytest.raises(BadInput, match="generate the predictions"):
            score([ADD], predictions)


def test_the_same_predictions_give_the_same_bytes() -> None:
    runner = Runner(open_sandbox())
    again = benchmark.report_of(benchmark.outcomes(CASES, GOLD, runner))
    assert dumps(again) == dumps(score(CASES, GOLD))


def test_nothing_is_scored_without_two_barriers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(session, "barriers", lambda: (session.Barrier("seccomp", True, "alone"),))
    monkeypatch.setattr(session, "Session", lambda *_: pytest.fail("a process was started"))
    with pytest.raises(MissingTool, match="behind 2 barriers") as raised:
        Runner(open_sandbox()).run([ADD.program])
    assert raised.value.exit_code == 2


def test_the_best_constant_is_found_by_running_each() -> None:
    cases = [
        case(1, "", "assert f(1) == []", "assert f(2) == []"), case(2, "", "assert f(3) == 0"), case(3, "", "assert f('a') == []"),
        case(4, "", "assert f(1) == []", "assert f(1) == 0"),
    ]  # fmt: skip
    name, texts = constant_answers(cases, Runner(open_sandbox()))
    assert name == "returns []" and set(texts) == {constant_program("f", "[]")}
    (predicted,) = trivial(cases).values()
    assert [outcome.right for outcome in score(cases, predicted).outcomes] == [True, False, True, False]
    assert score(cases, predicted).stub.hits == 4


@pytest.mark.parametrize("name", CONSTANTS)
def test_a_constant_program_takes_any_arguments(name: str) -> None:
    tried = case(1, "", "assert f([5]) != 77")
    assert score([tried], [Prediction(id="c1", text=constant_program("f", name))]).pass_at_1.hits == 1


def test_constants_are_seldom_right_on_drawn_cases() -> None:
    name, texts = constant_answers(CASES * 1, Runner(open_sandbox()))
    found = score(CASES, [Prediction(id=one.id, text=text) for one, text in zip(CASES, texts, strict=True)])
    assert name.startswith("returns") and (found.pass_at_1.share or 0.0) <= 0.15


def test_the_nearest_program_is_that_of_the_most_similar_instruction() -> None:
    def row(instruction: str, code: str) -> CodeRow:
        return CodeRow(
            id=code, instruction=instruction, code=code, entry_point="f", tests=(), output=code, source="drawn"
        )

    rows = [row("sort the list", "one"), row("Sort the list, reversed!", "two"), row("sort the list", "three")]
    asked = [
        msgspec.structs.replace(ADD, instruction=text) for text in ("sort the list reversed", "sort a list", "zebra")
    ]
    assert nearest_programs(asked, rows) == ["two", "one", "one"]


def test_training_and_benchmark_ask_with_the_same_bytes() -> None:
    (task,) = tasks.tasks("train", 1, 0)
    text = tasks.worded(task, "train", random.Random(0))
    row = CodeRow(id="r", instruction=text, code="def f(): pass", entry_point="f", tests=(), output="", source="drawn")
    (asked,), _ = benchmark.prompt(msgspec.structs.replace(ADD, instruction=text), None)
    assert row.messages[0] == asked


def _candidate(method: str, epoch: float = 1.0) -> Candidate:
    return Candidate(method=method, epoch=epoch, checkpoint_sha256=f"{method}-{epoch:g}")


def _report(right: int, of: int = 10) -> CodeReport:
    wrong = [Prediction(id=one.id, text="no program") for one in CASES[:of]]
    return score(CASES[:of], [*GOLD[:right], *wrong[right:]])


def test_the_candidate_with_most_right_programs_is_chosen_and_sft_of_equals() -> None:
    reports = [(_candidate("lora"), _report(6)), (_candidate("sft", 2.0), _report(6)), (_candidate("sft"), _report(5))]
    record = choose(reports)
    assert record == choose(reports[::-1])
    assert record.chosen == _candidate("sft", 2.0)


def test_none_is_chosen_below_the_least_share() -> None:
    record = choose([(_candidate("sft"), _report(1))])
    assert record.chosen is None and "below 20%" in record.candidates[0].reason
    assert choose([]).chosen is None


def test_a_large_base_may_write_a_long_program() -> None:
    limits = {name: benchmark.BENCHMARK.limit(profile) for name, profile in PROFILES.items()}
    assert limits == {"embedded": benchmark.MAX_NEW_TOKENS, "gb10": 2048}
