"""Draw figures in one style and export them as PNG bytes.

The same values give the same bytes: the file contains no date and no program version. pyplot is not used: its global state leaks
between the threads that stages run in. matplotlib is imported on first use.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal, NamedTuple

if TYPE_CHECKING:
    from matplotlib.axes import Axes

# Okabe and Ito's palette, which colour-blind readers can tell apart.
BLUE, ORANGE, GREEN, RED, PURPLE, SKY, YELLOW = (
    "#0072B2",
    "#E69F00",
    "#009E73",
    "#D55E00",
    "#CC79A7",
    "#56B4E9",
    "#F0E442",
)
LIGHT_GREY, DARK_GREY = "#E8E8E8", "#999999"
SERIES = (BLUE, GREEN, RED, ORANGE, PURPLE, SKY, YELLOW)
"""Colours of the parts of a figure, in order."""
DPI = 110
TITLE, TEXT, NOTE = 10, 8, 7
"""Font sizes in points: titles, labels, annotations."""
LEGEND_COLUMNS = 4


def new_axes(
    width: float, height: float, *, title: str = "", xlabel: str = "", grid: Literal["x", "y", "both"] | None = None
) -> Axes:
    """Create a figure with one pair of axes. ``width`` and ``height`` are inches; ``grid`` names the axes with grid lines."""
    from matplotlib.figure import Figure

    axes = Figure(figsize=(width, height), dpi=DPI, layout="constrained").add_subplot()
    axes.spines[["top", "right"]].set_visible(False)
    axes.set_prop_cycle(color=SERIES)
    axes.tick_params(labelsize=TEXT)
    axes.set_title(title, fontsize=TITLE)
    axes.set_xlabel(xlabel, fontsize=TEXT)
    axes.set_axisbelow(True)
    if grid:
        axes.grid(axis=grid, color=LIGHT_GREY, linewidth=0.8)
    return axes


def png(axes: Axes) -> bytes:
    """Export the figure of these axes. Labelled marks are listed in a legend below it."""
    figure = axes.get_figure(root=True)
    assert figure is not None
    _, labels = axes.get_legend_handles_labels()
    if labels:
        columns = min(len(labels), LEGEND_COLUMNS)
        figure.legend(loc="outside lower center", ncols=columns, fontsize=TEXT, frameon=False)
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", bbox_inches="tight", metadata={"Software": None})
    return buffer.getvalue()


class Interval(NamedTuple):
    """One row of a forest plot: a value inside its interval; ``hollow`` marks a value that is only indicative."""

    label: str
    low: float
    value: float
    high: float
    colour: str = BLUE
    hollow: bool = False


def forest(
    rows: Sequence[Interval],
    *,
    title: str,
    xlabel: str,
    limits: tuple[float, float],
    reference: float | None = None,
) -> bytes:
    """Draw each row as a dot on the line of its interval, the first row on top; ``reference`` is a dashed vertical line."""
    axes = new_axes(7.5, 1.2 + 0.3 * len(rows), title=title, xlabel=xlabel, grid="x")
    for position, row in enumerate(reversed(rows)):
        axes.plot([row.low, row.high], [position, position], color=row.colour, linewidth=1.6)
        axes.plot(row.value, position, "o", color=row.colour, markerfacecolor="white" if row.hollow else row.colour)
    axes.set_yticks(range(len(rows)), [row.label for row in reversed(rows)])
    if reference is not None:
        axes.axvline(reference, color=DARK_GREY, linestyle="--", linewidth=1, zorder=0)
    axes.set_xlim(*limits)
    return png(axes)
