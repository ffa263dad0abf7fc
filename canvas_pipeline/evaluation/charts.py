"""Draws numbers that are already computed, as PNG bytes.

The same rows give the same bytes: no dates inside, no global drawing state. matplotlib is loaded on first use.
"""

from __future__ import annotations

import io
import textwrap
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from canvas_pipeline.evaluation.benchmark import Benchmark
from canvas_pipeline.evaluation.matrix import MethodMatrix
from canvas_pipeline.evaluation.statistics import FEW, Rate
from canvas_pipeline.guardrails.guard import place
from canvas_pipeline.guardrails.verdict import Verdict
from canvas_pipeline.records import Funnel

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# Okabe & Ito's colours, told apart by colour-blind readers too.
BLUE, ORANGE, GREEN, RED, GREY = "#0072B2", "#E69F00", "#009E73", "#D55E00", "#BBBBBB"
BARS = (BLUE, GREEN, RED, ORANGE)
DPI = 110


def forest_png(rates: Mapping[str, Rate], title: str, average: float | None = None) -> bytes:
    """One line a group with cases: its share with the Wilson 95 % interval; hollow where the cases are few."""
    known = [(name, rate, rate.share, rate.low, rate.high) for name, rate in rates.items()]
    figure, axes = _axes(7.5, 1.2 + 0.28 * sum(share is not None for _, _, share, _, _ in known))
    labels: list[str] = []
    for name, rate, share, low, high in reversed(known):
        if share is None or low is None or high is None:
            continue
        axes.plot([low, high], [len(labels)] * 2, color=BLUE, linewidth=1.6)
        axes.plot(share, len(labels), "o", color=BLUE, markerfacecolor="white" if rate.cases < FEW else BLUE)
        labels.append(f"{name}  n={rate.cases}")
    axes.set_yticks(range(len(labels)), labels, fontsize=8)
    if average is not None:
        axes.axvline(average, color=GREY, linestyle="--", linewidth=1, zorder=0)
    axes.set_xlim(-0.02, 1.02)
    axes.set_xlabel(f"share of cases, Wilson 95 % (hollow: n < {FEW}; dashed: macro average)", fontsize=8)
    axes.set_title(title, fontsize=10)
    return _png(figure)


def methods_png(benchmark: Benchmark, found: MethodMatrix) -> bytes:
    """Bars with intervals for every method, the trivial baselines last and in italics."""
    drawn = [metric for metric in benchmark.metrics if metric.drawn]
    figure, axes = _axes(max(6.0, 1.6 + 1.0 * len(found.rows)), 4.0)
    width = 0.8 / max(1, len(drawn))
    for index, metric in enumerate(drawn):
        for column, row in enumerate(found.rows):
            rate = row.rates[metric.name]
            if rate.share is None or rate.low is None or rate.high is None:
                continue
            error = [[max(0.0, rate.share - rate.low)], [max(0.0, rate.high - rate.share)]]
            axes.bar(
                column - 0.4 + width * (index + 0.5), rate.share, width, color=BARS[index % len(BARS)], yerr=error, capsize=2,
                error_kw={"linewidth": 0.8}, label=metric.title if column == 0 else None,
            )  # fmt: skip
    ticks = axes.set_xticks(range(len(found.rows)), [row.method for row in found.rows], fontsize=8)
    for tick, row in zip(ticks, found.rows, strict=True):
        if row.trivial:
            tick.label1.set_fontstyle("italic")
    axes.set_ylim(0, 1.05)
    axes.set_title(f"{found.case_count} cases, Wilson 95 %", fontsize=10)
    if drawn:
        axes.legend(fontsize=7, ncols=4, loc="upper center", bbox_to_anchor=(0.5, -0.1), frameon=False)
    return _png(figure)


def funnel_png(funnels: Sequence[Funnel]) -> bytes:
    """One bar a stage, as shares of the rows that came in: kept, merged, refused; below it one thin bar for each reason of refusal,
    with its count (a sliver where the share is too small to see). The dashed line is G6's 70 %."""
    lines: list[tuple[Funnel, str | None]] = []
    for funnel in funnels:
        worst_first = sorted(funnel.refused, key=lambda reason: (-funnel.refused[reason], reason))
        lines += [(funnel, None), *((funnel, reason) for reason in worst_first)]
    figure, axes = _axes(8.0, 1.4 + 0.5 * max(1, len(funnels)) + 0.22 * (len(lines) - len(funnels)))
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
            axes.text(1.01, at, str(funnel.refused[reason]), va="center", fontsize=7)
            ticks.append((at, reason))
    axes.axvline(0.7, color="black", linestyle="--", linewidth=0.8)
    axes.set_yticks([at for at, _ in ticks], [label for _, label in ticks], fontsize=8)
    axes.set_xlim(0, 1)
    axes.set_xlabel("share of the stage's rows (dashed: what G6 asks to keep)", fontsize=8)
    if funnels:
        axes.legend(fontsize=7, ncols=3, loc="lower right", bbox_to_anchor=(1.0, 1.0), frameon=False)
    return _png(figure)


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
            axes.text(left + share / 2, at, str(count), ha="center", va="center", fontsize=7, color="white")
        left += share


def guards_png(verdicts: Sequence[Verdict]) -> bytes:
    """The guard table: name, subject, passed or failed, and the numbers that have a threshold of their own kind."""
    ordered = sorted(verdicts, key=lambda v: (place(v.guard), v.subject or ""))
    figure, axes = _axes(9.0, 0.8 + 0.3 * max(1, len(ordered)))
    axes.set_axis_off()
    axes.set_xlim(0, 1)
    axes.set_ylim(-0.5, max(1, len(ordered)) - 0.5)
    for row, verdict in enumerate(reversed(ordered)):
        colour = GREEN if verdict.passed else RED
        state = "passed" if verdict.passed and not verdict.allowance else "allowed" if verdict.passed else "FAILED"
        axes.text(0.0, row, state, color=colour, fontsize=8, fontweight="bold", va="center")
        axes.text(0.09, row, verdict.name, fontsize=8, va="center")
        axes.text(0.39, row, verdict.subject or "", fontsize=8, va="center")
        axes.text(0.50, row, textwrap.shorten(_numbers(verdict), 82, placeholder=" …"), fontsize=7, va="center")
    return _png(figure)


def _numbers(verdict: Verdict) -> str:
    shown = ((k, v) for k, v in verdict.numbers.items() if "/" not in k and v is not None)
    return "  ".join(f"{k}={v:.3g}" if isinstance(v, float) else f"{k}={v}" for k, v in shown)


def _axes(width: float, height: float) -> tuple[Figure, Axes]:
    # A Figure of its own, never pyplot: stages run in threads and daemons, where pyplot's global state leaks.
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), dpi=DPI)
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    axes.tick_params(labelsize=8)
    return figure, axes


def _png(figure: Figure) -> bytes:
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", bbox_inches="tight", metadata={"Software": None})
    return buffer.getvalue()
