"""Define what a track measures: prompts of cases, scoring of predictions, the metrics, and the selection rule."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import msgspec

from canvas_pipeline.errors import BadInput
from canvas_pipeline.evaluation.groups import Groups
from canvas_pipeline.evaluation.statistics import Rate, rate
from canvas_pipeline.records import Message, Row

if TYPE_CHECKING:
    from canvas_pipeline.evaluation.selection import SelectionRule
    from canvas_pipeline.models.family import Schemas


class Prediction(Row, frozen=True, kw_only=True):
    """A model's output for the case ``id``, including special tokens.

    ``stopped`` is False where it reached the length limit before a stop token."""

    id: str
    text: str
    stopped: bool = True


class Case(Protocol):
    """One test case; a row type of the track."""

    @property
    def id(self) -> str: ...


class Outcome(Protocol):
    """The score of one prediction; a row type of the track. ``sha256`` is equal for byte-identical predictions.

    It may have a text ``cluster``: what its case shares with others that come out alike, such as the wording."""

    @property
    def case_id(self) -> str: ...

    @property
    def sha256(self) -> str: ...


class Report(Protocol):
    """The outcomes of all cases, in their order; a row type of the track."""

    @property
    def outcomes(self) -> Sequence[Outcome]: ...

    def rate(self, metric: str) -> Rate:
        """Return the rate of a metric."""
        ...


def cluster_of(outcome: Outcome) -> str:
    """Return the cluster of an outcome's case; one that names none is a cluster of its own."""
    return getattr(outcome, "cluster", "") or outcome.case_id


def answers(cases: Sequence[Case], predictions: Iterable[Prediction]) -> dict[str, Prediction]:
    """Map each case to its prediction. Raises ``BadInput`` where a case has no or two predictions, or a prediction no case."""
    by_case: dict[str, Prediction] = {}
    for prediction in predictions:
        if prediction.id in by_case:
            raise BadInput(f"case {prediction.id} was answered twice; generate the predictions again")
        by_case[prediction.id] = prediction
    lacking = [case.id for case in cases if case.id not in by_case]
    if lacking or len(by_case) != len(cases):
        raise BadInput(
            f"{len(cases)} cases but {len(by_case)} predictions ({len(lacking)} without one, first {lacking[:1]}); a case "
            "that was not answered may not vanish: generate the predictions for exactly these cases"
        )
    return by_case


@dataclass(frozen=True, slots=True, kw_only=True)
class Metric:
    """A share of outcomes: of those it ``counts``, the ones that are ``right``.

    ``name`` is its key in files, ``title`` its name for readers. Methods are tested for differences in a metric that is
    ``compared``, and a release needs its value. The chart of all methods shows one that is ``drawn``."""

    name: str
    title: str
    counts: Callable[[Any], bool]
    right: Callable[[Any], bool]
    compared: bool = False
    drawn: bool = False

    def measure(self, outcomes: Sequence[Outcome]) -> Rate:
        """Compute the share, with its intervals."""
        counted = [outcome for outcome in outcomes if self.counts(outcome)]
        return rate([self.right(outcome) for outcome in counted], [cluster_of(outcome) for outcome in counted])


@dataclass(frozen=True, slots=True)
class Mean:
    """A value of a report that is no share of outcomes and has no interval: 0..1, or None where there is nothing to average."""

    name: str
    title: str
    of: Callable[[Any], float | None]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class HumanSplit:
    """Prompts worded by hand, which are asked beside the test cases and reported apart; nothing is trained on or chosen by them.

    They are no part of the stage ``bench_cases``, to which trainings are bound: a new prompt is no reason to train again. ``read``
    gives a workspace's prompts, rows of ``prompt_type``, or raises ``BadInput``. ``case`` makes a prompt of a
    row and the profile, ``score`` a report of the rows and their predictions; its ``right`` is a rate."""

    prompt_type: type[Row]
    report_type: type[Row]
    read: Callable[[Any], Sequence[Any]]
    case: Callable[[Any, Any], Any]
    score: Callable[[Sequence[Any], Sequence[Prediction]], Any]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Benchmark:
    """What a track measures. Its cases are the files ``rows.jsonl`` and ``selection.jsonl`` of the stage ``bench_cases``.

    ``prompt`` gives the messages of a case and the tools that are declared with them. ``score`` makes a report from exactly one
    prediction per case, else it raises ``BadInput``. ``columns`` are the values in a reader's order, the headline first. ``whole``
    is the metric of an answer that is right as a whole; quantised files must retain it. ``trivial`` predicts without reading the
    cases. ``details`` and ``pictures`` show more of a report, ``groups`` its shares by tool, by type or the like;
    ``human`` are prompts worded by hand."""

    case_type: type[Row]
    report_type: type[Row]
    prompt: Callable[[Any, Any], tuple[Sequence[Message], Schemas | None]]
    score: Callable[[Sequence[Any], Sequence[Prediction]], Any]
    columns: tuple[Metric | Mean, ...]
    whole: Metric
    trivial: Callable[[Sequence[Any]], Mapping[str, Sequence[Prediction]]]
    choose: SelectionRule
    details: Callable[[Any], Mapping[str, Any]] = lambda report: {}
    pictures: Callable[[Any], Mapping[str, bytes]] = lambda report: {}
    groups: Groups | None = None
    human: HumanSplit | None = None
    max_new_tokens: int = 160
    limits: Mapping[str, int] = field(default_factory=dict)
    """Profile → tokens of an answer, where they differ from ``max_new_tokens``."""

    def limit(self, profile: Any) -> int:
        """Return the most tokens of an answer at a profile."""
        return self.limits.get(profile.name, self.max_new_tokens)

    @property
    def metrics(self) -> tuple[Metric, ...]:
        """The columns that are shares of outcomes."""
        return tuple(column for column in self.columns if isinstance(column, Metric))

    @property
    def headline(self) -> Metric:
        """The first metric."""
        return self.metrics[0]

    def read(self, path: Path) -> Any:
        """Read a report from its JSON file."""
        return msgspec.json.decode(path.read_bytes(), type=self.report_type)
