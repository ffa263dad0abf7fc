"""Define the instruct benchmark: twelve types of instructions, each answer checked by the constraints of its item."""

from __future__ import annotations

import statistics
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec

from canvas_pipeline.evaluation.benchmark import Benchmark, Mean, Metric, Prediction, answers
from canvas_pipeline.evaluation.charts import forest_png
from canvas_pipeline.evaluation.groups import Groups, Shares
from canvas_pipeline.evaluation.ranking import best_first
from canvas_pipeline.evaluation.selection import Candidate, RankedCandidate, SelectionRecord
from canvas_pipeline.evaluation.statistics import PairedComparison, Rate, compare, percent
from canvas_pipeline.models.families import family
from canvas_pipeline.records import Message, Row, digest, dumps
from canvas_pipeline.tracks.instruct.guards import BANDS, COMPLETE_ABOVE, decide_dpo
from canvas_pipeline.tracks.instruct.profiles import REFUSALS
from canvas_pipeline.tracks.instruct.rows import TestItem, prompt_of
from canvas_pipeline.tracks.instruct.scorer import score
from canvas_pipeline.verifiers.words import words

END = family("plain-qwen3").end_of_text
MAX_NEW_TOKENS = 48
LEAST = BANDS["sft"][1].above
"""The accuracy below which a model is not published."""


class Outcome(Row, frozen=True, kw_only=True):
    """One item. ``score`` is the share of constraints met. ``loose`` is set if it is right only because accents are optional."""

    case_id: str
    type: str
    state: str
    right: bool
    score: float
    loose: bool
    words: int
    sha256: str


class InstructReport(Row, frozen=True, kw_only=True):
    """The results of a model. ``macro`` is the mean accuracy of the types, ``mean_words`` the mean length of its answers."""

    cases: int
    states: dict[str, int]
    accuracy: Rate
    truncated: Rate
    no_answer: Rate
    macro: float | None
    mean_words: float | None
    by_type: dict[str, Rate]
    outcomes: tuple[Outcome, ...]

    def rate(self, metric: str) -> Rate:
        """Return the rate of a metric of ``METRICS``."""
        found: Rate = getattr(self, metric)
        return found


METRICS: Mapping[str, Metric] = {
    metric.name: metric
    for metric in (
        Metric(name="accuracy", title="accuracy", compared=True, drawn=True, counts=lambda o: True, right=lambda o: o.right),
        Metric(name="truncated", title="cut off", drawn=True, counts=lambda o: True, right=lambda o: o.state == "truncated"),
        Metric(name="no_answer", title="no answer", counts=lambda o: True, right=lambda o: o.state == "no_answer"),
    )
}  # fmt: skip
"""What is measured. Lower is better for answers that are cut off or missing."""


def answer_text(text: str) -> str:
    """Return a model's output up to its end of text."""
    return text.partition(END)[0].strip()


def prompt(item: TestItem, profile: Any) -> tuple[Sequence[Message], None]:
    """Return the prompt of an item, byte for byte that of training."""
    return (Message(role="user", content=prompt_of(item.instruction)),), None


def report(items: Sequence[TestItem], predictions: Iterable[Prediction]) -> InstructReport:
    """Score all items. Raises ``BadInput`` where an item has no or two predictions, or a prediction no item."""
    found = answers(items, predictions)
    outcomes = tuple(_outcome(item, found[item.id]) for item in items)
    types = dict.fromkeys(item.type for item in items)
    by_type = {
        name: METRICS["accuracy"].measure([outcome for outcome in outcomes if outcome.type == name]) for name in types
    }
    shares = [rate.share for rate in by_type.values() if rate.share is not None]
    return InstructReport(
        cases=len(outcomes), states=dict(sorted(Counter(outcome.state for outcome in outcomes).items())),
        **{name: metric.measure(outcomes) for name, metric in METRICS.items()},
        macro=statistics.fmean(shares) if shares else None,
        mean_words=statistics.fmean(outcome.words for outcome in outcomes) if outcomes else None,
        by_type=by_type, outcomes=outcomes,
    )  # fmt: skip


def _outcome(item: TestItem, prediction: Prediction) -> Outcome:
    text = answer_text(prediction.text)
    found = score(item, text, stopped=prediction.stopped)
    return Outcome(
        case_id=item.id, type=item.type, state=found.state, right=found.right, score=found.score, loose=found.loose,
        words=len(words(text)), sha256=digest("answer", prediction.text),
    )  # fmt: skip


def trivial(items: Sequence[TestItem]) -> Mapping[str, Sequence[Prediction]]:
    """Predict two baselines: one always refuses, one repeats the instruction."""
    return {
        "always refuses": [Prediction(id=item.id, text=REFUSALS[0]) for item in items],
        "says it again": [Prediction(id=item.id, text=item.instruction) for item in items],
    }


def paired(reports: Mapping[str, InstructReport], pairs: Sequence[tuple[str, str]]) -> tuple[PairedComparison, ...]:
    """Compare the models of some reports over the same items, overall and by type."""
    verdicts = {name: {outcome.case_id: outcome.right for outcome in found.outcomes} for name, found in reports.items()}
    groups = {outcome.case_id: outcome.type for found in reports.values() for outcome in found.outcomes}
    return compare(verdicts, groups, pairs)


def choose(candidates: Sequence[tuple[Candidate, InstructReport]]) -> SelectionRecord:
    """Choose the supervised model unless another one is better on the selection items by the rule of the DPO decision.

    Of several candidates of a method the most accurate one is compared, the earliest of equal ones."""
    ordered = best_first(candidates, lambda given: (given.accuracy,))
    best = {found.method: (found, given) for found, given in reversed(ordered)}
    evaluated = tuple(_evaluated(found, given, best) for found, given in ordered)
    eligible = [one for one in evaluated if not one.reason]
    chosen = eligible[0] if eligible else None
    return SelectionRecord(
        rule={"least": LEAST, "complete_above": COMPLETE_ABOVE},
        chosen=chosen.candidate if chosen else None,
        reason=_why(chosen, len(evaluated)),
        candidates=evaluated,
    )


def _evaluated(
    found: Candidate, own: InstructReport, best: Mapping[str, tuple[Candidate, InstructReport]]
) -> RankedCandidate:
    figures: dict[str, Any] = {"accuracy": msgspec.json.decode(dumps(own.accuracy)), "macro": own.macro}
    reason = ""
    if own.accuracy.share is None or own.accuracy.share < LEAST:
        reason = f"right in {percent(own.accuracy)} of the selection items, below {LEAST:.0%}"
    elif found != best[found.method][0]:
        reason = (
            f"the candidate at epoch {best[found.method][0].epoch:g} of {found.method} is better or as good and earlier"
        )
    elif found.method != "sft" and "sft" in best:
        reports = {name: best[name][1] for name in ("sft", found.method)}
        decision = decide_dpo(paired(reports, [("sft", found.method)])[0], {}, ())
        figures["verdict"] = decision.verdict
        if decision.verdict == "NO_GAIN":
            reason = "not better than sft on the selection items"
    return RankedCandidate(candidate=found, figures=figures, reason=reason)


def _why(chosen: RankedCandidate | None, count: int) -> str:
    if not count:
        return "there are no candidates; train a method first"
    if chosen is None:
        return f"none of {count} candidates is right in {LEAST:.0%} of the selection items; look at the types, mend the rows"
    verdict = chosen.figures.get("verdict")
    how = f"{verdict} beside sft" if verdict else "no other one is better by the rule"
    return f"{chosen.candidate.method}: {how}, of {count} candidates on the selection items"


def details(found: InstructReport) -> Mapping[str, Any]:
    """Count the items by state, and give the mean length of the answers."""
    states = ", ".join(f"{count} {state}" for state, count in found.states.items())
    return {"cases": f"{found.cases}: {states}", "mean words": found.mean_words}


def pictures(found: InstructReport) -> Mapping[str, bytes]:
    """Draw the accuracy type by type."""
    return {"accuracy by type": forest_png(found.by_type, "accuracy", found.macro)}


def by_type(found: InstructReport) -> Shares:
    """Give the accuracy type by type."""
    return {METRICS["accuracy"].title: found.by_type}


BENCHMARK = Benchmark(
    case_type=TestItem,
    report_type=InstructReport,
    prompt=prompt,
    score=report,
    columns=(
        METRICS["accuracy"],
        Mean("macro", "macro", lambda found: found.macro),
        METRICS["truncated"],
        METRICS["no_answer"],
    ),
    whole=METRICS["accuracy"],
    trivial=trivial,
    choose=choose,
    details=details,
    pictures=pictures,
    groups=Groups("type", by_type),
    max_new_tokens=MAX_NEW_TOKENS,
)
