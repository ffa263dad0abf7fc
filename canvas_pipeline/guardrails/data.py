"""Guards over rows: G1 G4 G6 G7 G8 G11 G13. Rows in, a ``Verdict`` out; nothing is read, written or changed.

In: rows (or funnels, or token lengths) and ``inputs``, the sha256 of the exact files they came from. Out: one verdict a
guard. What must hold: the same rows give the same verdict; a reason names rows by id and tools by their registry name,
and never quotes a row's text; what a rejected side may legally get wrong is written down in ``LEGAL_FAULTS`` and
nowhere else.
"""

from __future__ import annotations

import json
import math
import statistics
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from canvas_pipeline.guardrails.table import GUARDS, judge
from canvas_pipeline.guardrails.verdict import Allowance, Number, Verdict
from canvas_pipeline.models.family import Malformed, ToolCall
from canvas_pipeline.records import FeedbackExample, Funnel, Message, PreferencePair, Trajectory
from canvas_pipeline.tools.calls import CALLS
from canvas_pipeline.tools.registry import TOOLS

DataRow = Trajectory | PreferencePair | FeedbackExample
Hashes = Mapping[str, str]

LEGAL_FAULTS: Mapping[str, str] = {"tool_selection": "hallucinated name", "format": "malformed call"}
"""What the undesirable side of an axis may hold although a guard forbids it elsewhere: axis 1 and axis 6 of the
design."""


@dataclass(frozen=True, slots=True)
class Side:
    """One conversation of a row and what it may legally hold."""

    messages: tuple[Message, ...]
    may_hallucinate: bool = False
    may_be_malformed: bool = False

    def assistant_texts(self) -> Iterator[str]:
        return (m.content for m in self.messages if m.role == "assistant")

    def calls(self) -> Iterator[ToolCall | Malformed]:
        return (call for text in self.assistant_texts() for call in CALLS.parse(text).calls)


def sides(row: DataRow) -> tuple[Side, ...]:
    """A row's conversations: a trajectory has one; a pair has prompt, chosen and rejected; feedback prompt and
    completion."""
    if isinstance(row, Trajectory):
        return (Side(row.messages),)
    faults = {LEGAL_FAULTS.get(axis) for axis in row.axes}
    hallucinate, malformed = "hallucinated name" in faults, "malformed call" in faults
    if isinstance(row, PreferencePair):
        return (Side(row.prompt), Side(row.chosen), Side(row.rejected, hallucinate, malformed))
    undesirable = not row.label
    return (
        Side(row.prompt),
        Side(row.completion, undesirable and hallucinate, undesirable and malformed),
    )


def g1(pairs: Iterable[PreferencePair], inputs: Hashes) -> Verdict:
    """G1: at least 80 % of the chosen and of the rejected sides contain ``<|tool_call>``, over the whole preference set
    (train and eval together; the format and termination axes, whose rejected or chosen sides hold none, are legal)."""
    total = chosen = rejected = 0
    for pair in pairs:
        total += 1
        chosen += any(CALLS.call_open in m.content for m in pair.chosen if m.role == "assistant")
        rejected += any(CALLS.call_open in m.content for m in pair.rejected if m.role == "assistant")
    numbers: dict[str, Number] = {
        "pairs": total,
        "chosen_with_call": chosen / total if total else None,
        "rejected_with_call": rejected / total if total else None,
    }
    return judge("g1", numbers, inputs)


def g4(trajectories: Iterable[Trajectory], min_occurrences: int, max_cv: float, inputs: Hashes) -> Verdict:
    """G4: tool occurrences over the training trajectories' assistant turns; each of the 18 at least
    ``min_occurrences``, and their coefficient of variation (population standard deviation over mean) at most
    ``max_cv``."""
    found = Counter(
        call.name for row in trajectories for side in sides(row) for call in side.calls() if isinstance(call, ToolCall)
    )
    counts = {name: found[name] for name in TOOLS}
    mean = statistics.fmean(counts.values())
    fewest = min(counts.values())
    numbers: dict[str, Number] = {
        "fewest": fewest,
        "most": max(counts.values()),
        "cv": statistics.pstdev(counts.values()) / mean if mean else None,
        **{f"tool/{name}": count for name, count in counts.items()},
    }
    rare = [name for name, count in sorted(counts.items(), key=lambda entry: entry[1]) if count < min_occurrences]
    return judge("g4", numbers, inputs, {"min_occurrences": min_occurrences, "max_cv": max_cv}, where=rare)


MIN_RETAINED = 0.7


def g6(
    funnels: Sequence[Funnel], allowances: Sequence[Allowance], inputs: Hashes, dataset: str | None = None
) -> Verdict:
    """G6: each stage retains at least 70 % of its rows, or what its allowance says. Raises ``RowsUnaccounted`` where a
    funnel does not add up. Allowances that were needed are recorded in the verdict, with their number and reason."""
    permits = {a.stage: a for a in allowances}
    numbers: dict[str, Number] = {"stages": len(funnels)}
    limits: dict[str, Number] = {"min_retained": MIN_RETAINED}
    below: list[str] = []
    used: list[str] = []
    for funnel in funnels:
        retained = funnel.check().retained
        permit = permits.get(funnel.stage)
        minimum = MIN_RETAINED
        if retained < MIN_RETAINED and permit is not None:
            minimum = min(MIN_RETAINED, permit.minimum_retained)
            limits[f"minimum/{funnel.stage}"] = minimum
            used.append(f"{funnel.stage}>={minimum:g}: {permit.reason}")
        numbers[f"retained/{funnel.stage}"] = round(retained, 4)
        numbers[f"rows_in/{funnel.stage}"] = funnel.rows_in
        if retained < minimum:
            below.append(f"{funnel.stage} ({retained:.1%} of {funnel.rows_in} rows kept)")
    numbers["stages_below"] = len(below)
    return judge("g6", numbers, inputs, limits, dataset, "; ".join(used) or None, below)


def g7(rows: Iterable[DataRow], inputs: Hashes, dataset: str) -> Verdict:
    """G7: every tool name (in calls, in tool messages, among the declared tools) is in the registry. Rejected and
    undesirable sides of the tool-selection axis may hold made-up names in their calls and the answers to them; they are
    counted apart."""
    total = unknown = legal = names = 0
    where: list[str] = []
    for row in rows:
        total += 1
        wrong = [name for name in row.tools if name not in TOOLS]
        names += len(row.tools)
        for side in sides(row):
            called = [call.name for call in side.calls() if isinstance(call, ToolCall)]
            called += [m.name or "" for m in side.messages if m.role == "tool"]
            made_up = [name for name in called if name not in TOOLS]
            names += len(called)
            if side.may_hallucinate:
                legal += len(made_up)
            else:
                wrong += made_up
        unknown += len(wrong)
        if wrong:
            where.append(f"row {row.id}")
    numbers: dict[str, Number] = {
        "rows": total, "names": names, "unknown_names": unknown, "rows_with_unknown": len(where),
        "legal_in_rejected": legal,
    }  # fmt: skip
    return judge("g7", numbers, inputs, subject=dataset, where=where)


def g8(rows: Iterable[DataRow], inputs: Hashes, dataset: str) -> Verdict:
    """G8: every assistant turn is byte for byte what ``CALLS.serialise`` writes for the calls that ``CALLS.parse`` reads in
    it, every tool result is readable JSON, and no other turn holds a live marker. Malformed calls are legal in the
    rejected or undesirable side of the format axis only, and counted apart."""
    total = calls = broken = legal = 0
    where: list[str] = []
    for row in rows:
        total += 1
        faults = 0
        for side in sides(row):
            for message in side.messages:
                if message.role != "assistant":
                    faults += not _inert(message)
                    continue
                turn = CALLS.parse(message.content)
                calls += len(turn.calls)
                if _faithful(message.content):
                    continue
                if side.may_be_malformed:
                    legal += 1
                else:
                    faults += 1
        broken += faults
        if faults:
            where.append(f"row {row.id}")
    numbers: dict[str, Number] = {
        "rows": total, "calls": calls, "broken": broken, "rows_broken": len(where), "legal_in_rejected": legal,
        "fidelity": (1 - len(where) / total) if total else None,
    }  # fmt: skip
    return judge("g8", numbers, inputs, subject=dataset, where=where)


def _faithful(text: str) -> bool:
    """Whether an assistant turn loses nothing when parsed: its calls written again stand in it in order, and what is
    left is exactly the turn's text (so a stop marker in the middle, or a plain-quoted string, is noticed)."""
    turn = CALLS.parse(text)
    if turn.malformed:
        return False
    rest, position = [], 0
    for call in turn.well_formed:
        block = CALLS.serialise(call)
        at = text.find(block, position)
        if at < 0 or CALLS.parse(block).calls != (call,):
            return False
        rest.append(text[position:at])
        position = at + len(block)
    rest.append(text[position:])
    return "".join(rest).strip() == turn.text


def _inert(message: Message) -> bool:
    """Whether a system, user or tool turn holds no live marker, and a tool's content is JSON."""
    if "<|" in message.content or "|>" in message.content:
        return False
    if message.role != "tool":
        return True
    try:
        json.loads(CALLS.unescape(message.content))
    except ValueError:
        return False
    return True


def g11(lengths: Sequence[int], max_length: int, method: str, inputs: Hashes) -> Verdict:
    """G11: fewer than 1 % of the rows are longer than the method's own ``max_length``. ``lengths`` are tokens of whole
    rows (the longer side of a pair), as the method's trainer will see them, train and eval together."""
    total = len(lengths)
    over = sum(length > max_length for length in lengths)
    ordered = sorted(lengths)
    numbers: dict[str, Number] = {
        "rows": total,
        "rows_over": over,
        "share_over": over / total if total else None,
        "longest": ordered[-1] if ordered else None,
        "p99": ordered[max(0, math.ceil(0.99 * total) - 1)] if ordered else None,
    }
    return judge("g11", numbers, inputs, {"max_length": max_length}, method)


def g13(trajectories: Iterable[Trajectory], inputs: Hashes) -> Verdict:
    """G13: no tool is called more than three times in one trajectory's assistant turns."""
    limit = next(b.value for b in GUARDS["g13"].bounds if b.number == "most_repeats") or 0
    total = most = 0
    where: list[str] = []
    for row in trajectories:
        total += 1
        uses = Counter(call.name for side in sides(row) for call in side.calls() if isinstance(call, ToolCall))
        repeats = max(uses.values(), default=0)
        most = max(most, repeats)
        if repeats > limit:
            where.append(f"row {row.id}")
    numbers: dict[str, Number] = {"trajectories": total, "most_repeats": most, "trajectories_over": len(where)}
    return judge("g13", numbers, inputs, where=where)
