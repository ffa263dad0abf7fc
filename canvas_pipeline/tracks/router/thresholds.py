"""Judge a report by a file of thresholds, such as ``data/router/thresholds.yaml``.

The file names a group of cases (``overall`` or a bucket), then ``at_least`` and ``at_most``, then figures with their bounds.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Literal, cast

import msgspec

from canvas_pipeline.errors import BadConfig, MissingInput
from canvas_pipeline.evaluation.statistics import FEW, OVERALL, Rate
from canvas_pipeline.records import Row
from canvas_pipeline.tracks.router.scorer import BUCKETS, LONGER, RouterReport
from canvas_pipeline.verifiers.plan_scores import FIGURES

State = Literal["held", "missed", "few", "absent"]
Bounds = Mapping[str, Mapping[str, Mapping[str, float]]]
"""Group → ``at_least`` or ``at_most`` → figure → bound, 0..1."""
FILE = "thresholds.yaml"
KNOWN = frozenset((*FIGURES, *LONGER, "truncated"))


class Threshold(Row, frozen=True, kw_only=True):
    """One bound and the rate that was judged by it: its point, or under strict rules the end of its interval."""

    group: str
    figure: str
    at_least: bool
    bound: float
    rate: Rate
    judged: float | None
    state: State


def read_thresholds(path: Path) -> Bounds:
    """Read a file. Raises ``MissingInput``, or ``BadConfig`` naming the group and figure that nobody measures."""
    import yaml

    try:
        text = path.read_text(encoding="utf-8")
        found = msgspec.convert(
            yaml.safe_load(text), type=dict[str, dict[Literal["at_least", "at_most"], dict[str, float]]]
        )
    except FileNotFoundError:
        raise MissingInput(f"{path}: no such file; name a file of thresholds") from None
    except (yaml.YAMLError, msgspec.ValidationError, UnicodeDecodeError) as error:
        what = str(error) if isinstance(error, msgspec.ValidationError) else "no YAML"
        raise BadConfig(f"{path}: not a file of thresholds ({what})") from None
    for group, sides in found.items():
        if group not in (OVERALL, *BUCKETS):
            raise BadConfig(f"{path}: there is no group {group!r}; choose of: {OVERALL}, {', '.join(BUCKETS)}")
        for figure, bound in (pair for side in sides.values() for pair in side.items()):
            if figure not in KNOWN or not 0 <= bound <= 1:
                raise BadConfig(f"{path}: {group}: {figure} {bound:g} is no figure with a bound of 0 to 1")
    return cast(Bounds, found)


def judge(report: RouterReport, bounds: Bounds, *, strict: bool = False) -> tuple[Threshold, ...]:
    """Judge every bound. ``strict`` judges the worse end of the Wilson interval in place of the point.

    A bucket of fewer than 40 cases is ``few``: it neither holds nor misses."""
    found = []
    for group, sides in bounds.items():
        rates = report.figures if group == OVERALL else report.buckets[group]
        for side, figures in sides.items():
            least = side == "at_least"
            for name, bound in figures.items():
                rate = rates[name]
                end = rate.low if least else rate.high
                judged = end if strict else rate.share
                holds = judged is not None and (judged >= bound if least else judged <= bound)
                state: State = "held" if holds else "missed"
                if judged is None:
                    state = "absent"
                elif group != OVERALL and rate.cases < FEW:
                    state = "few"
                found.append(
                    Threshold(
                        group=group, figure=name, at_least=least, bound=bound, rate=rate, judged=judged, state=state
                    )
                )
    return tuple(found)


def met(found: Sequence[Threshold]) -> bool:
    """Tell whether no bound is missed and at least one was judged on enough cases."""
    states = {one.state for one in found}
    return "held" in states and "missed" not in states


def table(found: Sequence[Threshold]) -> str:
    """Render the bounds as a Markdown table."""
    lines = ["| group | figure | measured | cases | bound | |", "|---|---|---:|---:|---:|---|"]
    for one in found:
        measured = "n/a" if one.judged is None else f"{one.judged:.3f}"
        sign = "≥" if one.at_least else "≤"
        lines.append(
            f"| {one.group} | {one.figure} | {measured} | {one.rate.cases} | {sign} {one.bound:g} | {one.state} |"
        )
    return "\n".join(lines)
