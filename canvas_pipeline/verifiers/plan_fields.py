"""Check the fields of a router row: types, sizes by difficulty, forms; every fault with its field and place."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from typing import Any, Literal

from canvas_pipeline.records import Row
from canvas_pipeline.verifiers.plans import Malformed, parse_plan

FaultReason = Literal[
    "field_missing", "field_type", "query_short", "summary_short", "list_size", "handoff", "todo_form", "todo_size",
    "difficulty", "metrics", "plan_empty", "plan_size", "plan_unparsable", "plan_repeats",
]  # fmt: skip
LEVELS = ("introductory", "intermediate", "advanced")
RELAXED_QUERY = 10
"""Characters of a query under relaxed rules."""

_CHECK_WORD = re.compile(r"\b(?:verif|validat|check|fall ?back|loop|re-\w)", re.IGNORECASE)
_TODO = re.compile(r"- \[[ x]\] \S.*", re.DOTALL)
_ROUTER_QA = re.compile(r"\b(?:router|qa)\b", re.IGNORECASE)


class Fault(Row, frozen=True, kw_only=True, omit_defaults=True):
    """One fault of a row. ``index``: the element of a list; ``at``: the character of a step. Never the text itself."""

    field: str
    reason: FaultReason
    index: int | None = None
    at: int = 0

    @property
    def label(self) -> str:
        """The reason as refusals are counted: ``plan_unparsable:2``."""
        return f"{self.reason}:{self.index}" if self.reason == "plan_unparsable" else self.reason


def check_route(row: Mapping[str, Any], *, relaxed: bool = False) -> tuple[Fault, ...]:
    """Return all faults of a router row, in the order of its fields; none for a good row.

    ``relaxed`` asks for queries of ten characters only. Fields without a rule are not looked at."""
    given = row.get("difficulty")
    known = isinstance(given, str) and given.casefold() in LEVELS
    level = LEVELS.index(given.casefold()) if known and isinstance(given, str) else 0
    faults: list[Fault] = []
    for field, check in REQUIRED.items():
        value = row.get(field)
        if value is None or value == "":
            faults.append(Fault(field=field, reason="plan_empty" if field == "route_plan" else "field_missing"))
        else:
            faults += check(field, value, level)
    if relaxed:
        query = row.get("user_query")
        faults = [
            fault
            for fault in faults
            if fault.reason != "query_short" or not isinstance(query, str) or len(query.strip()) < RELAXED_QUERY
        ]
    for field, typed in OPTIONAL.items():
        if row.get(field) is not None and not typed(row[field]):
            faults.append(Fault(field=field, reason="field_type"))
    return tuple(faults)


Check = Callable[[str, Any, int], list[Fault]]


def _text(reason: FaultReason, *lengths: int) -> Check:
    """Check a text for a least number of characters, by difficulty."""

    def check(field: str, value: Any, level: int) -> list[Fault]:
        if not isinstance(value, str):
            return [Fault(field=field, reason="field_type")]
        return [Fault(field=field, reason=reason)] if len(value.strip()) < lengths[min(level, len(lengths) - 1)] else []

    return check


def _texts(*sizes: tuple[int, float], reason: FaultReason = "list_size") -> Check:
    """Check a list of non-empty texts for (least, most) elements, by difficulty."""

    def check(field: str, value: Any, level: int) -> list[Fault]:
        if not isinstance(value, list):
            return [Fault(field=field, reason="field_type")]
        bad = [number for number, text in enumerate(value) if not isinstance(text, str) or not text.strip()]
        if bad:
            return [Fault(field=field, reason="field_type", index=bad[0])]
        least, most = sizes[min(level, len(sizes) - 1)]
        return [] if least <= len(value) <= most else [Fault(field=field, reason=reason)]

    return check


def _plan(field: str, value: Any, level: int) -> list[Fault]:
    steps = parse_plan(value)
    if not isinstance(steps, Malformed):
        return []
    reasons: Mapping[str, FaultReason] = {
        "plan_empty": "plan_empty", "plan_size": "plan_size", "plan_unparsable": "plan_unparsable", "plan_repeats": "plan_repeats",
    }  # fmt: skip
    return [Fault(field=field, reason=reasons[steps.reason], index=steps.step, at=steps.at)]


def _handoff(field: str, value: Any, level: int) -> list[Fault]:
    if not isinstance(value, str):
        return [Fault(field=field, reason="field_type")]
    good = len(value.strip()) >= 40 and "->" in value and _CHECK_WORD.search(value)
    return [] if good else [Fault(field=field, reason="handoff")]


def _todos(field: str, value: Any, level: int) -> list[Fault]:
    faults = _texts((3, 6), (4, 7), (5, 8), reason="todo_size")(field, value, level)
    if faults or not isinstance(value, list):
        return faults
    bad = [number for number, todo in enumerate(value) if not _TODO.fullmatch(todo)]
    if not bad and not _ROUTER_QA.search(value[-1]):
        bad = [len(value) - 1]
    return [Fault(field=field, reason="todo_form", index=bad[0])] if bad else []


def _difficulty(field: str, value: Any, level: int) -> list[Fault]:
    return [] if isinstance(value, str) and value.casefold() in LEVELS else [Fault(field=field, reason="difficulty")]


def _metrics(field: str, value: Any, level: int) -> list[Fault]:
    good = isinstance(value, dict) and all(has_texts(value.get(key)) for key in ("primary", "secondary"))
    return [] if good else [Fault(field=field, reason="metrics")]


def has_texts(value: Any) -> bool:
    """Whether a value is a list of one or more non-empty texts."""
    return isinstance(value, list) and bool(value) and all(isinstance(text, str) and text.strip() for text in value)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _is_integer(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _object(**fields: Callable[[Any], bool]) -> Callable[[Any], bool]:
    """Check an object whose known fields are typed where they are present."""

    def check(value: Any) -> bool:
        return isinstance(value, dict) and all(
            value.get(name) is None or typed(value[name]) for name, typed in fields.items()
        )

    return check


REQUIRED: Mapping[str, Check] = {
    "user_query": _text("query_short", 60, 80, 100),
    "task_summary": _text("summary_short", 35, 40, 50),
    "route_plan": _plan,
    "route_rationale": _text("field_missing", 1),
    "expected_artifacts": _texts((3, 5)),
    "thinking_outline": _texts((3, 6), (4, 6)),
    "handoff_plan": _handoff,
    "todo_list": _todos,
    "difficulty": _difficulty,
    "tags": _texts((1, math.inf)),
    "acceptance_criteria": _texts((1, math.inf)),
    "metrics": _metrics,
}
"""The fields that a row must have, and their checks: (field, value, index of the difficulty) to faults."""
OPTIONAL: Mapping[str, Callable[[Any], bool]] = {
    "quality_score": _is_number,
    "compute_budget": _object(gpu_minutes=_is_number, cpu_minutes=_is_number, vram_gb=_is_number),
    "repro": _object(
        seed=_is_integer, deterministic=lambda v: isinstance(v, bool), framework=lambda v: isinstance(v, str)
    ),
    "requires_browse": lambda value: isinstance(value, bool),
    "citation_policy": lambda value: isinstance(value, str),
    "io_schema": lambda value: isinstance(value, dict | str),
}
"""The fields that a row may have, and whether a value has the right type."""
