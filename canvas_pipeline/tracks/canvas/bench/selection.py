"""Choose the production checkpoint: the best macro average among candidates with every tool at or above the floor.

A candidate with a tool that was not measured is not eligible. The order of the candidates does not matter.

Source: the design's checkpoint rule (macro-average tool selection under a 40 % tool floor).
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from canvas_pipeline.evaluation.selection import Candidate, RankedCandidate, SelectionRecord
from canvas_pipeline.evaluation.statistics import Rate
from canvas_pipeline.records import Row, dumps
from canvas_pipeline.tracks.canvas.bench.score import BenchReport
from canvas_pipeline.tracks.canvas.tools.tool_table import TOOLS

FLOOR = 0.4


class Figures(Row, frozen=True, kw_only=True):
    """The figures that the rule uses. Shares are 0..1, None where not measured; ``low_confidence`` tools have few cases."""

    macro_selection: float | None
    exact_call: Rate
    over_calling: Rate
    weakest_tool: str | None
    weakest_share: float | None
    unmeasured_tools: tuple[str, ...]
    low_confidence: tuple[str, ...]


def figures(report: BenchReport) -> Figures:
    """Extract the rule's figures from a report on the selection cases."""
    shares = {name: score.selection.share for name, score in report.by_tool.items()}
    measured = {name: share for name, share in shares.items() if share is not None}
    weakest = min(measured, key=lambda name: (measured[name], name)) if measured else None
    return Figures(
        macro_selection=report.macro_selection,
        exact_call=report.exact_call,
        over_calling=report.over_calling,
        weakest_tool=weakest,
        weakest_share=measured[weakest] if weakest is not None else None,
        unmeasured_tools=tuple(name for name in TOOLS if shares.get(name) is None),
        low_confidence=tuple(name for name, score in report.by_tool.items() if score.low_confidence),
    )


def select(candidates: Sequence[tuple[Candidate, BenchReport]], floor: float = FLOOR) -> SelectionRecord:
    """Choose the eligible candidate with the best macro tool selection.

    Ties go to more exact calls, then to less over-calling, then to the method's name and the earlier epoch."""
    ordered = sorted(((found, figures(report)) for found, report in candidates), key=_rank)
    evaluated = tuple(
        RankedCandidate(candidate=found, figures=msgspec.json.decode(dumps(known)), reason=_ineligible(known, floor))
        for found, known in ordered
    )
    eligible = [one for one, row in zip(ordered, evaluated, strict=True) if not row.reason]
    return SelectionRecord(
        rule={"floor": floor},
        chosen=eligible[0][0] if eligible else None,
        reason=_why(eligible, evaluated, floor),
        candidates=evaluated,
    )


def _rank(known: tuple[Candidate, Figures]) -> tuple[float, float, float, str, float, str]:
    """Return the sort key, best first."""
    c, f = known
    macro = -1.0 if f.macro_selection is None else f.macro_selection
    exact = -1.0 if f.exact_call.share is None else f.exact_call.share
    over = 2.0 if f.over_calling.share is None else f.over_calling.share
    return (-macro, -exact, over, c.method, c.epoch, c.checkpoint_sha256)


def _ineligible(f: Figures, floor: float) -> str:
    if f.unmeasured_tools:
        return f"no selection case for {', '.join(f.unmeasured_tools)}: the floor cannot be shown"
    if f.weakest_share is None or f.macro_selection is None:
        return "no selection case expects a call"
    if f.weakest_share < floor:
        return f"{f.weakest_tool} is selected in {f.weakest_share:.1%} of its cases, below the floor of {floor:.0%}"
    return ""


def _why(eligible: Sequence[tuple[Candidate, Figures]], evaluated: Sequence[RankedCandidate], floor: float) -> str:
    if not evaluated:
        return "there are no candidates; train a method first"
    if not eligible:
        return (
            f"none of {len(evaluated)} candidates keeps every tool at or above {floor:.0%}; nothing is chosen. See the "
            "weakest tool of each, and train longer or add trajectories of it"
        )
    best, known = eligible[0]
    return (
        f"{best.method} at epoch {best.epoch:g}: best macro tool selection ({known.macro_selection:.1%}) of "
        f"{len(eligible)} eligible candidates out of {len(evaluated)}; its weakest tool is {known.weakest_tool} "
        f"({known.weakest_share:.1%})"
    )
