"""Define the guards over tool calls: G1 G4 G7 G8 G13.

The same rows give the same verdict. A reason names rows by id and tools by name, and never quotes a row's text.
"""

from __future__ import annotations

import json
import statistics
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from canvas_pipeline.guardrails.guard import BOTH_PARTS, NOTHING_TO_EVALUATE, Bound, Guard, Measured, RowsEvidence
from canvas_pipeline.guardrails.standard import base_guard
from canvas_pipeline.guardrails.table import GuardTable
from canvas_pipeline.guardrails.verdict import Number
from canvas_pipeline.records import Message
from canvas_pipeline.tracks.canvas.datasets import DATASETS
from canvas_pipeline.tracks.canvas.rows import FeedbackExample, PreferencePair, Trajectory
from canvas_pipeline.tracks.canvas.tools.calls import CALLS, faithful
from canvas_pipeline.tracks.canvas.tools.tool_table import TOOLS

DataRow = Trajectory | PreferencePair | FeedbackExample
MAX_REPEATS = 3
"""How often one tool may be called in a trajectory (G13)."""

LEGAL_FAULTS: Mapping[str, str] = {"tool_selection": "hallucinated name", "format": "malformed call"}
"""Axis → the fault that its undesirable side may have although a guard forbids it elsewhere (axes 1 and 6 of the design)."""


@dataclass(frozen=True, slots=True)
class Side:
    """One conversation of a row and the faults it may legally have."""

    messages: tuple[Message, ...]
    may_hallucinate: bool = False
    may_be_malformed: bool = False

    def called(self) -> list[str]:
        """Return the tools of the assistant's well-formed calls."""
        turns = (CALLS.parse(m.content) for m in self.messages if m.role == "assistant")
        return [call.name for turn in turns for call in turn.well_formed]


def sides(row: DataRow) -> tuple[Side, ...]:
    """Return a row's conversations: one of a trajectory; prompt, chosen and rejected of a pair; prompt and completion of
    feedback."""
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


def _in_preferences(e: RowsEvidence) -> Measured:
    """Count the chosen and rejected sides with a tool call, over a whole set of pairs (train and eval together).

    Some rejected sides of the format and termination axes and chosen sides of the termination axis have none, which is legal."""
    total = chosen = rejected = 0
    for pair in e.rows:
        total += 1
        chosen += any(CALLS.call_open in m.content for m in pair.chosen if m.role == "assistant")
        rejected += any(CALLS.call_open in m.content for m in pair.rejected if m.role == "assistant")
    numbers: dict[str, Number] = {
        "pairs": total,
        "chosen_with_call": chosen / total if total else None,
        "rejected_with_call": rejected / total if total else None,
    }
    return Measured(numbers)


def _balance(e: RowsEvidence) -> Measured:
    """Count each tool's calls in the training trajectories: the fewest, and their coefficient of variation (population standard
    deviation over mean)."""
    least = e.profile.min_tool_occurrences
    found = Counter(name for row in e.rows for side in sides(row) for name in side.called())
    counts = {name: found[name] for name in TOOLS}
    mean = statistics.fmean(counts.values())
    numbers: dict[str, Number] = {
        "fewest": min(counts.values()),
        "most": max(counts.values()),
        "cv": statistics.pstdev(counts.values()) / mean if mean else None,
        **{f"tool/{name}": count for name, count in counts.items()},
    }
    rare = [name for name, count in sorted(counts.items(), key=lambda entry: entry[1]) if count < least]
    return Measured(numbers, {"min_occurrences": least, "max_cv": e.profile.max_tool_cv}, rare)


def _exist(e: RowsEvidence) -> Measured:
    """Count tool names (in calls, in tool messages, among the declared tools) that do not exist.

    Rejected and undesirable sides of the tool-selection axis may have such names in calls and their results; these are counted
    separately."""
    total = unknown = legal = names = 0
    where: list[str] = []
    for row in e.rows:
        total += 1
        wrong = [name for name in row.tools if name not in TOOLS]
        names += len(row.tools)
        for side in sides(row):
            called = side.called()
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
    return Measured(numbers, where=where)


def _round_trip(e: RowsEvidence) -> Measured:
    """Count the turns that do not survive parsing and serialising.

    The calls that ``parse`` finds in an assistant turn must serialise to the same bytes, a tool result must be JSON, and no other
    turn may have an unescaped marker. Malformed calls are legal in the rejected or undesirable side of the format axis only, and
    counted separately."""
    total = calls = broken = legal = 0
    where: list[str] = []
    for row in e.rows:
        total += 1
        faults = 0
        for side in sides(row):
            for message in side.messages:
                if message.role != "assistant":
                    faults += not _inert(message)
                    continue
                turn = CALLS.parse(message.content)
                calls += len(turn.calls)
                if faithful(message.content):
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
    return Measured(numbers, where=where)


def _inert(message: Message) -> bool:
    """Tell whether a system, user or tool turn has no unescaped marker, and a tool's content is JSON."""
    if "<|" in message.content or "|>" in message.content:
        return False
    if message.role != "tool":
        return True
    try:
        json.loads(CALLS.unescape(message.content))
    except ValueError:
        return False
    return True


def _repetition(e: RowsEvidence) -> Measured:
    """Count how often one tool is called in one trajectory."""
    total = most = 0
    where: list[str] = []
    for row in e.rows:
        total += 1
        uses = Counter(name for side in sides(row) for name in side.called())
        repeats = max(uses.values(), default=0)
        most = max(most, repeats)
        if repeats > MAX_REPEATS:
            where.append(f"row {row.id}")
    return Measured({"trajectories": total, "most_repeats": most, "trajectories_over": len(where)}, where=where)


_B = Bound
# The guards over all data that a method's weights derive from block it. Preference and feedback methods start from the SFT
# checkpoint, so the trajectories' balance (G4) and repetition (G13) apply to them, too. SFT reads no pairs, so G1 does not apply.
GUARDS: tuple[Guard, ...] = (
    Guard("g1", "g1_tool_calls_in_preferences", "at least 80 % of chosen and of rejected sides contain a tool call",
          "dataset", BOTH_PARTS, RowsEvidence, _in_preferences,
          (_B("pairs", ">=", "min_pairs", 1, NOTHING_TO_EVALUATE),
           _B("chosen_with_call", ">=", "min_share", 0.8, "chosen sides must show calls, not prose about them"),
           _B("rejected_with_call", ">=", "min_share", 0.8, "rejected sides must be wrong calls; make fewer pairs "
              "of the format and termination axes, which hold none")),
          lambda method: method.objective == "pairwise"),
    base_guard("tool_selection", 0.2, "the base model selects the right tool in at least 20 % of bench cases"),
    Guard("g4", "g4_tool_balance", "each of the 18 tools occurs often enough, and about equally often",
          "line", ("trajectory_train",), RowsEvidence, _balance,
          (_B("fewest", ">=", "min_occurrences", None, "synthesise more trajectories of the rare tools"),
           _B("cv", "<=", "max_cv", None, "level the quotas per tool"))),
    Guard("g7", "g7_tools_exist", "every tool name in the data set exists in the registry",
          "dataset", BOTH_PARTS, RowsEvidence, _exist,
          (_B("rows", ">=", "min_rows", 1, NOTHING_TO_EVALUATE),
           _B("unknown_names", "<=", "max_unknown", 0, "correct the names; only the rejected side of the "
              "tool-selection axis may hold made-up ones"))),
    Guard("g8", "g8_round_trip", "every call in every row survives parse and serialise unchanged",
          "dataset", BOTH_PARTS, RowsEvidence, _round_trip,
          (_B("calls", ">=", "min_calls", 1, NOTHING_TO_EVALUATE),
           _B("broken", "<=", "max_broken", 0, "write calls with CALLS.serialise, results with response_text "
              "and text from outside with escape"))),
    Guard("g13", "g13_no_repetition", "no tool is called more than three times in one trajectory",
          "line", ("trajectory_train",), RowsEvidence, _repetition,
          (_B("trajectories", ">=", "min_rows", 1, NOTHING_TO_EVALUATE),
           _B("most_repeats", "<=", "max_repeats", MAX_REPEATS, "drop or shorten the trajectory: it teaches looping"))),
)  # fmt: skip
TABLE = GuardTable(GUARDS, DATASETS)
"""All guards of the track, standard ones included."""
