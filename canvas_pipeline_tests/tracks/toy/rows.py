"""The rows of the toy track: greetings to be answered, and what an answer is worth."""

from __future__ import annotations

from collections.abc import Sequence

from canvas_pipeline.evaluation.statistics import Rate
from canvas_pipeline.records import Message, Row


class Greeting(Row, frozen=True, kw_only=True):
    """A greeting with its answer. ``item_ids`` holds the name that is greeted, so that no name is in two splits."""

    id: str
    messages: tuple[Message, ...]
    item_ids: tuple[str, ...]
    parents: tuple[str, ...] = ()


class GreetingCase(Row, frozen=True, kw_only=True):
    """A greeting to be answered."""

    id: str
    greeting: str
    item_ids: tuple[str, ...]
    parents: tuple[str, ...] = ()


class Answered(Row, frozen=True, kw_only=True):
    """One prediction: whether it is the expected answer."""

    case_id: str
    right: bool
    sha256: str


class GreetingReport(Row, frozen=True, kw_only=True):
    """All predictions, scored."""

    answered: Rate
    outcomes: tuple[Answered, ...]

    def rate(self, metric: str) -> Rate:
        return {"answered": self.answered}[metric]

    @staticmethod
    def of(outcomes: Sequence[Answered], answered: Rate) -> GreetingReport:
        return GreetingReport(answered=answered, outcomes=tuple(outcomes))
