"""What a rule that chooses the production checkpoint is given, and what it must write down."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

from canvas_pipeline.records import Row


class Candidate(Row, frozen=True, kw_only=True):
    """A method's checkpoint: its content's hash and the epochs it was trained for."""

    method: str
    epoch: float
    checkpoint_sha256: str


class Judged(Row, frozen=True, kw_only=True):
    """A candidate with what the rule looked at, and the reason why it is not eligible (empty when it is)."""

    candidate: Candidate
    figures: dict[str, Any]
    reason: str = ""


class SelectionRecord(Row, frozen=True, kw_only=True):
    """All candidates, the best first, and which was chosen. ``chosen`` is None where none is eligible.

    ``reason`` says by what it won, or what to do where nothing was chosen; ``rule`` holds the rule's own numbers."""

    rule: dict[str, float]
    chosen: Candidate | None
    reason: str
    candidates: tuple[Judged, ...]


class SelectionRule(Protocol):
    """Chooses among candidates by their reports on the *selection* cases, never on the test cases.

    The same candidates give the same choice in whatever order they come."""

    def __call__(self, candidates: Sequence[tuple[Candidate, Any]], /) -> SelectionRecord: ...
