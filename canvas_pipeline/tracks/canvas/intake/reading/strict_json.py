"""Decode one line of JSON strictly, with a reason code for every failure.

Nothing is silently repaired or lost: duplicate keys, NaN, lone surrogates and NUL are refused, although ``json`` accepts them. Any
bytes give a result in time linear in their length. No error contains text of the line.
"""

from __future__ import annotations

import json
import re
from typing import Any, NoReturn

from canvas_pipeline.privacy.quarantine import MAX_DEPTH, Unreadable

# Only a backslash-u escape can produce these; whether its backslash is itself escaped is checked on the decoded value.
_SUSPECT = re.compile(r"\\u(?:0000|[dD][89a-fA-F])")
_UNFIT = re.compile("[\0\ud800-\udfff]")


def decode(line: bytes) -> dict[str, Any]:
    """Decode the object on a line. Raises ``Unreadable``: ``blank``, ``nul_byte``, ``invalid_utf8``, ``malformed_json``,
    ``several_objects_on_line``, ``too_deep``, ``duplicate_key``, ``non_finite_number``, ``not_an_object``."""
    if not line.strip():
        raise Unreadable("blank")
    if b"\0" in line:
        raise Unreadable("nul_byte")
    try:
        text = line.decode("utf-8")
    except UnicodeDecodeError:
        raise Unreadable("invalid_utf8") from None
    try:
        value = json.loads(text, object_pairs_hook=_object, parse_constant=_constant)
    except json.JSONDecodeError as error:
        raise Unreadable("several_objects_on_line" if error.msg == "Extra data" else "malformed_json") from None
    except RecursionError:
        raise Unreadable("too_deep") from None
    except ValueError:  # an integer with more digits than Python converts
        raise Unreadable("malformed_json") from None
    if not isinstance(value, dict):
        raise Unreadable("not_an_object")
    if depth_over(value, MAX_DEPTH):
        raise Unreadable("too_deep")
    if _SUSPECT.search(text):
        _check_characters(value)
    return value


def depth_over(value: Any, limit: int) -> bool:
    """Return whether containers are nested deeper than ``limit``. Iterates level by level, without recursion."""
    level: list[Any] = [value]
    for _ in range(limit):
        level = [
            child
            for node in level
            for child in (node.values() if isinstance(node, dict) else node)
            if isinstance(child, (dict, list))
        ]
        if not level:
            return False
    return True


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) != len(pairs):
        raise Unreadable("duplicate_key")
    return value


def _constant(_: str) -> NoReturn:
    raise Unreadable("non_finite_number")


def _check_characters(value: dict[str, Any]) -> None:
    """Refuse NUL and unpaired surrogates in any key or string."""
    stack: list[Any] = [value]
    while stack:
        node = stack.pop()
        if isinstance(node, str):
            if found := _UNFIT.search(node):
                raise Unreadable("nul_byte" if found[0] == "\0" else "invalid_utf8")
        elif isinstance(node, dict):
            stack += node.keys()
            stack += node.values()
        elif isinstance(node, list):
            stack += node
