"""What a track measures: how a case is asked, how predictions are scored, the figures that come of it, the rule that chooses."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import msgspec

from canvas_pipeline.errors import BadInput
from canvas_pipeline.evaluation.statistics import Rate, wilson
from canvas_pipeline.records import Message, Row

if TYPE_CHECKING:
    from canvas_pipeline.evaluation.selection import SelectionRule
    from canvas_pipeline.models.family import Schemas


class Prediction(Row, frozen=True, kw_only=True):
    """What a model wrote for the case ``id``, decoded with special tokens kept.

    ``stopped`` is False where it ran into the length limit instead of stopping by itself."""

    id: str
    text: str
    stopped: bool = True


class Case(Protocol):
    """One thing to ask; a row type of the track."""

    @property
    def id(self) -> str: ...


class Outcome(Protocol):
    """What one prediction is worth; a row type of the track. ``sha256`` is equal for byte-identical predictions."""

    @property
    def case_id(self) -> str: ...

    @property
    def sha256(self) -> str: ...


class Report(Protocol):
    """Predictions as scored, in the order of the cases; a row type of the track."""

    @property
    def outcomes(self) -> Sequence[Outcome]: ...

    def rate(self, metric: str) -> Rate:
        """The rate of a metric, as it was measured when the report was made."""
        ...


def answers(cases: Sequence[Case], predictions: Iterable[Prediction]) -> dict[str, Prediction]:
    """Map each case to its prediction. Raises ``BadInput`` where a case has no or two predictions, or a prediction no case."""
    found: dict[str, Prediction] = {}
    for prediction in predictions:
        if prediction.id in found:
            raise BadInput(f"case {prediction.id} was answered twice; generate the predictions again")
        found[prediction.id] = prediction
    lacking = [case.id for case in cases if case.id not in found]
    if lacking or len(found) != len(cases):
        raise BadInput(
            f"{len(cases)} cases but {len(found)} predictions ({len(lacking)} without one, first {lacking[:1]}); a case "
            "that was not answered may not vanish: generate the predictions for exactly these cases"
        )
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Metric:
    """A share of outcomes: of those it ``counts``, the ones that are ``right``.

    ``name`` is its key in files, ``title`` what a reader sees. Methods are compared, and a release needs its figure, where it is
    ``compared``; the picture of all methods shows it where it is ``drawn``."""

    name: str
    title: str
    counts: Callable[[Any], bool]
    right: Callable[[Any], bool]
    compared: bool = False
    drawn: bool = False

    def measure(self, outcomes: Sequence[Outcome]) -> Rate:
        """Count the share, with its interval."""
        counted = [outcome for outcome in outcomes if self.counts(outcome)]
        return wilson(sum(self.right(outcome) for outcome in counted), len(counted))


@dataclass(frozen=True, slots=True)
class Mean:
    """A figure of a report that is no share of its outcomes and has no interval; 0..1, None where there is nothing to average."""

    name: str
    title: str
    of: Callable[[Any], float | None]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Benchmark:
    """What a track measures. Its cases are the files ``rows.jsonl`` and ``selection.jsonl`` of the stage ``bench_cases``.

    ``prompt`` gives the messages of a case and the tools that are declared with them. ``score`` makes a report of exactly one
    prediction a case, else it raises ``BadInput``. ``columns`` are the figures in a reader's order, the headline first. ``whole``
    is the metric of an answer that is right as a whole: quantised files are held to it. ``trivial`` predicts without reading the
    cases. ``details`` and ``pictures`` show more of a report."""

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
    max_new_tokens: int = 160

    @property
    def metrics(self) -> tuple[Metric, ...]:
        """The columns that are shares of outcomes."""
        return tuple(column for column in self.columns if isinstance(column, Metric))

    @property
    def headline(self) -> Metric:
        """The metric that is looked at first."""
        return self.metrics[0]

    def read(self, path: Path) -> Any:
        """A report from its JSON file."""
        return msgspec.json.decode(path.read_bytes(), type=self.report_type)
