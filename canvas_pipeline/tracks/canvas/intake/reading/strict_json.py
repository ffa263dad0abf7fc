"""One line of JSON, read strictly, with the reason where it cannot be.

In: the bytes of a line. Out: a dict, or ``Unreadable`` with a reason code. What must hold: nothing is quietly mended or lost (a
duplicate key, a NaN, a lone surrogate, a NUL are refused, though Python's reader takes them); any bytes at all get an answer in
time linear in their length; no recursion of ours; no text of the line is in the answer.
"""

from __future__ import annotations

import json
import re
from typing import Any, NoReturn

from canvas_pipeline.privacy.quarantine import MAX_DEPTH, Unreadable

# A backslash-u escape is the only way in for these; whether it stands behind an escaped backslash is looked at afterwards.
_SUSPECT = re.compile(r"\\u(?:0000|[dD][89a-fA-F])")
_UNFIT = re.compile("[\0\ud800-\udfff]")


def decode(line: bytes) -> dict[str, Any]:
    """The object on the line. Raises ``Unreadable``: ``blank``, ``nul_byte``, ``invalid_utf8``, ``malformed_json``,
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
    """Whether containers are nested deeper than ``limit``, level by level and so without recursion."""
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
    """No NUL and no half of a surrogate pair in any key or string; ``value`` is not deep."""
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
