"""Methods side by side: is one really better than SFT, and does it say anything else at all?

In: one ``BenchReport`` a method, over the same cases. Out: a ``MethodMatrix``. What must hold: all reports are over
exactly the same cases; differences are tested case by case (exact McNemar), never read off two intervals; the trivial
baselines stand in the same table, so that no accuracy is read without them.

A *no-op* is a method whose predictions are nearly all byte-identical to SFT's: training moved rewards, and nothing that
a user would see (a model elsewhere had 23 of 25 predictions identical and a reward accuracy near 0.9).

Sources: McNemar 1947 (exact binomial form); Benjamini & Hochberg 1995 for the adjusted p values of a table.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence

from canvas_pipeline.errors import BadInput
from canvas_pipeline.evaluation.statistics import benjamini_hochberg
from canvas_pipeline.evaluation.statistics import mcnemar_exact as mcnemar_exact
from canvas_pipeline.evaluation.statistics import percent as percent
from canvas_pipeline.records import BenchCase, Row
from canvas_pipeline.tracks.canvas.bench.score import BenchReport, Outcome, Prediction, Rate, expected_calls, wilson
from canvas_pipeline.tracks.canvas.tools.calls import CALLS

NO_OP = 0.9
"""From this share of identical predictions on, a method is called a no-op."""


class PairedTest(Row, frozen=True, kw_only=True):
    """Exact McNemar over the cases both answered: ``gained`` right only with the method, ``lost`` right only with the
    baseline. ``p`` is two-sided; ``p_adjusted`` is Benjamini–Hochberg over the same column of the matrix."""

    gained: int
    lost: int
    cases: int
    p: float
    p_adjusted: float


class MethodRow(Row, frozen=True, kw_only=True):
    """One method. The paired fields are None for the baseline itself and for the trivial ones."""

    method: str
    trivial: bool
    tool_selection: Rate
    macro_selection: float | None
    exact_call: Rate
    argument_accuracy: float | None
    parsimony: Rate
    over_calling: Rate
    termination: Rate
    malformed: Rate
    selection_test: PairedTest | None
    exact_test: PairedTest | None
    identical: Rate | None
    no_op: bool | None


class MethodMatrix(Row, frozen=True, kw_only=True):
    """All methods against ``baseline``; ``case_count`` cases each."""

    baseline: str
    case_count: int
    rows: tuple[MethodRow, ...]


def matrix(
    reports: Mapping[str, BenchReport], baseline: str = "sft", trivial: Mapping[str, BenchReport] | None = None
) -> MethodMatrix:
    """Compare methods with ``baseline``; ``trivial`` are reports of ``trivial_predictions``. Raises ``BadInput`` where
    the baseline is missing or the reports are over different cases."""
    trivial = trivial or {}
    if baseline not in reports:
        raise BadInput(f"there is no bench report of {baseline}, with which the others are compared; bench it first")
    base = reports[baseline]
    order = [o.case_id for o in base.outcomes]
    for name, other in [*reports.items(), *trivial.items()]:
        if [o.case_id for o in other.outcomes] != order:
            raise BadInput(
                f"the reports of {name} and {baseline} are over different cases; bench both on the same ones"
            )
    others = [name for name in reports if name != baseline]
    selection = _tests({n: reports[n] for n in others}, base, lambda o: o.selected)
    exact = _tests({n: reports[n] for n in others}, base, lambda o: o.exact)
    rows = []
    for name, found in [*reports.items(), *trivial.items()]:
        own = name in others and name not in trivial
        same = identical(found, base) if own else None
        rows.append(
            MethodRow(
                method=name,
                trivial=name in trivial,
                tool_selection=found.tool_selection,
                macro_selection=found.macro_selection,
                exact_call=found.exact_call,
                argument_accuracy=found.argument_accuracy,
                parsimony=found.parsimony,
                over_calling=found.over_calling,
                termination=found.termination,
                malformed=found.malformed,
                selection_test=selection[name] if own else None,
                exact_test=exact[name] if own else None,
                identical=same,
                no_op=None if same is None or same.share is None else same.share > NO_OP,
            )
        )
    return MethodMatrix(baseline=baseline, case_count=len(order), rows=tuple(rows))


def identical(one: BenchReport, other: BenchReport) -> Rate:
    """How many predictions of two reports over the same cases are byte-identical."""
    pairs = list(zip(one.outcomes, other.outcomes, strict=True))
    return wilson(sum(a.sha256 == b.sha256 for a, b in pairs), len(pairs))


def _tests(
    reports: Mapping[str, BenchReport], base: BenchReport, right: Callable[[Outcome], bool]
) -> dict[str, PairedTest]:
    """The paired test of each method on the cases that expect a call, with p adjusted over all of them."""
    raw: dict[str, tuple[int, int, int, float]] = {}
    for name, found in reports.items():
        pairs = [(right(a), right(b)) for a, b in zip(found.outcomes, base.outcomes, strict=True) if b.expected_calls]
        gained = sum(a and not b for a, b in pairs)
        lost = sum(b and not a for a, b in pairs)
        raw[name] = (gained, lost, len(pairs), mcnemar_exact(gained, lost))
    adjusted = benjamini_hochberg([p for *_, p in raw.values()])
    return {
        name: PairedTest(gained=g, lost=lo, cases=n, p=p, p_adjusted=q)
        for (name, (g, lo, n, p)), q in zip(raw.items(), adjusted, strict=True)
    }


def trivial_predictions(cases: Sequence[BenchCase]) -> dict[str, list[Prediction]]:
    """What knows nothing: ``empty`` says nothing at all, ``majority`` always makes the call that is expected most often
    (its tool the most frequent first tool, its arguments the most frequent ones of that tool)."""
    wanted = [expected_calls(case) for case in cases]
    first = Counter(calls[0].name for calls in wanted if calls)
    text = ""
    if first:
        # Ties go to the first in the alphabet, so that the same cases give the same baseline.
        tool = min(first, key=lambda name: (-first[name], name))
        texts = Counter(CALLS.serialise(calls[0]) for calls in wanted if calls and calls[0].name == tool)
        text = min(texts, key=lambda call: (-texts[call], call))
    return {
        "majority": [Prediction(id=case.id, text=text) for case in cases],
        "empty": [Prediction(id=case.id, text="") for case in cases],
    }


def table(found: MethodMatrix) -> str:
    """The matrix as a Markdown table."""
    columns = "tool selection | macro | exact call | arguments | parsimony | over-calling | termination | malformed"
    lines = [
        f"| method | {columns} | exact vs {found.baseline} (gained/lost, p adj.) | identical to {found.baseline} |",
        "|" + "---|" * 11,
    ]
    for row in found.rows:
        test = row.exact_test
        paired = "" if test is None else f"+{test.gained} / -{test.lost}, p = {test.p_adjusted:.3g}"
        same = "" if row.identical is None else percent(row.identical) + (" **no-op**" if row.no_op else "")
        cells = (
            f"*{row.method}*" if row.trivial else row.method, percent(row.tool_selection), _plain(row.macro_selection),
            percent(row.exact_call), _plain(row.argument_accuracy), percent(row.parsimony), percent(row.over_calling),
            percent(row.termination), percent(row.malformed), paired, same,
        )  # fmt: skip
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def figures(name: str, rate: Rate) -> dict[str, float | str]:
    """A rate as metadata that can be drawn over time: per cent as a number, its interval beside it as text."""
    if rate.share is None or rate.low is None or rate.high is None:
        return {f"{name}, 95 % interval": "no case of this kind"}
    return {
        f"{name} (%)": round(100 * rate.share, 1),
        f"{name}, 95 % interval": f"{100 * rate.low:.1f} to {100 * rate.high:.1f} ({rate.hits} of {rate.cases} cases)",
    }


def _plain(share: float | None) -> str:
    return "n/a" if share is None else f"{100 * share:.1f} %"
