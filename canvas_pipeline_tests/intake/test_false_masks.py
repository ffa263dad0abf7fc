"""Ordinary titles of the training half stay as they are; the held half is measured by ``false_masks`` alone."""

from __future__ import annotations

import importlib.util
from itertools import combinations

import pytest

from canvas_pipeline.intake.identities.languages import home_of, only_rules
from canvas_pipeline_tests.intake.false_masks import HALVES, SHOWN, entries, masked, titles

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
        for halves in (("held",), SHOWN)
    )
    assert not own & seen


def test_the_held_half_is_large_enough_for_its_bounds() -> None:
    english, world = titles("held", "en")["en"], titles("held", "world")
    assert len(english) >= 1200 and sum(map(len, world.values())) >= 1000
    assert min(map(len, world.values())) >= 150


def test_most_titles_tell_the_language_of_a_contributor() -> None:
    assert home_of(titles("training", "en")["en"][:200]) == "english"
    assert home_of(titles("training", "world")["de"]) == "other"


def test_a_foreign_name_in_an_english_title_makes_no_foreign_title() -> None:
    text = "Swap notes with Ďurkovičová before the quiz"
    start = text.index("Ď")
    assert not only_rules(text, [(start, start + 11)])
