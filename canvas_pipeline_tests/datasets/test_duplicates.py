"""Duplicates are found whatever their case and spacing, near ones by exact similarity, and leaks against an evaluation."""

from __future__ import annotations

import random

import pytest

from canvas_pipeline.datasets.duplicates import NEAR, capped, deduplicate, jaccard, leaks, shingles
from canvas_pipeline.verifiers.words import plain

SENTENCE = (
    "The quick brown fox jumps over the dog while the old farmer sleeps under a tall green tree "
    "in the corner of the quiet garden."
)


def test_rows_that_differ_in_case_and_spacing_are_exact_duplicates() -> None:
    found = deduplicate(["List three fruits.", "LIST  three fruits", "List four fruits."], str)

    assert found.kept == ("List three fruits.", "List four fruits.")
    assert [(d.row, d.original, d.kind) for d in found.duplicates] == [
        ("LIST  three fruits", "List three fruits.", "exact")
    ]


def test_a_long_text_with_one_word_changed_is_a_near_duplicate() -> None:
    changed = SENTENCE.replace("brown", "black")

    assert [d.kind for d in deduplicate([SENTENCE, changed], str).duplicates] == ["near"]
    assert deduplicate([SENTENCE, changed], str, near=None).duplicates == ()


def test_rows_of_other_topics_are_not_compared() -> None:
    assert deduplicate(["a:same", "b:same"], lambda row: row[2:], within=lambda row: row[0]).duplicates == ()


def test_near_duplicates_are_those_of_a_full_comparison() -> None:
    rng = random.Random(5)
    vocabulary = [f"w{rng.getrandbits(24):x}" for _ in range(60)]
    texts = []
    for _ in range(60):
        base = [rng.choice(vocabulary) for _ in range(30)]
        texts.append(" ".join(base))
        for _ in range(2):
            other = list(base)
            other[rng.randrange(30)] = rng.choice(vocabulary)
            texts.append(" ".join(other))
    kept: list[str] = []
    for text in texts:
        if all(jaccard(shingles(plain(text)), shingles(plain(other))) < NEAR for other in kept):
            kept.append(text)

    found = deduplicate(texts, str)

    assert list(found.kept) == kept
    assert len(found.kept) + len(found.duplicates) == len(texts)


def test_at_most_so_many_rows_of_a_topic_stay() -> None:
    rows = ["a"] * 400 + ["b"] * 10

    kept, over = capped(rows, str, 20)

    assert (kept.count("a"), kept.count("b"), len(over)) == (20, 10, 380)


@pytest.mark.parametrize(
    ("text", "kind"),
    [("list   THREE fruits!", "exact"), (SENTENCE.replace("quiet", "quite"), "near"), ("List three flowers.", None)],
)
def test_an_evaluation_text_in_the_training_rows_is_a_leak(text: str, kind: str | None) -> None:
    found = leaks([("row1", text), ("row2", "Something else")], {"item1": "List three fruits.", "item2": SENTENCE})

    assert [(leak.row_id, leak.kind) for leak in found] == ([("row1", kind)] if kind else [])


def test_planted_leaks_are_found_and_nothing_else() -> None:
    rng = random.Random(1)
    items = {f"i{n}": " ".join(f"w{rng.getrandbits(20):x}" for _ in range(8)) for n in range(200)}
    planted = [(f"p{n}", items[f"i{n}"].upper() + " !") for n in range(40)]
    clean = [(f"c{n}", " ".join(f"w{rng.getrandbits(20):x}" for _ in range(8))) for n in range(200)]

    assert {leak.row_id for leak in leaks(planted + clean, items)} == {row_id for row_id, _ in planted}
