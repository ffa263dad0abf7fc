"""Mutators: each takes the right calls at a decision point and makes one kind of mistake in them.

A mutator returns None where its mistake is impossible. It changes what its axis is about and nothing else; ``verification``
checks that independently. A mixed pair passes through two mutators. The wrong calls are those seen in real systems: invented
names and arguments, repeated and related calls, broken envelopes."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Mapping
from typing import Any

from canvas_pipeline.models.family import ToolCall
from canvas_pipeline.tracks.canvas.examples.answers import answers
from canvas_pipeline.tracks.canvas.examples.decision_points import DecisionPoint
from canvas_pipeline.tracks.canvas.examples.distractors import (
    HALLUCINATED,
    NEAR_MISSES,
    at_hand,
    call_for,
    companion,
    fillable,
)
from canvas_pipeline.tracks.canvas.examples.policy import PLAIN_ANSWERS
from canvas_pipeline.tracks.canvas.tools.calls import CALLS
from canvas_pipeline.tracks.canvas.tools.tool_table import TOOLS, Parameter

Calls = tuple[ToolCall, ...]
Mutator = Callable[[DecisionPoint, Calls, random.Random], Calls | None]

# Real names of arguments and the wrong ones that models write for them.
MISNAMED: Mapping[str, tuple[str, ...]] = {
    "course_id": ("course", "courseId", "class_id"), "course_ids": ("courses", "course_id"),
    "horizon_days": ("days_ahead", "days"),
    "past_days": ("days_back", "days"), "start_iso": ("start", "start_time"), "end_iso": ("end", "end_time"),
    "event_id": ("id", "event"), "title": ("name", "summary"), "rationale": ("reason", "why"),
    "exam_iso": ("exam_date", "date"),
    "exam_start_iso": ("start_iso", "exam_start"), "exam_end_iso": ("end_iso", "exam_end"),
    "n_sessions": ("sessions", "count"), "task_type": ("type", "task"), "min_minutes": ("minutes", "duration"),
    "semester_end_iso": ("end_date", "semester_end"),
    "query": ("question", "q"), "item_a": ("first", "a"), "item_b": ("second", "b"), "deadlines": ("items", "tasks"),
}  # fmt: skip
INVENTED: tuple[tuple[str, Any], ...] = (
    ("days_ahead", 7), ("limit", 10), ("verbose", True), ("user_id", "self"), ("sort", "due"),
    ("timezone", "local"),
)  # fmt: skip
BAD_VALUES: Mapping[str, tuple[Any, ...]] = {
    "integer": ("all", "next week", 2.5, None), "number": ("many", "ten"), "boolean": ("yes", "no"),
    "string": (42, True),
    "iso": ("tomorrow", "next Friday 9am", "2026-13-45"), "array": ("all", 7),
}  # fmt: skip


def wrong_tool(point: DecisionPoint, calls: Calls, rng: random.Random) -> Calls | None:
    """Axis 1: an invented name, a near miss of the same family, or one of several needed calls left out."""
    if len(calls) > 1 and rng.random() < 0.3:
        gone = rng.randrange(len(calls))
        return calls[:gone] + calls[gone + 1 :]
    return (near_miss(point, calls, rng) if rng.random() < 0.5 else None) or made_up_name(point, calls, rng)


def made_up_name(point: DecisionPoint, calls: Calls, rng: random.Random) -> Calls | None:
    """Call a tool that does not exist with the arguments of the right one."""
    at, call = _pick(calls, rng)
    return _put(calls, at, ToolCall(rng.choice(HALLUCINATED[call.name]), call.arguments)) if call else None


def near_miss(point: DecisionPoint, calls: Calls, rng: random.Random) -> Calls | None:
    """Call a real tool of the right family that does something else."""
    at, call = _pick(calls, rng)
    right = {c.name for c in calls + point.later}
    hand = at_hand(point)
    near = [name for name in NEAR_MISSES[call.name] if name not in right and fillable(name, hand)] if call else []
    return _put(calls, at, call_for(rng.choice(near), point, rng)) if near else None


def wrong_keys(point: DecisionPoint, calls: Calls, rng: random.Random) -> Calls | None:
    """Axis 2: an argument misnamed, a required one left out, or one invented."""
    at, call = _pick(calls, rng)
    if call is None:
        return None
    misnamed = [name for name in call.arguments if name in MISNAMED]
    # A made-up tool (in a mixed pair) has no required arguments to leave out.
    drop = [p.name for p in _parameters(call) if p.required and p.name in call.arguments]
    kind = rng.choice(["rename"] * 2 * bool(misnamed) + ["drop"] * bool(drop) + ["invent"])
    if kind == "invent":
        return invented_key(point, calls, rng)
    arguments = dict(call.arguments)
    if kind == "rename":
        old = rng.choice(misnamed)
        arguments = {(rng.choice(MISNAMED[old]) if name == old else name): v for name, v in arguments.items()}
    else:
        del arguments[rng.choice(drop)]
    return _put(calls, at, ToolCall(call.name, arguments))


def invented_key(point: DecisionPoint, calls: Calls, rng: random.Random) -> Calls | None:
    """Add an argument that no tool has."""
    at, call = _pick(calls, rng)
    name, value = rng.choice(INVENTED)
    return _put(calls, at, ToolCall(call.name, call.arguments | {name: value})) if call else None


def wrong_values(point: DecisionPoint, calls: Calls, rng: random.Random) -> Calls | None:
    """Axis 3: a value of the wrong type, out of range, unparseable, or with its digits swapped."""
    able = [(i, p) for i, call in enumerate(calls) for p in _parameters(call) if p.name in call.arguments]
    if not able:
        return None
    at, parameter = rng.choice(able)
    call = calls[at]
    right = call.arguments[parameter.name]
    choices: list[Any] = list(BAD_VALUES[parameter.kind])
    if parameter.kind == "integer" and isinstance(right, int) and not isinstance(right, bool):
        # A number in quotes is the mistake seen most; swapped digits are what half-trained models write.
        choices += [str(right)] * 2
        choices += [parameter.maximum + right] if parameter.maximum is not None else []
        choices += [_swap_digits(right, rng)] * 2
    if parameter.kind == "iso" and isinstance(right, str):
        choices += [right.replace("T", " at "), right[:10].replace("-", "/")]
    if parameter.kind == "array" and isinstance(right, (list, tuple)) and right and not isinstance(right[0], dict):
        choices += [[str(x) for x in right]] * 2
    if parameter.enum:
        choices = ["homework", "studying", "project"]
    wrong = [value for value in choices if (type(value), value) != (type(right), right)]
    if not wrong:
        return None
    return _put(calls, at, ToolCall(call.name, call.arguments | {parameter.name: rng.choice(wrong)}))


def too_many(point: DecisionPoint, calls: Calls, rng: random.Random) -> Calls | None:
    """Axis 4: the right calls, then related ones or the same again; four or more redundant ones at least half of the time."""
    if not point.needed or not calls:
        return None
    redundant = rng.choice((4, 4, 4, 5)) if rng.random() < 0.6 else rng.choice((1, 1, 2))
    result = list(calls)
    while len(result) < len(calls) + redundant:
        extra = companion(point, rng, tuple(c.name for c in result))
        # A repeat is the other half of the habit, and what is left when no related tool is.
        result.append(rng.choice(calls) if extra is None or rng.random() < 0.35 else extra)
    return tuple(result)


def wrong_order(point: DecisionPoint, calls: Calls, rng: random.Random) -> Calls | None:
    """Axis 5: a call that needs a result is made before the call that returns it, or without that call."""
    if not point.later or not calls or point.trajectory.kind != "sequence":
        return None
    early = point.later[0]
    return rng.choice(((early,), (early, *calls)))


def wrong_family(point: DecisionPoint, calls: Calls, rng: random.Random) -> Calls | None:
    """Axis 7: a valid call of a tool from a family that the request does not involve."""
    if not point.needed or not calls:
        return None
    families = {call.name.split(".")[0] for call in point.needed + point.later}
    hand = at_hand(point)
    others = [tool.name for tool in TOOLS.values() if tool.family not in families and fillable(tool.name, hand)]
    at = rng.randrange(len(calls))
    return _put(calls, at, call_for(rng.choice(others), point, rng)) if others else None


def never_done(point: DecisionPoint, calls: Calls, rng: random.Random) -> Calls | None:
    """Axis 8: a repeated or related call, although the answer is known or nothing needs calling."""
    if point.steps[0] or calls:
        return None
    result: list[ToolCall] = []
    for _ in range(rng.choice((1, 1, 1, 1, 2, 3))):
        again = rng.choice(point.done) if point.done and rng.random() < 0.4 else None
        extra = again or companion(point, rng, tuple(c.name for c in result))
        if extra is not None:
            result.append(extra)
    return tuple(result) or None


# Axis → what it does to the calls; ``format`` works on the text instead (see ``SPELLINGS``).
MUTATORS: Mapping[str, Mutator] = {
    "tool_selection": wrong_tool,
    "argument_keys": wrong_keys,
    "argument_values": wrong_values,
    "parsimony": too_many,
    "ordering": wrong_order,
    "domain_fit": wrong_family,
    "termination": never_done,
}

# Axis 6: the right call in the wrong form. The first three are plain words, without any marker.
SPELLINGS: Mapping[str, Callable[[ToolCall], str]] = {
    "announced": lambda call: f"I will call {call.name}{_in_words(call)}.",
    "promised": lambda call: f"Let me check that for you with {call.name}{_in_words(call, ':')}.",
    "bare": lambda call: CALLS.serialise(call).removeprefix(CALLS.call_open).removesuffix(CALLS.call_close),
    "unclosed": lambda call: CALLS.serialise(call).removesuffix(CALLS.call_close),
    "unclosed_braces": lambda call: f"{CALLS.serialise(call).removesuffix('}' + CALLS.call_close)}{CALLS.call_close}",
    "no_prefix": lambda call: CALLS.serialise(call).replace("call:", "", 1),
    "parentheses": lambda call: f"{CALLS.call_open}call:{call.name}({_pairs(call, '=')}){CALLS.call_close}",
    "equals": lambda call: f"{CALLS.call_open}call:{call.name}{_braces(call)}{CALLS.call_close}",
    "trailing_comma": lambda call: f"{CALLS.call_open}call:{call.name}{{{_pairs(call, ':')},}}{CALLS.call_close}",
    "json": lambda call: f"{CALLS.call_open}{_json(call)}{CALLS.call_close}",
}
IN_WORDS = ("announced", "promised", "bare")


def stop_early(point: DecisionPoint, rng: random.Random) -> str:
    """Axis 8: answer where a call is needed: between two calls with the result so far, else with words that are right when
    nothing needs calling and that ask for nothing the request may have said.

    Without such pairs a model could learn from axes 4 and 8 that the fewest calls are always best."""
    if not point.done:
        return rng.choice(sorted(text for text in PLAIN_ANSWERS.values() if "?" not in text))
    results = [json.loads(CALLS.unescape(m.content)) for m in point.prompt if m.role == "tool"][-len(point.done) :]
    return CALLS.escape(answers(point.done, tuple(results)))


def misspell(calls: Calls, rng: random.Random, *, words: float = 0.3) -> str:
    """Write the calls with a broken envelope; a share ``words`` of the time without any marker."""
    # Bare calls run into one another; several are announced or promised, one after the other.
    plain = IN_WORDS if len(calls) == 1 else IN_WORDS[:2]
    kind = rng.choice(plain) if rng.random() < words else rng.choice([k for k in SPELLINGS if k not in IN_WORDS])
    if kind in IN_WORDS:
        return " ".join(SPELLINGS[kind](call) for call in calls)
    broken = rng.randrange(len(calls))
    return "".join(SPELLINGS[kind](call) if i == broken else CALLS.serialise(call) for i, call in enumerate(calls))


def _pairs(call: ToolCall, sign: str) -> str:
    return ",".join(f"{key}{sign}{_python(value)}" for key, value in call.arguments.items())


def _python(value: Any) -> str:
    return repr(value).replace("<", "").replace(">", "").replace("|", "")


def _braces(call: ToolCall) -> str:
    return f"{{{_pairs(call, '=')}}}" if call.arguments else "={}"


def _json(call: ToolCall) -> str:
    """Write a call as JSON, without what a string may hold of the family's own markers."""
    return CALLS.escape(json.dumps({"name": call.name, "arguments": call.arguments}, ensure_ascii=False))


def _in_words(call: ToolCall, before: str = " with") -> str:
    stated = ", ".join(
        f"{key} {str(value).replace(CALLS.quote, '')}" for key, value in call.arguments.items() if value is not None
    )
    return f"{before} {stated}" if stated else ""


def _parameters(call: ToolCall) -> tuple[Parameter, ...]:
    return TOOLS[call.name].parameters if call.name in TOOLS else ()


def _pick(calls: Calls, rng: random.Random) -> tuple[int, ToolCall | None]:
    if not calls:
        return 0, None
    at = rng.randrange(len(calls))
    return at, calls[at]


def _put(calls: Calls, at: int, call: ToolCall) -> Calls:
    return (*calls[:at], call, *calls[at + 1 :])


def _swap_digits(number: int, rng: random.Random) -> int:
    digits = list(str(number))
    if len(digits) < 2:
        return number + 1
    at = rng.randrange(len(digits) - 1)
    digits[at], digits[at + 1] = digits[at + 1], digits[at]
    swapped = int("".join(digits)) if digits[0] not in "0-" else number
    return swapped if swapped != number else number + 1
