"""A made-up benchmark: say the word again."""

from __future__ import annotations

from collections.abc import Sequence

from canvas_pipeline.evaluation.benchmark import Benchmark, Mean, Metric, Prediction
from canvas_pipeline.evaluation.selection import Candidate, RankedCandidate, SelectionRecord
from canvas_pipeline.evaluation.statistics import Rate
from canvas_pipeline.profiles import Profile
from canvas_pipeline.records import Message, Row, digest


class Word(Row, frozen=True, kw_only=True):
    """A word to be repeated."""

    id: str
    word: str


class Echo(Row, frozen=True, kw_only=True):
    """The score of one answer."""

    case_id: str
    sha256: str
    answered: bool
    right: bool


class Echoes(Row, frozen=True, kw_only=True):
    """A report."""

    outcomes: tuple[Echo, ...]
    rates: dict[str, Rate]

    def rate(self, metric: str) -> Rate:
        return self.rates[metric]


RIGHT = Metric(
    name="right", title="right word", counts=lambda o: True, right=lambda o: o.right, compared=True, drawn=True
)
SPOKEN = Metric(name="spoken", title="right where spoken", counts=lambda o: o.answered, right=lambda o: o.right)
LENGTH = Mean("length", "mean of right", lambda report: report.rate("right").share)


def score(cases: Sequence[Word], predictions: Sequence[Prediction]) -> Echoes:
    found = tuple(
        Echo(case_id=case.id, sha256=digest(given.text), answered=bool(given.text), right=given.text == case.word)
        for case, given in zip(cases, predictions, strict=True)
    )
    return Echoes(outcomes=found, rates={metric.name: metric.measure(found) for metric in (RIGHT, SPOKEN)})


def prompt(case: Word, profile: Profile) -> tuple[list[Message], None]:
    return [Message(role="user", content=f"Say {case.word}.")], None


def choose(candidates: Sequence[tuple[Candidate, Echoes]]) -> SelectionRecord:
    """The most right words, if they are half of all."""
    ordered = sorted(candidates, key=lambda one: (-one[1].rate("right").hits, one[0].method))
    ranked = tuple(
        RankedCandidate(candidate=one, figures={"right": share}, reason="" if share >= 0.5 else "less than half")
        for one, share in ((one, found.rate("right").share or 0.0) for one, found in ordered)
    )
    chosen = next((row.candidate for row in ranked if not row.reason), None)
    return SelectionRecord(rule={"half": 0.5}, chosen=chosen, reason="the most right words", candidates=ranked)


def trivial(cases: Sequence[Word]) -> dict[str, list[Prediction]]:
    return {"first": predicted(*[cases[0].word] * len(cases))}


def predicted(*texts: str) -> list[Prediction]:
    return [Prediction(id=f"w{number}", text=text) for number, text in enumerate(texts)]


ECHO = Benchmark(
    case_type=Word, report_type=Echoes, prompt=prompt, score=score, columns=(RIGHT, LENGTH, SPOKEN), whole=RIGHT,
    trivial=trivial, choose=choose,
)  # fmt: skip
CASES = [Word(id=f"w{number}", word=word) for number, word in enumerate("river stone cloud apple tiger".split())]


def answered(right: int, otherwise: str = "") -> Echoes:
    """A report of a model that gets the first words right."""
    return score(CASES, predicted(*(case.word if n < right else otherwise for n, case in enumerate(CASES))))
