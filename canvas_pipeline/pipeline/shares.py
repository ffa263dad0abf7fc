"""Shows rates as metadata of a stage."""

from __future__ import annotations

from canvas_pipeline.evaluation.statistics import PairedComparison, Rate


def share(title: str, rate: Rate) -> dict[str, float | str]:
    """A rate as metadata that can be drawn over time: per cent as a number, its intervals beside it as text."""
    if rate.share is None or rate.low is None or rate.high is None:
        return {f"{title}, 95 % interval": "no case of this kind"}
    shown: dict[str, float | str] = {
        f"{title} (%)": round(100 * rate.share, 1),
        f"{title}, 95 % interval": f"{100 * rate.low:.1f} to {100 * rate.high:.1f} ({rate.hits} of {rate.cases} cases)",
    }
    if (by := rate.clustered) is not None:
        right, wrong = by.always_right / by.clusters, by.always_wrong / by.clusters
        shown[f"{title}, 95 % interval by wording"] = (
            f"{100 * by.low:.1f} to {100 * by.high:.1f} (as sure as {by.effective:.0f} independent cases; "
            f"of {by.clusters} wordings {right:.0%} always right, {wrong:.0%} always wrong)"
        )
    return shown


def gain(title: str, row: PairedComparison) -> dict[str, float | str]:
    """A difference of two models as metadata: percentage points as a number, its interval and p beside it as text."""
    return {
        f"{title} (points)": round(100 * row.difference, 1),
        f"{title}, 95 % interval": f"{100 * row.low:+.1f} to {100 * row.high:+.1f}, p = {row.test.p:.2g}",
    }


def points(row: PairedComparison) -> str:
    """A difference of two models for a card: percentage points with their 95 % interval."""
    return f"{100 * row.difference:+.1f} points [{100 * row.low:+.1f}, {100 * row.high:+.1f}]"
