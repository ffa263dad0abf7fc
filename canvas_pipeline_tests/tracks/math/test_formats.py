"""Nine formats are read into one row, and what cannot be used is refused with the true reason."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from canvas_pipeline.records import Refusal
from canvas_pipeline.tracks.math.formats import draft_of
from canvas_pipeline.tracks.math.reader import read_file, row_of
from canvas_pipeline.tracks.math.rows import MathRow
from canvas_pipeline.tracks.math.samples import FORMS, ROWS, TRUTH, Truth, write_samples
from canvas_pipeline.tracks.reading import Record
from canvas_pipeline.verifiers.symbolic import SymbolicComparer

SHIPPED = Path(__file__).parents[3] / "data" / "math"
FILES = [f"{name}-style.jsonl" for name in FORMS]


@pytest.fixture(scope="module")
def comparer() -> Iterator[SymbolicComparer]:
    with SymbolicComparer() as found:
        yield found


def _row(value: dict[str, Any], comparer: SymbolicComparer, **more: Any) -> MathRow:
    found = row_of(Record(1, 1, value), "file", comparer, **more)[1]
    assert isinstance(found, MathRow), found
    return found


def _reason(value: dict[str, Any], comparer: SymbolicComparer, **more: Any) -> str:
    found = row_of(Record(1, 1, value), "file", comparer, **more)[1]
    assert isinstance(found, Refusal), found
    return found.reason


@pytest.mark.parametrize("name", FILES)
def test_shipped_files_give_the_gold_answers_and_the_reasons_that_are_written_down(
    name: str, comparer: SymbolicComparer
) -> None:
    truth = [msgspec.json.decode(line, type=Truth) for line in (SHIPPED / TRUTH / name).read_bytes().splitlines()]
    found = read_file(SHIPPED / name, comparer)
    assert [row.answer for row in found.rows] == [one.gold for one in truth if one.gold] and len(found.rows) == ROWS
    wanted = {one.line: one.reason for one in truth if one.reason}
    assert {refusal.line: refusal.reason for refusal in found.refusals} == wanted and len(wanted) == 10
    assert found.objects == len(truth) and set(found.formats) == {name.partition("-")[0], "unknown"}


def test_the_shipped_files_are_made_by_the_command_and_small(tmp_path: Path) -> None:
    paths = write_samples(tmp_path, 1)
    assert {path.relative_to(tmp_path) for path in tmp_path.rglob("*.jsonl")} == {
        path.relative_to(SHIPPED) for path in SHIPPED.rglob("*.jsonl")
    }
    assert all(path.read_bytes() == (SHIPPED / path.relative_to(tmp_path)).read_bytes() for path in paths)
    assert sum(path.stat().st_size for path in SHIPPED.rglob("*.jsonl")) <= 400 << 10


def test_no_refusal_quotes_the_text_of_a_row(comparer: SymbolicComparer) -> None:
    marked = {"question": "Kestrel has 3 pears?", "answer": "Kestrel\n#### Kestrel"}
    for value in (marked, {**marked, "answer": ["Kestrel"]}, {"Kestrel": 1}, {**marked, "options": "Kestrel"}):
        found = row_of(Record(4, 1, value), "file", comparer)[1]
        assert not isinstance(found, Refusal) or "Kestrel" not in str(found)


def test_thousands_and_calculator_marks_leave_the_text(comparer: SymbolicComparer) -> None:
    row = _row({"question": "How much?", "answer": "So 3*360=$<<3*360=1080>>1,080.\n#### 1,080"}, comparer)
    assert (row.answer, row.solution, row.extra) == ("1080", "So 3*360=$1,080.", {"marks": "3*360=1080"})


def test_the_last_box_counts_with_its_nested_braces(comparer: SymbolicComparer) -> None:
    solution = "First $\\boxed{3}$, then $\\boxed{\\frac{1}{\\sqrt{2}}}$."
    row = _row({"problem": "What is it?", "solution": solution, "level": "Level ?", "type": "Algebra"}, comparer)
    assert (row.answer, row.level, row.subject) == ("\\frac{1}{\\sqrt{2}}", "Level ?", "Algebra")


def test_several_solutions_are_a_tuple_and_floats_are_whole(comparer: SymbolicComparer) -> None:
    base = {"iIndex": 1, "sQuestion": "Which two numbers?", "lEquations": ["X+Y=5.0"]}
    assert _row({**base, "lSolutions": [8.0]}, comparer).answer == "8"
    several = _row({**base, "lSolutions": [2.0, 3.5]}, comparer)
    assert (several.answer, several.answer_kind, several.solution) == ("(2, 3.5)", "tuple", "X+Y=5")


@pytest.mark.parametrize(
    "options",
    ["a ) 1 , 250 , b ) 27.675 , c ) none of these", "['a ) 1 , 250', 'b ) 27.675', 'c ) none of these']"],
)
def test_both_spellings_of_options_are_read(options: str, comparer: SymbolicComparer) -> None:
    value = {"Problem": "Which one?", "Rationale": "answer : b", "options": options, "correct": "b"}
    row = _row(value, comparer)
    assert row.options == ("1 , 250", "27.675", "none of these") and (row.answer, row.answer_kind) == ("B", "choice")


def test_a_solution_that_ends_otherwise_than_its_gold_is_refused(comparer: SymbolicComparer) -> None:
    aqua = {"question": "Which one?", "options": ["A)21", "B)22"], "rationale": "The answer is A.", "correct": "B"}
    assert _reason(aqua, comparer) == "gold_contradicts_solution"
    assert _row({**aqua, "correct": "A"}, comparer).answer == "A"
    mathx = {"problem": "How many?", "generated_solution": "\\boxed{0.5}", "expected_answer": "1/2"}
    assert _row(mathx, comparer).answer == "1/2"
    assert _reason({**mathx, "expected_answer": "1/3"}, comparer) == "gold_contradicts_solution"


def test_a_thinking_block_is_taken_away_or_refused_where_it_never_ends(comparer: SymbolicComparer) -> None:
    value = {
        "question": "Solve x-1=4.",
        "generated_solution": "<think>\nhm\n</think>\nx=5.",
        "expected_answer": "x = 5",
    }
    assert _row(value, comparer).solution == "x=5."
    assert _reason({**value, "generated_solution": "<think>\nhm"}, comparer) == "thinking_unclosed"


def test_a_row_without_gold_may_be_trained_on_and_not_measured(comparer: SymbolicComparer) -> None:
    value = {"problem": "How many?", "solution": "There are some."}
    row = _row(value, comparer)
    assert row.answer is None and row.gold is None and row.messages[1].content == "\nThere are some."
    assert _reason(value, comparer, measured=True) == "gold_missing"


def test_gold_that_no_verifier_can_read_is_refused(comparer: SymbolicComparer) -> None:
    assert _reason({"question": "How many?", "answer": "few\n#### few"}, comparer) == "gold_unreadable"
    boxed = {"problem": "How many?", "solution": "\\boxed{\\frac{1}{}}", "level": "1", "type": "Algebra"}
    assert _reason(boxed, comparer) == "gold_unreadable"


def test_objects_of_no_format_and_errors_are_told_apart() -> None:
    refused = [draft_of(value)[1] for value in (3, {"index": 1, "error": "x"}, {"text": "x"})]
    assert [getattr(one, "reason", "") for one in refused] == ["not_an_object", "error_row", "unknown_format"]


def test_the_prompt_of_a_choice_shows_its_options_once() -> None:
    row = MathRow(
        id="1", problem="Which one?", solution="", answer="B", answer_kind="choice", options=("1", "2"), source="", suite=""
    )  # fmt: skip
    assert [message.content for message in row.messages] == ["Problem: Which one?\nA) 1\nB) 2\nSolution:", "\n#### B"]
