"""The program of an answer is the last whole fence that defines what was asked for; stubs are known as such."""

from __future__ import annotations

import pytest

from canvas_pipeline.verifiers.program_text import defines, extract_program, is_stub

FENCED = "Text.\n```python\ndef f(x):\n    return 1\n```\nBetter:\n```\ndef f(x):\n    return 2\n```\nThat is it."


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("def f(x): return 1", "def f(x): return 1"),
        ("\n  def f(x): return 1\n", "def f(x): return 1"),
        (FENCED, "def f(x):\n    return 2\n"),
        (FENCED + "\n```python\nprint(f(1))\n```", "def f(x):\n    return 2\n"),
        (FENCED + "\n```python\ndef f(x):\n    return 3", "def f(x):\n    return 2\n"),
        ("```py\r\nf = lambda x: 1\r\n```".replace("\r", ""), "f = lambda x: 1\n"),
        ("Here it is: def f(x): return 1", None),
        ("```python\ndef g(x): return 1\n```\ndef f(x): return 1", None),
        ("def g(x): return 1", None),
        ("def f(x) return 1", None),
        ("", None),
        ("(" * 10_000, None),
        ("def f(x): return '\0'", None),
    ],
)  # fmt: skip
def test_the_program_of_an_answer(text: str, expected: str | None) -> None:
    assert extract_program(text, "f") == expected


@pytest.mark.parametrize("code", ["class f: pass", "async def f(): pass", "f = g = len", "def f(): pass"])
def test_a_name_is_defined_at_the_top_level(code: str) -> None:
    assert defines(code, "f")


@pytest.mark.parametrize("code", ["def g():\n    def f(): pass", "import f", "x.f = 1", "if x:\n    f = 1"])
def test_other_names_are_not(code: str) -> None:
    assert not defines(code, "f")


@pytest.mark.parametrize(
    ("body", "stub"),
    [
        ("pass", True), ("...", True), ("'doc'\n    return 0", True), ("return", True), ("return []", True),
        ("raise NotImplementedError", True), ("raise NotImplementedError('later')", True),
        ("return x", False), ("return len([])", False), ("x += 1\n    return 0", False), ("raise ValueError", False),
    ],
)  # fmt: skip
def test_a_stub_does_nothing_but_return_a_constant(body: str, stub: bool) -> None:
    assert is_stub(f"def f(x):\n    {body}", "f") is stub


def test_the_last_definition_counts_for_a_stub_too() -> None:
    assert is_stub("def f(x): return x\ndef f(x): pass", "f")
    assert not is_stub("def g(x): pass", "f") and not is_stub("def f(", "f")
