"""Measure a router: figures over all cases, over buckets of cases, beside baselines that learn nothing.

An unreadable prediction is a miss in every figure. Predictions are joined with cases by id, never by position.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec

from canvas_pipeline.evaluation.benchmark import Benchmark, Mean, Metric, Prediction, answers
from canvas_pipeline.evaluation.charts import forest_png
from canvas_pipeline.evaluation.groups import Groups, Shares
from canvas_pipeline.evaluation.ranking import choose_by_share
from canvas_pipeline.evaluation.selection import Candidate, SelectionRecord
from canvas_pipeline.evaluation.statistics import PairedComparison, Rate, compare, wilson
from canvas_pipeline.models.families import FAMILIES
from canvas_pipeline.records import Message, Row, digest
from canvas_pipeline.tracks.router.rows import RouterCase, prompt_of
from canvas_pipeline.verifiers.plan_scores import FIGURES, plan_tags, score_plan
from canvas_pipeline.verifiers.thinking import without_thinking

LONGER = {"length_over_1_1": 1.1, "length_over_1_25": 1.25}
"""Figure → ratio of a completion's length to the gold one's, thinking left out. Fewer is better."""
BUCKETS = ("math_first", "four_step", "has_guidance", "has_computation", "advanced", "non_canonical_route")
OFF_MAJORITY = "non_canonical_route"
ENDS = tuple(dict.fromkeys(stop for family in FAMILIES.values() for stop in family.stops))
MAX_NEW_TOKENS = 704


class Outcome(Row, frozen=True, kw_only=True):
    """The score of one case. ``figures``: each 0..1; ``tags``: the buckets it belongs to."""

    case_id: str
    state: str
    right: bool
    figures: dict[str, float]
    tags: tuple[str, ...]
    sha256: str


class RouterReport(Row, frozen=True, kw_only=True):
    """The results of a model: states, figures overall and by bucket, outcomes in the order of the cases."""

    cases: int
    states: dict[str, int]
    figures: dict[str, Rate]
    buckets: dict[str, dict[str, Rate]]
    outcomes: tuple[Outcome, ...]

    def rate(self, metric: str) -> Rate:
        """Return the rate of a metric of ``METRICS``."""
        return METRICS[metric].measure(self.outcomes)


def _metric(name: str, title: str, figure: str, tag: str = "", compared: bool = False) -> Metric:
    return Metric(
        name=name, title=title, compared=compared, drawn=compared, counts=lambda o: not tag or tag in o.tags,
        right=lambda o: o.figures[figure] == 1.0,
    )  # fmt: skip


METRICS: Mapping[str, Metric] = {
    metric.name: metric
    for metric in (
        _metric("route_plan_exact", "plan exact", "route_plan_exact", compared=True),
        _metric("route_tools_exact", "tools exact", "route_tools_exact", compared=True),
        _metric("plan_off_majority", "plan exact, other routes", "route_plan_exact", OFF_MAJORITY, compared=True),
        _metric("tools_off_majority", "tools exact, other routes", "route_tools_exact", OFF_MAJORITY),
        _metric("json_valid", "JSON", "json_valid"),
        _metric("ten_keys", "ten keys", "ten_keys"),
        Metric(name="truncated", title="cut off", counts=lambda o: True, right=lambda o: o.state == "truncated"),
    )
}  # fmt: skip


def said(text: str) -> str:
    """Return a model's output up to its first stop."""
    return text[: min((at for end in ENDS if (at := text.find(end)) >= 0), default=len(text))].strip()


def prompt(case: RouterCase, profile: Any) -> tuple[Sequence[Message], None]:
    """Return the prompt of a case, byte for byte that of training."""
    return (Message(role="user", content=prompt_of(case.row.user_query)),), None


def report(cases: Sequence[RouterCase], predictions: Iterable[Prediction]) -> RouterReport:
    """Score all cases. Raises ``BadInput`` where a case has no or two predictions, or a prediction no case."""
    found = answers(cases, predictions)
    outcomes = tuple(_outcome(case, found[case.id]) for case in cases)
    return RouterReport(
        cases=len(outcomes), states=dict(sorted(Counter(outcome.state for outcome in outcomes).items())),
        figures=figures_of(outcomes),
        buckets={name: figures_of([o for o in outcomes if name in o.tags]) for name in BUCKETS}, outcomes=outcomes,
    )  # fmt: skip


def figures_of(outcomes: Sequence[Outcome]) -> dict[str, Rate]:
    """Average each figure. Its interval is Wilson's for the whole number of hits below the sum."""
    return {name: _mean([outcome.figures[name] for outcome in outcomes]) for name in (*FIGURES, *LONGER, "truncated")}


def _mean(values: Sequence[float]) -> Rate:
    found = wilson(int(sum(values) + 1e-9), len(values))
    return msgspec.structs.replace(found, share=sum(values) / len(values)) if values else found


def _outcome(case: RouterCase, prediction: Prediction) -> Outcome:
    gold, text = case.row.completion, said(prediction.text)
    answer = without_thinking(text)
    score = score_plan(gold, text if answer is None else answer, stopped=prediction.stopped)
    longer = {name: float(score.length_ratio > ratio) for name, ratio in LONGER.items()}
    return Outcome(
        case_id=case.id, state=score.state, right=score.state == "right",
        figures={**score.figures, **longer, "truncated": float(score.state == "truncated")},
        tags=tuple(sorted(plan_tags(gold, majority=case.majority))), sha256=digest("completion", prediction.text),
    )  # fmt: skip


def trivial(cases: Sequence[RouterCase]) -> Mapping[str, Sequence[Prediction]]:
    """Give the baselines' predictions, and an empty one."""
    names = dict.fromkeys(name for case in cases for name in case.baselines)
    found = {name: [Prediction(id=case.id, text=case.baselines[name]) for case in cases] for name in names}
    return {**found, "nothing": [Prediction(id=case.id, text="") for case in cases]}


def beside(baseline: RouterReport, model: RouterReport, figure: str, names: tuple[str, str]) -> PairedComparison | None:
    """Compare a model with a baseline on the cases off the majority route, by McNemar's test; None without such cases."""
    reports = dict(zip(names, (baseline, model), strict=True))
    verdicts = {
        name: {o.case_id: o.figures[figure] == 1.0 for o in found.outcomes if OFF_MAJORITY in o.tags}
        for name, found in reports.items()
    }
    ids = verdicts[names[0]]
    return compare(verdicts, dict.fromkeys(ids, OFF_MAJORITY), [names])[0] if ids else None


def choose(candidates: Sequence[tuple[Candidate, RouterReport]]) -> SelectionRecord:
    """Choose the candidate with most exact plans on the selection cases, then most exact tools; the earlier of equal ones."""
    return choose_by_share(candidates, RouterReport.rate, ("route_plan_exact", "route_tools_exact"))


def details(found: RouterReport) -> Mapping[str, Any]:
    """Count the cases by state."""
    return {"states": ", ".join(f"{count} {state}" for state, count in found.states.items())}


def pictures(found: RouterReport) -> Mapping[str, bytes]:
    """Draw all figures."""
    return {"figures": forest_png(found.figures, "figures of the router")}


def by_bucket(found: RouterReport) -> Shares:
    """Give exact plans and tools by bucket."""
    shown = {"plan exact": "route_plan_exact", "tools exact": "route_tools_exact"}
    return {title: {name: rates[figure] for name, rates in found.buckets.items()} for title, figure in shown.items()}


BENCHMARK = Benchmark(
    case_type=RouterCase,
    report_type=RouterReport,
    prompt=prompt,
    score=report,
    columns=(
        *METRICS.values(),
        Mean("tool_precision", "tool precision", lambda found: found.figures["tool_precision"].share),
        Mean("tool_recall", "tool recall", lambda found: found.figures["tool_recall"].share),
        Mean("edit_similarity", "edit similarity", lambda found: found.figures["edit_similarity"].share),
    ),
    whole=METRICS["route_plan_exact"],
    trivial=trivial,
    choose=choose,
    details=details,
    pictures=pictures,
    groups=Groups("bucket", by_bucket),
    max_new_tokens=MAX_NEW_TOKENS,
    limits={"gb10": 2048},
)
