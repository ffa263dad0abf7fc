"""Identities that their clause or their place gives away, whatever the wording, and ordinary clauses of the same build."""

from __future__ import annotations

from collections import Counter

import pytest

from canvas_pipeline.privacy.courses.masker import CourseMasker, learn
from canvas_pipeline.privacy.courses.registry import HANDLE, Registry
from canvas_pipeline.privacy.identities.course_names import instructors_in
from canvas_pipeline.privacy.identities.languages import only_rules
from canvas_pipeline.privacy.identities.numbers import is_coined, is_coined_with_digits, is_group_code, is_long_id
from canvas_pipeline.privacy.identities.persons import find_people
from canvas_pipeline.privacy.identities.pii import Scrubber
from canvas_pipeline.privacy.identities.vocabulary import reads_as_word
from canvas_pipeline_tests.privacy.leak_cases import KEY, leaks, survivors
from canvas_pipeline_tests.privacy.leak_shapes import SEEN, SEEN_FOURTH, SEEN_TOO


def scrubbed(text: str) -> str:
    return Scrubber(KEY, "zed-001").scrub([text])[0].text


def masked(text: str, code: str = "QXZ 4310") -> str:
    return HANDLE.sub("@", CourseMasker(Registry(KEY), "zed-001", learn(code)).mask(text)[0])


def test_few_leaks_of_any_kind_survive_in_the_halves_that_rules_were_written_by() -> None:
    cases = [case for half in (SEEN, SEEN_TOO, SEEN_FOURTH) for case in leaks(half, seed=5, each=28)]
    left = Counter(case.kind for case, _ in survivors(cases))
    assert {
        kind: count for kind, count in left.items() if count > 0.05 * sum(case.kind == kind for case in cases)
    } == {}


@pytest.mark.parametrize(
    ("text", "gone"),
    [
        ("OIB studenta 72291630030", "72291630030"), ("S.I.N. = 683 888 267 for payroll", "888"),
        ("Reisepass Nr. C01X00T47", "C01X00T47"),
        ("Grade dispute (953854110)", "953854110"), ("Candidate 321746 booklet", "321746"),
        ("Teams-Besprechung, Kennung 950 759 410 550", "410"),
        ("ID de reunión 633 6863 5049", "6863"), ("BigBlueButton room cwg-thw-qwqq", "qwqq"),
        ("Passcode for recording is Ydr295v", "Ydr295v"),
        ("Nummer der Werkstatt 0171 9747060", "9747060"), ("Ring mamma 070-220 11 90", "220"),
        ("print queue user tquilod2", "tquilod2"),
        ("wz28180-assignment3.docx", "wz28180"), ("Sign in with bqtelor / temp password", "bqtelor"),
        ("dm mhqeskes on ig", "mhqeskes"),
        ("find me on Strava as eqstered12", "eqstered12"), ("微信号:sqnettav911", "sqnettav911"), ("Uni-ID bk4178", "bk4178"),
        ("Reddit u/bqwickd16", "bqwickd16"), ("message sqsterav_3 for link", "sqsterav_3"),
    ],
)  # fmt: skip
def test_an_id_goes_by_its_shape_and_any_cue_of_its_clause(text: str, gone: str) -> None:
    assert gone not in scrubbed(text)


@pytest.mark.parametrize(
    "text",
    ["Order no. 12345678", "ISBN number 9780131103627", "Number of samples 20310210", "Compte rendu de lecture",
     "Quizlet Flashcards", "ggplot2 Recap",
     "User onboarding", "Sign in with care", "top-ten-list", "Log in with two devices", "Code review 3", "Zoom in on details"],
)  # fmt: skip
def test_a_number_of_a_thing_and_a_word_after_such_a_cue_stay(text: str) -> None:
    assert scrubbed(text) == text


@pytest.mark.parametrize(
    ("text", "gone"),
    [
        ("Poster setup in Maple Foyer", "Maple"), ("Reception (Aspen Terrace)", "Aspen"),
        ("Vorlesung im Ulqanlew-Hörsaal", "Ulqanlew"),
        ("Report to 287, Qaresshaw Hall, for orientation", "287"), ("Meet in rooms 753 and 839 Qaborshaw Hall", "753"),
        ("@COURSE12345678 Tutorium um 18.15 Uhr", "18.15"), ("5p help session - @COURSE12345678", "5p"),
        ("@COURSE12345678 by 8:05pm", "8:05"),
        ("15h30 cours @COURSE12345678", "15h30"),
    ],
)  # fmt: skip
def test_a_part_of_a_campus_its_number_and_a_course_s_hour_go(text: str, gone: str) -> None:
    assert gone not in scrubbed(text)


@pytest.mark.parametrize(
    ("text", "result"),
    [
        ("QXZ 4310 (LEC 018) recap", "@ recap"), ("QXZ 4310|034|076 survey", "@ survey"),
        ("QXZ 4310 - 018; 031 outline", "@ outline"),
        ("QXZ 4310 #085 intro", "@ intro"), ("44508@2029-Fall gradebook", "@@2029-Fall gradebook"),
        ("Class nbr 14661 Fall 2031 Ecology", "Class nbr @ Fall 2031 Ecology"),
        ("Fall 2031 | Ceramics | 14667", "Fall 2031 | Ceramics | @"),
        ("GCX3722 tutors wanted", "@ tutors wanted"), ("JPF-632 vs this course", "@ vs this course"), ("QXZ 4310 LAB 3", "@ LAB 3"),
        ("QXZ 4310 section 4", "@ section 4"), ("ISO-900 compliance", "ISO-900 compliance"),
        ("Fall 2031, 12500 steps", "Fall 2031, 12500 steps"),
    ],
)  # fmt: skip
def test_sections_numbers_of_a_term_and_codes_beside_words_of_study_go(text: str, result: str) -> None:
    assert masked(text) == result


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("Pat's study guide", ["Pat"]), ("Peer mentor assigned = April J", ["April J"]),
        ("Thank-you card for Rose Frost", ["Rose Frost"]),
        ("Entrevista a April Quilesbaum", ["April Quilesbaum"]), ("Entretien avec Zqbelvand", ["Zqbelvand"]),
        ("Will and I present Friday", ["Will"]),
        ("April's schedule", []), ("Tutorial Will power", []), ("Slides for Grace period", []), ("Mark your calendar", []),
        ("Apuntes de Cinemática", []), ("Gespräch mit Experten", []), ("Don Quijote, capítulo 8", []),
        ("Intro to Van Allen belts", []),
    ],
)  # fmt: skip
def test_a_name_that_is_a_word_is_somebody_by_what_stands_beside_it(text: str, names: list[str]) -> None:
    found = {text[start:end] for start, end in find_people(text)}
    assert {name for name in found if not any(name != other and name in other for other in found)} == set(names)


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("ONLINE: Modern Art tquild5 8W2", ["tquild5"]), ("Organic Chemistry Blueprint v2 qtolinst", ["qtolinst"]),
        ("2029.59831.dqnettav.Intro to Sociology", ["dqnettav"]), ("Homebase Nqttorquist 8th", ["Nqttorquist"]),
        ("4B - Osqterdmore - Social Studies", ["Osqterdmore"]), ("Taller de escritura", []), ("Gamelan Ensemble", []),
        ("Intro to Kubernetes", []),
        ("Fundamentals of Ayurveda", []), ("Histoire du cinéma", []), ("Advanced ggplot2", []), ("Biology 101 lab", []),
    ],
)  # fmt: skip
def test_what_is_no_word_in_an_english_course_name_is_somebody_s(name: str, found: list[str]) -> None:
    assert [name[start:end] for start, end in instructors_in(name)] == found


def test_a_login_is_no_word_of_any_kind() -> None:
    assert all(map(reads_as_word, ("microcontrollers", "signup", "mergesort", "nonfiction")))
    assert not any(map(reads_as_word, ("bpelldor", "qtolinst")))
    assert (
        is_coined("qtolinst")
        and not is_coined("README.md")
        and is_coined_with_digits("qtolinst4")
        and not is_coined_with_digits("ggplot2")
    )
    assert is_group_code("cwg-thw-qwqq") and not is_group_code("mid-to-late")
    assert is_long_id("953854110") and not is_long_id("20310210") and not is_long_id("100 20 3000")


def test_in_somebody_s_other_language_a_noun_is_no_name_and_a_name_amid_small_letters_is() -> None:
    assert only_rules("Introduction : Sociologie", [(15, 25)], "other")
    assert not only_rules("los comentarios de Brqndlewood sobre el tema", [(19, 30)], "other")
