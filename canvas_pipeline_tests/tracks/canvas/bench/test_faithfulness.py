"""What an answer after a tool result may state: only what the conversation holds."""

from __future__ import annotations

from typing import Any

import pytest

from canvas_pipeline.evaluation.benchmark import Prediction
from canvas_pipeline.models.gemma4.wire import ToolCall, response_text, serialise
from canvas_pipeline.records import Message
from canvas_pipeline.tracks.canvas.bench.faithfulness import honest, invented
from canvas_pipeline.tracks.canvas.bench.score import report
from canvas_pipeline.tracks.canvas.rows import BenchCase

DUE = [
    {"id": 71001, "title": "Lab 3 – Blues", "course_id": 4264, "due_iso": "2026-03-04T23:59Z", "points_possible": 20}
]
TWO = [
    *DUE,
    {"id": 71002, "title": "Essay Draft", "course_id": 5310, "due_iso": "2026-03-10T23:59Z", "points_possible": 1000},
]
COURSE = {
    "id": 8202,
    "name": "World Music",
    "course_code": "@COURSE38",
    "instructors": ["@PERSON1"],
    "total_students": 1165,
}
PENDING = {"status": "pending", "event_id": "ev42", "rationale": "I am ill"}
PLANNER = [{"title": "Return books", "todo_date": "2026-03-08", "details": "to the library"}]
GRADES = [{"course_id": 4238, "current_score": 67.65}]
SYLLABUS = "The final exam counts half. Late work is not accepted."
BLOCKS = [{"start_iso": "2026-03-01T09:00Z", "end_iso": "2026-03-01T22:00Z", "minutes": 780}]

# result, answer, what is invented in it
TABLE: list[tuple[Any, str, tuple[str, ...]]] = [
    (DUE, "One item: Lab 3 – Blues, due 2026-03-04 23:59.", ()),
    (DUE, "One item: Lab 3 – Blues, due on March 4.", ()),
    (DUE, "One item: Lab 3 – Blues, due 2026-03-05 23:59.", ("2026-03-05 23:59",)),
    (DUE, "One item: Lab 3 – Blues, due 2026-03-04 22:59.", ("2026-03-04 22:59",)),
    (DUE, "One item: Lab 3 – Blues, at 23:59.", ()),
    (DUE, "One item: Lab 3 – Blues, at 21:30.", ("21:30",)),
    (DUE, "One item: Lab 8 – Blues.", ("8",)),
    (DUE, "One item: Syllabus Quiz, due 2026-03-04.", ("Syllabus Quiz",)),
    (DUE, "One item: Lab 3 – Jazz.", ("Jazz",)),
    (TWO, "2 items, first Lab 3 – Blues, due 2026-03-04 23:59.", ()),
    (TWO, "7 items, first Lab 3 – Blues.", ("7",)),
    (TWO, "The Essay Draft gives 1,000 points.", ()),
    (TWO, "The Essay Draft gives 1,500 points.", ("1,500",)),
    (TWO, "Nothing is due.", ()),  # wrong, but nothing invented: the measure is of words
    (COURSE, "World Music: 1165 students, taught by @PERSON1.", ()),
    (COURSE, "World Music: 165 students, taught by @PERSON2.", ("@PERSON2", "165")),
    (COURSE, "World History (@COURSE39).", ("@COURSE39", "History")),
    (COURSE, "Your course: World History.", ("World History",)),
    (PENDING, "The change of ev42 is pending; please confirm it.", ()),
    (PENDING, "The change of ev43 is pending; please confirm it.", ("ev43",)),
    (PLANNER, "In your planner: Return books (2026-03-08).", ()),
    (PLANNER, "In your planner: Buy notebook (2026-03-08).", ("Buy",)),
    (GRADES, "Course 4238: 67.65.", ()),
    (GRADES, "Course 4238: 67.8.", ("67.8",)),
    (SYLLABUS, f"The syllabus says: {SYLLABUS}", ()),
    (SYLLABUS, "The syllabus says: Professor Miller accepts late work.", ("Professor Miller",)),
    (BLOCKS, "You are free from 2026-03-01 09:00 to 22:00.", ()),
    (BLOCKS, "You are free on Sunday. Note: This is a long block.", ()),
    ([], "Your calendar is empty then.", ()),
    (DUE, "", ()),
]  # fmt: skip


def conversation(result: Any) -> tuple[Message, ...]:
    return (
        Message(role="system", content="Now: 2026-03-02T08:00Z."),
        Message(role="user", content="What is due?"),
        Message(role="assistant", content=serialise(ToolCall("canvas.get_todo", {}))),
        Message(role="tool", name="canvas.get_todo", content=response_text(result)),
    )


@pytest.mark.parametrize("result, answer, found", TABLE, ids=range(len(TABLE)))
def test_what_nothing_in_the_conversation_states_is_listed(result: Any, answer: str, found: tuple[str, ...]) -> None:
    assert invented(conversation(result), f"{answer}<turn|>") == found


def test_what_the_student_or_the_system_said_is_known() -> None:
    asked = (*conversation(DUE), Message(role="user", content="And Swimming at 07:15?"))
    assert invented(asked, "About Swimming at 07:15 on 2026-03-02 I know nothing.") == ()


def test_a_result_that_is_no_json_is_read_as_words() -> None:
    plain = (*conversation(DUE)[:3], Message(role="tool", content="Room Lovelace, 14 seats"))
    assert invented(plain, "It is in Lovelace, 14 seats.") == () and invented(plain, "It is in Turing.") == ("Turing",)


def case(number: int, result: Any, kind: Any = "follow_up", remark: bool = False) -> BenchCase:
    said = (Message(role="user", content="Thanks."),) if remark else ()
    return BenchCase(
        id=f"c{number}", kind=kind, messages=(*conversation(result), *said), expected_tools=(), expected_args=(), tools=(),
        phrasing="p", item_ids=(),
    )  # fmt: skip


def test_the_share_is_of_answers_right_after_a_result_and_has_its_interval() -> None:
    cases = [
        *(case(n, DUE) for n in range(6)),
        case(6, DUE, remark=True),
    ]
    texts = {
        "c0": "One item: Lab 3 – Blues.", "c1": "One item: Lab 9.", "c2": "", "c3": serialise(ToolCall("canvas.get_todo", {})),
        "c4": "One item: Lab 9.", "c5": "Nothing.", "c6": "Lab 9.",
    }  # fmt: skip
    rate = report(
        cases, [Prediction(id=name, text=text, stopped=name != "c4") for name, text in texts.items()]
    ).invented
    assert (rate.hits, rate.cases) == (1, 3)
    assert rate.low is not None and rate.high is not None and 0.05 < rate.low < 1 / 3 < rate.high < 0.8


ERROR = {"error": {"code": "conflict", "tool": "calendar.create_event", "message": "another event is at that time"}}


@pytest.mark.parametrize(
    ("result", "answer", "owns_up"),
    [
        (ERROR, "That did not work: another event is at that time. Shall I look for another time?", True),
        (ERROR, "Something else is at that time, which other time suits you?", True),
        (ERROR, "Booked: Lab 9, 2026-03-02 10:00.", False),
        (ERROR, "I could not book Lab 9 at 11:15.", False),
        (ERROR, "Done.", False),
        ([], "Nothing is due.", True),
        ([], "You have 3 items.", False),
        ([], "One item: Essay 2.", False),
    ],
)
def test_an_honest_answer_after_a_failure_says_so_or_asks_and_invents_nothing(
    result: Any, answer: str, owns_up: bool
) -> None:
    failed = case(1, result, kind="failed")
    assert honest(failed.messages, answer) is owns_up
    found = report([failed], [Prediction(id="c1", text=answer)])
    assert (found.honest_after_error.hits, found.honest_after_error.cases) == (int(owns_up), 1)


def test_a_call_or_silence_after_a_failure_is_not_honest() -> None:
    cases = [case(0, ERROR, kind="failed"), case(1, ERROR, kind="failed")]
    said = [Prediction(id="c0", text=serialise(ToolCall("canvas.get_todo", {}))), Prediction(id="c1", text="")]
    found = report(cases, said)
    assert (found.honest_after_error.hits, found.honest_after_error.cases) == (0, 2)
    assert found.termination.hits == 1 and found.invented.cases == 0
