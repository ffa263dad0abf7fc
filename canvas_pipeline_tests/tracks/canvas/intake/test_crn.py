"""Course identities: found in every shape, never where there is none, always in linear time."""

from __future__ import annotations

import re
from functools import partial

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from canvas_pipeline.privacy.courses import forms
from canvas_pipeline.privacy.courses.crn import CourseId, find, term_code
from canvas_pipeline.tracks.canvas.intake.synthetic.curriculum import DECOYS as CURRICULUM_DECOYS
from canvas_pipeline.tracks.canvas.intake.synthetic.curriculum import SUBJECTS
from canvas_pipeline_tests.steps import steps
from canvas_pipeline_tests.tracks.canvas.intake.course_cases import INSIDE, WHOLE
from canvas_pipeline_tests.tracks.canvas.intake.course_decoys import DECOYS

# What an identity may stand beside. None of them is part of a course's name.
FRAMES = (
    "{}",
    "Notes for {} exam",
    "({})",
    "{}: Title",
    "«{}»",
    "“{}”",
    "…{}…",
    "🎉 {} 🎉",
    "draft of {}",
    "{}\u00a0– notes",
    "{}!",
)
# An independent reading of the registrar's form, on purpose not made of the parts of `courses.forms`.
RAW_FORM = re.compile(r"[A-Za-z]{2}[ _./-]{1,2}\d{4}[A-Z]?[ _./-]{1,2}\d{5}[ _./-]{1,2}20\d\d(0[1-9]|1[0-2])")


def found(text: str) -> list[str]:
    return [text[m.start : m.end] for m in find(text)]


@pytest.mark.parametrize("shape", WHOLE)
def test_every_shape_is_found_whole_in_every_frame(shape: str) -> None:
    assert [(frame, found(frame.format(shape))) for frame in FRAMES] == [(frame, [shape]) for frame in FRAMES]


@pytest.mark.parametrize("case", INSIDE)
def test_exactly_the_marked_part_of_a_text_is_found(case: str) -> None:
    plain = re.sub(r"\[\[(.*?)\]\]", r"\1", case)
    assert found(plain) == re.findall(r"\[\[(.*?)\]\]", case)


@pytest.mark.parametrize("decoy", dict.fromkeys((*DECOYS, *CURRICULUM_DECOYS)))
def test_what_only_looks_like_a_course_is_left_alone(decoy: str) -> None:
    assert found(decoy) == [] and found(f"{decoy} 🎉") == [] and found(f"“{decoy}”") == []


@pytest.mark.parametrize("frame", ("{}", "Notes for {}", "{} Exam Review", "x_{}_y"))
def test_every_course_of_the_invented_campus_is_found_in_every_spelling(frame: str) -> None:
    missed = [
        text
        for subject in SUBJECTS
        for number, _ in subject.courses
        for spelling in ("{s} {n}", "{s}{n}", "{s}-{n}", "{l}{n}", "{l} {n}", "{s}_{n}_12345_202601", "{s} {n}H")
        if (text := frame.format(spelling.format(s=subject.code, l=subject.code.lower(), n=number)))
        and len(find(text)) != 1
    ]
    assert missed == []


def test_spellings_of_one_course_are_one_course() -> None:
    spellings = (
        "CS 3704",
        "CS3704",
        "cs-3704",
        "Cs_3704",
        "ＣＳ ３７０４",
        "C\u200bS 3704",
        "CS\u00a03704",
        "CS–3704",
        "cs.3704",
    )
    assert {find(text)[0].course for text in spellings} == {CourseId("CS", "3704")}
    full = (
        "CS_3704_21936_202601",
        "202601_CS_3704_21936",
        "202601-21936-CS-3704",
        "CS 3704 202601 21936",
        "siteCS_3704_21936_202601x",
    )
    assert {find(text)[0].course for text in full} == {CourseId("CS", "3704", "21936", "202601")}
    dated = ("CS 3704 Spring 2026", "Spring 2026 CS 3704", "2026 Spring CS 3704", "CS3704-SP26", "CS_3704_202601")
    assert {find(text)[0].course for text in dated} == {CourseId("CS", "3704", None, "202601")}


def test_neither_a_course_nor_a_mention_shows_itself() -> None:
    shown = f"{find('CS_3704_21936_202601')!r}{find('CS_3704_21936_202601')[0].course}"
    assert not re.search("CS|3704|21936|202601", shown)


def test_a_contributors_own_subjects_are_believed() -> None:
    assert found("QQ 4411") == [] and find("QQ 4411", frozenset({"QQ"}))[0].course == CourseId("QQ", "4411")


SUBJECT = st.text("ABCDEFGHIJKLMNOPQRSTUVWXYZ", min_size=2, max_size=5)
NUMBER = st.integers(1000, 7999)
CRN = st.integers(10000, 99999)
TERM = st.builds("{}{:02d}".format, st.integers(2000, 2030), st.integers(1, 12))
SEP = st.sampled_from("_- ./")
# Any surroundings but a placeholder of ours, which nothing may touch, and digits that would make it another number.
AROUND = st.text(st.characters(exclude_characters="@", exclude_categories=("Cs", "Nd")), max_size=12)


@given(AROUND, SUBJECT, NUMBER, CRN, TERM, SEP, AROUND, st.booleans())
@example("site_", "CS", 3704, 21936, "202601", "_", "_main", False)
@example("x", "CS", 3704, 21936, "202601", "_", "x", True)
@settings(max_examples=200, deadline=None)
def test_no_registrars_form_survives_wherever_it_stands(
    before: str, subject: str, number: int, crn: int, term: str, sep: str, after: str, lower: bool
) -> None:
    code = sep.join((subject.lower() if lower else subject, str(number), str(crn), term))
    text = before + code + after
    left = text
    for mention in reversed(find(text)):
        left = left[: mention.start] + "@" + left[mention.end :]
    assert str(crn) not in left and not RAW_FORM.search(left)


@given(
    st.sampled_from(sorted(forms.KNOWN_SUBJECTS - forms.AMBIGUOUS - forms.NO_SUBJECT)),
    NUMBER,
    SEP,
    st.booleans(),
    st.data(),
)
@settings(max_examples=150, deadline=None)
def test_no_known_subject_and_number_survives_between_words(
    subject: str, number: int, sep: str, lower: bool, data: st.DataObject
) -> None:
    left, right = (data.draw(st.text(" ,;:!?()[]_🎉\u00a0\n\t\"'", max_size=4)) for _ in range(2))
    code = f"{subject.lower() if lower else subject}{sep}{number}"
    assert any(code in part for part in found(f"note{left or ' '}{code}{right or ' '}done")), "not found"


@given(st.text(st.characters(exclude_categories=("Nd", "Cs", "No", "So")), max_size=60))
def test_a_text_without_digits_names_no_course(text: str) -> None:
    assert find(text) == []


@given(st.text(max_size=80) | st.text("CS ART371-_/()@OURE\u200b\u00a0３crn,", max_size=80))
@settings(max_examples=200, deadline=None)
def test_mentions_are_in_order_apart_and_within_any_text_at_all(text: str) -> None:
    spans = [(m.start, m.end) for m in find(text)]
    assert all(0 <= start < end <= len(text) for start, end in spans)
    assert all(a[1] <= b[0] for a, b in zip(spans, spans[1:], strict=False))


HOSTILE = (
    "1", "123 ", "CS_", "_", " ", "CRN ", "202601_", "A/", "AB/", "(12345,", "a.b@", "https://", "\u200b1", "CS&nbsp;",
    "@COURSE1_12345_", "CS 3704 ", "CS 3704/1234", "FALL 2023 ", "cs3704@a.b ", "www.a", "Spring 2026 ", "12345/",
)  # fmt: skip


@pytest.mark.parametrize("unit", HOSTILE)
def test_hostile_text_takes_steps_in_proportion_to_its_length(unit: str) -> None:
    small, large = (steps(partial(find, "CS" + unit * (size // len(unit)) + "9123")) for size in (2_000, 8_000))
    assert large <= 4.5 * small + 100


def test_terms_are_read_from_both_spellings() -> None:
    assert [term_code(t) for t in ("2026 Spring", "Spring 2026", "2025 Summer Session 2", "Default Term", None)] == [
        "202601", "202601", "202506", None, None,
    ]  # fmt: skip


def test_the_tables_of_words_do_not_contradict_each_other() -> None:
    assert forms.AMBIGUOUS <= forms.KNOWN_SUBJECTS and forms.BESIDE_YEARS <= forms.AMBIGUOUS
    assert sorted(forms.KNOWN_SUBJECTS & forms.NO_SUBJECT) == []
