"""What is right on the toy track: the one answer, word for word."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from canvas_pipeline.evaluation.benchmark import Benchmark, Metric, Prediction, answers
from canvas_pipeline.evaluation.selection import Candidate, RankedCandidate, SelectionRecord
from canvas_pipeline.records import Message, digest
from canvas_pipeline.tracks.toy.data import ANSWER
from canvas_pipeline.tracks.toy.rows import Answered, GreetingCase, GreetingReport

ANSWERED = Metric(
    name="answered", title="answered", counts=lambda o: True, right=lambda o: o.right, compared=True, drawn=True
)


def prompt(case: GreetingCase, profile: Any) -> tuple[Sequence[Message], None]:
    return (Message(role="user", content=case.greeting),), None


def score(cases: Sequence[GreetingCase], predictions: Sequence[Prediction]) -> GreetingReport:
    outcomes = [
        Answered(case_id=said.id, right=said.text.removesuffix("<|endoftext|>") == ANSWER, sha256=digest(said.text))
        for said in answers(cases, predictions).values()
    ]
    return GreetingReport.of(outcomes, ANSWERED.measure(outcomes))


def trivial(cases: Sequence[GreetingCase]) -> Mapping[str, Sequence[Prediction]]:
    return {"empty": [Prediction(id=case.id, text="") for case in cases]}


def choose(candidates: Sequence[tuple[Candidate, GreetingReport]], /) -> SelectionRecord:
    judged = tuple(
        RankedCandidate(
            candidate=one, figures={"answered": report.answered.share}, reason="" if report.answered.share else "none right"
        )
        for one, report in sorted(candidates, key=lambda pair: (-(pair[1].answered.share or 0), pair[0].method))
    )  # fmt: skip
    chosen = next((one.candidate for one in judged if not one.reason), None)
    return SelectionRecord(
        rule={}, chosen=chosen, reason="most right answers" if chosen else "none right", candidates=judged
    )


BENCHMARK = Benchmark(
    case_type=GreetingCase, report_type=GreetingReport, prompt=prompt, score=score, columns=(ANSWERED,), whole=ANSWERED,
    trivial=trivial, choose=choose, max_new_tokens=24,
)  # fmt: skip
