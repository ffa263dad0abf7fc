"""Parse and write the plans of the router: steps, and the JSON text of ten keys that a model completes.

A step is ``/math(text)``, ``/code(text)`` or ``/general-search(query="text", mode=web)``; its last bracket ends it, so brackets
inside need no partner (``[0, 1)``). Every text is parsed in linear time into a value or into ``Malformed``; nothing is raised.
"""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Sequence
from typing import Any, Literal, NoReturn, cast

from canvas_pipeline.records import Row
from canvas_pipeline.verifiers.thinking import OPENING, without_thinking

Tool = Literal["math", "code", "general-search"]
Mode = Literal["web", "rag", "both"]
Reason = Literal[
    "no_answer", "truncated", "malformed_json", "duplicate_key", "keys", "not_text", "unknown_tool", "unopened", "unclosed",
    "empty", "plan_empty", "plan_size", "plan_unparsable", "plan_repeats",
]  # fmt: skip

TOOLS: tuple[Tool, ...] = ("math", "code", "general-search")
MODES: tuple[Mode, ...] = ("web", "rag", "both")
KEYS = (
    "route_plan", "route_rationale", "expected_artifacts", "thinking_outline", "handoff_plan",
    "todo_list", "difficulty", "tags", "acceptance_criteria", "metrics",
)  # fmt: skip
"""The keys of a completion, in their order."""
MOST_STEPS = 8

_HEAD = re.compile(r"/?([^\s(/]{0,40})[^(]*")
_QUOTED = re.compile(r'query\s*=\s*"((?:[^"\\]|\\.)*)"\s*', re.DOTALL)
_MODE = re.compile(r"mode\s*=\s*[\"']?([\w-]*)[\"']?")
_ESCAPED = re.compile(r'\\(["\\])')


class Step(Row, frozen=True, kw_only=True, omit_defaults=True):
    """One step. ``mode`` is for searches only, and None where a search gives none or an unknown one."""

    tool: Tool
    text: str
    mode: Mode | None = None


class Malformed(Row, frozen=True, kw_only=True, omit_defaults=True):
    """Why a text cannot be read. ``at``: index of the character; ``step``: index of the step; ``nearest``: the tool that was
    probably meant. Never the text itself."""

    reason: Reason
    at: int = 0
    step: int | None = None
    cause: Reason | None = None
    nearest: Tool | None = None

    @property
    def label(self) -> str:
        """The reason with its step, as refusals are counted: ``plan_unparsable:2``."""
        return f"{self.reason}:{self.step}" if self.reason == "plan_unparsable" else self.reason


class Completion(Row, frozen=True, kw_only=True):
    """A completion that was read: its ten fields and its steps."""

    fields: dict[str, Any]
    steps: tuple[Step, ...]


def parse_step(text: object) -> Step | Malformed:
    """Parse one step. A search without a mode, or with an unknown one, has the mode None."""
    if not isinstance(text, str):
        return Malformed(reason="not_text")
    start = len(text) - len(text.lstrip())
    stripped = text.strip()
    if not stripped:
        return Malformed(reason="empty")
    tool = next((name for name in TOOLS if stripped.startswith(f"/{name}(")), None)
    if tool is None:
        return _unknown(stripped, start)
    if not stripped.endswith(")"):
        return Malformed(reason="unclosed", at=start + len(stripped))
    inside = start + len(tool) + 2
    body = stripped[len(tool) + 2 : -1].strip()
    mode: Mode | None = None
    if tool == "general-search":
        body, mode = _search(body)
    if not body:
        return Malformed(reason="empty", at=inside)
    return Step(tool=tool, text=body, mode=mode)


def serialise_step(step: Step) -> str:
    """Write a step in its canonical form, from which ``parse_step`` reads the same step."""
    if step.tool != "general-search":
        return f"/{step.tool}({step.text})"
    query = step.text.replace("\\", "\\\\").replace('"', '\\"')
    mode = f", mode={step.mode}" if step.mode else ""
    return f'/general-search(query="{query}"{mode})'


def parse_plan(plan: object) -> tuple[Step, ...] | Malformed:
    """Parse a list of one to eight steps, of which no two neighbours are equal."""
    if not isinstance(plan, Sequence) or isinstance(plan, str | bytes) or not plan:
        return Malformed(reason="plan_empty")
    if len(plan) > MOST_STEPS:
        return Malformed(reason="plan_size", step=MOST_STEPS)
    steps: list[Step] = []
    for number, text in enumerate(plan):
        step = parse_step(text)
        if isinstance(step, Malformed):
            return Malformed(reason="plan_unparsable", at=step.at, step=number, cause=step.reason, nearest=step.nearest)
        if steps and steps[-1] == step:
            return Malformed(reason="plan_repeats", step=number)
        steps.append(step)
    return tuple(steps)


def read_object(text: str, *, stopped: bool = True) -> dict[str, Any] | Malformed:
    """Read the JSON object of a completion, after a leading thinking block. Text around the object is an error.

    ``stopped`` is False where generation reached its length limit; such a completion is ``truncated``."""
    said = without_thinking(text)
    if said is None or not stopped:
        return Malformed(reason="truncated", at=text.find(OPENING) if said is None else len(text))
    if not said.strip():
        return Malformed(reason="no_answer")
    offset = len(text) - len(said)
    try:
        value = json.loads(said, object_pairs_hook=_unique, parse_constant=_no_constant)
        json.dumps(value, ensure_ascii=False).encode()
    except _DuplicateKey:
        return Malformed(reason="duplicate_key", at=offset)
    except json.JSONDecodeError as error:
        return Malformed(reason="malformed_json", at=offset + error.pos)
    except (ValueError, RecursionError):  # an integer of 4,300 digits, NaN, half of a surrogate pair, 1,000 levels
        return Malformed(reason="malformed_json", at=offset)
    if not isinstance(value, dict):
        return Malformed(reason="keys", at=offset)
    return value


def read_completion(text: str, *, stopped: bool = True) -> Completion | Malformed:
    """Read a completion: a JSON object of exactly the ten keys in their order, whose plan parses."""
    fields = read_object(text, stopped=stopped)
    if isinstance(fields, Malformed):
        return fields
    if tuple(fields) != KEYS:
        return Malformed(reason="keys")
    steps = parse_plan(fields["route_plan"])
    return steps if isinstance(steps, Malformed) else Completion(fields=fields, steps=steps)


def serialise_completion(completion: Completion) -> str:
    """Write a completion in its canonical form: the ten keys in order, canonical steps, no escapes for letters."""
    fields = {key: completion.fields[key] for key in KEYS}
    return json.dumps(fields | {"route_plan": [serialise_step(step) for step in completion.steps]}, ensure_ascii=False)


def _search(body: str) -> tuple[str, Mode | None]:
    """Return (query, mode) of a search's body: ``query="…"`` or bare text, then perhaps ``, mode=…``."""
    quoted = _QUOTED.match(body)
    rest = body[quoted.end() :] if quoted else ""
    if quoted and not rest:
        return _ESCAPED.sub(r"\1", quoted.group(1)).strip(), None
    before, comma, last = body.rpartition(",")
    named = _MODE.fullmatch(last.strip()) if comma else None
    if quoted and named and rest.strip() == body[len(before) :].strip():
        return _ESCAPED.sub(r"\1", quoted.group(1)).strip(), _mode(named)
    return (before.strip(), _mode(named)) if named else (body, None)


def _mode(found: re.Match[str]) -> Mode | None:
    return next((mode for mode in MODES if mode == found.group(1)), None)


def _unknown(text: str, start: int) -> Malformed:
    """Say why a text does not begin with a tool and its bracket."""
    head = _HEAD.match(text)
    name = head.group(1) if head else ""
    if text.startswith("/") and name in TOOLS:
        return Malformed(reason="unopened", at=start + 1 + len(name))
    words = " ".join(text.split(maxsplit=2)[:2])[:40].lstrip("/").partition("(")[0].casefold()
    found = difflib.get_close_matches(words, [*TOOLS, "search"], n=1, cutoff=0.5) or difflib.get_close_matches(
        name.casefold(), [*TOOLS, "search"], n=1, cutoff=0.5
    )
    nearest = cast(Tool, "general-search" if found[0] == "search" else found[0]) if found else None
    return Malformed(reason="unknown_tool", at=start, nearest=nearest)


class _DuplicateKey(ValueError):
    """A JSON object has a key twice."""


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) != len(pairs):
        raise _DuplicateKey
    return value


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON")
