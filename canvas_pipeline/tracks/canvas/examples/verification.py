"""Find what is wrong with a completion, axis by axis, independently of how the mistake was made.

A verifier reads the wire text as the benchmark does and shares only the wire format and the tool table with the mutators, so it
catches a mutator that makes another mistake than intended.

A turn's calls are aligned with the needed calls. A needed call is *made* by a block of the same name (the one with its arguments,
where a tool is called several times); a block that is a later turn's call is *early*; of the remaining blocks the first ones stand
*instead* of needed calls that are missing, and all others are *extra*. Each verifier looks at its own part of this reading."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from canvas_pipeline.models.family import Malformed, ToolCall, Turn
from canvas_pipeline.records import Message
from canvas_pipeline.tracks.canvas.examples.decision_points import Step
from canvas_pipeline.tracks.canvas.tools.calls import CALLS
from canvas_pipeline.tracks.canvas.tools.tool_table import TOOLS, ErrorCode, Parameter, filled, validate

_FAMILIES = tuple(dict.fromkeys(tool.family for tool in TOOLS.values()))
_TOOL_NAME = re.compile(rf"\b(?:{'|'.join(_FAMILIES)})\.[a-z]\w*")
_KEYS: tuple[ErrorCode, ...] = ("missing_argument", "unknown_argument")
_VALUES: tuple[ErrorCode, ...] = ("wrong_type", "out_of_range", "not_in_enum", "bad_date", "blank")

Arguments = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Block:
    """One call as written. ``call`` is None where it cannot be read; ``name`` is then what can still be recognised."""

    name: str | None
    call: ToolCall | None


@dataclass(frozen=True, slots=True)
class Reading:
    """One assistant turn aligned with what was right there (see the module's docstring)."""

    turn: Turn
    needed: Step
    later: Step
    made: tuple[tuple[ToolCall, Block], ...]
    early: tuple[Block, ...]
    instead: tuple[tuple[ToolCall, Block], ...]
    extra: tuple[Block, ...]
    left_out: Step

    @property
    def in_words(self) -> tuple[str, ...]:
        """Tool names in plain text."""
        return tuple(_TOOL_NAME.findall(self.turn.text))


def faults(steps: Sequence[Step], completion: Iterable[Message]) -> frozenset[str]:
    """Return the axes that a completion fails; empty means right.

    ``steps`` are the right calls of this and the following assistant turns. The completion may stop early and is then checked as
    far as it goes; turns beyond the last step should be answers."""
    readings = read(steps, completion)
    return frozenset(axis for axis, fails in VERIFIERS.items() if any(fails(reading) for reading in readings))


def read(steps: Sequence[Step], completion: Iterable[Message]) -> tuple[Reading, ...]:
    """Align each assistant turn of a completion with its step."""
    turns = [CALLS.parse(message.content) for message in completion if message.role == "assistant"]
    readings = []
    for place, turn in enumerate(turns):
        needed = steps[place] if place < len(steps) else ()
        later = tuple(call for step in steps[place + 1 :] for call in step)
        readings.append(_align(turn, needed, later))
    return tuple(readings)


def _align(turn: Turn, needed: Step, later: Step) -> Reading:
    free = [_block(call) for call in turn.calls]
    found: dict[int, Block] = {}
    early: list[Block] = []
    # Calls that are exactly right come first, so that of several of one tool each is compared with its own; a repeat is extra.
    for place, want in enumerate(needed):
        if (exact := _exactly(want, free)) is not None:
            found[place] = _taken(free, exact)
    awaited = list(later)
    for want in later:
        if (exact := _exactly(want, free)) is not None:
            awaited.remove(want)
            early.append(_taken(free, exact))
    for place, want in enumerate(needed):
        same = [b for b in free if b.name == want.name] or [b for b in free if b.name is None]
        if place not in found and same:
            found[place] = _taken(free, max(same, key=lambda block: _agreement(want, block)))
    for want in awaited:
        if (named := next((b for b in free if b.name == want.name), None)) is not None:
            early.append(_taken(free, named))
    made = [(needed[place], found[place]) for place in sorted(found)]
    missing = [want for place, want in enumerate(needed) if place not in found]
    # What comes too early explains what is not there yet: one mistake, not two.
    instead = list(zip(missing, free, strict=False)) if not early else []
    return Reading(
        turn=turn,
        needed=needed,
        later=later,
        made=tuple(made),
        early=tuple(early),
        instead=tuple(instead),
        extra=tuple(free[len(instead) :]),
        left_out=tuple(missing[len(instead) :]) if not early else (),
    )


def _exactly(want: ToolCall, blocks: Iterable[Block]) -> Block | None:
    right = filled(want)
    return next((b for b in blocks if b.name == want.name and b.call and filled(b.call) == right), None)


def _agreement(want: ToolCall, block: Block) -> int:
    """Count the arguments that a block has in common with a call of its tool."""
    return 0 if block.call is None else sum(block.call.arguments.get(k) == v for k, v in want.arguments.items())


def _taken(blocks: list[Block], block: Block) -> Block:
    return blocks.pop(next(i for i, other in enumerate(blocks) if other is block))


def _block(call: ToolCall | Malformed) -> Block:
    if isinstance(call, ToolCall):
        return Block(call.name, call)
    name = re.search(r"call:\s*([\w.\-]+)", call.raw) or _TOOL_NAME.search(call.raw)
    return Block(name.group(name.re.groups) if name else None, None)


def _selects_wrongly(reading: Reading) -> bool:
    """A name that does not exist; another tool of the right family; a missing needed call."""
    names = [block.name for block in _blocks(reading) if block.name] + list(reading.in_words)
    if any(name not in TOOLS for name in names):
        return True
    families = {call.name.split(".")[0] for call in reading.needed}
    if any(block.name and TOOLS[block.name].family in families for _, block in reading.instead):
        return True
    if reading.in_words and not reading.turn.calls and reading.needed:
        wanted = {call.name for call in reading.needed}
        return any(name not in wanted and TOOLS[name].family in families for name in reading.in_words)
    return bool(reading.left_out) and bool(reading.turn.calls)


def _fits_no_domain(reading: Reading) -> bool:
    """An existing tool of a family that the request does not involve, where another tool was needed."""
    families = {call.name.split(".")[0] for call in reading.needed}
    names = [block.name for _, block in reading.instead]
    if reading.needed and not reading.turn.calls:
        names += reading.in_words
    return any(name in TOOLS and TOOLS[name].family not in families for name in names if name)


def _breaks_keys(reading: Reading) -> bool:
    """A required argument left out, an unknown one, or one the student asked for not given."""
    return _breaks(reading, _KEYS, _other_keys)


def _other_keys(want: ToolCall, arguments: Arguments) -> bool:
    given, known = set(arguments), {p.name for p in TOOLS[want.name].parameters}
    asked = {key for key, value in want.arguments.items() if value != _default(want.name, key)}
    return not given <= known or not asked <= given or _errors(ToolCall(want.name, dict(arguments)), _KEYS)


def _breaks_values(reading: Reading) -> bool:
    """A value of the wrong type, out of range, not a date, not in the list, or not the requested one."""
    return _breaks(reading, _VALUES, _other_values)


def _other_values(want: ToolCall, arguments: Arguments) -> bool:
    for key, value in arguments.items():
        parameter = _parameter(want.name, key)
        right = want.arguments.get(key, parameter.default if parameter else value)
        if parameter and (type(value) is not type(right) or value != right):
            return True
    return False


def _breaks(reading: Reading, codes: tuple[ErrorCode, ...], differs: Callable[[ToolCall, Arguments], bool]) -> bool:
    """Tell whether a call has errors of these codes, or differs from the call it stands for."""
    for want, block in reading.made + reading.instead:
        if block.call is None:
            continue
        # Another tool is checked by its own schema; one that does not exist by that of the tool that it stands for.
        another = block.name != want.name and block.name in TOOLS
        if _errors(block.call, codes) if another else differs(want, block.call.arguments):
            return True
    return any(block.call is not None and _errors(block.call, codes) for block in reading.early + reading.extra)


def _calls_too_much(reading: Reading) -> bool:
    """More calls than the request needs, where it needs some."""
    return bool(reading.needed) and bool(reading.extra)


def _orders_wrongly(reading: Reading) -> bool:
    """A call that needs a result that is not there yet."""
    return bool(reading.early)


def _is_unreadable(reading: Reading) -> bool:
    """A malformed envelope, a call described in words, or nothing at all."""
    if reading.turn.malformed:
        return True
    return not reading.turn.calls and (bool(reading.in_words) or not reading.turn.text)


def _stops_wrongly(reading: Reading) -> bool:
    """A call in any form where enough is known or nothing needs calling, or an answer where a call is needed."""
    calls = bool(reading.turn.calls) or bool(reading.in_words)
    return not calls and bool(reading.turn.text) if reading.needed else calls


def _blocks(reading: Reading) -> tuple[Block, ...]:
    matched = tuple(block for _, block in reading.made + reading.instead)
    return matched + reading.early + reading.extra


def _errors(call: ToolCall, codes: tuple[ErrorCode, ...]) -> bool:
    return any(error.code in codes for error in validate(call))


def _parameter(tool: str, key: str) -> Parameter | None:
    return next((p for p in TOOLS[tool].parameters if p.name == key), None)


def _default(tool: str, key: str) -> object:
    parameter = _parameter(tool, key)
    return parameter.default if parameter else None


# The eight axes of the taxonomy in its order, each with the question it answers.
VERIFIERS: Mapping[str, Callable[[Reading], bool]] = {
    "tool_selection": _selects_wrongly,
    "argument_keys": _breaks_keys,
    "argument_values": _breaks_values,
    "parsimony": _calls_too_much,
    "ordering": _orders_wrongly,
    "format": _is_unreadable,
    "domain_fit": _fits_no_domain,
    "termination": _stops_wrongly,
}
AXES: tuple[str, ...] = tuple(VERIFIERS)
HEAVY_AXES: tuple[str, ...] = ("parsimony", "termination")
