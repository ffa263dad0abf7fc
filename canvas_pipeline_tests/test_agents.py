"""Every promise in docs/agents.md has a command that exists: a program with that command, or a test of that name."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
TABLE = re.findall(
    r"^\| (R\d+) \| [^|]+ \| ([^|]+) \|", (ROOT / "docs/agents.md").read_text(encoding="utf-8"), re.MULTILINE
)
COMMANDS = [(row, command) for row, cell in TABLE for command in re.findall(r"`([^`]+)`", cell)]


def test_each_promise_stands_once_and_has_a_command() -> None:
    assert [row for row, _ in TABLE] == [f"R{number}" for number in range(1, 16)]
    assert {row for row, _ in COMMANDS} == {row for row, _ in TABLE}


@pytest.mark.parametrize(("row", "command"), COMMANDS, ids=[f"{row}-{at}" for at, (row, _) in enumerate(COMMANDS)])
def test_its_command_names_a_test_or_a_shipped_file(row: str, command: str) -> None:
    """``test_readme`` looks up programs, their commands and options."""
    tests = re.fullmatch(r"make test TESTS=([\w/.]+)(?:::(\w+))?", command)
    if tests is None:
        program, *words = command.split()
        assert program == "canvas-data" and (ROOT / words[-1]).is_file()
        return
    names = {node.name for node in ast.parse((ROOT / tests[1]).read_text()).body if isinstance(node, ast.FunctionDef)}
    assert tests[2] in names if tests[2] else any(name.startswith("test_") for name in names)
