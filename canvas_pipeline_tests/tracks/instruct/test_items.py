"""The twelve test types: enough different items, each with a right answer, no wording shared with training."""

from __future__ import annotations

from collections import Counter

import pytest

from canvas_pipeline.datasets.duplicates import leaks
from canvas_pipeline.errors import BadConfig
from canvas_pipeline.tracks.instruct.data import training_items
from canvas_pipeline.tracks.instruct.profiles import PROFILES
from canvas_pipeline.tracks.instruct.rows import Split
from canvas_pipeline.tracks.instruct.scorer import TYPES, items, score


@pytest.mark.parametrize("profile", PROFILES.values(), ids=lambda profile: profile.name)
def test_each_of_twelve_types_has_its_items_and_all_differ(profile: object) -> None:
    per_type = profile.test_per_type  # type: ignore[attr-defined]
    drawn = items("test", per_type, seed=0)

    assert len(drawn) == 12 * per_type >= 240
    assert set(Counter(item.type for item in drawn).values()) == {per_type}
    assert len({item.instruction for item in drawn}) == len(drawn)
    assert items("test", per_type, seed=0) == drawn != items("test", per_type, seed=1)


@pytest.mark.parametrize("split", ["train", "selection", "test"])
def test_the_gold_answer_of_every_item_is_right_and_an_unrelated_text_is_not(split: Split) -> None:
    for item in items(split, 12, seed=3):
        assert score(item, item.gold).right, item
        assert not score(item, "it was a long day").right, item
        assert not score(item, "").right, item
        assert not score(item, item.gold, stopped=False).right, item


def test_a_right_answer_of_two_thousand_characters_is_right() -> None:
    item = next(item for item in items("test", 1, seed=0) if item.type == "explicit_generation")
    long = f"I think about {item.terms[0]} " + "and the long quiet evening " * 80 + "again."

    assert len(long) > 2000
    assert score(item, long).right


@pytest.mark.parametrize(
    ("type_", "wrong"),
    [
        ("qa_math", lambda gold: f"1{gold}"),
        ("qa_math", lambda gold: f"{gold} or 99"),
        ("constrained_answer", lambda gold: {"YES": "NO", "NO": "YES"}[gold]),
        ("constrained_answer", lambda gold: f"{gold}, I think"),
        ("explicit_list", lambda gold: gold + ", pineapple juice"),
        ("constrained_format", lambda gold: gold.replace("1.", "-")),
        ("multi_step", lambda gold: ", ".join(reversed(gold.split(", ")))),
        ("explicit_translation", lambda gold: f"It is {gold}"),
        ("constrained_length", lambda gold: "Well, " + gold),
    ],
)
def test_answers_that_a_careless_scorer_would_take_are_wrong(type_: str, wrong: object) -> None:
    for item in items("test", 20, seed=0):
        if item.type == type_:
            assert not score(item, wrong(item.gold)).right, item  # type: ignore[operator]


def test_no_wording_and_no_instruction_of_the_tests_is_trained_on() -> None:
    test, selection = items("test", 20, seed=0), items("selection", 10, seed=0)
    train = training_items(1200, seed=0)

    assert all(
        not {*kind.train, *kind.selection} & set(kind.test) and not set(kind.train) & set(kind.selection)
        for kind in TYPES.values()
    )
    assert not leaks(((i.id, i.instruction) for i in train), {i.id: i.instruction for i in test + selection}, near=None)


def test_more_items_than_there_are_is_an_error_that_names_the_type() -> None:
    with pytest.raises(BadConfig, match="explicit_"):
        items("test", 5000, seed=0)
