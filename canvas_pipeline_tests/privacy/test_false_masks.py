"""Ordinary titles of the training half stay as they are; the held half is measured by ``false_masks`` alone."""

from __future__ import annotations

import importlib.util
from itertools import combinations

import pytest

from canvas_pipeline.privacy.identities import recognisers
from canvas_pipeline.privacy.identities.languages import home_of, only_rules
from canvas_pipeline_tests.privacy.false_masks import HALVES, HELD, SHOWN, entries, masked, titles

pytestmark = pytest.mark.skipif(importlib.util.find_spec("spacy") is None, reason="the extra pii is not installed")


@pytest.mark.parametrize(("part", "most"), (("en", 0.01), ("world", 0.02)))
def test_few_ordinary_titles_are_masked(part: str, most: float) -> None:
    found = titles("training", part).values()
    assert sum(len(masked(texts)) for texts in found) <= most * sum(map(len, found))


def test_the_halves_share_few_entries_and_no_frame() -> None:
    for part in ("en", "world"):
        for one, other in combinations(({s: set(e) for s, e in entries(half, part).items()} for half in HALVES), 2):
            for section in one.keys() & other.keys():
                if section.endswith("frames"):
                    assert not one[section] & other[section]


def test_no_entry_of_the_held_half_stands_in_another() -> None:
    own, seen = (
        {
            entry.casefold()
            for half in halves
            for part in ("en", "world")
            for e in entries(half, part).values()
            for entry in e
        }
        for halves in ((HELD,), SHOWN)
    )
    assert not own & seen


def test_the_held_half_is_large_enough_for_its_bounds() -> None:
    english, world = titles(HELD, "en")["en"], titles(HELD, "world")
    assert len(english) >= 1200 and sum(map(len, world.values())) >= 1000
    assert min(map(len, world.values())) >= 150


def test_most_titles_tell_the_language_of_a_contributor() -> None:
    assert home_of(titles("training", "en")["en"][:200]) == "english"
    assert home_of(titles("training", "world")["de"]) == "other"


def test_a_foreign_name_in_an_english_title_makes_no_foreign_title() -> None:
    text = "Swap notes with Ďurkovičová before the quiz"
    start = text.index("Ď")
    assert not only_rules(text, [(start, start + 11)])


@pytest.mark.parametrize(
    "title",
    (
        "Sertoli cells one-pager",  # called after somebody
        "Bingham plastics",
        "Gricean maxims simulation",
        "Case: Byronic hero",
        "Phrygian cadence - take 2",
        "Topic 9: Tobin's Q",  # lettered, numbered
        "Basel III journal entry",
        "Topic 9: Praat",  # where only topics stand
        "Yerkes-Dodson vocabulary",
        '"MacGuffin" reading',
        "Clebsch-Gordan",  # double names are judged whole
        "Test corrections, Red-black trees",
        "Achilles tendon & review",  # terms, species
        "In vitro study",
        "Tutorial 3: Homo naledi",
        "A5. BGP",  # capitals
        "IoT sensors",
        "Lecture for Tu 1/13",  # dates
        "Meet Thurs Oct 30th",
        "Reserch log",  # slips, accents
        "Résumé workshop",
    ),
)
def test_a_title_about_a_thing_stays(title: str) -> None:
    assert not masked([title])


@pytest.mark.parametrize(
    ("title", "name"),
    (
        ("Swap notes with Bauschinger", "Bauschinger"),  # a cue counts more than what follows
        ("Interview with Sertoli about cells", "Sertoli"),
        ("Kwiecinska worksheet", "Kwiecinska"),  # what people have
        ("Kwiecinska attitude", "Kwiecinska"),
        ("Wrzesnik birthday", "Wrzesnik"),
        ("Practice talk by Praat", "Praat"),
        ("Olena Wrzesnik cells", "Wrzesnik"),  # a given name beside it
        ("Ask Thursby about Thurs", "Thursby"),
    ),
)
def test_a_person_in_such_a_title_does_not(title: str, name: str) -> None:
    assert any(name not in out for _, out in masked([title]))


def test_the_half_of_a_double_name_goes_with_the_other() -> None:
    text = "Slides by Wrzesnik-Tolbrand"
    found = [span for spans in recognisers.names([text]) for span in spans]
    assert found and all(text[span.start : span.end] == "Wrzesnik-Tolbrand" for span in found)


def test_a_numbered_part_is_no_given_name_behind_a_surname() -> None:
    assert only_rules("Strafrecht, Teil 2", [(0, 17)], "other")
    assert not only_rules("Strafrecht, Teil", [(0, 16)], "other")
