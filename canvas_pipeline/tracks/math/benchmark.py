"""Define the math benchmark: a case is right if its final answer equals the gold one.

Denominators are the labelled cases. An answer that was cut off is ``truncated``, never a missing one; one that is missing is
``no_answer``, even where the last number of the text would be right (``lenient`` counts those).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from canvas_pipeline.evaluation.benchmark import Benchmark, Metric, Prediction, answers
from canvas_pipeline.evaluation.charts import forest_png
from canvas_pipeline.evaluation.groups import Groups, Shares
from canvas_pipeline.evaluation.ranking import choose_by_share
from canvas_pipeline.evaluation.selection import Candidate, SelectionRecord
from canvas_pipeline.evaluation.statistics import Rate
from canvas_pipeline.models.families import family
from canvas_pipeline.records import Message, Row, digest
from canvas_pipeline.tracks.math.rows import FINAL, MathRow
from canvas_pipeline.verifiers.answers import State, judge_answer
from canvas_pipeline.verifiers.arithmetic import check_steps
from canvas_pipeline.verifiers.symbolic import SymbolicComparer

END = family("plain-qwen3").end_of_text
MAX_NEW_TOKENS = 64
MAJORITY, SILENT = "majority answer", "no answer"


class Solved(Row, frozen=True, kw_only=True):
    """One case. ``steps_right``: all its sums are right; None where it writes none. ``cluster`` is the case's wording."""

    case_id: str
    suite: str
    state: State
    right: bool
    lenient: bool
    steps_right: bool | None
    sha256: str
    cluster: str = ""


class MathReport(Row, frozen=True, kw_only=True):
    """The results of a model. ``unlabelled`` cases are in no rate."""

    cases: int
    unlabelled: int
    states: dict[str, int]
    exact_match: Rate
    lenient: Rate
    truncated: Rate
    no_answer: Rate
    steps: Rate
    by_suite: dict[str, Rate]
    outcomes: tuple[Solved, ...]

    def rate(self, metric: str) -> Rate:
        """Return the rate of a metric of ``METRICS``."""
        found: Rate = getattr(self, metric)
        return found


def _labelled(outcome: Solved) -> bool:
    return outcome.state != "unlabelled"


METRICS: Mapping[str, Metric] = {
    metric.name: metric
    for metric in (
        Metric(name="exact_match", title="exact match", compared=True, drawn=True, counts=_labelled, right=lambda o: o.right),
        Metric(name="lenient", title="right by the last number", counts=_labelled, right=lambda o: o.lenient),
        Metric(name="truncated", title="cut off", drawn=True, counts=_labelled, right=lambda o: o.state == "truncated"),
        Metric(name="no_answer", title="no answer", counts=_labelled, right=lambda o: o.state == "no_answer"),
        Metric(name="steps", title="all sums right", drawn=True, counts=lambda o: o.steps_right is not None,
               right=lambda o: o.steps_right),
    )
}  # fmt: skip
"""What is measured. Lower is better for answers that are cut off or missing; ``steps`` counts answers that write sums."""


def answer_text(text: str) -> str:
    """Return a model's output up to its end of text."""
    return text.partition(END)[0]


def prompt(case: MathRow, profile: Any) -> tuple[Sequence[Message], None]:
    """Return the prompt of a case, byte for byte that of training."""
    return (Message(role="user", content=case.prompt),), None


def report(cases: Sequence[MathRow], predictions: Iterable[Prediction]) -> MathReport:
    """Score all cases. Raises ``BadInput`` where a case has no or two predictions, or a prediction no case."""
    found = answers(cases, predictions)
    with SymbolicComparer() as comparer:
        outcomes = tuple(_solved(case, found[case.id], comparer) for case in cases)
    suites = dict.fromkeys(case.suite for case in cases)
    exact = METRICS["exact_match"]
    return MathReport(
        cases=len(outcomes), unlabelled=sum(not _labelled(outcome) for outcome in outcomes),
        states=dict(sorted(Counter(outcome.state for outcome in outcomes).items())),
        **{name: metric.measure(outcomes) for name, metric in METRICS.items()},
        by_suite={suite: exact.measure([o for o in outcomes if o.suite == suite]) for suite in suites}, outcomes=outcomes,
    )  # fmt: skip


def _solved(case: MathRow, prediction: Prediction, comparer: SymbolicComparer) -> Solved:
    text = answer_text(prediction.text)
    found = judge_answer(text, case.gold, comparer, stopped=prediction.stopped)
    steps = check_steps(text)
    return Solved(
        case_id=case.id, suite=case.suite, state=found.state, right=found.right, lenient=found.lenient,
        steps_right=steps.all_right if steps.found else None, sha256=digest("answer", prediction.text), cluster=case.wording,
    )  # fmt: skip


def trivial(cases: Sequence[MathRow]) -> Mapping[str, Sequence[Prediction]]:
    """Predict two baselines: the most frequent gold answer of these very cases, so that no constant is better; and nothing."""
    golds = Counter(case.answer for case in cases if case.answer is not None)
    constant = min(golds, key=lambda answer: (-golds[answer], answer), default="")
    return {
        MAJORITY: [Prediction(id=case.id, text=f"\n{FINAL}{constant}") for case in cases],
        SILENT: [Prediction(id=case.id, text="") for case in cases],
    }


def choose(candidates: Sequence[tuple[Candidate, MathReport]]) -> SelectionRecord:
    """Choose the most exact candidate on the selection cases, if it is right anywhere; of equal ones sft."""
    return choose_by_share(candidates, MathReport.rate, ("exact_match",), simplest="sft")


def details(found: MathReport) -> Mapping[str, Any]:
    """Count the cases by state."""
    states = ", ".join(f"{count} {state}" for state, count in found.states.items())
    return {
        "states": states,
        "labelled cases": found.cases - found.unlabelled or "none: exact match was not measured",
    }


def pictures(found: MathReport) -> Mapping[str, bytes]:
    """Draw the exact matches suite by suite."""
    return {"exact match by suite": forest_png(found.by_suite, "exact match", found.exact_match.share)}


def by_suite(found: MathReport) -> Shares:
    """Give the exact matches suite by suite."""
    return {METRICS["exact_match"].title: found.by_suite}


BENCHMARK = Benchmark(
    case_type=MathRow,
    report_type=MathReport,
    prompt=prompt,
    score=report,
    columns=tuple(METRICS.values()),
    whole=METRICS["exact_match"],
    trivial=trivial,
    choose=choose,
    details=details,
    pictures=pictures,
    groups=Groups("suite", by_suite),
    max_new_tokens=MAX_NEW_TOKENS,
    limits={"gb10": 2048},
)
