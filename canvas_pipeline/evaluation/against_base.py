"""Compare a checkpoint with its base on the same cases: does it gain, and does it lose anywhere?

A base that already calls tools well can be made worse by fine-tuning, and no figure of the checkpoint alone shows it.
"""

from __future__ import annotations

from typing import Any

from canvas_pipeline.errors import BadInput
from canvas_pipeline.evaluation.benchmark import Benchmark, cluster_of
from canvas_pipeline.evaluation.clusters import net_changes, sign_flip
from canvas_pipeline.evaluation.statistics import changes
from canvas_pipeline.records import Row

SIGNIFICANCE = 0.05


class AgainstBase(Row, frozen=True, kw_only=True):
    """A checkpoint and its base on the same cases.

    ``gained`` cases are right as a whole only with the checkpoint, ``lost`` ones only with the base; ``net`` is
    gained less lost of each cluster of cases (wording) where it is not 0. ``losses`` maps each compared
    metric, and each group of the benchmark, whose share is smaller than the base's to the difference (0..1); ``max_loss`` is
    the profile's bound of it."""

    metric: str
    cases: int
    gained: int
    lost: int
    net: tuple[int, ...]
    losses: dict[str, float]
    max_loss: float

    @property
    def p(self) -> float:
        """The two-sided p of the exact sign-flip test by wording (with one case a wording: the exact McNemar test)."""
        return sign_flip(self.net)

    def reasons(self) -> list[str]:
        """List why the checkpoint is not better than its base; empty if it is."""
        found = []
        if not self.gained > self.lost or self.p > SIGNIFICANCE:
            found.append(
                f"{self.metric}: {self.gained} cases gained and {self.lost} lost of {self.cases} (exact test of the "
                f"{len(self.net)} wordings that changed: p = {self.p:.2g}); "
                f"it must be better than its base at p <= {SIGNIFICANCE:g}"
            )
        return found + [
            f"{where} is {loss:.1%} below the base, must be at most {self.max_loss:.0%}; add rows that show it"
            for where, loss in sorted(self.losses.items())
            if not loss <= self.max_loss
        ]


def against_base(benchmark: Benchmark, base: Any, report: Any, max_loss: float) -> AgainstBase:
    """Compare two reports over the same cases. Raises ``BadInput`` where the cases differ."""
    before = {outcome.case_id: outcome for outcome in base.outcomes}
    if [outcome.case_id for outcome in report.outcomes] != list(before):
        raise BadInput("the base and the checkpoint were measured on different cases; bench both again")
    whole = benchmark.whole
    counted = [outcome for outcome in report.outcomes if whole.counts(outcome)]
    change = changes([whole.right(before[o.case_id]) for o in counted], [whole.right(o) for o in counted])
    net = net_changes(change, [cluster_of(outcome) for outcome in counted])
    shares = {
        metric.title: (base.rate(metric.name), report.rate(metric.name))
        for metric in benchmark.metrics
        if metric.compared
    }
    if benchmark.groups is not None:
        earlier = benchmark.groups.of(base)
        for title, rates in benchmark.groups.of(report).items():
            shares |= {f"{title} of {group}": (earlier[title][group], rate) for group, rate in rates.items()}
    losses = {
        name: round(old.share - new.share, 4)
        for name, (old, new) in shares.items()
        if old.share is not None and new.share is not None and new.share < old.share
    }
    return AgainstBase(
        metric=whole.title,
        cases=len(change),
        gained=change.count(1),
        lost=change.count(-1),
        net=tuple(gain for gain in net if gain),
        losses=losses,
        max_loss=max_loss,
    )
