"""Further kinds of leaks in names and titles: what goes, and what only looks like it and stays."""

from __future__ import annotations

import pytest

from canvas_pipeline.intake.courses.masker import CourseMasker, learn
from canvas_pipeline.intake.courses.registry import HANDLE, Registry
from canvas_pipeline_tests.intake.leak_cases import KEY


def course_masked(text: str, code: str = "QXZ 4310") -> str:
    masker = CourseMasker(Registry(KEY), "zed-001", learn(code))
    once = masker.mask(text)[0]
    assert masker.mask(once)[0] == once
    return HANDLE.sub("@", once)


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("Anatomy - 21182 - Spring 2030", "Anatomy - @ - Spring 2030"), ("Ethics, Fall 2031, #17381", "Ethics, Fall 2031, #@"),
        ("Biology 14461 Spring2030", "Biology @ Spring2030"), ("Film History (46883 – Fall 2029)", "Film History (@ – Fall 2029)"),
        ("Fall 2032/18557 Ceramics", "Fall 2032/@ Ceramics"), ("78993.203130 notes", "@.203130 notes"), ("2030, Fall: 4417", "2030, Fall: @"),
        ("Su30 - 172290", "Su30 - @"),
    ],
)  # fmt: skip
def test_a_number_beside_a_term_is_a_section_and_the_term_stays(text: str, masked: str) -> None:
    assert course_masked(text) == masked


@pytest.mark.parametrize(
    "text",
    ["Fall 2030 1500 words", "Fall 2030/2031", "Spring 2030 - 12000 steps", "Budget $12000 Fall 2030", "Fall 2030: 1200 points",
     "Spring 2030, 203001", "10,000 Fall 2030", "Spring 2030 4417 Pines"],
)  # fmt: skip
def test_an_amount_or_year_beside_a_term_is_no_section(text: str) -> None:
    assert course_masked(text) == text


@pytest.mark.parametrize("rest", [" (018, 031)", " 072 & 024", ":21,51", " 018", " (003)", ":05", " (A01 & A02)"])
def test_a_list_of_sections_goes_with_the_course_it_stands_behind(rest: str) -> None:
    assert course_masked(f"QXZ 4310{rest} quiz") == "@ quiz"


@pytest.mark.parametrize(
    "rest", [" 05/12 quiz", " (100 points)", " 12, 13", ": 20, 30 points", " (05/12)", " 10 & 11", " (2)"]
)
def test_a_day_or_an_amount_behind_a_course_stays(rest: str) -> None:
    assert course_masked(f"QXZ 4310{rest}") == f"@{rest}"
