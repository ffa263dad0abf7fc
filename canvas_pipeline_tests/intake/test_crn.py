"""Course identities: found in every shape, never where there is none, always the same handle."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from canvas_pipeline.intake.course_registry import HANDLE, Registry
from canvas_pipeline.intake.crn import CourseMasker, find, term_code
from canvas_pipeline.intake.curriculum import DECOYS

KEY = b"a key for tests only"


def masker(contributor: str = "zed-001", *codes: str, term: str | None = "2026 Spring") -> CourseMasker:
    made = CourseMasker(Registry(KEY), contributor)
    for code in codes:
        made.learn(code, term)
    return made


SHAPES = (
    "CS_3704_21936_202601", "202601_CS_3704_21936", "CS_3704_202601", "CS 3704 Spring 2026", "Spring 2026 CS 3704", "Cs 3704",
    "CS3704", "CS-3704", "cs3704", "CS\u00a03704", "CS 3704-001", "CS–3704", "Econ 2005", "MATH 2024H", "CS/ECE 2500", "XYZ 4411",
)  # fmt: skip


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("frame", ("{}", "Notes for {} exam", "site_{}_x", "({})", "{}: Title", "«{}»"))
def test_a_course_is_masked_in_every_shape_and_place(shape: str, frame: str) -> None:
    text = frame.format(shape)
    masked, count = masker().mask(text)
    assert count == 1 and HANDLE.search(masked)
    assert HANDLE.sub(shape, masked) == text


def test_a_bare_crn_in_parentheses_is_masked_and_its_parentheses_stay() -> None:
    masked, _ = masker().mask("Data Structures (21936)")
    assert HANDLE.sub("@", masked) == "Data Structures (@)"


@pytest.mark.parametrize("decoy", (*DECOYS, "FALL 2023", "ISO 8601", "HTTP 404", "EXAM 100", "COVID 2020", "2026-03-01T04:59:59Z",
                                   "worth 1000 points", "it is 1000 words", "Windows 2000", "QUIZ 1000", "Room 1234"))  # fmt: skip
def test_what_only_looks_like_a_course_is_left_alone(decoy: str) -> None:
    assert masker("zed-001", "CS_3704_21936_202601").mask(decoy) == (decoy, 0)


def test_spellings_of_one_course_share_its_handle_once_its_code_is_known() -> None:
    known = masker("zed-001", "CS_3704_21936_202601")
    handle = known.handle_of_code("CS_3704_21936_202601")
    for text in ("CS 3704", "CS3704", "cs-3704", "CS_3704_202601", "(21936)", "bring 21936 along"):
        assert HANDLE.search(known.mask(text)[0]).group() == handle, text  # type: ignore[union-attr]


def test_the_order_in_which_codes_are_learnt_does_not_matter() -> None:
    codes = ["CS_3704_21936_202601", "CS 3704", "MATH 2024H", "Data Structures (21936)", "202601_CS_3704_21936"]
    texts = ["CS 3704 exam", "math2024h", "21936"]
    assert [masker("z", *codes).mask(t) for t in texts] == [masker("z", *codes[::-1]).mask(t) for t in texts]


def test_a_full_identity_is_shared_between_contributors_and_a_partial_one_is_not() -> None:
    full, partial = "CS_3704_21936_202601", "CS 3704"
    assert masker("a").handle_of_code(full) == masker("b").handle_of_code(full)
    assert masker("a").handle_of_code(partial, None) != masker("b").handle_of_code(partial, None)


def test_two_contributors_own_short_handles_never_meet() -> None:
    a, b = (masker(name).mask("@COURSE1 notes")[0] for name in ("a", "b"))
    assert a != b and "@COURSE1 " not in a + b
    assert masker("a").handle_of_code("@COURSE1 Econ of …") in a


def test_what_a_code_reveals_is_masked_wherever_else_it_stands() -> None:
    known = masker("zed-001", "zz_9911_33333_202601", "intro-7b-yard")
    assert known.mask("zz 9911 prep, 33333 and INTRO-7B-YARD")[1] == 3


def test_a_crn_that_only_the_name_tells_completes_the_code() -> None:
    known = CourseMasker(Registry(KEY), "zed-001")
    known.learn("PSYC 3014H", "2026 Spring", "Cognitive Psychology (17100)")
    assert known.handle_of_code("PSYC 3014H", "2026 Spring") in known.mask("Cognitive Psychology (17100)")[0]


@given(st.text(alphabet="CSMATHcs 0123456789_-()@OURE\u00a0/", max_size=40))
def test_masking_twice_is_masking_once(text: str) -> None:
    known = masker("zed-001", "CS_3704_21936_202601")
    once, _ = known.mask(text)
    assert known.mask(once) == (once, 0)


@given(st.text(alphabet=st.characters(exclude_characters="0123456789", exclude_categories=("Nd", "Cs")), max_size=60))
def test_a_text_without_digits_names_no_course(text: str) -> None:
    assert find(text) == []


def test_terms_are_read_from_both_spellings() -> None:
    assert [term_code(t) for t in ("2026 Spring", "Spring 2026", "2025 Summer Session 2", "Default Term", None)] == [
        "202601", "202601", "202506", None, None,
    ]  # fmt: skip
