"""A session retries, stops at gates and budgets, resumes, and reports time and cost by phase."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import count

import pytest

from canvas_pipeline.errors import BadConfig, BadInput, GateClosed
from canvas_pipeline.pipeline.session_manifest import Phase, SessionManifest, run_session


class Work:
    """Phases that fail a given number of times before they succeed, and record what they made."""

    def __init__(self, failures: Mapping[str, list[Exception]], estimate: float = 0.0) -> None:
        self.failures, self.made, self.estimate = (
            {name: list(errors) for name, errors in failures.items()},
            set[str](),
            estimate,
        )

    def phases(self) -> list[Phase]:
        return [self.phase(name) for name in self.failures]

    def phase(self, name: str) -> Phase:
        def run() -> Mapping[str, str]:
            if self.failures[name]:
                raise self.failures[name].pop(0)
            self.made.add(name)
            return {name: "hash"}

        return Phase(name, run, lambda: {name: "hash"} if name in self.made else None, self.estimate)


def _manifest(work: Work, rate: float | None = 3.6) -> SessionManifest:
    return SessionManifest(session_id="s", git={}, environment={}, planned=tuple(work.failures), rate_usd_per_hour=rate)


@pytest.fixture
def ticks() -> Iterator[float]:
    return map(float, count(0, 10))


def test_a_phase_is_retried_twice_and_its_time_and_cost_add_up(ticks: Iterator[float]) -> None:
    work = Work({"data": [], "sft": [BadInput("a"), OSError("private text")]})
    saved: list[SessionManifest] = []

    found = run_session(_manifest(work), work.phases(), lambda: next(ticks), saved.append)

    assert (found.state, found.retries) == ("complete", 2)
    assert [(a.phase, a.number, a.success, a.error) for a in found.attempts] == [
        ("data", 1, True, ""), ("sft", 1, False, "a"), ("sft", 2, False, "OSError"), ("sft", 3, True, ""),
    ]  # fmt: skip
    assert found.by_phase() == {"data": (10.0, pytest.approx(0.01)), "sft": (30.0, pytest.approx(0.03))}
    assert saved[-1] == found
    assert len(saved) == 5


def test_three_failures_end_the_session_and_a_resumed_one_continues_there(ticks: Iterator[float]) -> None:
    work = Work({"data": [], "sft": [BadInput("a")] * 3, "dpo": []})

    failed = run_session(_manifest(work), work.phases(), lambda: next(ticks), lambda _: None)
    resumed = run_session(failed, work.phases(), lambda: next(ticks), lambda _: None)

    assert (failed.state, work.made) == ("failed", {"data", "sft", "dpo"})
    assert [(a.phase, a.number) for a in resumed.attempts[4:]] == [("sft", 4), ("dpo", 1)]
    assert resumed.state == "complete"


def test_a_closed_gate_stops_the_session_at_once(ticks: Iterator[float]) -> None:
    work = Work({"base": [GateClosed("base is STOP")], "sft": []})

    found = run_session(_manifest(work), work.phases(), lambda: next(ticks), lambda _: None)

    assert (found.state, len(found.attempts), work.made) == ("stopped", 1, set())


def test_a_phase_that_would_exceed_the_budget_is_not_started(ticks: Iterator[float]) -> None:
    work = Work({"data": [], "sft": []}, estimate=1000.0)

    found = run_session(_manifest(work), work.phases(), lambda: next(ticks), lambda _: None, budget_usd=1.005)

    assert (found.state, work.made) == ("stopped", {"data"})
    assert "sft" in found.notes[-1]


def test_without_a_rate_the_cost_is_unknown_and_a_budget_is_refused(ticks: Iterator[float]) -> None:
    work = Work({"data": []})

    assert run_session(_manifest(work, None), work.phases(), lambda: next(ticks), lambda _: None).cost_usd is None
    with pytest.raises(BadConfig, match="rate"):
        run_session(_manifest(work, None), work.phases(), lambda: next(ticks), lambda _: None, budget_usd=1.0)


def test_an_error_that_is_a_bug_is_not_retried(ticks: Iterator[float]) -> None:
    work = Work({"data": [ZeroDivisionError()]})

    with pytest.raises(ZeroDivisionError):
        run_session(_manifest(work), work.phases(), lambda: next(ticks), lambda _: None)
