"""Compare the two sides of a pair with each other: on which axes they differ, and in what else.

``verification`` judges a completion against the truth, and so passes a side that is wrong in its axis and tells itself apart by
something else too: its stop, a result, a second changed argument, a value nobody stated. A model learns that instead. Here the
chosen side is the measure; anything in which the rejected one differs without an axis to explain it is named."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from canvas_pipeline.models.family import ToolCall, Turn
from canvas_pipeline.records import Message
from canvas_pipeline.tracks.canvas.examples.decision_points import Step
from canvas_pipeline.tracks.canvas.examples.verification import Block, Reading, faults, read
from canvas_pipeline.tracks.canvas.tools.calls import CALLS
from canvas_pipeline.tracks.canvas.tools.tool_table import TOOLS, filled

LABELLED = "labelled"
"""The axis of an answer that names the other item than the result before it."""
HINT = "reranker.priority_hint"
_COPIED = ("course_id", "course_ids", "event_id", "title", "item_a", "item_b")
"""Arguments, beside instants, whose values a model copies from the conversation."""


@dataclass(frozen=True, slots=True)
class Difference:
    """The axes on which a rejected side differs from the chosen one, and names of whatever else differs."""

    axes: frozenset[str]
    others: tuple[str, ...]


def difference(
    prompt: Sequence[Message], chosen: Sequence[Message], rejected: Sequence[Message], later: Step = ()
) -> Difference:
    """Compare two sides that share a prompt. ``later`` are the calls of turns after the chosen side: they alone tell a call that is
    made too early from a needless one.

    ``others`` names: ``turns`` (other calls or results before the last turn), ``chosen`` (a chosen side that cannot be read),
    ``stop`` (only one side ends in calls), ``text`` (other words, or words beside calls), ``default`` (a default spelled out on one
    side), ``order``, ``arguments`` (more changed than one mistake explains), ``invented`` (a value that the conversation does not
    state)."""
    if len(chosen) != len(rejected) or chosen[:-1] != rejected[:-1] or not chosen:
        return Difference(frozenset(), ("turns",))
    right, wrong = CALLS.parse(chosen[-1].content), CALLS.parse(rejected[-1].content)
    if right.malformed or (right.calls and right.text):
        return Difference(frozenset(), ("chosen",))
    steps = (right.well_formed, later)
    (reading,) = read(steps, rejected[-1:])
    if not right.calls and not wrong.calls and wrong.text and not reading.in_words:
        told = _names_other_item(chosen, rejected[-1].content)
        return Difference(frozenset({LABELLED} if told else ()), () if told else ("text",))
    axes = faults(steps, rejected[-1:])
    stated = _plain(" ".join(m.content for m in (*prompt, *chosen)))
    tests: Mapping[str, Callable[[], bool]] = {
        "stop": lambda: _ends_in_calls(right) != _ends_in_calls(wrong) and not axes & {"termination", "format"},
        "text": lambda: bool(wrong.calls) and bool(wrong.text),
        "default": lambda: any(_differs_in_defaults(want, block) for want, block in reading.made),
        "order": lambda: not _in_order(reading, wrong),
        "arguments": lambda: (bool(wrong.calls) and _changes(reading) > len(axes)) or any(_too_much(reading, axes)),
        "invented": lambda: "termination" not in axes and any(_invented(reading, stated)),
    }
    return Difference(axes, tuple(name for name, differs in tests.items() if differs()))


def _names_other_item(chosen: Sequence[Message], wrong: str) -> bool:
    """Tell whether two answers to one priority hint are the same but for the item, the chosen one with the hint's winner."""
    if len(chosen) < 3 or chosen[-2].name != HINT:
        return False
    calls = [call for call in CALLS.parse(chosen[-3].content).well_formed if call.name == HINT]
    winner = json.loads(CALLS.unescape(chosen[-2].content)).get("winner")
    if len(calls) != 1 or winner not in ("A", "B"):
        return False
    items = [CALLS.escape(str(calls[0].arguments.get(name))) for name in ("item_a", "item_b")]
    first, second = items if winner == "A" else reversed(items)
    right = chosen[-1].content
    return right != wrong and right.startswith(first) and wrong == second + right.removeprefix(first)


def _ends_in_calls(turn: Turn) -> bool:
    """Tell whether a turn ends in the family's envelope, well-formed or not, and so with the stop of calls."""
    return any(isinstance(call, ToolCall) or CALLS.call_open in call.raw for call in turn.calls)


def _differs_in_defaults(want: ToolCall, block: Block) -> bool:
    return block.call is not None and block.call != want and filled(block.call) == filled(want)


def _in_order(reading: Reading, wrong: Turn) -> bool:
    """Tell whether what comes too early comes first, then what stands for the needed calls as they were, then what is extra."""
    matched = [block for want in reading.needed for pair, block in reading.made + reading.instead if pair is want]
    expected = [*reading.early, *matched, *reading.extra]
    # Beside a readable repeat of an unreadable call it is not known which of the two is the extra one.
    return bool(wrong.malformed) or [block.call for block in expected] == list(wrong.well_formed)


def _changes(reading: Reading) -> int:
    """Count the chosen side's calls that the rejected one does not have as they are."""
    changed = [want for want, block in reading.made if block.call != want]
    return len(changed) + len(reading.instead) + len(reading.left_out)


def _too_much(reading: Reading, axes: frozenset[str]) -> Iterator[bool]:
    """Yield, for each changed call of the chosen side, whether more of it changed than its axes explain."""
    unread = _plain(" ".join([reading.turn.text, *(call.raw for call in reading.turn.malformed)]))
    for want, block in reading.made + reading.instead:
        if block.name != want.name and block.name in TOOLS:
            continue  # another tool has arguments of its own
        if block.call is None:
            yield not _keeps_values(want, unread)
        else:
            yield _changed(want.arguments, block.call.arguments, axes)
    if reading.in_words and not reading.turn.calls and "domain_fit" not in axes:
        yield any(not _keeps_values(want, unread) for want in reading.needed)


def _changed(right: Mapping[str, Any], wrong: Mapping[str, Any], axes: frozenset[str]) -> bool:
    """Tell whether more than one value differs, or more than one argument is left out, added or renamed; or one without an axis
    of its own."""
    gone, new = sorted(set(right) - set(wrong)), sorted(set(wrong) - set(right))
    values = [key for key in set(right) & set(wrong) if json.dumps(right[key]) != json.dumps(wrong[key])]
    renamed = [(right[a], wrong[b]) for a, b in zip(gone, new, strict=False)]
    values += ["renamed" for a, b in renamed if json.dumps(a) != json.dumps(b)]
    return len(values) > ("argument_values" in axes) or max(len(gone), len(new)) > ("argument_keys" in axes)


def _keeps_values(want: ToolCall, unread: str) -> bool:
    """Tell whether a call that cannot be read, or one in words, still states every value."""
    return all(_plain(str(value)) in unread for value in _leaves(want.arguments))


def _leaves(value: Any) -> Iterator[Any]:
    if isinstance(value, Mapping):
        for inner in value.values():
            yield from _leaves(inner)
    elif isinstance(value, (list, tuple)):
        for inner in value:
            yield from _leaves(inner)
    elif value is not None:
        yield value


def _invented(reading: Reading, stated: str) -> Iterator[bool]:
    """Yield, for each value that a needless call or one in place of another copies, whether the conversation does not state it."""
    # A call that is wrong on an axis of its own may be repeated.
    others = [block for _, block in reading.made] + list(reading.early)
    known = stated + _plain(
        " ".join(str(leaf) for block in others if block.call for leaf in _leaves(block.call.arguments))
    )
    for block in (*reading.extra, *(block for _, block in reading.instead)):
        if block.call is None or block.call.name not in TOOLS:
            continue
        for p in TOOLS[block.call.name].parameters:
            if p.name in _COPIED or p.kind in ("iso", "array"):
                yield from (_plain(str(leaf)) not in known for leaf in _leaves(block.call.arguments.get(p.name)))


def _plain(text: str) -> str:
    """Reduce text to its letters and digits, in lower case: quotes, escapes and marks differ by notation."""
    return re.sub(r"[\W_]+", "", CALLS.unescape(text)).lower()
