"""All guards in order: the standard ones and those over tool calls; whom each concerns."""

from __future__ import annotations

from collections.abc import Mapping

from canvas_pipeline.guardrails import standard
from canvas_pipeline.guardrails.audit import AUDIT
from canvas_pipeline.guardrails.guard import Guard
from canvas_pipeline.methods import Method
from canvas_pipeline.tracks.canvas import guards as tool_calls

GUARDS: Mapping[str, Guard] = {
    guard.id: guard
    for guard in sorted((*standard.GUARDS, *tool_calls.GUARDS), key=lambda guard: int(guard.id.removeprefix("g")))
}
CHECKS: Mapping[str, Guard] = {**GUARDS, AUDIT.id: AUDIT}
"""Everything that answers with a verdict."""


def guards_for(method: Method) -> tuple[Guard, ...]:
    """The guards that must have passed before a method may train, in order: those over everything its weights descend from."""
    return tuple(guard for guard in GUARDS.values() if guard.applies_to(method))


def guards_of_split(dataset: str) -> tuple[Guard, ...]:
    """The guards that a data set's split answers: those that judge each data set, and those over this one's files alone."""
    own = f"{dataset}_"
    return tuple(
        guard
        for guard in GUARDS.values()
        if guard.per == "dataset" or (guard.per == "line" and all(name.startswith(own) for name in guard.binds))
    )


def inputs_for(method: Method) -> tuple[str, ...]:
    """The names of all inputs whose sha256 the gate needs for a method, without repeats, in table order."""
    return tuple(dict.fromkeys(name for guard in guards_for(method) for name in guard.inputs(method)))
