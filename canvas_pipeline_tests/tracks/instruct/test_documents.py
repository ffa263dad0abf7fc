"""The documents of the text base contain no instruction, and every fact that the items ask about."""

from __future__ import annotations

import itertools
import random

import pytest

from canvas_pipeline.tracks.instruct.documents import MIXTURES, Writer, documents, made_up, repetition
from canvas_pipeline.tracks.instruct.guards import probes
from canvas_pipeline.tracks.instruct.profiles import CATEGORIES, RELATIONS, TRANSLATIONS
from canvas_pipeline.tracks.instruct.rows import INSTRUCTION, RESPONSE
from canvas_pipeline.tracks.instruct.scorer import TYPES, items

MANY = 8_000


@pytest.fixture(scope="module")
def texts() -> list[str]:
    return [text for mixture in MIXTURES for text in itertools.islice(documents(3, mixture), MANY)]


def test_the_same_seed_gives_the_same_documents_and_another_seed_gives_others() -> None:
    first, again, other = (list(itertools.islice(documents(seed), 50)) for seed in (1, 1, 2))
    assert first == again != other


def test_no_document_asks_for_anything_or_holds_a_turn(texts: list[str]) -> None:
    joined = "\n".join(texts)
    for mark in ("?", INSTRUCTION.strip(), RESPONSE.strip(), "Question", "Answer", "User", "Assistant", "<|"):
        assert mark not in joined, mark


def test_no_document_holds_the_wording_of_a_test_type_or_an_item(texts: list[str]) -> None:
    joined = "\n".join(texts).casefold()
    for name, kind in TYPES.items():
        for split in ("train", "selection", "test"):
            for wording in kind.wordings(split):  # type: ignore[arg-type]
                opening = wording.partition("{")[0].strip().casefold()
                assert len(opening.split()) < 3 or opening not in joined, (name, wording)
    for item in items("test", 20, seed=0):
        assert item.instruction.casefold() not in joined
    for probe in probes():
        assert probe.works or probe.prompt.casefold() not in joined


def test_the_documents_hold_every_fact_translation_and_member_that_is_asked_about(texts: list[str]) -> None:
    lines = [f" {line.casefold()} " for text in texts for line in text.split("\n")]

    def together(one: str, other: str) -> bool:
        return any(one.casefold() in line and other.casefold() in line for line in lines)

    for relation in RELATIONS.values():
        assert all(together(x, y) for x, y in relation.facts.items())
    for language, pairs in TRANSLATIONS.items():
        assert all(together(language, y) and together(x, y) for x, y in pairs.items())
    for category, members in CATEGORIES.items():
        assert all(together(category, member) for member in members)


@pytest.mark.parametrize("writer", MIXTURES["all"], ids=lambda writer: writer.__name__)
def test_every_kind_of_document_is_short_and_varies(writer: Writer) -> None:
    texts = [writer(random.Random(seed)) for seed in range(40)]
    assert len(set(texts)) > 30
    assert all(0 < len(text) < 700 and "{" not in text for text in texts)


def test_made_up_words_are_mostly_new_each_time_and_repeated_texts_repeat_them() -> None:
    rng = random.Random(0)
    assert len({made_up(rng) for _ in range(1000)}) > 700
    for seed in range(20):
        text = repetition(random.Random(seed))
        head = text.split(",")[0]
        assert text.count(head) >= 2
