"""Which checkpoint goes to production: the best macro average, among those that no tool lost.

In: candidates, each a method at an epoch with its report on the *selection* cases (of eval students; never the bench's
own test cases). Out: a ``SelectionRecord`` that names all candidates and why each was or was not chosen. What must
hold: a candidate with a tool below the floor, or with a tool nobody measured, is not eligible; if none is eligible
nothing is chosen and the record says so; the same candidates give the same choice in whatever order they come.

Source: the design's checkpoint rule (macro-average tool selection under a 40 % tool floor).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from canvas_pipeline.records import Row
from canvas_pipeline.tracks.canvas.bench.score import BenchReport, Rate
from canvas_pipeline.tracks.canvas.tools.tool_table import TOOLS

FLOOR = 0.4


class Candidate(Row, frozen=True, kw_only=True):
    """A checkpoint and what it scored. ``checkpoint_sha256`` is its content; shares are 0..1, None where not measured;
    ``low_confidence`` are the tools with fewer than 40 selection cases."""

    method: str
    epoch: float
    checkpoint_sha256: str
    macro_selection: float | None
    exact_call: Rate
    over_calling: Rate
    weakest_tool: str | None
    weakest_share: float | None
    unmeasured_tools: tuple[str, ...]
    low_confidence: tuple[str, ...]


class Judged(Row, frozen=True, kw_only=True):
    """A candidate with the reason why it is not eligible (empty when it is)."""

    candidate: Candidate
    reason: str = ""


class SelectionRecord(Row, frozen=True, kw_only=True):
    """``chosen`` is None where no candidate is eligible; ``reason`` then says what to do, and else by what it won."""

    floor: float
    chosen: Candidate | None
    reason: str
    candidates: tuple[Judged, ...]


def candidate(method: str, epoch: float, checkpoint_sha256: str, report: BenchReport) -> Candidate:
    """A candidate from its report on the selection cases."""
    shares = {name: score.selection.share for name, score in report.by_tool.items()}
    measured = {name: share for name, share in shares.items() if share is not None}
    weakest = min(measured, key=lambda name: (measured[name], name)) if measured else None
    return Candidate(
        method=method,
        epoch=epoch,
        checkpoint_sha256=checkpoint_sha256,
        macro_selection=report.macro_selection,
        exact_call=report.exact_call,
        over_calling=report.over_calling,
        weakest_tool=weakest,
        weakest_share=measured[weakest] if weakest is not None else None,
        unmeasured_tools=tuple(name for name in TOOLS if shares.get(name) is None),
        low_confidence=tuple(name for name, score in report.by_tool.items() if score.low_confidence),
    )


def select(candidates: Iterable[Candidate], floor: float = FLOOR) -> SelectionRecord:
    """The eligible candidate with the best macro tool selection. Ties go to more exact calls, then to less
    over-calling, then to the method's name and the earlier epoch."""
    ordered = sorted(candidates, key=_rank)
    judged = tuple(Judged(candidate=c, reason=_ineligible(c, floor)) for c in ordered)
    eligible = [j.candidate for j in judged if not j.reason]
    return SelectionRecord(
        floor=floor,
        chosen=eligible[0] if eligible else None,
        reason=_why(eligible, judged, floor),
        candidates=judged,
    )


def _rank(c: Candidate) -> tuple[float, float, float, str, float, str]:
    """Best first."""
    macro = -1.0 if c.macro_selection is None else c.macro_selection
    exact = -1.0 if c.exact_call.share is None else c.exact_call.share
    over = 2.0 if c.over_calling.share is None else c.over_calling.share
    return (-macro, -exact, over, c.method, c.epoch, c.checkpoint_sha256)


def _ineligible(c: Candidate, floor: float) -> str:
    if c.unmeasured_tools:
        return f"no selection case for {', '.join(c.unmeasured_tools)}: the floor cannot be shown"
    if c.weakest_share is None or c.macro_selection is None:
        return "no selection case expects a call"
    if c.weakest_share < floor:
        return f"{c.weakest_tool} is selected in {c.weakest_share:.1%} of its cases, below the floor of {floor:.0%}"
    return ""


def _why(eligible: Sequence[Candidate], judged: Sequence[Judged], floor: float) -> str:
    if not judged:
        return "there are no candidates; train a method first"
    if not eligible:
        return (
            f"none of {len(judged)} candidates keeps every tool at or above {floor:.0%}; nothing is chosen. See the "
            "weakest tool of each, and train longer or add trajectories of it"
        )
    best = eligible[0]
    return (
        f"{best.method} at epoch {best.epoch:g}: best macro tool selection ({best.macro_selection:.1%}) of "
        f"{len(eligible)} eligible candidates out of {len(judged)}; its weakest tool is {best.weakest_tool} "
        f"({best.weakest_share:.1%})"
    )
