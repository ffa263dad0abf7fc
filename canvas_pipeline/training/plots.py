"""The curves of a run as PNG: what asset metadata shows.

In: rows of ``metrics.jsonl``. Out: name → PNG bytes for loss, gradient norm, and, where a method has them, reward margins and
accuracies. What must hold: the same rows give the same bytes.
"""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from typing import Any

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


def plot_metrics(rows: Sequence[Mapping[str, Any]], title: str) -> dict[str, bytes]:
    """One PNG a panel that has at least one point."""
    pictures = {}
    for name, (label, curves) in _PANELS.items():
        lines = [(legend, _points(rows, metric)) for metric, legend in curves]
        lines = [(legend, points) for legend, points in lines if points]
        if lines:
            pictures[name] = _draw(f"{title}: {label}", lines)
    return pictures


def _points(rows: Sequence[Mapping[str, Any]], metric: str) -> list[tuple[float, float]]:
    return [(float(row["step"]), float(row[metric])) for row in rows if metric in row and "step" in row]


def _draw(title: str, lines: list[tuple[str, list[tuple[float, float]]]]) -> bytes:
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6, 3.2), dpi=100, layout="constrained")
    axes = figure.add_subplot()
    for legend, points in lines:
        axes.plot([x for x, _ in points], [y for _, y in points], marker="o" if len(points) < 8 else None, label=legend)
    axes.set_title(title)
    axes.set_xlabel("step")
    axes.grid(alpha=0.3)
    axes.legend()
    buffer = io.BytesIO()
    FigureCanvasAgg(figure).print_png(buffer, metadata={"Software": None})
    return buffer.getvalue()
