"""Find the program in a model's answer, and tell a stub from a program. Nothing is run here."""

from __future__ import annotations

import ast
import re

_FENCE = re.compile(r"^[ \t]*```[^\n`]*\n(.*?)^[ \t]*```[ \t]*$", re.MULTILINE | re.DOTALL)
UNPARSABLE = (SyntaxError, ValueError, RecursionError, MemoryError)
"""What ``ast`` raises for texts that are no Python or nested too deeply."""


def parsed(code: str) -> ast.Module | None:
    """Parse a program; None where it is no Python."""
    try:
        return ast.parse(code)
    except UNPARSABLE:
        return None


def defines(code: str, name: str) -> bool:
    """Tell whether a program defines a function or class, or assigns a value, of a name at its top level."""
    tree = parsed(code)
    return tree is not None and any(name in _names(node) for node in tree.body)


def extract_program(text: str, entry_point: str) -> str | None:
    """Return the last complete fence of an answer that defines the entry point; without any fence the whole answer, if it is a
    program that defines it. None where there is no such program."""
    fences = _FENCE.findall(text)
    for code in reversed(fences or [text.strip()]):
        if defines(code, entry_point):
            return str(code)
    return None


def is_stub(code: str, entry_point: str) -> bool:
    """Tell whether the entry point does nothing, raises ``NotImplementedError``, or returns a constant."""
    tree = parsed(code)
    if tree is None:
        return False
    functions = [node for node in tree.body if isinstance(node, ast.FunctionDef) and node.name == entry_point]
    return bool(functions) and all(map(_idle, functions[-1].body))


def _idle(node: ast.stmt) -> bool:
    match node:
        case ast.Pass() | ast.Expr(value=ast.Constant()):
            return True
        case ast.Return(value=None):
            return True
        case ast.Return(value=ast.expr() as value):
            try:
                ast.literal_eval(value)
            except UNPARSABLE:
                return False
            return True
        case ast.Raise(exc=ast.Name("NotImplementedError") | ast.Call(func=ast.Name("NotImplementedError"))):
            return True
    return False


def _names(node: ast.stmt) -> set[str]:
    match node:
        case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
            return {name}
        case ast.Assign(targets=targets):
            return {target.id for target in targets if isinstance(target, ast.Name)}
    return set()
