"""Compare an expected tool call with a generated one.

Ids, enums, numbers and booleans must be equal and of one kind (``7`` is ``7.0``, not ``"7"`` and not ``true``). Instants are
compared as instants. Only arguments in the student's own words may differ a little, and never in a number. Defaults are not filled
in: an argument left out and one given as its default are different.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from canvas_pipeline.models.family import ToolCall
from canvas_pipeline.tracks.canvas.tools.tool_table import TOOLS, Parameter

FUZZY = 0.9
NATURAL = frozenset({"title", "description", "rationale", "query", "item_a", "item_b"})
"""Arguments in the student's own words; all other strings (ids, enums, calendars) must be equal."""


def same_call(expected: ToolCall, given: ToolCall) -> bool:
    """Tell whether two calls have the same tool, the same argument names and equal values."""
    return (
        expected.name == given.name
        and expected.arguments.keys() == given.arguments.keys()
        and all(
            same_argument(expected.name, key, expected.arguments[key], given.arguments[key])
            for key in expected.arguments
        )
    )


def same_argument(tool: str, name: str, expected: Any, given: Any) -> bool:
    """Tell whether two values of a tool's argument are equal in the sense of its kind."""
    known = {p.name: p for p in TOOLS[tool].parameters} if tool in TOOLS else {}
    return _same_value(known.get(name), expected, given)


def _same_value(parameter: Parameter | None, expected: Any, given: Any) -> bool:
    if isinstance(expected, bool) or isinstance(given, bool):
        return expected is given
    if isinstance(expected, (int, float)) and isinstance(given, (int, float)):
        return expected == given
    if isinstance(expected, str) and isinstance(given, str):
        if parameter is not None and parameter.kind == "iso":
            return same_instant(expected, given)
        return same_words(expected, given) if parameter is not None and parameter.name in NATURAL else expected == given
    if isinstance(expected, (list, tuple)) and isinstance(given, (list, tuple)):
        inner = parameter.items if parameter is not None else None
        fields = inner if isinstance(inner, tuple) else ()
        return len(expected) == len(given) and all(
            _same_item(fields, e, g) for e, g in zip(expected, given, strict=True)
        )
    if isinstance(expected, Mapping) and isinstance(given, Mapping):
        return _same_item((), expected, given)
    return type(expected) is type(given) and bool(expected == given)


def _same_item(fields: Sequence[Parameter], expected: Any, given: Any) -> bool:
    if isinstance(expected, Mapping) and isinstance(given, Mapping):
        known = {p.name: p for p in fields}
        return expected.keys() == given.keys() and all(
            _same_value(known.get(k), expected[k], given[k]) for k in expected
        )
    return _same_value(None, expected, given)


def same_instant(expected: str, given: str) -> bool:
    """Tell whether two ISO-8601 texts name the same instant. Without an offset it is UTC."""
    try:
        return _instant(expected) == _instant(given)
    except (ValueError, OverflowError):
        return expected == given


def _instant(text: str) -> datetime:
    value = datetime.fromisoformat(text)
    return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


def same_words(expected: str, given: str) -> bool:
    """Tell whether two texts are equal apart from case and blanks, or at least 0.9 alike (difflib ratio) with the same numbers.

    "Problem Set 1" is not "Problem Set 2"."""
    one, two = (" ".join(text.split()).casefold() for text in (expected, given))
    if one == two:
        return True
    if re.findall(r"\d+", one) != re.findall(r"\d+", two):
        return False
    return difflib.SequenceMatcher(None, one, two, autojunk=False).ratio() >= FUZZY
