from __future__ import annotations

import re
import statistics
from collections import Counter

import pytest

from canvas_pipeline.models.gemma4.wire import parse_turn
from canvas_pipeline.tracks.canvas.examples.policy import quotas
from canvas_pipeline.tracks.canvas.examples.trajectory import synthesise
from canvas_pipeline.tracks.canvas.mock.canvas import MockCanvas
from canvas_pipeline.tracks.canvas.rows import Trajectory
from canvas_pipeline.tracks.canvas.tools.prompt import ALL_TOOLS, system_message
from canvas_pipeline.tracks.canvas.tools.tool_table import validate
from canvas_pipeline_tests.tracks.canvas.examples.accounts import EMBEDDED, embedded_students


@pytest.fixture(scope="module")
def rows() -> list[Trajectory]:
    return list(synthesise(embedded_students(), EMBEDDED, 7, MockCanvas.of))


def calls_of(row: Trajectory) -> list[str]:
    return [c.name for m in row.messages if m.role == "assistant" for c in parse_turn(m.content).well_formed]


def test_a_synthesis_meets_the_profile_s_quotas(rows: list[Trajectory]) -> None:
    asked = Counter(row.kind for row in rows if not row.phrasing.startswith("labelled/"))
    assert asked == quotas(EMBEDDED) and len(rows) - asked.total() == EMBEDDED.choice_trajectories
    assert len({row.id for row in rows}) == len(rows)


def test_every_tool_occurs_at_least_30_times_and_evenly(rows: list[Trajectory]) -> None:
    occurrences = Counter(name for row in rows for name in calls_of(row))
    counts = [occurrences[tool] for tool in ALL_TOOLS]
    assert min(counts) >= EMBEDDED.min_tool_occurrences
    assert statistics.pstdev(counts) / statistics.mean(counts) <= EMBEDDED.max_tool_cv


def test_no_tool_is_used_more_than_three_times_in_a_row(rows: list[Trajectory]) -> None:
    assert max(max(Counter(calls_of(row)).values(), default=0) for row in rows) <= 3


def test_every_call_parses_and_is_valid(rows: list[Trajectory]) -> None:
    for row in rows:
        for message in row.messages:
            if message.role == "assistant":
                turn = parse_turn(message.content)
                assert not turn.malformed
                assert all(validate(call) == () for call in turn.well_formed)


def test_a_row_begins_with_the_system_message_and_ends_with_an_answer_in_plain_words(rows: list[Trajectory]) -> None:
    for row in rows:
        now = re.search(r"Now: (\S+) \w+\. (?:This week: [^.]*\. )?Next week: [^.]*\.$", row.messages[0].content)
        assert now and row.messages[0] == system_message(now.group(1), EMBEDDED.declaration)
        assert row.messages[1].role == "user" and row.messages[-1].role == "assistant"
        last = parse_turn(row.messages[-1].content)
        assert not last.calls and last.text == row.messages[-1].content != ""
        assert row.tools == ALL_TOOLS


def test_each_call_is_followed_by_its_result_in_the_same_order(rows: list[Trajectory]) -> None:
    for row in rows:
        waiting: list[str] = []
        for message in row.messages:
            if message.role == "tool":
                assert message.name == waiting.pop(0)
            else:
                assert not waiting
                waiting = (
                    [c.name for c in parse_turn(message.content).well_formed] if message.role == "assistant" else []
                )


def test_rows_stay_short(rows: list[Trajectory]) -> None:
    """Letters in fives, every other character one token: a rough upper estimate for a vocabulary of two thousand."""
    sizes = [
        sum(len(re.findall(r"[A-Za-z]{1,5}|[^\sA-Za-z]", message.content)) + 4 for message in row.messages)
        for row in rows
    ]
    assert sum(sizes) / len(sizes) < 520
    assert max(sizes) < 1024
