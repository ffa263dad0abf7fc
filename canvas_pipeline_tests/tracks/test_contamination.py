"""Planted copies of benchmark items are found among training rows, and other rows are not accused."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from canvas_pipeline.records import dumps
from canvas_pipeline.tracks.contamination import ContaminationReport, apart, contamination, contamination_guard

WORDS = [
    a + b + c for a in ("ba", "ke", "li", "mo", "ta") for b in ("n", "r", "st", "mp") for c in ("a", "e", "ig", "u")
]
PLANTED, CLEAN = 40, 160


def text(rng: random.Random, size: int) -> str:
    """Draw a text of words with two numbers."""
    drawn = [rng.choice(WORDS) for _ in range(size - 2)]
    for _ in range(2):
        drawn.insert(rng.randrange(len(drawn) + 1), str(rng.randrange(2, 999)))
    return " ".join(drawn).capitalize() + "?"


def respelt(rng: random.Random, item: str) -> str:
    """Change case, blanks and punctuation."""
    return "  ".join(rng.choice((str.upper, str.lower, str.title))(word) for word in item.rstrip("?").split()) + " !"


def other_numbers(rng: random.Random, item: str) -> str:
    return " ".join(str(int(word.rstrip("?")) + 1) if word.rstrip("?").isdigit() else word for word in item.split())


def one_word(rng: random.Random, item: str) -> str:
    """Replace a word that is no number."""
    words = item.split()
    at = rng.choice([at for at, word in enumerate(words) if not any(map(str.isdigit, word))])
    return " ".join([*words[:at], rng.choice(WORDS), *words[at + 1 :]])


def without_a_word(rng: random.Random, item: str) -> str:
    words = item.split()
    at = rng.choice([at for at, word in enumerate(words) if not any(map(str.isdigit, word))])
    return " ".join([*words[:at], *words[at + 1 :]])


def inside(rng: random.Random, item: str) -> str:
    """Put sentences around it."""
    return f"{text(rng, 12)} {item} {text(rng, 12)}"


def halves(rng: random.Random, item: str) -> str:
    words = item.split()
    return " ".join([*words[len(words) // 2 :], *words[: len(words) // 2]])


def found(change: Callable[[random.Random, str], str], size: int, seed: int = 1) -> ContaminationReport:
    """Plant changed items among clean rows, all with some words of a common instruction."""
    rng = random.Random(f"{change.__name__}:{size}:{seed}")
    ask = "Answer the question below, step by step, and give the result as one number at the very end: "
    items = {f"item{n}": ask + text(rng, size) for n in range(100)}
    planted = [(f"planted{n}", ask + change(rng, items[f"item{n}"].removeprefix(ask))) for n in range(PLANTED)]
    clean = [(f"clean{n}", ask + text(rng, size)) for n in range(CLEAN)]
    report = contamination(rng.sample(planted + clean, PLANTED + CLEAN), items)
    assert not [hit for hit in report.hits if hit.row_id.startswith("clean")]
    assert all(hit.item_id == hit.row_id.replace("planted", "item") for hit in report.hits)
    assert len(report.hits) == report.exact + report.near + report.template
    return report


@pytest.mark.parametrize("size", (8, 20, 60))
def test_every_item_that_is_spelt_otherwise_is_found(size: int) -> None:
    report = found(respelt, size)
    assert (report.exact, report.near, report.template) == (PLANTED, 0, 0)


@pytest.mark.parametrize("size", (8, 20, 60))
def test_items_with_other_numbers_are_templates_and_no_fault(size: int) -> None:
    report = found(other_numbers, size)
    assert (report.exact, report.near, report.template) == (0, 0, PLANTED)
    assert contamination_guard(("trajectory_train",)).verdict(report, {}).passed


@pytest.mark.parametrize(
    ("change", "size"),
    [(change, size) for change in (one_word, without_a_word) for size in (14, 24, 60)] + [(inside, 40), (halves, 60)],
)
def test_at_least_95_percent_of_the_nearly_equal_are_found(
    change: Callable[[random.Random, str], str], size: int
) -> None:
    report = found(change, size)
    assert report.near >= 0.95 * PLANTED
    verdict = contamination_guard(("trajectory_train",)).verdict(report, {})
    assert not verdict.passed and "near is" in verdict.reason


def test_a_common_instruction_alone_is_boilerplate_and_a_leak_repeated_often_is_not() -> None:
    rng = random.Random(3)
    report = found(respelt, 30)
    assert report.boilerplate > 0
    items = {f"item{n}": text(rng, 40) for n in range(50)}
    copies = [(f"copy{n}", one_word(rng, items["item0"])) for n in range(100)]
    assert contamination(copies, items).repeated() == {name for name, _ in copies}


@settings(max_examples=60, deadline=None)
@given(
    rows=st.lists(st.text(max_size=60), max_size=12),
    items=st.dictionaries(st.text("abc", min_size=1, max_size=3), st.text(max_size=60), max_size=8),
    seed=st.integers(0, 9),
)
def test_the_order_of_rows_and_items_changes_nothing(rows: list[str], items: Mapping[str, str], seed: int) -> None:
    numbered = [(str(at), row) for at, row in enumerate(rows)]
    first = contamination(numbered, items)
    rng = random.Random(seed)
    again = contamination(rng.sample(numbered, len(numbered)), dict(rng.sample(list(items.items()), len(items))))
    marks = {(hit.row_id, hit.signal, hit.share) for hit in first.hits}
    assert marks == {(hit.row_id, hit.signal, hit.share) for hit in again.hits}
    assert (first.rows, first.items) == (len(rows), len(items))


@settings(max_examples=60, deadline=None)
@given(texts=st.lists(st.text(min_size=1, max_size=80), min_size=1, max_size=8))
def test_a_row_that_is_an_item_is_always_exact(texts: list[str]) -> None:
    worded = {str(at): row for at, row in enumerate(texts) if any(map(str.isalnum, row))}
    assert contamination(list(worded.items()), worded).exact == len(worded)


def test_a_report_holds_no_text() -> None:
    rng = random.Random(5)
    items = {"a": text(rng, 30)}
    written = dumps(contamination([("r", items["a"])], items)).decode()
    assert not any(word in written for word in items["a"].lower().split() if len(word) > 3)
    assert contamination([("r", "")], {"a": ""}).hits == ()


@dataclass(frozen=True)
class Asked:
    id: str
    text: str


def test_rows_are_left_out_until_none_repeats_an_item_also_where_a_phrase_is_no_boilerplate_any_more() -> None:
    rng = random.Random(5)
    phrase, items = text(rng, 20), {f"item{n}": text(rng, 20) for n in range(750)}
    items |= {f"phrased{n}": f"{phrase} {text(rng, 6)}" for n in range(3)}
    copies = [Asked(f"copy{n}", f"{items[f'item{n}']} {phrase}") for n in range(5)]
    sharing = [Asked(f"sharing{n}", f"{phrase} {text(rng, 6)}") for n in range(3)]
    clean = [Asked(f"clean{n}", text(rng, 20)) for n in range(60)]
    rows = [*sharing, *copies, *clean]
    first = contamination([(row.id, row.text) for row in rows], items)
    kept, out, found = apart(rows, lambda row: row.text, items)
    assert first.boilerplate and first.repeated() == {row.id for row in copies}
    assert kept == clean and found.rows == len(clean) and not found.repeated()
    assert out == dict.fromkeys([row.id for row in (*copies, *sharing)], "near")


def test_rows_with_other_numbers_than_an_item_stay() -> None:
    rows = [Asked("other", "What is 3 plus 4 times 5?"), Asked("same", "what is 3 plus 4 times 6")]
    kept, out, found = apart(rows, lambda row: row.text, {"item": "What is 3 plus 4 times 6?"})
    assert kept == rows[:1] and out == {"same": "exact"} and found.template == 1
