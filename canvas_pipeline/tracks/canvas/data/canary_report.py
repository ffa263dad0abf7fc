"""Report surviving canaries and masked decoys, as rows, Markdown and PNG.

Contains types, stages, fields, shapes and template positions only, never a value, a title or a name."""

from __future__ import annotations

from collections.abc import Iterable

from canvas_pipeline.figure import BLUE, RED, Interval, forest
from canvas_pipeline.records import Row
from canvas_pipeline.tracks.canvas.intake.synthetic.canaries import STRICT, Rate, rate

REACH = {"PERSON": 0.98, "ROOM": 0.98, "PLACE": 0.98}
"""Minimum recall of types that need not all be found."""
MAX_FALSE = 0.005


class SurvivorCount(Row, frozen=True, kw_only=True):
    """Survivors of one kind: ``count`` of ``type`` planted in ``spot`` with ``template`` and ``shape``, found in a ``field`` of a
    ``file``."""

    stage: str
    file: str
    field: str
    type: str
    spot: str
    template: str
    shape: str
    count: int


class StageRates(Row, frozen=True, kw_only=True):
    """One stage: survivors by type among those planted before it, and the audit's findings by type."""

    stage: str
    survivors: dict[str, Rate]
    audit: dict[str, int]


class CanaryReport(Row, frozen=True, kw_only=True):
    """The result of a canary run.

    ``refused``: planted rows that were refused before they could be searched, by stage and reason. ``recall`` by type: a canary
    counts as masked only if no part of it is in any stage. ``false_masks``: over all decoys; ``by_family``: per family."""

    seed: int
    canaries: int
    decoys: int
    seconds: float
    recall: dict[str, Rate]
    stages: tuple[StageRates, ...]
    refused: dict[str, int]
    false_masks: Rate
    by_family: dict[str, Rate]
    survivors: tuple[SurvivorCount, ...]

    def shortfalls(self) -> list[str]:
        """List the requirements on masking that are not met."""
        problems = [f"{type_}: {r.of - r.count} of {r.of} survived, none may" for type_, r in self.recall.items()
                if type_ in STRICT and r.count < r.of]  # fmt: skip
        problems += [
            f"{type_}: recall {self.recall[type_].share:.2%} is below {reach:.0%}"
            for type_, reach in REACH.items()
            if type_ in self.recall and self.recall[type_].share < reach
        ]
        if self.false_masks.share > MAX_FALSE:
            problems.append(f"false masks: {self.false_masks.share:.2%} is above {MAX_FALSE:.1%}")
        return problems


def table(found: CanaryReport) -> str:
    """Render Markdown: types × stages, recall with its interval, false masks."""
    stages = [stage.stage for stage in found.stages]
    lines = [
        f"| type | planted | {' | '.join(f'seen after {stage}' for stage in stages)} | recall | Wilson 95 % |",
        "|---|---|" + "---|" * len(stages) + "---|---|",
    ]
    for type_, recall in found.recall.items():
        cells = [str(stage.survivors[type_].count) if type_ in stage.survivors else "–" for stage in found.stages]
        lines.append(
            f"| {type_} | {recall.of} | {' | '.join(cells)} | {recall.share:.2%} | {recall.low:.2%} – {recall.high:.2%} |"
        )
    false = found.false_masks
    lines += [
        "",
        f"False masks: {false.count} of {false.of} decoys, {false.share:.2%} ({false.low:.2%} – {false.high:.2%}).",
    ]
    lines += [f"- {reason}" for reason in found.shortfalls()]
    return "\n".join(lines)


def survivors_table(survivors: Iterable[SurvivorCount], limit: int = 40) -> str:
    """Render Markdown: where survivors are, the most frequent first."""
    chosen = sorted(
        survivors,
        key=lambda survivor: (-survivor.count, survivor.stage, survivor.type, survivor.template, survivor.shape),
    )[:limit]
    lines = [
        "| stage | file | field | type | planted in | template | shape | count |",
        "|---|---|---|---|---|---|---|---|",
    ]
    lines += [
        f"| {t.stage} | {t.file} | {t.field} | {t.type} | {t.spot} | {t.template} | `{t.shape}` | {t.count} |"
        for t in chosen
    ]
    return "\n".join(lines)


def picture(found: CanaryReport) -> bytes:
    """Plot recall by type with Wilson intervals, and the false-mask rate, as PNG bytes."""
    unmasked = rate(found.false_masks.of - found.false_masks.count, found.false_masks.of)
    rows = [
        Interval(f"{name}  n={r.of}", r.low, r.share, r.high, RED if name in STRICT and r.count < r.of else BLUE)
        for name, r in [*found.recall.items(), ("decoys left alone", unmasked)]
    ]
    return forest(
        rows,
        title=f"{found.canaries} canaries, {found.decoys} decoys",
        xlabel="share masked in every stage, Wilson 95 % (dashed: 98 %)",
        limits=(min(0.9, min(row.low for row in rows) - 0.02), 1.005),
        reference=0.98,
    )
