"""Compare methods with a baseline on the same cases.

Differences are tested on the same cases, wording by wording (``clusters.sign_flip``), not by comparing intervals. A *no-op* is a
method whose predictions are nearly all byte-identical to the baseline's: training changed rewards but no output.
(Reward accuracy does not show this: one model had 0.9 with 23 of 25 predictions identical.)

Sources: McNemar 1947 (exact binomial form: the test where each case is its own cluster); Benjamini & Hochberg 1995 for the adjusted
p values of a table.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from canvas_pipeline.errors import BadInput
from canvas_pipeline.evaluation.benchmark import Benchmark, Metric, Report, cluster_of
from canvas_pipeline.evaluation.clusters import difference_interval, net_changes, sign_flip
from canvas_pipeline.evaluation.statistics import Rate, benjamini_hochberg, changes, percent, wilson
from canvas_pipeline.records import Row

NO_OP = 0.9
"""A method with a larger share of identical predictions is a no-op."""


class PairedTest(Row, frozen=True, kw_only=True):
    """A test over the cases that a metric counts: ``gained`` right only with the method, ``lost`` only with the baseline.

    ``p`` is two-sided, of the exact sign-flip test of whole clusters, of which ``changed`` had a net gain or loss; ``p_adjusted``
    is Benjamini–Hochberg over all methods' tests of the metric. ``difference`` is method minus baseline (shares) with its
    bootstrap 95 % interval of whole clusters."""

    gained: int
    lost: int
    cases: int
    changed: int
    difference: float
    low: float
    high: float
    p: float
    p_adjusted: float


class MethodRow(Row, frozen=True, kw_only=True):
    """One method: its rates, means and tests by the names of the benchmark's columns.

    The baseline itself and the trivial ones have no tests; their ``identical`` and ``no_op`` are None."""

    method: str
    trivial: bool
    rates: dict[str, Rate]
    means: dict[str, float | None]
    tests: dict[str, PairedTest] = {}
    identical: Rate | None = None
    no_op: bool | None = None


class MethodMatrix(Row, frozen=True, kw_only=True):
    """All methods compared with ``baseline``, each on ``case_count`` cases."""

    baseline: str
    case_count: int
    rows: tuple[MethodRow, ...]


def matrix(
    benchmark: Benchmark, reports: Mapping[str, Any], baseline: str = "sft", trivial: Mapping[str, Any] | None = None
) -> MethodMatrix:
    """Compare methods with ``baseline``. ``trivial`` are further reports that are listed and not tested.

    Raises ``BadInput`` where the baseline is missing or the reports are over different cases."""
    trivial = trivial or {}
    if baseline not in reports:
        raise BadInput(f"there is no bench report of {baseline}, with which the others are compared; bench it first")
    base: Report = reports[baseline]
    order = [o.case_id for o in base.outcomes]
    for name, other in [*reports.items(), *trivial.items()]:
        if [o.case_id for o in other.outcomes] != order:
            raise BadInput(
                f"the reports of {name} and {baseline} are over different cases; bench both on the same ones"
            )
    others = {name: report for name, report in reports.items() if name != baseline and name not in trivial}
    tests = {metric.name: _tests(metric, others, base) for metric in benchmark.metrics if metric.compared}
    rows = []
    for name, report in [*reports.items(), *trivial.items()]:
        same = identical(report, base) if name in others else None
        rows.append(
            MethodRow(
                method=name,
                trivial=name in trivial,
                rates={metric.name: report.rate(metric.name) for metric in benchmark.metrics},
                means={c.name: c.of(report) for c in benchmark.columns if not isinstance(c, Metric)},
                tests={metric: of[name] for metric, of in tests.items() if name in of},
                identical=same,
                no_op=None if same is None or same.share is None else same.share > NO_OP,
            )
        )
    return MethodMatrix(baseline=baseline, case_count=len(order), rows=tuple(rows))


def identical(one: Report, other: Report) -> Rate:
    """Count the predictions of two reports over the same cases that are byte-identical."""
    pairs = list(zip(one.outcomes, other.outcomes, strict=True))
    return wilson(sum(a.sha256 == b.sha256 for a, b in pairs), len(pairs))


def _tests(metric: Metric, reports: Mapping[str, Report], base: Report) -> dict[str, PairedTest]:
    """Test each method against the baseline, with p adjusted over all of them."""
    raw: dict[str, PairedTest] = {}
    for name, report in reports.items():
        both = [(a, b) for a, b in zip(report.outcomes, base.outcomes, strict=True) if metric.counts(b)]
        change = changes([metric.right(b) for _, b in both], [metric.right(a) for a, _ in both])
        clusters = [cluster_of(b) for _, b in both]
        net = net_changes(change, clusters)
        low, high = difference_interval(change, clusters) if change else (0.0, 0.0)
        p = sign_flip(net)
        raw[name] = PairedTest(
            gained=change.count(1), lost=change.count(-1), cases=len(change), changed=len(net) - net.count(0),
            difference=sum(change) / len(change) if change else 0.0, low=low, high=high, p=p, p_adjusted=p,
        )  # fmt: skip
    adjusted = benjamini_hochberg([test.p for test in raw.values()])
    return {
        name: msgspec.structs.replace(test, p_adjusted=q) for (name, test), q in zip(raw.items(), adjusted, strict=True)
    }


def table(benchmark: Benchmark, results: MethodMatrix) -> str:
    """Render the matrix as Markdown; of the tests, only that of whole answers."""
    whole, titles = benchmark.whole, [column.title for column in benchmark.columns]
    against = [
        f"{whole.title} vs {results.baseline} (gained/lost, difference by wording, p adj.)",
        f"identical to {results.baseline}",
    ]
    head = ["method", *titles, *against]
    lines = [f"| {' | '.join(head)} |", "|" + "---|" * len(head)]
    for row in results.rows:
        test = row.tests.get(whole.name)
        paired = "" if test is None else _paired(test)
        same = "" if row.identical is None else percent(row.identical) + (" **no-op**" if row.no_op else "")
        shown = [
            percent(row.rates[column.name]) if isinstance(column, Metric) else _plain(row.means[column.name])
            for column in benchmark.columns
        ]
        lines.append(f"| {' | '.join((f'*{row.method}*' if row.trivial else row.method, *shown, paired, same))} |")
    return "\n".join(lines)


def _paired(test: PairedTest) -> str:
    between = f"{100 * test.difference:+.1f} [{100 * test.low:+.1f}, {100 * test.high:+.1f}]"
    return f"+{test.gained} / -{test.lost}, {between}, p = {test.p_adjusted:.3g}"


def _plain(share: float | None) -> str:
    return "n/a" if share is None else f"{100 * share:.1f} %"
