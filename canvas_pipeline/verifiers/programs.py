"""Decide whether a program is right: run it in the sandbox and compare what it gives with what its tests expect.

The verdict is reached outside. Of a test that can be split into call and expected value, only the call enters the sandbox. One that
cannot (``weak``) runs in a second sandbox, beside stand-ins for the program's functions. Of a script, the output is compared.
So no program can patch a comparison, see an expected value, or print its own verdict. Calls pass plain data by value: a test that
looks at an argument which the program changed in place, or at an object of the program's own class, fails.
"""

from __future__ import annotations

import ast
import math
import os
import re
import signal
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Literal

from canvas_pipeline.records import Row
from canvas_pipeline.verifiers.sandbox.serving import NotPlain, decode
from canvas_pipeline.verifiers.sandbox.session import Ending, Sandbox, SandboxRefused, Session, SessionEnded

State = Literal["passed", "failed", "error", "timeout", "memory", "output_limit", "no_result", "not_run"]
"""``no_result``: the program ended, or gave no plain data. ``not_run``: never started, or the program had ended before."""

_TYPE_NAME = re.compile(r"[A-Za-z_]\w{0,59}")
_FUNCTION = re.compile(r"^(?:async +)?def +(\w+)", re.MULTILINE)
_UNPARSABLE = (SyntaxError, ValueError, RecursionError, MemoryError)
"""What ``ast`` raises for texts that are no Python or nested too deeply."""

COMPARISONS: Mapping[str, Callable[[Any, Any, float, float], bool]] = {
    "equal": lambda value, expected, _relative, _absolute: value == expected,
    "not_equal": lambda value, expected, _relative, _absolute: value != expected,
    "is": lambda value, expected, _relative, _absolute: value is expected,
    "is_not": lambda value, expected, _relative, _absolute: value is not expected,
    "in": lambda value, expected, _relative, _absolute: value in expected,
    "truth": lambda value, expected, _relative, _absolute: bool(value) == expected,
    "close": lambda value, expected, relative, absolute: math.isclose(
        value, expected, rel_tol=relative, abs_tol=absolute
    ),
    "below": lambda value, expected, _relative, absolute: abs(value - expected) < absolute,
    "at_most": lambda value, expected, _relative, absolute: abs(value - expected) <= absolute,
}
"""How a value is compared with the expected one, given relative and absolute tolerance."""

_OPERATORS: Mapping[type[ast.cmpop], str] = {
    ast.Eq: "equal",
    ast.NotEq: "not_equal",
    ast.Is: "is",
    ast.IsNot: "is_not",
    ast.In: "in",
}


class Test(Row, frozen=True, kw_only=True, omit_defaults=True):
    """One test of a program: a call, the expected value (a literal) and how to compare; ``source``; a script's in- and output."""

    __test__ = False  # no test class of pytest's

    source: str = ""
    call: str = ""
    expected: str = ""
    comparison: str = "equal"
    relative: float = 0.0
    absolute: float = 0.0
    input: str | None = None
    output: str = ""

    @property
    def weak(self) -> bool:
        """The test could not be split into a call and an expected value."""
        return not self.call and self.input is None


class Program(Row, frozen=True, kw_only=True, omit_defaults=True):
    """A program and its tests. ``setup`` runs before the program, and before each test that is source."""

    code: str
    tests: tuple[Test, ...]
    setup: str = ""


class TestOutcome(Row, frozen=True, kw_only=True, omit_defaults=True):
    """How one test ended. ``error``: type of the exception, name of the signal, or why the program was not run."""

    __test__ = False

    state: State
    error: str = ""


class ProgramResult(Row, frozen=True, kw_only=True):
    """How a program did, test by test."""

    outcomes: tuple[TestOutcome, ...]

    @property
    def state(self) -> State:
        """The state of the first test that did not pass, else ``passed``; ``not_run`` without tests."""
        return self.outcomes[self.first_failure].state if self.first_failure is not None else self.outcomes[0].state

    @property
    def first_failure(self) -> int | None:
        """The index of the first test that did not pass."""
        return next((index for index, outcome in enumerate(self.outcomes) if outcome.state != "passed"), None)


def parse_test(source: str) -> Test:
    """Split an ``assert`` into a call and an expected literal. What cannot be split stays source, and is ``weak``."""
    try:
        (statement,) = ast.parse(source.strip()).body
        split = _split(statement.test) if isinstance(statement, ast.Assert) else None
    except _UNPARSABLE:
        split = None
    if split is None or not any(isinstance(node, ast.Call) for node in ast.walk(split[0])):
        return Test(source=source)
    call, expected, comparison, relative, absolute = split
    return Test(call=ast.unparse(call), expected=expected, comparison=comparison, relative=relative, absolute=absolute)


def _split(test: ast.expr) -> tuple[ast.expr, str, str, float, float] | None:
    """Return call, expected literal, comparison, relative and absolute tolerance; None where the expression has no such form.

    Raises ValueError where a literal is needed and none stands."""
    match test:
        case ast.Compare(
            left=ast.Call(func=ast.Name("abs"), args=[ast.BinOp(left=call, op=ast.Sub(), right=right)]),
            ops=[ast.Lt() | ast.LtE() as operator],
            comparators=[bound],
        ):
            kind = "below" if isinstance(operator, ast.Lt) else "at_most"
            return call, _literal(right), kind, 0.0, float(_literal(bound))
        case ast.Compare(left=left, ops=[operator], comparators=[right]) if type(operator) in _OPERATORS:
            kind = _OPERATORS[type(operator)]
            if kind != "in" and _is_literal(left):
                left, right = right, left
            expected = _literal(right)
            return (
                None
                if kind.startswith("is") and expected not in ("None", "True", "False")
                else (left, expected, kind, 0.0, 0.0)
            )
        case ast.Call(func=ast.Name("isclose") | ast.Attribute(attr="isclose"), args=[call, right], keywords=named):
            tolerances = {keyword.arg: float(_literal(keyword.value)) for keyword in named}
            return call, _literal(right), "close", tolerances.pop("rel_tol", 1e-9), tolerances.pop("abs_tol", 0.0)
        case ast.UnaryOp(op=ast.Not(), operand=ast.Call() as call):
            return call, "False", "truth", 0.0, 0.0
        case ast.Call():
            return test, "True", "truth", 0.0, 0.0
    return None


def _literal(node: ast.expr) -> str:
    """Return the text of a literal. Raises ValueError for anything else."""
    text = ast.unparse(node)
    ast.literal_eval(text)
    return text


def _is_literal(node: ast.expr) -> bool:
    try:
        _literal(node)
    except _UNPARSABLE:
        return False
    return True


def run_program(program: Program, sandbox: Sandbox) -> ProgramResult:
    """Run a program against all its tests: functions in one process, scripts in a fresh one each."""
    if not program.tests:
        return ProgramResult(outcomes=(TestOutcome(state="not_run", error="no_tests"),))
    try:
        called = iter(_run_calls(program, [test for test in program.tests if test.input is None], sandbox))
        return ProgramResult(
            outcomes=tuple(
                next(called) if test.input is None else _run_script(program, test, sandbox) for test in program.tests
            )
        )
    except SandboxRefused as error:
        return ProgramResult(outcomes=(TestOutcome(state="not_run", error=str(error)),) * len(program.tests))


def run_programs(programs: Sequence[Program], sandbox: Sandbox, workers: int | None = None) -> list[ProgramResult]:
    """Run several programs at once, by default as many as there are processors. Results come in the programs' order."""
    with ThreadPoolExecutor(workers or os.cpu_count()) as pool:
        return list(pool.map(lambda program: run_program(program, sandbox), programs))


def _run_calls(program: Program, tests: Sequence[Test], sandbox: Sandbox) -> list[TestOutcome]:
    outcomes: list[TestOutcome] = []
    if not tests:
        return outcomes
    with sandbox.start() as session:
        try:
            loaded = session.request({"mode": "calls", "sources": [program.setup, program.code]})
            if "error" in loaded:
                return [_judge(loaded, None)] * len(tests)
            for test in tests:
                if test.weak:
                    outcomes.append(_run_source(program, test, sandbox, session))
                else:
                    outcomes.append(_judge(session.request({"expression": test.call}), test))
        except SessionEnded:
            outcomes.append(_ended(session.finish()))
    return outcomes + [TestOutcome(state="not_run", error="the program had ended")] * (len(tests) - len(outcomes))


def _run_source(program: Program, test: Test, sandbox: Sandbox, session: Session) -> TestOutcome:
    """Run a test that is source in its own sandbox and pass its calls on to the program. Raises SessionEnded when that ended."""
    functions = sorted(set(_FUNCTION.findall(program.code)))
    with sandbox.start() as tester:
        asked: dict[str, Any] = {"mode": "tests", "sources": [program.setup], "functions": functions}
        try:
            tester.send(asked)
            asked = tester.request({"test": test.source})
        except SessionEnded:
            return _ended(tester.finish())
        while "call" in asked:
            answer = session.request(asked)
            try:
                asked = tester.request(answer)
            except SessionEnded:
                return _ended(tester.finish())
    if asked.get("error") == "AssertionError":
        return TestOutcome(state="failed")
    return _judge(asked, None) if "error" in asked else TestOutcome(state="passed")


def _run_script(program: Program, test: Test, sandbox: Sandbox) -> TestOutcome:
    start = {"mode": "script", "input": test.input, "sources": [program.setup, program.code]}
    with sandbox.start() as session:
        try:
            reply = session.request(start)
        except SessionEnded:  # os._exit: what was printed before counts
            reply = {}
        ending = session.finish()
        if ending.state != "exited":
            return _ended(ending)
        if "error" in reply:
            return _judge(reply, None)
        if ending.code:
            return _ended(ending)
        right = _lines(session.output.decode(errors="replace")) == _lines(test.output)
    return TestOutcome(state="passed" if right else "failed")


def _lines(text: str) -> list[str]:
    """Return the lines without blanks at their ends, and without empty lines at the end."""
    return [line.rstrip() for line in text.rstrip().splitlines()]


def _judge(reply: Mapping[str, Any], test: Test | None) -> TestOutcome:
    """Compare a program's reply with what a test expects. Without a test, the reply is an error."""
    if "error" in reply or test is None:
        name = str(reply.get("error"))
        if name in ("MemoryError", "NotPlain"):
            return TestOutcome(state="memory" if name == "MemoryError" else "no_result")
        return TestOutcome(state="error", error=name if _TYPE_NAME.fullmatch(name) else "")
    try:
        value = decode(reply.get("value"))
        right = COMPARISONS[test.comparison](value, ast.literal_eval(test.expected), test.relative, test.absolute)
    except NotPlain:
        return TestOutcome(state="no_result")
    except TypeError:  # no number where one is compared, as the assert itself would raise
        right = False
    return TestOutcome(state="passed" if right else "failed")


def _ended(ending: Ending) -> TestOutcome:
    """Tell what the end of a process says, where a reply was due."""
    if ending.state == "signal":
        if ending.signal == signal.SIGKILL:  # nobody here sent it: the kernel was out of memory
            return TestOutcome(state="memory")
        return TestOutcome(state="error", error=signal.Signals(ending.signal).name)
    if ending.state == "exited":
        return TestOutcome(state="no_result", error=f"exit code {ending.code}")
    return TestOutcome(state=ending.state)
