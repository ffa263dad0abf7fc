"""A program passes by right values alone; how else it ends has a state of its own."""

from __future__ import annotations

import pytest

from canvas_pipeline.verifiers.programs import Program, State, Test, parse_test, run_program, run_programs
from canvas_pipeline.verifiers.sandbox.session import Limits, Sandbox, SandboxRefused, open_sandbox

SMALL = Limits(wall_seconds=3, cpu_seconds=1, memory_bytes=256 << 20)
FORGERY = """
import os, gc, sys, json
def forge():
    for number in range(3, 64):
        for line in (b'{"value": true}', b'{"value": null}', b'{"late": false, "status": 0}', b'{"ready": {}}', b'{"exit": 0}'):
            try:
                os.write(number, line + b"\\n")
            except OSError:
                pass
"""
SEARCH = """
import gc, sys
def f(x):
    found, frame = [], sys._getframe()
    while frame:
        found += [*frame.f_locals.values(), *frame.f_globals.values()]
        frame = frame.f_back
    for item in [*gc.get_objects(), *found]:
        if "424242" in repr(item)[:2000] and "repr" not in repr(item)[:2000]:
            return 424242
    return 0
"""
PATCHES = """
import builtins, json, math, sys
builtins.abs = builtins.all = builtins.repr = lambda *a: True
math.isclose = lambda *a, **k: True
builtins.AssertionError = type("AssertionError", (Exception,), {})
print("passed", "1 passed", "OK")
def f(x):
    return 1
"""
EQUAL = "class Any(int):\n    __eq__ = lambda a, b: True\n    __hash__ = int.__hash__\ndef f(x):\n    return Any(0)"
ONE: dict[str, tuple[str, State, str]] = {
    "right": ("def f(x): return 424242", "passed", ""),
    "wrong": ("def f(x): return 1", "failed", ""),
    "no function": ("x = 1", "error", "NameError"),
    "no Python": ("def f(x) return 1", "error", "SyntaxError"),
    "raising": ("def f(x): raise KeyError('secret')", "error", "KeyError"),
    "second definition": ("def f(x): return 424242\ndef f(x): return 0", "failed", ""),
    "os._exit before the tests": ("import os; os._exit(0)", "no_result", "exit code 0"),
    "os._exit in the function": ("import os\ndef f(x): os._exit(0)", "no_result", "exit code 0"),
    "sys.exit before the tests": ("import sys; sys.exit(0)", "error", "SystemExit"),
    "sys.exit in the function": ("import sys\ndef f(x): sys.exit(0)", "error", "SystemExit"),
    "equal to everything": (EQUAL, "no_result", ""),
    "patched comparison": (PATCHES, "failed", ""),
    "printed verdict": ("print('passed')\ndef f(x): print('{\"value\": 424242}')", "failed", ""),
    "forged replies": (FORGERY + "forge()\ndef f(x):\n    forge()", "failed", ""),
    "forged replies, then the end": (FORGERY + "forge()\nos._exit(0)\ndef f(x): pass", "failed", ""),
    "search for the expected value": (SEARCH, "failed", ""),
    "endless loop": ("while True: pass", "timeout", ""),
    "memory": ("def f(x): return [0] * 10**10", "memory", ""),
    "ten megabytes of output": ("def f(x):\n    for _ in range(10000): print('x' * 1000)", "output_limit", ""),
    "socket": (
        "import socket\ndef f(x): return socket.create_connection(('127.0.0.1', 1))",
        "error",
        "PermissionError",
    ),
    "file": ("def f(x): return open('/etc/passwd').read()", "error", "FileNotFoundError PermissionError"),
    "crash": ("import ctypes\ndef f(x): return ctypes.string_at(0)", "error", "SIGSEGV"),
    "recursion": ("def f(x): return f(x)", "error", "RecursionError"),
    "generator": ("def f(x): yield 424242", "no_result", ""),
    "deep value": ("def f(x):\n    a = []\n    for _ in range(50): a = [a]\n    return a", "no_result", ""),
    "large value": ("def f(x): return 'x' * 70000", "no_result", ""),
    "name of an exception": ("E = type('x' * 99 + '<b>', (Exception,), {})\ndef f(x): raise E", "error", ""),
    "closed pipes": ("import os; os.closerange(0, 99)", "no_result", "exit code 120 exit code 1"),
}


@pytest.fixture(scope="module")
def sandbox() -> Sandbox:
    return open_sandbox(SMALL)


@pytest.mark.parametrize("form", ["call", "source"])
@pytest.mark.parametrize("name", ONE)
def test_each_ending_has_its_state(name: str, form: str, sandbox: Sandbox) -> None:
    code, state, errors = ONE[name]
    test = parse_test("assert f(1) == 424242") if form == "call" else Test(source="y = f(1)\nassert y == 424242")
    result = run_program(Program(code=code, tests=(test,)), sandbox)
    (outcome,) = result.outcomes
    if form == "source" and name in (
        "no function",
        "sys.exit in the function",
        "name of an exception",
        "equal to everything",
        "generator",
        "deep value",
        "large value",
    ):
        assert outcome.state in ("error", state)
        return
    assert outcome.state == result.state == state
    assert (
        outcome.error == errors or outcome.error in errors.split() or (state == "no_result" and outcome.error in errors)
    )


@pytest.mark.parametrize(
    ("source", "call", "expected", "comparison"),
    [
        ("assert f(1) == [2]", "f(1)", "[2]", "equal"),
        ("assert 3 == f(1), 'message'", "f(1)", "3", "equal"),
        ("assert f('assert x') == 8", "f('assert x')", "8", "equal"),
        ("assert sorted(f(1)) == [1]", "sorted(f(1))", "[1]", "equal"),
        ("assert f(1) != 2", "f(1)", "2", "not_equal"),
        ("assert f(1) is None", "f(1)", "None", "is"),
        ("assert f(1) is not None", "f(1)", "None", "is_not"),
        ("assert f(1) in (1, 2)", "f(1)", "(1, 2)", "in"),
        ("assert f(1)", "f(1)", "True", "truth"),
        ("assert not f(1)", "f(1)", "False", "truth"),
        ("assert abs(f(2.0) - 1.5) < 1e-6", "f(2.0)", "1.5", "below"),
        ("assert math.isclose(f(2), -1.5, rel_tol=1e-3)", "f(2)", "-1.5", "close"),
        ("assert f(1) == set()", "f(1)", "set()", "equal"),
    ],
)
def test_an_assert_is_split_into_call_and_expected_value(
    source: str, call: str, expected: str, comparison: str
) -> None:
    test = parse_test(source)
    assert (test.call, test.expected, test.comparison, test.weak) == (call, expected, comparison, False)


@pytest.mark.parametrize(
    "source",
    [
        "assert f(1) == g(1)", "assert f(1) == 1 and f(2) == 2", "assert 1 == 1", "for i in range(3):\n    assert f(i)",
        "assert f(",
        "assert abs(f(1) - g(1)) < 1e-6", "assert f(1) is 3", "assert " + "(" * 500, "x = f(1)\nassert x == 1",
        "assert 1 < f(2) < 3",
    ],
)  # fmt: skip
def test_what_cannot_be_split_stays_source_and_is_weak(source: str) -> None:
    assert parse_test(source) == Test(source=source) and parse_test(source).weak


@pytest.mark.parametrize(
    ("code", "source", "state"),
    [
        ("def f(x): return x / 3", "assert math.isclose(f(1), 0.333, rel_tol=1e-2)", "passed"),
        ("def f(x): return x / 3", "assert math.isclose(f(1), 0.333)", "failed"),
        ("def f(x): return 'x'", "assert abs(f(1) - 0.3) <= 0.1", "failed"),
        ("def f(x): return 0.4", "assert abs(f(1) - 0.3) < 0.2", "passed"),
        ("def f(x): return float('nan')", "assert abs(f(1) - 0.3) < 0.2", "failed"),
        ("def f(x): return True", "assert f(1) == 1", "passed"),
        ("def f(x): return 1", "assert f(1) is True", "failed"),
        ("def f(x): return (1, 2)", "assert f(1) == [1, 2]", "failed"),
        ("def f(x): return {1: {'a'}}", "assert f(1) == {1: {'a'}}", "passed"),
        ("def f(x): return sorted(set(x))", "assert f([3, 1, 3]) == [1, 3]", "passed"),
        (
            "def f(x): return 2",
            "def check(candidate):\n    assert candidate(1) == 2\n    assert candidate(x=1) == 2\ncheck(f)",
            "passed",
        ),
        ("def f(x): return 2", "def check(candidate):\n    assert candidate(1) == 3\ncheck(f)", "failed"),
        (
            "def f(x): raise ValueError",
            "try:\n    f(1)\nexcept ValueError:\n    pass\nelse:\n    assert False",
            "passed",
        ),
        ("def f(x): return 2", "try:\n    f(1)\nexcept ValueError:\n    pass\nelse:\n    assert False", "failed"),
        ("def f(x): return x", "assert f(A) == B", "passed"),
        ("def f(x): return x", "while True: pass", "timeout"),
    ],
)
def test_a_test_decides_as_python_would(code: str, source: str, state: str, sandbox: Sandbox) -> None:
    program = Program(code=code, tests=(parse_test(source),), setup="import math\nA = B = 3")
    assert run_program(program, sandbox).state == state


def test_the_first_failing_test_is_named_and_the_others_still_count(sandbox: Sandbox) -> None:
    tests = tuple(parse_test(f"assert f({n}) == {n}") for n in range(4))
    result = run_program(
        Program(code="def f(x):\n    return {0: 0, 1: 5}.get(x) if x < 2 else 1 / (x - 2)", tests=tests), sandbox
    )
    assert [outcome.state for outcome in result.outcomes] == ["passed", "failed", "error", "failed"]
    assert (result.state, result.first_failure) == ("failed", 1)


def test_tests_after_the_end_of_a_program_are_not_run(sandbox: Sandbox) -> None:
    tests = tuple(parse_test(f"assert f({n}) == {n}") for n in range(3))
    result = run_program(
        Program(code="import os\ndef f(x):\n    return x if x != 1 else os._exit(3)", tests=tests), sandbox
    )
    assert [outcome.state for outcome in result.outcomes] == ["passed", "no_result", "not_run"]


@pytest.mark.parametrize(
    ("code", "state"),
    [
        ("print(int(input()) + int(input()))", "passed"),
        ("import sys\na, b = sys.stdin.read().split()\nprint(int(a) + int(b), '\\n')", "passed"),
        ("print(sum(map(int, open(0))))\nexit()", "passed"),
        ("if __name__ == '__main__':\n    import os; print(sum(map(int, os.read(0, 99).split())))", "passed"),
        ("print(4)", "failed"),
        ("print('5 passed')", "failed"),
        ("print(5)\nraise SystemExit(3)", "error"),
        ("print(5)\nimport os; os._exit(3)", "no_result"),
        ("input(); input(); input()", "error"),
        ("while True: print(5)", "output_limit"),
        ("while True: pass", "timeout"),
        ("x = [0] * 10**10", "memory"),
    ],
)
def test_a_script_is_judged_by_what_it_prints(code: str, state: str, sandbox: Sandbox) -> None:
    assert run_program(Program(code=code, tests=(Test(input="2\n3\n", output="5\n"),)), sandbox).state == state


def test_several_programs_at_once_keep_their_order(sandbox: Sandbox) -> None:
    programs = [Program(code=f"def f(): return {n % 3}", tests=(parse_test("assert f() == 1"),)) for n in range(6)]
    states = [result.state for result in run_programs(programs, sandbox, workers=3)]
    assert states == ["failed", "passed", "failed"] * 2


def test_what_could_not_be_run_is_neither_passed_nor_failed(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    assert run_program(Program(code="", tests=()), sandbox).state == "not_run"

    def refuse(_: Sandbox) -> None:
        raise SandboxRefused("unshare: EPERM")

    monkeypatch.setattr(Sandbox, "start", refuse)
    result = run_program(Program(code="", tests=(parse_test("assert f() == 1"),) * 2), sandbox)
    assert [outcome.state for outcome in result.outcomes] == ["not_run", "not_run"]
