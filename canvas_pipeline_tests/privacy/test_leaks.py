"""Leaks in names and titles, by kind: none of the training half survives, nothing ordinary is taken for one."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from itertools import combinations

import pytest

from canvas_pipeline.privacy.audit.auditor import Auditor
from canvas_pipeline.privacy.audit.keys import RegistryKeys
from canvas_pipeline.privacy.courses.masker import CourseMasker, learn, merge
from canvas_pipeline.privacy.courses.registry import HANDLE, Registry
from canvas_pipeline.privacy.identities.course_names import instructors_in
from canvas_pipeline.privacy.identities.numbers import is_assigned, is_callable, is_checked, is_handle, is_login
from canvas_pipeline.privacy.identities.persons import find_people
from canvas_pipeline.privacy.identities.pii import Scrubber
from canvas_pipeline_tests.privacy.leak_cases import KEY, Leak, leaks, survivors
from canvas_pipeline_tests.privacy.leak_shapes import (
    FIFTH,
    SEEN,
    SEEN_FOURTH,
    SEEN_THIRD,
    SEEN_TOO,
    TRAINING,
)
from canvas_pipeline_tests.steps import steps

LATER = (SEEN_THIRD, SEEN_FOURTH, FIFTH)
OWN = (
    "27-314",
    "15-213",
    "WIDG90015_2031_SM2",
    "01:640:252:05",
    "EN.715.309.01.SP31",
    "12345.203110.EA, 12391.203110.EA",
)


def known(*codes: str) -> CourseMasker:
    return CourseMasker(Registry(KEY), "zed-001", merge(learn(code, "2031 Spring") for code in codes))


def test_no_leak_of_the_training_half_survives() -> None:
    cases = list(leaks(TRAINING, seed=3, each=24))
    assert (
        {case.kind for case in cases} == set(TRAINING) == set(SEEN) == set(SEEN_THIRD) == set(SEEN_FOURTH) == set(FIFTH)
    )
    assert [(case.kind, case.text, out) for case, out in survivors(cases)] == []


def test_a_leak_that_nothing_masks_is_reported() -> None:
    planted = Leak("none", "none", "five four oh", "text", None, ("four",))
    assert survivors([planted]) == [(planted, "five four oh")]


def test_the_halves_share_no_wording() -> None:
    halves = [{w for kind in half.values() for w in kind} for half in (TRAINING, SEEN, SEEN_TOO, *LATER)]
    for one, other in combinations(halves, 2):
        assert not one & other


@pytest.mark.parametrize("half", LATER, ids=("third", "fourth", "fifth"))
def test_every_case_is_drawn_with_what_must_be_gone(half: Mapping[str, tuple[str, ...]]) -> None:
    assert min(map(len, half.values())) >= 8
    for shapes in half.values():
        assert len(set(shapes)) == len(shapes)
    cases = list(leaks(half, seed=3, each=40))
    assert len({case.text for case in cases}) >= 0.9 * len(cases)
    for case in cases:
        assert case.gone and all(len(part) > 1 and part in case.text for part in case.gone), case.shape
        assert not set("{}[]") & set(case.text), case.shape


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("27-314 Homework 1", OWN[0]), ("recap of 27314", OWN[0]), ("WIDG90015 lab", OWN[2]), ("notesWIDG90015final", OWN[2]),
        ("01:640:252 quiz", OWN[3]), ("EN.715.309 HW", OWN[4]),
    ],
)  # fmt: skip
def test_a_code_of_no_known_form_has_the_handle_of_its_field_wherever_it_stands(text: str, code: str) -> None:
    masker = known(*OWN)
    assert HANDLE.findall(masker.mask(text)[0]) == HANDLE.findall(masker.handle_of_code(code, "2031 Spring"))


def test_a_shape_that_recurs_in_ones_own_codes_names_courses_and_one_alone_does_not() -> None:
    assert known("27-314", "15-213").mask("before 18-210 starts")[1] == 1
    assert known("27-314").mask("before 18-210 starts")[1] == 0


@pytest.mark.parametrize(
    "text",
    ["Chapter 18-210", "pp. 18-210", "Problems 18-210", "Section 18-210", "2030-31 plan", "version 6.046", "18-210 points",
     "ICML2023 reading", "Windows 95", "3D model 2A", "Reading 2.14", "COVID2020", "room 12:30", "ISO27001 notes"],
)  # fmt: skip
def test_ordinary_numbers_stay_though_ones_codes_look_like_them(text: str) -> None:
    assert known("27-314", "15-213", "6.006", "18.060").mask(text) == (text, 0)


@pytest.mark.parametrize("rest", ["-0311,0312", "/652", "_A00", "-0311/0312", "-01"])
def test_the_sections_behind_a_course_go_with_it(rest: str) -> None:
    assert HANDLE.sub("@", known("CS_3704_21936_202601").mask(f"CS 3704{rest} quiz")[0]) == "@ quiz"


@pytest.mark.parametrize("rest", ["/100 points", ", 50 questions", " - 12 weeks", ".5 hours"])
def test_what_counts_something_behind_a_course_stays(rest: str) -> None:
    assert HANDLE.sub("@", known("CS_3704_21936_202601").mask(f"CS 3704{rest}")[0]) == f"@{rest}"


@pytest.mark.parametrize(
    "text",
    ["NetID required", "Enter your NetID in the box", "Password Cracking lab 3", "Discord: join us", "GitHub lab3",
     "Slack README.md", "Zoom etiquette 101", "Meeting 3 notes", "Call number QA76.9", "Text 3 paragraphs",
     "Login page mockup", "uni: overview",
     "DNI report", "Contact 12 people", "pin 3 photos", "Telegram of 1917", "RUT depth lab", "Insta story week2"],
)  # fmt: skip
def test_a_cue_without_an_identity_masks_nothing(text: str) -> None:
    found = Scrubber(KEY, "zed-001").scrub([text])[0].text
    assert "@USERNAME" not in found and "@SSN" not in found and "@PHONE" not in found and "@STUDENT_ID" not in found


@pytest.mark.parametrize(
    "name",
    ["S2-AP Chem-04", "AP_Lit_P4", "Trig-Honors-S1", "Spanish II Per. 5", "Intro to Python Fall 2031", "Fall 2031 online",
     "APUSH_2031", "US-History-3", "Mechatronics Pd 3", "Data Science Fall 2031 evening", "PreCalc-H-S2", "Quizzes (graded)"],
)  # fmt: skip
def test_a_course_name_without_a_teacher_has_none(name: str) -> None:
    assert instructors_in(name) == []


@pytest.mark.parametrize(
    "text",
    ["Interview with Experts", "Call Bill Pay", "Partner A Worksheet", "Interview A Questions", "Ask Art Questions"],
)
def test_what_only_sounds_like_somebody_after_a_cue_is_nobody(text: str) -> None:
    assert find_people(text) == []


def test_numbers_are_believed_by_their_plan_and_check_digits() -> None:
    assert is_checked("12.345.678-5") and not is_checked("12.345.678-6") and is_checked("529.982.247-25")
    assert (
        is_callable("07700 900123")
        and is_assigned("98765 43210")
        and not is_assigned("0000 000000")
        and not is_callable("2031-02-10")
        and not is_callable("100 200 3000")
    )
    assert is_login("jqd4") and not is_login("required") and is_handle("qbrindle_7") and not is_handle("lab3")


@pytest.mark.parametrize(
    ("text", "type_"),
    [("NetID (jqd4)", "USERNAME"), ("Matrikelnummer: 1234567", "STUDENT_ID"), ("Zoom ID 943 2211 8800", "MEETING_ID"),
     ("s3871234_A2", "STUDENT_ID"), ("RUT 12.345.678-5", "SSN"), ("Call 07700 900123", "PHONE"),
     ("Discord: qbrindle#2291", "USERNAME"),
     ("Geology, Spring 2031, 14661", "COURSE_CRN"), ("class nbr 14661", "COURSE_CRN"), ("14661/2031Fall", "COURSE_CRN"),
     ("username: jbrindl42", "USERNAME"), ("venmo: @qbrindle_4", "USERNAME"), ("zoom.us/j/98765432101", "MEETING_ID"),
     ("Réunion Zoom n° 894 7563 3367", "MEETING_ID"), ("Meet code: abc-defg-hij", "MEETING_ID"), ("pwd: Ktq590v", "MEETING_ID"),
     ("Tlf. 412 34 567", "PHONE"), ("OIB studenta 72291630030", "SSN"), ("N° étudiant 31846028", "STUDENT_ID"),
     ("01:640:252 quiz", "COURSE_CODE"), ("(11588_2023Spring)", "COURSE_CRN"), ("Interview with J Pearson", "PERSON")],
)  # fmt: skip
def test_the_auditor_sees_them_by_its_own_means(text: str, type_: str) -> None:
    assert type_ in Auditor().types_in(text)


@pytest.mark.parametrize(
    "text",
    ["Spring 2031, 14661 words", "12,500 steps, Fall 2031", "Fall 2031/2032", "Meeting 3, 2031-02-10", "username: required",
     "Snapchat: join us",
     "Teams of 250 300 350 people", "class number 12", "Meet at the well-kept-inn", "pw: hidden", "Portable generators 2031 1500"],
)  # fmt: skip
def test_the_auditor_leaves_alone_what_only_looks_like_them(text: str) -> None:
    assert Auditor().types_in(text) == ()


def test_the_auditor_knows_a_numbered_code_of_the_registry_and_leaves_pages_alone() -> None:
    auditor = Auditor(RegistryKeys(["of/zed-001/code/27-314"]))
    assert auditor.types_in("27-314 lab") == ("COURSE_CODE",) and auditor.types_in("pages 27-314") == ()


@pytest.mark.parametrize(
    "unit", ["27-", "EN.7", "NetID ", "0 ", "Fall 2031 x", "Interview with ", "zoom 1", "A_", "1 Maple "]
)
def test_hostile_text_takes_steps_in_proportion_to_its_length(unit: str) -> None:
    def look(text: str) -> None:
        known(*OWN).mask(text)
        instructors_in(text)
        find_people(text)

    small, large = (steps(partial(look, unit * (size // len(unit)))) for size in (1_000, 4_000))
    assert large <= 4.6 * small + 2000


@pytest.mark.parametrize("directory_id", ("hw1530", "mr3956", "jg1788", "rc4163"))
def test_a_short_directory_id_goes_whatever_its_letters_say(directory_id: str) -> None:
    name = f"Number Theory - {directory_id}"
    assert find_people(name, course_name=True) == [(16, 16 + len(directory_id))]


def test_a_term_is_no_directory_id() -> None:
    assert find_people("Number Theory - fa2031", course_name=True) == []
