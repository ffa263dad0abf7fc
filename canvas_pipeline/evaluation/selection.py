"""Define the rule that selects the production checkpoint: its candidates and its record."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

from canvas_pipeline.records import Row


class Candidate(Row, frozen=True, kw_only=True):
    """Weights of a method: the hash of their content, and the epochs they were trained for."""

    method: str
    epoch: float
    checkpoint_sha256: str


class RankedCandidate(Row, frozen=True, kw_only=True):
    """A candidate with the values that the rule compares, and the reason why it is not eligible (empty if it is)."""

    candidate: Candidate
    figures: dict[str, Any]
    reason: str = ""


class SelectionRecord(Row, frozen=True, kw_only=True):
    """All candidates, the best first, and which was chosen. ``chosen`` is None where none is eligible.

    ``reason`` is what decided, or what to do where none was chosen; ``rule`` contains the rule's own numbers."""

    rule: dict[str, float]
    chosen: Candidate | None
    reason: str
    candidates: tuple[RankedCandidate, ...]


class SelectionRule(Protocol):
    """Choose among candidates by their reports on the *selection* cases, never on the test cases.

    The choice does not depend on the order of the candidates. A method may have several, of different steps: the one that is
    chosen among all is also chosen among those of its method alone, or the first of them where none is eligible. (Each method
    is measured on the test cases by that one candidate.)"""

    def __call__(self, candidates: Sequence[tuple[Candidate, Any]], /) -> SelectionRecord: ...
