"""Score a completion of the router against the gold one.

Every figure is defined for every completion, so that its denominator is all cases: what cannot be read counts as a miss, and an
empty prediction has precision 0.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, Literal

from canvas_pipeline.records import Row
from canvas_pipeline.verifiers.plan_fields import has_texts
from canvas_pipeline.verifiers.plans import (
    KEYS,
    Completion,
    Malformed,
    Reason,
    Step,
    Tool,
    parse_plan,
    read_object,
    serialise_completion,
    serialise_step,
)

State = Literal["right", "wrong", "no_answer", "truncated", "malformed"]
FIGURES = (
    "json_valid", "ten_keys", "route_plan_exact", "route_tools_exact", "first_tool", "last_tool", "tool_precision", "tool_recall",
    "edit_similarity", "mode_match", "metrics_keys", "metrics_lists", "guidance_kept", "computation_kept", "todo_alignment",
    "todo_covers", "handoff_covers", "artifacts", "acceptance",
)  # fmt: skip
"""The figures of a completion, each 0..1, more is better."""

_NAMED: Mapping[Tool, re.Pattern[str]] = {
    "math": re.compile(r"\bmath\b", re.IGNORECASE),
    "code": re.compile(r"\bcode\b", re.IGNORECASE),
    "general-search": re.compile(r"\b(?:general[- ])?search\b", re.IGNORECASE),
}


class PlanScore(Row, frozen=True, kw_only=True, omit_defaults=True):
    """The score of one completion. ``right``: it can be read and its plan equals the gold one.

    ``length_ratio``: characters over those of the gold completion in canonical form, with its thinking block."""

    state: State
    figures: dict[str, float]
    length_ratio: float
    reason: Reason | None = None


def score_plan(gold: Completion, text: str, *, stopped: bool = True) -> PlanScore:
    """Score a completion. ``stopped`` is False where generation reached its length limit: ``truncated``, all figures 0."""
    figures = dict.fromkeys(FIGURES, 0.0)
    ratio = len(text) / len(serialise_completion(gold))
    fields = read_object(text, stopped=stopped)
    if isinstance(fields, Malformed):
        figures["json_valid"] = float(fields.reason == "keys")
        reason = fields.reason
        state: State = reason if reason == "truncated" or reason == "no_answer" else "malformed"
        return PlanScore(state=state, figures=figures, length_ratio=ratio, reason=reason)
    ten_keys = tuple(fields) == KEYS
    steps = parse_plan(fields.get("route_plan"))
    figures |= {"json_valid": 1.0, "ten_keys": float(ten_keys)} | _of_fields(gold, fields)
    if isinstance(steps, Malformed):
        return PlanScore(state="malformed", figures=figures, length_ratio=ratio, reason=steps.reason)
    figures |= _of_steps(gold.steps, steps)
    if not ten_keys:
        return PlanScore(state="malformed", figures=figures, length_ratio=ratio, reason="keys")
    return PlanScore(state="right" if figures["route_plan_exact"] else "wrong", figures=figures, length_ratio=ratio)


def plan_tags(gold: Completion, *, majority: Sequence[Tool] = ()) -> frozenset[str]:
    """Return the groups of cases that a gold completion belongs to. ``majority`` is the tool sequence most frequent in training."""
    metrics = gold.fields["metrics"]
    keys = tuple(metrics) if isinstance(metrics, dict) else ()
    tools = _tools(gold.steps)
    groups = {
        "math_first": tools[0] == "math",
        "four_step": len(tools) >= 4,
        "has_guidance": any("guidance" in key for key in keys),
        "has_computation": any("computation" in key for key in keys),
        "advanced": str(gold.fields["difficulty"]).casefold() == "advanced",
        "non_canonical_route": bool(majority) and tools != tuple(majority),
    }
    return frozenset(name for name, belongs in groups.items() if belongs)


def _of_steps(wanted: Sequence[Step], said: Sequence[Step]) -> dict[str, float]:
    tools, said_tools = _tools(wanted), _tools(said)
    common = len({*tools} & {*said_tools})
    distance = _edit_distance(tools, said_tools)
    return {
        "route_plan_exact": float([*map(serialise_step, wanted)] == [*map(serialise_step, said)]),
        "route_tools_exact": float(tools == said_tools),
        "first_tool": float(tools[0] == said_tools[0]),
        "last_tool": float(tools[-1] == said_tools[-1]),
        "tool_precision": common / len({*said_tools}),
        "tool_recall": common / len({*tools}),
        "edit_similarity": 1 - distance / max(len(tools), len(said_tools)),
        "mode_match": float(_modes(wanted) == _modes(said)),
    }


def _of_fields(gold: Completion, fields: Mapping[str, Any]) -> dict[str, float]:
    """Score the fields beside the plan. Alignment and covering are about the gold plan's tools."""
    wanted, metrics = gold.fields["metrics"], fields.get("metrics")
    wanted_keys = {*wanted} if isinstance(wanted, dict) else set()
    keys = {*metrics} if isinstance(metrics, dict) else set()
    todos = fields.get("todo_list")
    lines = [todo for todo in todos if isinstance(todo, str)] if isinstance(todos, list) else []
    handoff = fields.get("handoff_plan")
    return {
        "metrics_keys": float(isinstance(metrics, dict) and keys == wanted_keys),
        "metrics_lists": float(
            isinstance(metrics, dict) and all(has_texts(metrics.get(key)) for key in ("primary", "secondary"))
        ),
        "guidance_kept": float({key for key in wanted_keys if "guidance" in key} <= keys),
        "computation_kept": float({key for key in wanted_keys if "computation" in key} <= keys),
        "todo_alignment": float(_aligned(_tools(gold.steps), lines)),
        "todo_covers": float(_covers(gold.steps, "\n".join(lines))),
        "handoff_covers": float(isinstance(handoff, str) and _covers(gold.steps, handoff)),
        "artifacts": float(has_texts(fields.get("expected_artifacts"))),
        "acceptance": float(has_texts(fields.get("acceptance_criteria"))),
    }


def _tools(steps: Sequence[Step]) -> tuple[Tool, ...]:
    return tuple(step.tool for step in steps)


def _modes(steps: Sequence[Step]) -> list[str | None]:
    return [step.mode for step in steps if step.tool == "general-search"]


def _covers(steps: Sequence[Step], text: str) -> bool:
    """Whether a text names every tool of a plan."""
    return all(_NAMED[tool].search(text) for tool in {*_tools(steps)})


def _aligned(tools: Sequence[Tool], todos: Sequence[str]) -> bool:
    """Whether the to-do list names the tools of the plan in the plan's order, a line for each step."""
    lines = iter(todos)
    return all(any(_NAMED[tool].search(line) for line in lines) for tool in tools)


def _edit_distance(first: Sequence[Tool], second: Sequence[Tool]) -> int:
    """Return the Levenshtein distance of two sequences."""
    row = list(range(len(second) + 1))
    for number, tool in enumerate(first, 1):
        before, row[0] = row[0], number
        for column, other in enumerate(second, 1):
            before, row[column] = row[column], min(row[column] + 1, row[column - 1] + 1, before + (tool != other))
    return row[-1]
