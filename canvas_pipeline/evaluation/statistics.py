"""Compute rates with intervals, paired tests and effect sizes for comparing models on the same items.

Items that share a wording are one cluster (``clusters``): intervals and tests are also given for whole clusters.

Sources: Wilson 1927; McNemar 1947, exact and with Edwards' continuity correction; Benjamini & Hochberg 1995; Cohen 1988 (h);
Efron 1979 (percentile bootstrap). scipy and statsmodels compute them and are imported inside the functions.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

from canvas_pipeline.errors import BadInput
from canvas_pipeline.evaluation.clusters import Clustered, clustered, difference_interval, net_changes, sign_flip
from canvas_pipeline.records import Row

EXACT_BELOW = 25
"""From this number of discordant items on, McNemar's test is chi-squared with continuity correction."""
FALSE_DISCOVERY_RATE = 0.10
FEW = 40
"""A share of fewer cases is marked: its interval is too wide for ranking."""
OVERALL = "overall"


class Rate(Row, frozen=True, kw_only=True, omit_defaults=True):
    """A share with its Wilson 95 % interval; ``share``, ``low``, ``high`` are None where there were no cases.

    ``clustered`` is what the clusters of its cases make of it, None where each case is a cluster of its own."""

    hits: int
    cases: int
    share: float | None
    low: float | None
    high: float | None
    clustered: Clustered | None = None

    @property
    def bounds(self) -> tuple[float, float] | None:
        """The interval to show: the wider one, on each side, of Wilson's and that of the clusters."""
        if self.low is None or self.high is None:
            return None
        if self.clustered is None:
            return self.low, self.high
        return min(self.low, self.clustered.low), max(self.high, self.clustered.high)


class PairedVerdict(Row, frozen=True, kw_only=True):
    """A two-sided test of paired verdicts.

    ``exact`` and ``corrected`` are McNemar's test, their ``statistic`` is the smaller count, or chi-squared with 1 degree of
    freedom; ``clustered`` is the sign-flip test of whole clusters, its ``statistic`` the items gained less those lost."""

    form: Literal["exact", "corrected", "clustered"]
    statistic: float
    p: float


class PairedComparison(Row, frozen=True, kw_only=True):
    """Two models on the same items of one group.

    ``gained`` items are right only with ``candidate``, ``lost`` ones only with ``baseline``. ``difference`` is candidate minus
    baseline with its bootstrap 95 % interval (of whole clusters); ``p_adjusted`` is Benjamini–Hochberg within the family of tests
    that the group belongs to, and ``significant`` compares it with the false discovery rate."""

    baseline: str
    candidate: str
    group: str
    baseline_rate: Rate
    candidate_rate: Rate
    gained: int
    lost: int
    test: PairedVerdict
    p_adjusted: float
    significant: bool
    cohens_h: float
    difference: float
    low: float
    high: float


def wilson(hits: int, cases: int) -> Rate:
    """Return a share with its Wilson 95 % interval (statsmodels ``proportion_confint``)."""
    # Imported here: it loads scipy and pandas, which the code location does not need.
    from statsmodels.stats.proportion import proportion_confint

    if cases == 0:
        return Rate(hits=0, cases=0, share=None, low=None, high=None)
    low, high = proportion_confint(hits, cases, alpha=0.05, method="wilson")
    return Rate(hits=hits, cases=cases, share=hits / cases, low=max(0.0, float(low)), high=min(1.0, float(high)))


def rate(right: Sequence[bool], clusters: Sequence[str]) -> Rate:
    """Return the share of right cases with both intervals; ``clusters`` names the cluster of each case."""
    import msgspec

    found = wilson(sum(right), len(right))
    shared = len(set(clusters)) < len(right)
    return msgspec.structs.replace(found, clustered=clustered(right, clusters)) if shared else found


def mcnemar_exact(gained: int, lost: int) -> float:
    """Return the two-sided p of the exact McNemar test (statsmodels); 1.0 where no case differs."""
    from statsmodels.stats.contingency_tables import mcnemar

    if gained + lost == 0:
        return 1.0
    # The exact form uses the discordant cells only.
    return float(mcnemar([[0, gained], [lost, 0]], exact=True).pvalue)


def mcnemar_test(gained: int, lost: int) -> PairedVerdict:
    """Run McNemar's test: exact below ``EXACT_BELOW`` discordant items, else chi-squared with continuity correction."""
    from statsmodels.stats.contingency_tables import mcnemar

    if gained + lost < EXACT_BELOW:
        return PairedVerdict(form="exact", statistic=float(min(gained, lost)), p=mcnemar_exact(gained, lost))
    found = mcnemar([[0, gained], [lost, 0]], exact=False, correction=True)
    return PairedVerdict(form="corrected", statistic=float(found.statistic), p=float(found.pvalue))


def benjamini_hochberg(p_values: Sequence[float]) -> list[float]:
    """Return the adjusted p values in the given order."""
    from statsmodels.stats.multitest import multipletests

    return [float(q) for q in multipletests(p_values, method="fdr_bh")[1]] if p_values else []


def cohens_h(before: float, after: float) -> float:
    """Return the effect size of two shares, 2·arcsin√after - 2·arcsin√before; positive where the share grew."""
    from statsmodels.stats.proportion import proportion_effectsize

    return float(proportion_effectsize(after, before))


def paired_test(baseline: Sequence[bool], candidate: Sequence[bool], clusters: Sequence[str]) -> PairedVerdict:
    """Run McNemar's test where each item is its own cluster, else the exact sign-flip test of whole clusters."""
    change = changes(baseline, candidate)
    if len(set(clusters)) == len(change):
        return mcnemar_test(change.count(1), change.count(-1))
    p = sign_flip(net_changes(change, clusters))
    return PairedVerdict(form="clustered", statistic=float(sum(change)), p=p)


def paired_bootstrap(
    baseline: Sequence[bool], candidate: Sequence[bool], seed: int, clusters: Sequence[str] | None = None
) -> tuple[float, float]:
    """Return the 95 % percentile interval of the difference of two shares; items, or whole clusters, are drawn in pairs."""
    change = changes(baseline, candidate)
    return difference_interval(change, clusters or [str(index) for index in range(len(change))], seed)


def changes(baseline: Sequence[bool], candidate: Sequence[bool]) -> list[int]:
    """Return for each item 1 where it is gained, -1 where it is lost, else 0."""
    return [int(now) - int(then) for then, now in zip(baseline, candidate, strict=True)]


def compare(
    verdicts: Mapping[str, Mapping[str, bool]],
    groups: Mapping[str, str],
    pairs: Sequence[tuple[str, str]],
    *,
    seed: int = 0,
    clusters: Mapping[str, str] | None = None,
) -> tuple[PairedComparison, ...]:
    """Compare models overall and group by group.

    ``verdicts`` are model → item id → right; ``groups`` item id → group (its test type); ``pairs`` (baseline, candidate);
    ``clusters`` item id → cluster (by default each item is its own). Items are joined by id, so their order does not matter. The
    overall tests of all pairs are one family for the adjustment, the groups of one pair another. Raises ``BadInput`` where a model
    lacks an item or has one too many."""
    items = sorted(groups)
    for model in dict.fromkeys(name for pair in pairs for name in pair):
        if model not in verdicts:
            raise BadInput(f"there are no verdicts of {model}; score its answers first")
        if differing := set(verdicts[model]) ^ set(items):
            raise BadInput(
                f"{model} and the items differ in {len(differing)} ids, one is {min(differing)}; score the same items"
            )
    members = {OVERALL: items} if items else {}
    for name in sorted(set(groups.values())):
        members[name] = [item for item in items if groups[item] == name]
    found: list[PairedComparison] = []
    of = clusters or {item: item for item in items}
    for baseline, candidate in pairs:
        rows = [
            _compared(name, baseline, candidate, verdicts, ids, [of[item] for item in ids], seed)
            for name, ids in members.items()
        ]
        found += rows[:1] + _adjusted(rows[1:])
    overall = iter(_adjusted([row for row in found if row.group == OVERALL]))
    return tuple(next(overall) if row.group == OVERALL else row for row in found)


def _compared(
    group: str,
    baseline: str,
    candidate: str,
    verdicts: Mapping[str, Mapping[str, bool]],
    ids: Sequence[str],
    clusters: Sequence[str],
    seed: int,
) -> PairedComparison:
    before, after = ([verdicts[model][item] for item in ids] for model in (baseline, candidate))
    change = changes(before, after)
    old, new = sum(before) / len(ids), sum(after) / len(ids)
    test = paired_test(before, after, clusters)
    low, high = paired_bootstrap(before, after, seed, clusters)
    return PairedComparison(
        baseline=baseline, candidate=candidate, group=group, baseline_rate=rate(before, clusters),
        candidate_rate=rate(after, clusters), gained=change.count(1), lost=change.count(-1), test=test, p_adjusted=test.p,
        significant=test.p <= FALSE_DISCOVERY_RATE, cohens_h=cohens_h(old, new), difference=new - old, low=low, high=high,
    )  # fmt: skip


def _adjusted(rows: Sequence[PairedComparison]) -> list[PairedComparison]:
    import msgspec

    adjusted = benjamini_hochberg([row.test.p for row in rows])
    return [
        msgspec.structs.replace(row, p_adjusted=q, significant=q <= FALSE_DISCOVERY_RATE)
        for row, q in zip(rows, adjusted, strict=True)
    ]


def comparison_table(rows: Sequence[PairedComparison]) -> str:
    """Render the comparisons as a Markdown table."""
    lines = [
        "| baseline → candidate | group | before | after | +/- | test | p | p adj. | h | difference [95 %] |",
        "|" + "---|" * 10,
    ]
    for row in rows:
        cells = (
            f"{row.baseline} → {row.candidate}", row.group, percent(row.baseline_rate), percent(row.candidate_rate),
            f"+{row.gained} / -{row.lost}", row.test.form, f"{row.test.p:.3g}",
            f"{row.p_adjusted:.3g}" + (" *" if row.significant else ""),
            f"{row.cohens_h:.2f}", f"{100 * row.difference:+.1f} [{100 * row.low:+.1f}, {100 * row.high:+.1f}]",
        )  # fmt: skip
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def percent(rate: Rate) -> str:
    """Format share and interval (the wider one) in percent, or ``n/a``."""
    if rate.share is None or rate.bounds is None:
        return "n/a"
    low, high = rate.bounds
    return f"{100 * rate.share:.1f} % [{100 * low:.1f}, {100 * high:.1f}]"
