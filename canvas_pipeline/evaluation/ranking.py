"""Choose a production checkpoint by shares of the selection cases: the highest first share, if it is high enough."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

import msgspec

from canvas_pipeline.evaluation.selection import Candidate, RankedCandidate, SelectionRecord
from canvas_pipeline.evaluation.statistics import Rate, percent

R = TypeVar("R")


def best_first(
    candidates: Sequence[tuple[Candidate, R]], rates: Callable[[R], Sequence[Rate]], simplest: str = ""
) -> list[tuple[Candidate, R]]:
    """Order candidates by their rates, the highest first; then the method ``simplest``, others by name, and the earlier epoch."""

    def key(one: tuple[Candidate, R]) -> tuple[list[float], bool, str, float, str]:
        found, report = one
        shares = [-(rate.share or 0.0) for rate in rates(report)]
        return shares, found.method != simplest, found.method, found.epoch, found.checkpoint_sha256

    return sorted(candidates, key=key)


def choose_by_share(
    candidates: Sequence[tuple[Candidate, R]], rate: Callable[[R, str], Rate], by: Sequence[str], *,
    least: float = 0.0, simplest: str = "",
) -> SelectionRecord:  # fmt: skip
    """Choose the candidate that is best by the metrics ``by``, in the order of ``best_first``.

    ``rate`` gives a report's rate of a metric. One that is right nowhere by the first metric, or in less than ``least`` (0..1) of
    the cases, is not eligible."""
    ranked = tuple(
        RankedCandidate(
            candidate=found, figures={name: msgspec.to_builtins(rate(report, name)) for name in by},
            reason=_against(rate(report, by[0]), least),
        )
        for found, report in best_first(candidates, lambda report: [rate(report, name) for name in by], simplest)
    )  # fmt: skip
    best = next((one for one in ranked if not one.reason), None)
    if best is None:
        reason = _none(len(ranked), least)
    else:
        found = msgspec.convert(best.figures[by[0]], Rate)
        reason = f"{best.candidate.method}: right in {percent(found)} of the selection cases, the most of {len(ranked)} candidates"
    rule = {"least": least} if least else {}
    return SelectionRecord(rule=rule, chosen=best.candidate if best else None, reason=reason, candidates=ranked)


def _against(found: Rate, least: float) -> str:
    """Return why a candidate with this rate is not eligible; empty if it is."""
    if not found.share:
        return "right in no selection case"
    return "" if found.share >= least else f"right in {percent(found)} of the selection cases, below {least:.0%}"


def _none(count: int, least: float) -> str:
    if not count:
        return "there are no candidates; train a method first"
    share = f"{least:.0%}" if least else "any"
    return f"none of {count} candidates is right in {share} of the selection cases; look at the states of the bench"
