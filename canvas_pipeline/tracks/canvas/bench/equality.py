"""Compare an expected tool call with a generated one.

Ids, enums, numbers and booleans must be equal and of one kind (``7`` is ``7.0``, not ``"7"`` and not ``true``). Instants are
compared as instants; a day given as the end of a range is the end of that day, as the tool takes it. Only arguments in the
student's own words may differ a little, and never in a number or a negation. Defaults are not filled in: an argument left out and
one given as its default are different.

What the tool's table leaves open is not demanded: ``query`` of ``priority_hint`` is "what the student asked", in any words, and a
reason may be told with other articles and without "I", "my" and "because".
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from canvas_pipeline.models.family import ToolCall
from canvas_pipeline.tracks.canvas.tools.tool_table import TOOLS, Parameter

FUZZY = 0.9
NATURAL = frozenset({"title", "description", "rationale", "item_a", "item_b"})
"""Arguments in the student's own words; all other strings (ids, enums, calendars) must be equal."""
FREE = ("reranker.priority_hint", "query")
"""Does not decide the tool's result, and its words are nowhere fixed: any text will do, but not a blank one."""
RANGE_END = ("calendar.list_events", "end_iso")
"""A bare date here is the end of that day. Nothing begins in a day's last minute (``mock.calendar`` books none from 23:00 on), so
an end from 23:59 on lists the same events."""
_BARE_DATE = re.compile(r"\d{4}-\d\d-\d\d|\d{8}")
_FIXED = re.compile(r"\d+|\b(?:no|not|nor|never|none|nobody|nothing|cannot)\b|n['’]t\b")
_FILLERS = re.compile(r"^(?:because|since)\b|\b(?:a|an|the|i|my)\b(?!['’])")


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
    texts = isinstance(expected, str) and isinstance(given, str)
    if (tool, name) == FREE and texts:
        return bool(given.strip())
    if (tool, name) == RANGE_END and texts:
        expected, given = _range_end(expected), _range_end(given)
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
        if parameter is None or parameter.name not in NATURAL:
            return expected == given
        return (same_reason if parameter.name == "rationale" else same_words)(expected, given)
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


def _range_end(text: str) -> str:
    """Return the end of the day for a bare date and for an instant in a day's last minute, else the text as it is."""
    try:
        end = _instant(text)
        if _BARE_DATE.fullmatch(text) or (end.hour, end.minute) == (23, 59):
            end = (end + timedelta(days=1)).replace(hour=0, minute=0, second=0, microsecond=0)
        return end.isoformat()
    except (ValueError, OverflowError):
        return text


def same_reason(expected: str, given: str) -> bool:
    """Tell whether two reasons are the same words apart from articles, "I", "my", and "because" or "since" before them."""
    one, two = (" ".join(_FILLERS.sub(" ", text.strip().casefold()).split()) for text in (expected, given))
    return same_words(one, two) if one and two else same_words(expected, given)


def same_words(expected: str, given: str) -> bool:
    """Tell whether two texts are equal apart from case and blanks, or at least 0.9 alike (difflib ratio) with the same numbers
    and negations.

    "Problem Set 1" is not "Problem Set 2"."""
    one, two = (" ".join(text.split()).casefold() for text in (expected, given))
    if one == two:
        return True
    if _FIXED.findall(one) != _FIXED.findall(two):
        return False
    return difflib.SequenceMatcher(None, one, two, autojunk=False).ratio() >= FUZZY
