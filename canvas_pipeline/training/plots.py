"""Plot the curves of a run as PNG."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from canvas_pipeline.figure import DARK_GREY, new_axes, png

# name → (title, (metric, label) …)
_PANELS: Mapping[str, tuple[str, tuple[tuple[str, str], ...]]] = {
    "loss": ("loss", (("loss", "train"), ("eval_loss", "eval"))),
    "grad_norm": ("gradient norm", (("grad_norm", "before clipping"),)),
    "margins": (
        "reward margin (chosen - rejected)",
        (("rewards/margins", "train"), ("eval_rewards/margins", "eval"), ("rewards/chosen", "chosen"),
         ("rewards/rejected", "rejected")),
    ),
    "accuracies": ("reward accuracy", (("rewards/accuracies", "train"), ("eval_rewards/accuracies", "eval"))),
}  # fmt: skip
_FEW = 8
"""Below this many points each is marked."""


def plot_metrics(rows: Sequence[Mapping[str, Any]], title: str, stopped: int | None = None) -> dict[str, bytes]:
    """Plot the rows of a ``metrics.jsonl``: name → PNG, for each panel with at least one point.

    ``stopped`` is the step at which training stopped early; a dashed line marks it."""
    pictures = {}
    for name, (label, curves) in _PANELS.items():
        lines = [(legend, points) for metric, legend in curves if (points := _points(rows, metric))]
        if lines:
            pictures[name] = _curves(f"{title}: {label}", lines, stopped)
    return pictures


def _points(rows: Sequence[Mapping[str, Any]], metric: str) -> list[tuple[float, float]]:
    return [(float(row["step"]), float(row[metric])) for row in rows if metric in row and "step" in row]


def _curves(title: str, lines: Sequence[tuple[str, Sequence[tuple[float, float]]]], stopped: int | None) -> bytes:
    axes = new_axes(6.0, 3.4, title=title, xlabel="step", grid="both")
    for legend, points in lines:
        axes.plot(*zip(*points, strict=True), marker="o" if len(points) < _FEW else None, label=legend)
    if stopped is not None:
        axes.axvline(stopped, color=DARK_GREY, linestyle="--", linewidth=1, label=f"stopped early at step {stopped}")
    return png(axes)
