"""Compute intervals and paired tests for cases that come in clusters: wordings that several cases share.

Cases of one wording are mostly all right or all wrong, so they tell less than as many independent ones, and Wilson's interval and
McNemar's test are too sure of themselves. Here whole clusters are drawn, or exchanged between two models. Where each case is its
own cluster, the results are those of the plain bootstrap and of the exact McNemar test.

Sources: Davison & Hinkley 1997, 2.4 and 3.8 (bootstrap of whole clusters, ratio of sums); Kish 1965 (design effect, effective
number of cases); Obuchowski 1998 and Durkalski et al. 2003 (paired proportions in clusters: the cluster is the unit); Fisher 1935
(sign flips of a unit's difference).
"""

from __future__ import annotations

import functools
from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from canvas_pipeline.records import Row

if TYPE_CHECKING:
    import numpy as np

RESAMPLES = 10_000


class Clustered(Row, frozen=True, kw_only=True):
    """What clusters do to a share: its 95 % interval where whole clusters are drawn.

    ``effective`` is the number of independent cases that would be as sure, at most the number of cases. ``always_right`` and
    ``always_wrong`` count the clusters whose cases all have that verdict, also those of one case."""

    clusters: int
    effective: float
    low: float
    high: float
    always_right: int
    always_wrong: int


class Sums(NamedTuple):
    """The 95 % percentile interval of a ratio of sums, and its standard error."""

    low: float
    high: float
    error: float


def clustered(right: Sequence[bool], clusters: Sequence[str]) -> Clustered:
    """Compute the interval of the share of right cases; ``clusters`` names the cluster of each. There is at least one case.

    Where no draw would differ (one cluster, or all verdicts alike), each cluster counts as one case of a Wilson interval."""
    # Imported here: it loads scipy and pandas, which the code location does not need.
    from statsmodels.stats.proportion import proportion_confint

    counts = _sums(right, clusters)
    hits, cases, groups = sum(right), len(right), len(counts)
    share = hits / cases
    if groups == 1 or hits in (0, cases):
        low, high = proportion_confint(share * groups, groups, alpha=0.05, method="wilson")
        effective = float(groups)
    else:
        low, high, error = ratio_interval(counts)
        effective = min(float(cases), share * (1 - share) / error**2) if error else float(cases)
    return Clustered(
        clusters=groups,
        effective=round(effective, 1),
        low=max(0.0, float(low)),
        high=min(1.0, float(high)),
        always_right=sum(hit == of for hit, of in counts),
        always_wrong=sum(hit == 0 for hit, _ in counts),
    )


def difference_interval(change: Sequence[int], clusters: Sequence[str], seed: int = 0) -> tuple[float, float]:
    """Compute the 95 % interval of the mean change (-1, 0 or 1 a case) of one model against another, drawing whole clusters."""
    counts = _sums(change, clusters)
    mean = sum(change) / len(change)
    if len(counts) < 2 or len({net / of for net, of in counts}) == 1:
        return mean, mean
    return ratio_interval(counts, seed)[:2]


@functools.lru_cache(maxsize=4096)
def ratio_interval(counts: tuple[tuple[int, int], ...], seed: int = 0) -> Sums:
    """Bootstrap Σa/Σb over clusters (a, b), ``RESAMPLES`` times (scipy). ``counts`` are sorted, so that no order matters."""
    import numpy as np
    from scipy.stats import bootstrap

    over, under = np.asarray(counts, dtype=float).T

    def ratio(a: np.ndarray[Any, Any], b: np.ndarray[Any, Any], axis: int) -> Any:
        return a.sum(axis=axis) / b.sum(axis=axis)

    # In batches: all resamples of many cases at once would take gigabytes.
    found = bootstrap(
        (over, under), ratio, paired=True, n_resamples=RESAMPLES, batch=1000, method="percentile", rng=np.random.default_rng(seed)
    )  # fmt: skip
    interval = found.confidence_interval
    return Sums(float(interval.low), float(interval.high), float(found.standard_error))


def sign_flip(net: Iterable[int]) -> float:
    """Return the two-sided p of the exact sign-flip test.

    ``net`` holds, for each cluster, the cases that only the new model has right less those that only the old one has. If the
    models are alike, each cluster's net gain could as well be a net loss; p is the share of all ways to flip the signs that give
    a sum at least as far from 0. With clusters of one case this is the exact McNemar test."""
    import numpy as np

    changes = [change for change in net if change]
    chances = np.ones(1)
    for size in map(abs, changes):
        flip = np.zeros(2 * size + 1)
        flip[0] = flip[-1] = 0.5
        chances = np.convolve(chances, flip)
    most = len(chances) // 2
    sums = np.abs(np.arange(-most, most + 1))
    return min(1.0, float(chances[sums >= abs(sum(changes))].sum()))


def net_changes(change: Sequence[int], clusters: Sequence[str]) -> list[int]:
    """Sum the changes of each cluster."""
    return [net for net, _ in _sums(change, clusters)]


def _sums(values: Sequence[int], clusters: Sequence[str]) -> tuple[tuple[int, int], ...]:
    """Return sum and number of each cluster's values, sorted."""
    of: defaultdict[str, list[int]] = defaultdict(list)
    for cluster, value in zip(clusters, values, strict=True):
        of[cluster].append(int(value))
    return tuple(sorted((sum(found), len(found)) for found in of.values()))
