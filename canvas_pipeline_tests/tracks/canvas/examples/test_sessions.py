from __future__ import annotations

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from canvas_pipeline.models.gemma4.wire import parse_turn
from canvas_pipeline.privacy.courses.masker import CourseMasker
from canvas_pipeline.privacy.courses.registry import Registry
from canvas_pipeline.privacy.identities.pii import Scrubber
from canvas_pipeline.records import Refusal, digest
from canvas_pipeline.tracks.canvas.examples.sessions import from_sessions, record
from canvas_pipeline.tracks.canvas.examples.students import students
from canvas_pipeline.tracks.canvas.intake.markup import scrub_rows
from canvas_pipeline.tracks.canvas.mock.canvas import MockCanvas
from canvas_pipeline.tracks.canvas.rows import Trajectory
from canvas_pipeline_tests.tracks.canvas.examples.accounts import EMBEDDED, corpus, embedded_students

SHIPPED = Path(__file__).parents[4] / "data"
Session = dict[str, Any]


@pytest.fixture(scope="module")
def recorded() -> list[Session]:
    return record(embedded_students(), EMBEDDED, 3, MockCanvas.of, 24)


def read(*rows: Any) -> list[Trajectory | Refusal]:
    return list(from_sessions(rows, embedded_students(), "catalogue"))


def test_recorded_sessions_become_trajectories_with_the_items_of_one_student(recorded: list[Session]) -> None:
    made = read(*recorded)
    assert all(isinstance(row, Trajectory) for row in made)
    owner = {item_id: account.id for account in embedded_students() for item_id in account.item_ids}
    for row, session in zip(made, recorded, strict=True):
        assert isinstance(row, Trajectory)
        assert row.kind == "session" and row.parents[1] == session["contributor_id"]
        assert row.item_ids and len({owner[item_id] for item_id in row.item_ids}) == 1
        assert not any(parse_turn(m.content).malformed for m in row.messages if m.role == "assistant")


def test_sessions_are_recognised_where_course_handles_differ(recorded: list[Session]) -> None:
    elsewhere = students(corpus(handles=50_000_000), EMBEDDED, 7)
    made = list(from_sessions(recorded, elsewhere, "catalogue"))
    known = {item_id for account in elsewhere for item_id in account.item_ids}
    assert all(isinstance(row, Trajectory) and set(row.item_ids) <= known for row in made)


def one(recorded: list[Session], calls: int = 1) -> Session:
    """A session with that many calls, to be broken."""
    return copy.deepcopy(next(s for s in recorded if sum("call" in entry for entry in s["trajectory"]) == calls))


def _without(key: str) -> Callable[[Session], None]:
    return lambda session: session.pop(key)


def _at(index: int, value: Any) -> Callable[[Session], None]:
    def change(session: Session) -> None:
        session["trajectory"][index] = value

    return change


def _drop(index: int) -> Callable[[Session], None]:
    return lambda session: session["trajectory"].pop(index)


def _now(session: Session) -> None:
    session["context"]["now_iso"] = "yesterday"


def _items(session: Session) -> None:
    session["context"]["items"] = ["000000000000"]


def _often(session: Session) -> None:
    call, result, answer = session["trajectory"]
    session["trajectory"] = [call, result] * 4 + [answer]


@pytest.mark.parametrize(
    ("damage", "reason"),
    [
        (_without("user_query"), "bad_row"),
        (_without("context"), "bad_row"),
        (_at(2, {"answer": "x", "call": {"name": "canvas.get_todo", "arguments": {}}}), "bad_row"),
        (_at(0, {}), "bad_row"),
        (_now, "bad_now"),
        (_at(0, {"call": {"name": "canvas.get_course", "arguments": {"course_id": "x"}}}), "bad_call"),
        (_at(0, {"call": {"name": "canvas.list_assignments", "arguments": {}}}), "unknown_tool"),
        (_drop(0), "orphan_result"),
        (_at(1, {"result": {"name": "study.other", "value": 1}}), "orphan_result"),
        (_drop(1), "missing_result"),
        (_drop(2), "no_answer"),
        (_at(2, {"answer": "  "}), "no_answer"),
        (_often, "overused_tool"),
        (_items, "unknown_items"),
    ],
)
def test_a_damaged_session_is_refused_with_its_reason(
    recorded: list[Session], damage: Callable[[Session], None], reason: str
) -> None:
    session = one(recorded)
    damage(session)
    assert read(session) == [Refusal(source="sessions", line=1, reason=reason)]


def test_a_session_without_named_items_belongs_to_the_student_whose_titles_it_mentions(recorded: list[Session]) -> None:
    account = embedded_students()[3]
    session = one(recorded)
    session["context"].pop("items")
    session["user_query"] = f"Tell me about {account.assignments[0].title}"
    session["trajectory"] = [{"answer": "Which course?"}]
    (row,) = read(session)
    assert isinstance(row, Trajectory)
    titles = {item.id: item.title for student in embedded_students() for item in student.items}
    assert all(titles[item_id] in session["user_query"] for item_id in row.item_ids)


def test_a_session_that_names_nothing_known_is_refused(recorded: list[Session]) -> None:
    session = one(recorded)
    session["context"].pop("items")
    session["user_query"], session["trajectory"] = "Hello", [{"answer": "Hi"}]
    assert read(session) == [Refusal(source="sessions", line=1, reason="unknown_items")]


def test_a_refusal_never_holds_the_session_s_text(recorded: list[Session]) -> None:
    session = one(recorded)
    session["user_query"] = "CANARY"
    session["trajectory"][0] = {"call": {"name": "CANARY", "arguments": {"CANARY": "CANARY"}}}
    assert b"CANARY" not in msgspec.json.encode(read(session))


def test_shipped_sessions_are_about_40_small_and_become_training_rows_of_the_shipped_contributors() -> None:
    from canvas_pipeline.tracks.canvas.bench.sessions import SEED, students_of

    paths = sorted((SHIPPED / "sessions").glob("*.jsonl"))
    assert sum(path.stat().st_size for path in paths) < 200_000
    assert {path.stem for path in paths} <= {path.stem for path in (SHIPPED / "collab").glob("*.jsonl")}
    someone = students_of(SHIPPED / "collab", EMBEDDED, SEED, b"another key of another machine")
    rows = [json.loads(line) for path in paths for line in path.read_bytes().splitlines()]
    made = list(from_sessions(rows, someone, "catalogue"))
    refused = [row for row in made if isinstance(row, Refusal)]
    assert refused == [], "remake them: python -m canvas_pipeline.tracks.canvas.bench.sessions"
    assert 36 <= len({row.id for row in made if isinstance(row, Trajectory)}) == len(made) <= 60


def test_what_names_an_item_in_a_session_is_never_taken_for_a_name_or_a_course(tmp_path: Path) -> None:
    named = [digest(str(number))[:12] for number in range(3000)] + ["bdd2d3af3a5a", "ee4779cdc944"]
    courses = CourseMasker(Registry(bytes(16), tmp_path / "registry.jsonl", writable=False), "ada")
    (row,) = scrub_rows([{"context": {"items": named}}], Scrubber(bytes(16), "ada"), courses)
    assert row["context"]["items"] == named
