"""Draw funnels, benchmark results and guard verdicts as PNG bytes."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from canvas_pipeline.evaluation.benchmark import Benchmark
from canvas_pipeline.evaluation.matrix import MethodMatrix
from canvas_pipeline.evaluation.statistics import FEW, Rate
from canvas_pipeline.figure import BLUE, GREEN, NOTE, RED, SERIES, TEXT, Interval, forest, new_axes, png
from canvas_pipeline.guardrails.guard import order
from canvas_pipeline.guardrails.verdict import Verdict
from canvas_pipeline.records import Funnel

if TYPE_CHECKING:
    from matplotlib.axes import Axes

INTERVAL = "95 %, by wording where wider"


def forest_png(rates: Mapping[str, Rate], title: str, average: float | None = None) -> bytes:
    """Draw one row per group with cases: its share with the wider 95 % interval; hollow where the cases are few."""
    return forest(
        [
            Interval(f"{name}  n={rate.cases}", bounds[0], rate.share, bounds[1], hollow=rate.cases < FEW)
            for name, rate in rates.items()
            if rate.share is not None and (bounds := rate.bounds) is not None
        ],
        title=title,
        xlabel=f"share of cases, {INTERVAL} (hollow: n < {FEW}; dashed: macro average)",
        limits=(-0.02, 1.02),
        reference=average,
    )


def methods_png(benchmark: Benchmark, results: MethodMatrix) -> bytes:
    """Draw bars with intervals for every method, the trivial baselines last and in italics."""
    drawn = [metric for metric in benchmark.metrics if metric.drawn]
    title = f"{results.case_count} cases, {INTERVAL}"
    axes = new_axes(max(6.0, 1.6 + 1.0 * len(results.rows)), 4.0, title=title, grid="y")
    width = 0.8 / max(1, len(drawn))
    for index, metric in enumerate(drawn):
        for column, row in enumerate(results.rows):
            rate = row.rates[metric.name]
            if rate.share is None or rate.bounds is None:
                continue
            low, high = rate.bounds
            error = [[max(0.0, rate.share - low)], [max(0.0, high - rate.share)]]
            axes.bar(
                column - 0.4 + width * (index + 0.5), rate.share, width, color=SERIES[index % len(SERIES)], yerr=error, capsize=2,
                error_kw={"linewidth": 0.8}, label=metric.title if column == 0 else None,
            )  # fmt: skip
    ticks = axes.set_xticks(range(len(results.rows)), [row.method for row in results.rows])
    for tick, row in zip(ticks, results.rows, strict=True):
        if row.trivial:
            tick.label1.set_fontstyle("italic")
    axes.set_ylim(0, 1.05)
    return png(axes)


def shares_png(shares: Mapping[str, Mapping[str, float]], xlabel: str) -> bytes:
    """Draw shares (0..1) as bars side by side: one group for each name of the inner mappings, one colour for each source."""
    names = list(dict.fromkeys(name for of in shares.values() for name in of))
    axes = new_axes(7.0, 1.2 + 0.22 * len(names) * max(1, len(shares)), xlabel=xlabel, grid="x")
    height = 0.8 / max(1, len(shares))
    for index, (source, of) in enumerate(shares.items()):
        at = [row + height * (index - (len(shares) - 1) / 2) for row in range(len(names))]
        axes.barh(at, [of.get(name, 0.0) for name in names], height, color=SERIES[index % len(SERIES)], label=source)
    axes.set_yticks(range(len(names)), names)
    axes.invert_yaxis()
    axes.set_xlim(0, 1)
    return png(axes)


def funnel_png(funnels: Sequence[Funnel]) -> bytes:
    """Draw one bar per stage, as shares of the rows that came in: kept, merged, refused. Below it, one thin bar for each reason of
    refusal with its count; a small share is drawn as a sliver. The dashed line is G6's 70 %."""
    lines: list[tuple[Funnel, str | None]] = []
    for funnel in funnels:
        most_first = sorted(funnel.refused, key=lambda reason: (-funnel.refused[reason], reason))
        lines += [(funnel, None), *((funnel, reason) for reason in most_first)]
    height = 1.4 + 0.5 * max(1, len(funnels)) + 0.22 * (len(lines) - len(funnels))
    axes = new_axes(8.0, height, xlabel="share of the stage's rows (dashed: minimum of G6)")
    ticks: list[tuple[float, str]] = []
    at = 0.0
    for funnel, reason in lines:
        at -= 1.0 if reason is None else 0.55
        if reason is None:
            _stage_bar(axes, at, funnel, labelled=funnel is funnels[0])
            ticks.append((at, f"{funnel.stage}  ({funnel.rows_in} in)"))
        else:
            share = funnel.refused[reason] / funnel.rows_in if funnel.rows_in else 0.0
            axes.barh(at, max(share, 0.003), left=min(1 - share, 0.997), color=RED, height=0.3)
            axes.text(1.01, at, str(funnel.refused[reason]), va="center", fontsize=NOTE)
            ticks.append((at, reason))
    axes.axvline(0.7, color="black", linestyle="--", linewidth=0.8)
    axes.set_yticks([at for at, _ in ticks], [label for _, label in ticks])
    axes.set_xlim(0, 1)
    return png(axes)


def _stage_bar(axes: Axes, at: float, funnel: Funnel, labelled: bool) -> None:
    left = 0.0
    refused = sum(funnel.refused.values())
    for name, count, colour in (
        ("kept", funnel.kept, GREEN),
        ("merged", funnel.merged, BLUE),
        ("refused", refused, RED),
    ):
        share = count / funnel.rows_in if funnel.rows_in else 0.0
        axes.barh(at, share, left=left, color=colour, label=name if labelled else None, height=0.6)
        if share > 0.06:
            axes.text(left + share / 2, at, str(count), ha="center", va="center", fontsize=NOTE, color="white")
        left += share


def guards_png(verdicts: Sequence[Verdict]) -> bytes:
    """Draw the table of verdicts: passed, allowed or failed, name, subject, and numbers (not those per stage or axis)."""
    ordered = sorted(verdicts, key=lambda v: (order(v.guard), v.subject or ""))
    axes = new_axes(9.0, 0.4 + 0.3 * max(1, len(ordered)))
    axes.set_axis_off()
    axes.set_xlim(0, 1)
    axes.set_ylim(-0.5, max(1, len(ordered)) - 0.5)
    for row, verdict in enumerate(reversed(ordered)):
        colour = GREEN if verdict.passed else RED
        state = "passed" if verdict.passed and not verdict.allowance else "allowed" if verdict.passed else "FAILED"
        axes.text(0.0, row, state, color=colour, fontsize=TEXT, fontweight="bold", va="center")
        axes.text(0.09, row, verdict.name, fontsize=TEXT, va="center")
        axes.text(0.39, row, verdict.subject or "", fontsize=TEXT, va="center")
        axes.text(0.50, row, textwrap.shorten(_numbers(verdict), 82, placeholder=" …"), fontsize=NOTE, va="center")
    return png(axes)


def _numbers(verdict: Verdict) -> str:
    shown = ((k, v) for k, v in verdict.numbers.items() if "/" not in k and v is not None)
    return "  ".join(f"{k}={v:.3g}" if isinstance(v, float) else f"{k}={v}" for k, v in shown)


def logprobs_png(values: Sequence[float], least: float) -> bytes:
    """Draw how many completions have at most each summed log-probability (nats, from -120 up); dashed: ``least``."""
    axes = new_axes(
        6.0, 3.0, title=f"rejected sides, n={len(values)}", xlabel="summed log-probability (nats)", grid="both"
    )
    axes.ecdf([max(value, -120.0) for value in values] or [least], color=BLUE)
    axes.axvline(least, color="black", linestyle="--", linewidth=0.8)
    axes.set_ylabel("share at most", fontsize=TEXT)
    return png(axes)
