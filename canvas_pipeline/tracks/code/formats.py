"""Read tasks of public formats: opc-sft-stage2, HumanEval and MBPP. Nothing is run here.

opc: seq_id, instruction, output, code, entry_point, testcase (a list of asserts, or its JSON text) · HumanEval: task_id, prompt,
entry_point, canonical_solution, test · MBPP: task_id, text, code, test_list, test_setup_code. What cannot be used is a ``Refusal``
with its place and reason; no text of a row is in it.
"""

from __future__ import annotations

import ast
import json
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from canvas_pipeline.records import Refusal, digest
from canvas_pipeline.tracks.code.rows import CodeRow
from canvas_pipeline.tracks.reading import Record, read_objects
from canvas_pipeline.verifiers.program_text import UNPARSABLE, defines, parsed
from canvas_pipeline.verifiers.programs import Test, parse_test

INPUTS = frozenset({"input", "raw_input"})


class RefusedError(Exception):
    """A row that is refused, with the reason."""


@dataclass(frozen=True, slots=True)
class Placed:
    """A row and where it stands: the file's name and the line."""

    source: str
    line: int
    row: CodeRow


def read_tasks(path: Path) -> Iterator[Placed | Refusal]:
    """Read the tasks of one file, in order. Each object of the file is a row or a refusal.

    Reasons: those of ``reading``, ``unknown_format``, ``field_type``, ``no_tests``, ``syntax``, ``entry_point_missing``,
    ``needs_package``, ``uses_input``."""
    for found in read_objects(path):
        if isinstance(found, Refusal):
            yield found
            continue
        try:
            yield Placed(path.name, found.line, _row(found))
        except RefusedError as error:
            yield Refusal(source=path.name, line=found.line, reason=str(error), detail=f"column {found.column}")


def _row(found: Record) -> CodeRow:
    name = next((name for name, (keys, _) in FORMATS.items() if keys <= found.value.keys()), None)
    if name is None:
        raise RefusedError("unknown_format")
    fields = FORMATS[name][1](found.value)
    code, entry_point = fields["code"], fields["entry_point"]
    tree = parsed(f"{fields['setup']}\n{code}")
    if tree is None or parsed(code) is None:
        raise RefusedError("syntax")
    if not entry_point or not defines(code, entry_point):
        raise RefusedError("entry_point_missing")
    if _packages(tree) - sys.stdlib_module_names:
        raise RefusedError("needs_package")
    if _reads_input(tree):
        raise RefusedError("uses_input")
    return CodeRow(id=digest(name, fields["instruction"], code)[:12], source=name, **fields)


def _opc(value: Mapping[str, Any]) -> dict[str, Any]:
    tests = value["testcase"]
    if isinstance(tests, str):  # the list as JSON in a string, once
        try:
            tests = json.loads(tests)
        except ValueError:
            raise RefusedError("no_tests") from None
    return {
        "instruction": _text(value, "instruction"), "code": _text(value, "code"), "entry_point": _text(value, "entry_point"),
        "tests": _asserts(tests), "setup": "", "output": _text(value, "output") if value.get("output") else _text(value, "code"),
        "extra": _rest(value, "opc"),
    }  # fmt: skip


def _human_eval(value: Mapping[str, Any]) -> dict[str, Any]:
    entry_point, code = _text(value, "entry_point"), _text(value, "prompt") + _text(value, "canonical_solution")
    return {
        "instruction": _text(value, "prompt"), "code": code, "entry_point": entry_point,
        "tests": _checked(_text(value, "test"), entry_point), "setup": "", "output": code, "extra": _rest(value, "humaneval"),
    }  # fmt: skip


def _mbpp(value: Mapping[str, Any]) -> dict[str, Any]:
    code = _text(value, "code")
    return {
        "instruction": _text(value, "text"), "code": code, "tests": (tests := _asserts(value["test_list"])),
        "entry_point": _called(tests, code), "setup": _text(value, "test_setup_code") if value.get("test_setup_code") else "",
        "output": code, "extra": _rest(value, "mbpp"),
    }  # fmt: skip


FORMATS: Mapping[str, tuple[frozenset[str], Callable[[Mapping[str, Any]], dict[str, Any]]]] = {
    "opc": (frozenset({"instruction", "code", "entry_point", "testcase"}), _opc),
    "humaneval": (frozenset({"prompt", "entry_point", "canonical_solution", "test"}), _human_eval),
    "mbpp": (frozenset({"text", "code", "test_list"}), _mbpp),
}
"""Format → the keys that it is recognised by, and its reader."""
_READ: Mapping[str, frozenset[str]] = {
    "opc": frozenset({"instruction", "output", "code", "entry_point", "testcase"}),
    "humaneval": frozenset({"prompt", "entry_point", "canonical_solution", "test"}),
    "mbpp": frozenset({"text", "code", "test_list", "test_setup_code"}),
}


def _rest(value: Mapping[str, Any], name: str) -> dict[str, Any]:
    return {key: item for key, item in value.items() if key not in _READ[name]}


def _text(value: Mapping[str, Any], key: str) -> str:
    found = value[key]
    if not isinstance(found, str) or not found.strip():
        raise RefusedError("field_type")
    return found


def _asserts(tests: Any) -> tuple[Test, ...]:
    """Parse a list of asserts. Raises ``RefusedError`` where there is none."""
    if not isinstance(tests, list) or not tests:
        raise RefusedError("no_tests")
    if not all(isinstance(test, str) for test in tests):
        raise RefusedError("field_type")
    return tuple(parse_test(test) for test in tests)


def _checked(source: str, entry_point: str) -> tuple[Test, ...]:
    """Split the asserts of HumanEval's function ``check(candidate)``. Where it does more than assert, it is one test as a whole."""
    tree = parsed(source)
    functions = [node for node in tree.body if isinstance(node, ast.FunctionDef)] if tree is not None else []
    check = next((node for node in functions if node.name == "check" and node.args.args), None)
    if check is None:
        raise RefusedError("no_tests")
    asserts = [
        node for node in check.body if not isinstance(node, ast.Expr) or not isinstance(node.value, ast.Constant)
    ]
    if len(functions) > 1 or not all(isinstance(node, ast.Assert) for node in asserts):
        return (Test(source=f"{source}\ncheck({entry_point})"),)
    named = _Renamed(check.args.args[0].arg, entry_point)
    return _asserts([ast.unparse(named.visit(node)) for node in asserts])


class _Renamed(ast.NodeTransformer):
    """Replaces one name by another."""

    def __init__(self, old: str, new: str) -> None:
        self._old, self._new = old, new

    def visit_Name(self, node: ast.Name) -> ast.Name:
        return ast.Name(self._new, node.ctx) if node.id == self._old else node


def _called(tests: tuple[Test, ...], code: str) -> str:
    """Return the first function of the code that its tests call; empty where they call none."""
    for test in tests:
        try:
            tree = ast.parse(test.call or test.source)
        except UNPARSABLE:
            continue
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and defines(code, node.func.id):
                return node.func.id
    return ""


def _packages(tree: ast.Module) -> set[str]:
    """Return the top-level packages that a program imports."""
    found: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found.add((node.module or ".").partition(".")[0])
    return found


def _reads_input(tree: ast.Module) -> bool:
    """Tell whether a program reads standard input."""
    return any(
        (isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in INPUTS)
        or (isinstance(node, ast.Attribute) and node.attr == "stdin")
        for node in ast.walk(tree)
    )
