"""Further kinds of leaks in names and titles: what goes, and what only looks like it and stays."""

from __future__ import annotations

import pytest

from canvas_pipeline.privacy.courses.masker import CourseMasker, learn
from canvas_pipeline.privacy.courses.registry import HANDLE, Registry
from canvas_pipeline.privacy.identities.persons import find_people
from canvas_pipeline.privacy.identities.pii import Scrubber
from canvas_pipeline_tests.privacy.leak_cases import KEY


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
        ("Fall 2032/18557 Ceramics", "Fall 2032/@ Ceramics"), ("78993.203130 notes", "@.203130 notes"),
        ("2030, Fall: 4417", "2030, Fall: @"),
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


@pytest.mark.parametrize(
    "rest",
    [
        " (018, 031)",
        " 072 & 024",
        ":21,51",
        " 018",
        " (003)",
        ":05",
        " (A01 & A02)",
        " sections 018 and 031",
        " [018/031]",
        " 018/031",
    ],
)
def test_a_list_of_sections_goes_with_the_course_it_stands_behind(rest: str) -> None:
    assert course_masked(f"QXZ 4310{rest} quiz") == "@ quiz"


@pytest.mark.parametrize(
    "rest", [" 05/12 quiz", " (100 points)", " 12, 13", ": 20, 30 points", " (05/12)", " 10 & 11", " (2)"]
)
def test_a_day_or_an_amount_behind_a_course_stays(rest: str) -> None:
    assert course_masked(f"QXZ 4310{rest}") == f"@{rest}"


@pytest.mark.parametrize(
    ("text", "gone"),
    [
        ("github.com/qbrindle/hw1", "qbrindle"), ("t.me/qbrindle", "qbrindle"), ("chess.com/member/qbrindle", "qbrindle"),
        ("/home/qbrindle/lab2", "qbrindle"), ("C:\\Users\\qbrindle\\lab", "qbrindle"), ("cd ~qbrindle/public", "qbrindle"),
        ("ssh qbrindle@rlogin", "qbrindle"), ("qbrindl_hw4.py", "qbrindl"), ("Name the repo cs-qbrindle", "qbrindle"),
        ("Skype: live:qbrindle4", "qbrindle4"), ("Roblox user qbrindle505", "qbrindle505"), ("Minecraft IGN qbrindle", "qbrindle"),
        ("Chess.com - qbrindle39", "qbrindle39"), ("gamertag: qbrindle_9", "qbrindle_9"),
    ],
)  # fmt: skip
def test_a_name_on_a_platform_or_machine_goes(text: str, gone: str) -> None:
    assert gone not in Scrubber(KEY, "zed-001").scrub([text])[0].text


@pytest.mark.parametrize(
    "text",
    ["github.com/features tour", "github.com/numpy", "/home/user/lab2", "/home/ubuntu", "ssh user@host",
     "mergesort_lab3.py", "numpy_hw2.ipynb",
     "template_hw4.py", "Create branch fix-typo", "Kaggle: titanic", "LeetCode: twosum", "Scratch project - pong", "Quizlet unit_3",
     "Minecraft - redstone", "Handle edge_cases", "live: lecture", "Duolingo level2", "Kahoot ch3"],
)  # fmt: skip
def test_a_page_program_or_default_name_stays(text: str) -> None:
    assert "@USERNAME" not in Scrubber(KEY, "zed-001").scrub([text])[0].text


@pytest.mark.parametrize(
    ("text", "gone"),
    [
        ("Zoom link (ID: 325 7511 7834)", "7511"), ("Zoom/17999621854/week 3", "17999621854"),
        ("Webex meeting number: 6017 848 1920", "848"),
        ("Bel 06-99757747", "99757747"), ("Llame al 55 4890 8820", "4890"), ("RA do aluno 7690630", "7690630"),
        ("T.C. Kimlik No: 36574271522", "36574271522"),
    ],
)  # fmt: skip
def test_a_meeting_telephone_or_national_number_goes_after_its_cue_in_any_groups(text: str, gone: str) -> None:
    assert gone not in Scrubber(KEY, "zed-001").scrub([text])[0].text


@pytest.mark.parametrize(
    "text",
    [
        "Zoom 2030-02-10 1430",
        "Webex 12 15 30",
        "Zoom (ID: 12)",
        "Bel 20 dB",
        "Llame a 3 personas",
        "RA 2 hours",
        "Zoom week 3/4",
    ],
)
def test_other_numbers_after_such_a_cue_stay(text: str) -> None:
    found = Scrubber(KEY, "zed-001").scrub([text])[0].text
    assert not any(sign in found for sign in ("@USERNAME", "@PHONE", "@SSN", "@STUDENT_ID"))


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("Concurrent: MPGJ*6741", "Concurrent: @"), ("VKN-759-92 transfer eval", "@ transfer eval"),
        ("Linked with KFVZ661W & GXLH312", "Linked with @ & @"), ("(see HPBW.2129 notes)", "(see @ notes)"),
        ("Bridge from GT 1974 to this class", "Bridge from @ to this class"), ("GXLH312 and QXZ 4310", "@ and @"),
    ],
)  # fmt: skip
def test_foreign_codes_with_other_signs_and_several_of_them_go(text: str, masked: str) -> None:
    assert course_masked(text) == masked


@pytest.mark.parametrize(
    "text",
    ["Photos from NYC 2024", "Notes from ICML 2023", "see RFC 2616", "QXZ 4310 and ISO 9001", "QXZ 4310 & COVID 2020",
     "AB-123-45 bolts",
     "QXZ 4310, UPTO 100 points"],
)  # fmt: skip
def test_events_standards_and_amounts_are_no_foreign_codes(text: str) -> None:
    assert course_masked(text) == text.replace("QXZ 4310", "@")


def test_an_own_code_of_one_letter_and_two_numbers_goes() -> None:
    assert course_masked("T81.8594 reading", "T81.8594.01") == "@ reading"


@pytest.mark.parametrize(
    ("text", "gone"),
    [
        ("Lab day - Cedar Computer Lab", "Cedar"), ("Drop it at the Garden Front Desk", "Garden"),
        ("Showcase: Heritage Gallery, 2nd floor", "Heritage"),
        ("Section meets in 7844-L Harbor Hall", "7844"), ("Lab (287/241 Wickeldez Hall)", "287"),
        ("@COURSE12345678 exam, Thursday 1-12pm", "12pm"), ("@COURSE12345678 (9:30a-12:50a)", "12:50"),
        ("@COURSE12345678 Final - 3:00 AM", "3:00"),
        ("Zoom for @COURSE12345678 starts 1.30pm", "30pm"), ("@COURSE12345678: class begins 2:20 a.m. Monday", "2:20"),
    ],
)  # fmt: skip
def test_a_place_its_number_and_the_hours_of_a_course_go(text: str, gone: str) -> None:
    assert gone not in Scrubber(KEY, "zed-001").scrub([text])[0].text


@pytest.mark.parametrize(
    "text",
    ["Gallery Walk", "Photo Gallery project", "Student Gallery", "Chemistry Computer Lab",
     "Help Desk survey", "Fri 10/12 exam",
     "@COURSE12345678 HW 3 due Friday 5:00 PM",
        "@COURSE12345678 quiz closes at 10:59pm", "@COURSE12345678 version 1.30", "Film at 3pm"],
)  # fmt: skip
def test_a_kind_of_room_and_the_hour_that_work_is_due_stay(text: str) -> None:
    assert Scrubber(KEY, "zed-001").scrub([text])[0].text == text


def people(text: str, course_name: bool = False) -> list[str]:
    return [text[start:end] for start, end in find_people(text, course_name)]


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("Lab partners: Rob & June", ["Rob", "June"]), ("Group 4 - June, Pat", ["June", "Pat"]),
        ("Ask Will, Pat and Ivy", ["Will", "Pat", "Ivy"]),
        ("Advisor meeting (Lily Pool)", ["Lily Pool"]), ("Graded by Chase", ["Chase"]), ("Peer review of April R.", ["April"]),
        ("TA: Art (section 2)", ["Art"]), ("Substitute: Mrs. Page", ["Page"]), ("Tutoring by June Waters", ["June Waters"]),
        ("Zyrqvist, Will - extension", ["Zyrqvist, Will"]),
    ],
)  # fmt: skip
def test_all_who_are_named_after_a_cue_go(text: str, names: list[str]) -> None:
    assert people(text) == names


@pytest.mark.parametrize(
    "text",
    ["Group 4 - April, May", "Presented by Art Department", "Meeting (Summer Term)", "Team 2 - Faith based care", "Graded by May 5",
     "Partner Art Questions", "Group 2 - Themes, Style", "Ask May 5 questions", "MR Imaging", "Session (Grace Period)"],
)  # fmt: skip
def test_months_subjects_and_terms_after_such_a_cue_are_nobody(text: str) -> None:
    assert people(text) == []


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("Sandbox_qbrindle_2030", ["qbrindle"]), ("qbrindle's Test Course", ["qbrindle"]), ("qbrindle Sandbox", ["qbrindle"]),
        ("Marine Ecology -- dzorvel -- 2032Fall", ["dzorvel"]), ("Math 7 Zyrqvist/Quobrand (co-taught)", ["Zyrqvist", "Quobrand"]),
        ("Sandbox_template_2030", []), ("pytorch Sandbox", []), ("Test Course for teaching", []), ("Biology/Chemistry 7", []),
    ],
)  # fmt: skip
def test_the_owner_of_a_trial_course_and_two_who_teach_together_go(name: str, found: list[str]) -> None:
    assert people(name, course_name=True) == found
