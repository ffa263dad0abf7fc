"""The final answer is found where a completion gives it, whatever stands around it."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from canvas_pipeline.verifiers.final_answer import final_answer, last_number

TABLE = [
    ("3*360=$<<3*360=1080>>1,080\n#### 1,080", "1,080", "hashes"),
    ("#### 3\nNo: \n#### 4", "4", "hashes"),
    ("#### 18\nThat is all.", "18", "hashes"),
    ("#### Step 1\nso \\boxed{5}", "5", "box"),
    ("#### Result\nThe answer is 5.", "5", "phrase"),
    ("#### Answer: 5", "5", "phrase"),
    ("\\boxed{3} and then \\boxed{4}", "4", "box"),
    ("\\boxed{\\frac{1}{\\sqrt{2}}}", "\\frac{1}{\\sqrt{2}}", "box"),
    ("\\fbox{7}", "7", "box"),
    ("so $\\boxed 7$", "7", "box"),
    ("\\boxed{\\{1, 2\\}}", "\\{1, 2\\}", "box"),
    ("\\boxed{3} but \\boxed{4", "3", "box"),
    ("the answer is 9, \\boxed{4}", "4", "box"),
    ("{ \\boxed{4} }}", "4", "box"),
    ("The answer is 3.5 metres. It is long.", "3.5 metres", "phrase"),
    ("**Answer:** 5", "5", "phrase"),
    ("Final answer = **12**", "12", "phrase"),
    ("The answer is: B", "B", "phrase"),
    ("The answer is\n42", "42", "phrase"),
    ("The answers are 3 and 4.", "3 and 4", "phrase"),
    ("Answer: 5, because 2 + 3 = 5", "5", "phrase"),
    ("The answer is 4. No, the answer is 5.", "5", "phrase"),
    ("\\boxed{4", "", "box"),
    ("\\boxed{}", "", "box"),
    ("####", "", "hashes"),
    ("The answer is", "", "phrase"),
]


@pytest.mark.parametrize(("text", "answer", "place"), TABLE, ids=[repr(row[0]) for row in TABLE])
def test_the_last_answer_of_the_first_place_counts(text: str, answer: str, place: str) -> None:
    found = final_answer(text)
    assert found is not None and (found.text, found.place) == (answer, place)


@pytest.mark.parametrize("text", ["", "12", "so we get 3 + 4 = 7", "Answering takes 5 minutes", "### 5", "boxed{5}"])
def test_a_text_without_one_of_the_places_gives_no_answer(text: str) -> None:
    assert final_answer(text) is None


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("3 + 4 = 7.", "7"),
        ("it costs $1,250.50", "$1,250.50"),
        ("x2 and 5 of 10%", "10%"),
        ("none", None),
        ("-3", "-3"),
        ("from 2−5", "5"),
    ],
)
def test_the_last_number_is_found_for_the_lenient_figure(text: str, number: str | None) -> None:
    assert last_number(text) == number


@given(st.text())
def test_no_text_raises(text: str) -> None:
    final_answer(text)
    last_number(text)


@given(st.text(), st.text(alphabet="0123456789+-x/ ", min_size=1).filter(str.strip), st.text(alphabet="ab {}\n."))
def test_a_box_is_read_whatever_stands_before_and_after_it(before: str, content: str, after: str) -> None:
    found = final_answer(before + "\n\\boxed{" + content + "}" + after)
    assert found is not None and (found.text, found.place) == (content.strip(), "box")


@pytest.mark.parametrize(
    "piece", ["\\boxed{", "####", "answer is ", "{", "}", "\\boxed{1}", "1,", "answer" + " ", "\n", "- "]
)
def test_long_texts_take_linear_time(piece: str) -> None:
    start = time.process_time()
    final_answer(piece * 20_000)
    last_number(piece * 20_000)
    assert time.process_time() - start < 5
