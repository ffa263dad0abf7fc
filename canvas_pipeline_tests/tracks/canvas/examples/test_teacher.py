"""The urgency rule, and the HTTP teacher against a real server that fails in every way seen in practice (T8)."""

from __future__ import annotations

import itertools
import socket
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given
from hypothesis import strategies as st

from canvas_pipeline.errors import BadConfig, ServiceUnavailable
from canvas_pipeline.models.endpoint import AdaptiveLimit
from canvas_pipeline.tracks.canvas.examples.teacher import (
    PARAPHRASE,
    RUBRIC,
    HttpTeacher,
    UrgencyTeacher,
    prompt_text,
    read_choice,
    urgency,
)
from canvas_pipeline.tracks.canvas.rows import Item
from canvas_pipeline_tests.tracks.canvas.examples.conversations import NOW, item
from canvas_pipeline_tests.tracks.canvas.examples.teacher_server import TeacherServer, serving

SOON, LATER = item(1), item(9)
OVERDUE = item(2, due_at="2026-01-30T04:59:59Z")
UNDATED = item(3, due_at=None)
GRADED = item(4, due_at="2026-01-30T04:59:59Z", submission_status="GRADED")


def choose(first: Item, second: Item) -> str | None:
    return UrgencyTeacher().vote("Which first", first, second, RUBRIC, NOW)


def teacher(server: TeacherServer, **options: object) -> HttpTeacher:
    settings = {"attempts": 4, "max_wait_s": 0.02, "timeout_s": 5.0} | options
    return HttpTeacher(server.url, "labeller", **settings)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("more", "less"),
    [(SOON, LATER), (OVERDUE, SOON), (SOON, UNDATED), (UNDATED, GRADED), (LATER, GRADED),
     (item(1, points_possible=50.0), item(1)), (UNDATED, item(1, submission_status="SUBMITTED"))],
)  # fmt: skip
def test_the_more_urgent_item_wins_wherever_it_stands(more: Item, less: Item) -> None:
    assert choose(more, less) == "first"
    assert choose(less, more) == "second"


def test_a_tie_and_two_graded_items_have_no_winner() -> None:
    assert choose(SOON, item(1, id="another")) is None
    assert choose(GRADED, item(5, submission_status="GRADED")) is None


def test_a_missing_due_date_is_not_a_number_of_days() -> None:
    assert urgency(UNDATED, NOW) > urgency(item(0, due_at="2099-01-01T00:00:00Z"), NOW)


@given(st.permutations([SOON, LATER, OVERDUE, UNDATED, GRADED]))
def test_urgency_is_one_order_whatever_is_compared_first(items: list[Item]) -> None:
    ranked = sorted(items, key=lambda x: urgency(x, NOW))
    assert ranked == [OVERDUE, SOON, LATER, UNDATED, GRADED]
    for a, b in itertools.combinations(ranked, 2):
        assert choose(a, b) == "first"


@pytest.mark.parametrize(
    ("text", "choice"),
    [("first", "first"), ("Second.", "second"), ("The FIRST item", "first"), ("first or second", None), ("tie", None),
     ("", None), ("<think>first</think>second", "second"), ("<think>first, cut off", None), ("firstly", None)],
)  # fmt: skip
def test_a_reply_counts_only_where_it_names_exactly_one(text: str, choice: str | None) -> None:
    assert read_choice(text) == choice


def test_the_server_teacher_votes_at_temperature_zero_and_names_model_and_revision() -> None:
    with serving() as server, teacher(server, api_key="secret") as labeller:
        assert labeller.identity == "labeller@weights-7"
        assert labeller.vote("Which first", SOON, LATER, RUBRIC, NOW) == "first"
        assert labeller.vote("Which first", LATER, SOON, RUBRIC, NOW) == "second"
        assert labeller.vote("Which first", SOON, SOON, RUBRIC, NOW) is None
        assert {body["temperature"] for body in server.bodies} == {0}
        assert server.bodies[0]["messages"][0]["content"] == prompt_text("Which first", SOON, LATER, RUBRIC, NOW)
        assert server.keys == {"Bearer secret"}


@pytest.mark.parametrize(
    ("reported", "digest", "identity"),
    [
        ({"revision": "abc123", "root": "weights-7"}, "", "labeller@abc123"),
        ({"root": "some/weights"}, "", "labeller@some/weights"),
        ({"root": f"/cache/models--some--weights/snapshots/{'ab' * 20}"}, "", f"labeller@{'ab' * 20}"),
        ({"root": "/srv/models/weights-8/"}, "", "labeller@weights-8"),
        ({}, "sha256:0123", "labeller@sha256:0123"),
    ],
)
def test_the_identity_is_what_the_server_reports_of_its_weights(
    reported: dict[str, object], digest: str, identity: str
) -> None:
    with serving(reported=reported, digest=digest) as server, teacher(server) as labeller:
        assert labeller.identity == identity
    refused = pytest.raises(BadConfig, match="for labeller, not main; serve that revision")
    with serving(reported=reported, digest=digest) as server, refused:
        teacher(server, revision="main")


@pytest.mark.parametrize("reported", [{}, {"root": "labeller"}, {"root": "/models/labeller"}, {"root": None}])
def test_a_teacher_whose_weights_cannot_be_told_is_refused_and_a_name_does_not_waive_it(
    reported: dict[str, object],
) -> None:
    with serving(reported=reported) as server:
        for revision in (None, "labeller", "r1"):
            with pytest.raises(BadConfig, match="no weights and no revision"):
                teacher(server, revision=revision)
        with pytest.raises(BadConfig, match="state it with --teacher-identity or CANVAS_TEACHER_IDENTITY"):
            teacher(server, stated="  ")
        with teacher(server, stated="weights of 2026-03, sha256 9f3c") as labeller:
            assert labeller.identity == "labeller@(stated: weights of 2026-03, sha256 9f3c)"
        assert server.requests == 0


def test_what_is_stated_is_added_to_what_the_server_reports_and_replaces_nothing() -> None:
    with serving() as server, teacher(server, stated="mine") as labeller:
        assert labeller.identity == "labeller@weights-7 (stated: mine)"


def test_a_server_that_comes_back_with_other_weights_is_refused_before_the_next_vote() -> None:
    with serving(lambda n: 503 if n == 1 else None) as server, teacher(server) as labeller:
        assert labeller.vote("Which first", SOON, LATER, RUBRIC, NOW) == "first"
        server.reported = {"root": "weights-8"}
        with pytest.raises(BadConfig, match="reported weights-7 and now reports weights-8"):
            labeller.vote("Which first", SOON, LATER, RUBRIC, NOW)
        assert server.requests == 2, "the failed request, and none after it"
        with pytest.raises(BadConfig, match="not mixed"):
            labeller.confirm()


def test_a_server_that_serves_another_model_is_refused_before_any_vote() -> None:
    with serving(model="other") as server:
        with pytest.raises(BadConfig, match="does not serve the model labeller; it serves: other"):
            teacher(server, revision="pinned")
        assert server.requests == 0


def test_a_model_that_changes_under_way_stops_the_labelling() -> None:
    with serving(lambda n: "wrong_model") as server, teacher(server) as labeller:
        with pytest.raises(BadConfig, match="a model other than labeller answered"):
            labeller.vote("Which first", SOON, LATER, RUBRIC, NOW)
        assert server.requests == 1


@pytest.mark.parametrize("fault", [504, 429, 500, "garbage"])
def test_a_passing_fault_is_retried(fault: int | str) -> None:
    with serving(lambda n: fault if n < 3 else None) as server, teacher(server) as labeller:
        assert labeller.vote("Which first", SOON, LATER, RUBRIC, NOW) == "first"
        assert server.requests == 4


@pytest.mark.parametrize("fault", [504, "garbage"])
def test_a_lasting_fault_is_an_error_and_never_an_abstention(fault: int | str) -> None:
    with serving(lambda n: fault) as server, teacher(server) as labeller:
        with pytest.raises(ServiceUnavailable, match="does not answer"):
            labeller.vote("Which first", SOON, LATER, RUBRIC, NOW)
        assert server.requests == 4


def test_a_slow_reply_is_given_up_and_asked_again() -> None:
    with serving(lambda n: "slow" if n == 0 else None) as server, teacher(server, timeout_s=2.0) as labeller:
        assert labeller.vote("Which first", SOON, LATER, RUBRIC, NOW) == "first"
        assert labeller.limit.value < 4


def test_a_refused_key_is_not_asked_again() -> None:
    with serving(lambda n: 401) as server, teacher(server) as labeller:
        with pytest.raises(BadConfig, match="answers 401"):
            labeller.vote("Which first", SOON, LATER, RUBRIC, NOW)
        assert server.requests == 1


def test_a_server_that_is_down_is_unavailable() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        with pytest.raises(ServiceUnavailable, match="ConnectError"):
            HttpTeacher(f"http://127.0.0.1:{free.getsockname()[1]}/v1", "labeller", attempts=2, max_wait_s=0.01)


def test_the_number_in_flight_adapts_to_the_server() -> None:
    with (
        serving(capacity=6, delay_s=0.03) as server,
        teacher(server, attempts=30) as labeller,
        ThreadPoolExecutor(24) as pool,
    ):
        votes = list(pool.map(lambda _: labeller.vote("Which first", SOON, LATER, RUBRIC, NOW), range(300)))
        assert votes == ["first"] * 300
        assert 4 < server.peak < 16  # it grew from 4, and never let all 24 threads through
        assert server.requests < 360


def test_the_limit_grows_by_one_a_round_and_is_halved_once_a_crowd() -> None:
    limit = AdaptiveLimit(start=8, ceiling=9)
    for _ in range(8):
        with limit.slot():
            pass
    assert 8.9 < limit.value <= 9
    crowd = [limit.slot() for _ in range(4)]
    overloads = [slot.__enter__() for slot in crowd]
    for overload in overloads:
        overload()
    assert 4.4 < limit.value <= 4.5
    for slot in crowd:
        slot.__exit__(None, None, None)
    assert limit.value <= 4.5
    for _ in range(10):
        with limit.slot() as overload:
            overload()
    assert limit.value == 1


def test_a_full_limit_waits_for_a_place() -> None:
    limit = AdaptiveLimit(start=1)
    entered = threading.Event()

    def wait() -> None:
        with limit.slot():
            entered.set()

    with limit.slot() as overload:
        overload()
        waiting = threading.Thread(target=wait)
        waiting.start()
        assert not entered.wait(0.1)
    assert entered.wait(600)
    waiting.join()


def test_the_rubrics_differ_in_words() -> None:
    assert RUBRIC != PARAPHRASE
