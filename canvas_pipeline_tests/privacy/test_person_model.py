"""The name recogniser as shipped: whole, as its recipe says, and good enough on names and templates it was not trained on."""

from __future__ import annotations

import hashlib
import importlib.util
import json
import re
from functools import cache

import pytest

from canvas_pipeline.privacy.identities import vocabulary, wordnet
from canvas_pipeline.privacy.identities.persons import find_people
from canvas_pipeline.privacy.identities.recognisers import MODEL
from canvas_pipeline.privacy.name_model.names import is_for_testing, is_for_training
from canvas_pipeline.privacy.name_model.templates import shares, training

pytestmark = pytest.mark.skipif(importlib.util.find_spec("spacy") is None, reason="the extra pii is not installed")
FLOORS = {"PERSON": 0.95, "PLACE": 0.93, "ROOM": 0.95}
MOST_FALSE_MASKS = 0.03
NO_NAMES = (
    "Waiver, student ID and liability form",
    "Taylor Series Quiz",
    "Newton's Laws Worksheet",
    "Bayes' theorem",
    "Read Hamlet, Act 3",
    "Freud and Marx",
    "KEYNES VS HAYEK DEBATE",
    "krebs cycle lab",
    "Turing Machines",
    "Homewrok 3: Eigenvalues",
    "Email Etiquette Lesson",
    "Interview Skills Workshop",
    "Grace Period Policy",
    "Bond Pricing",
    "Today's lecture",
    "Jane Eyre essay",
    "Trade with Canada",
    "Stoicism Discussion",
    "Grant Writing",
    "May 3 Quiz",
    "WordArt and PowerSchool tips",
    "B. Results, C. Conclusions",
    "Questions about Anne of Green Gables",
    "Tuesday 10:15 quiz",
    "the Yalta Conference",
    "Send Hamlet notes",
)
NAMES = (
    ("Meet with Dr. Wrobel", "Wrobel"),
    ("Ask Tamsin Oyelaran about HW 3", "Tamsin Oyelaran"),
    ("Dr. Newton's office hours", "Newton"),
    ("Oyelaran, Tamsin", "Oyelaran, Tamsin"),
    ("Peer review for Ruth Wilson", "Ruth Wilson"),
    ("Send Oyelaran the summary", "Oyelaran"),
    ("a note from E. Forester", "Forester"),
    ("a card for Ilka Nickel, please", "Nickel"),
    ("tour of Wexlo High School", "Wexlo"),
    ("a bed in Drenka Hospital", "Drenka"),
    ("meet in McBryde Hall Tuesday 10:15", "10:15"),
)


@cache
def figures() -> dict[str, dict[str, float]]:
    from canvas_pipeline.privacy.name_model.training import measure

    return measure(1200, seed=77)


def test_each_shipped_file_is_the_one_that_the_recipe_names() -> None:
    named = json.loads((MODEL / "recipe.json").read_bytes())["sha256"]
    here = {
        path.relative_to(MODEL).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in MODEL.rglob("*")
        if path.is_file() and path.name not in ("recipe.json", "MODEL_CARD.md")
    }
    assert here == named
    assert sum(path.stat().st_size for path in MODEL.rglob("*") if path.is_file()) <= 10_000_000


def test_the_recipe_names_the_dictionaries_that_are_shipped() -> None:
    recipe = json.loads((MODEL / "recipe.json").read_bytes())
    paths = (vocabulary.WORDS, wordnet.PATH)
    assert recipe["dictionary_sha256"] == {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in paths}
    assert sum(path.stat().st_size for path in paths) <= 2_000_000


def test_names_and_places_of_unseen_templates_are_found() -> None:
    for label, floor in FLOORS.items():
        assert figures()[label]["of"] >= 100
        assert figures()[label]["share"] >= floor, (label, figures()[label])


def test_texts_without_an_identity_are_left_alone() -> None:
    assert figures()["false masks"]["of"] >= 300
    assert figures()["false masks"]["share"] <= MOST_FALSE_MASKS, figures()["false masks"]


@pytest.mark.parametrize("text", NO_NAMES)
def test_course_work_is_no_name(text: str) -> None:
    assert scrubbed(text) == text


@pytest.mark.parametrize(("text", "name"), NAMES)
def test_a_person_beside_a_title_or_a_verb_is_masked(text: str, name: str) -> None:
    assert name not in scrubbed(text)


def scrubbed(text: str) -> str:
    from canvas_pipeline.privacy.identities.pii import Scrubber

    return Scrubber(b"0123456789abcdef", "tests").scrub([text])[0].text


def test_training_and_measuring_share_no_template() -> None:
    sets = (training(), *(share.templates for share in shares().values()))
    trained, *measured = [{text for texts in templates.values() for text in texts} for templates in sets]
    assert all(len(texts) > 60 for texts in measured)
    assert not trained & set().union(*measured)
    looked_at = {plainly(text) for text in trained.union(*measured[:-1])}
    assert not looked_at & {plainly(text) for text in measured[-1]}


def plainly(template: str) -> str:
    """A template without its punctuation and case: two that differ in these alone are one."""
    return " ".join(re.findall(r"\w+", template.lower()))


def test_no_name_belongs_to_training_and_to_measuring() -> None:
    words = ["Anna", "Bo", "Kowalczyk", "Nguyen", "Springfield", "Okafor", "Li", "Tamsin"]
    assert all(is_for_training(word) != is_for_testing(word) for word in words)
    assert {is_for_training(word) for word in words} == {True, False}


@pytest.mark.parametrize(
    ("word", "kind"),
    (
        ("Waiver", "waiver"), ("sandal", "<word>"), ("HOMEWROK", "<slip>"), ("Nguyen", "<name>"), ("Hill", "<proper and word>"),
        ("freud", "<famous>"), ("Oyelaran", "<unknown>"), ("2150", "<digits 4>"),
    ),
)  # fmt: skip
def test_a_word_has_one_class_in_any_case_form(word: str, kind: str) -> None:
    assert {vocabulary.word_class(form) for form in (word, word.lower(), word.upper())} == {kind}


def test_rules_leave_what_a_thing_is_called_after() -> None:
    assert find_people("Wilson's theorem for Taylor series") == []
    assert find_people("Ask Wilson") == [(4, 10)]
