"""The report on language finds everyday forms where they are, and compares n-grams as defined."""

from __future__ import annotations

import itertools
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from canvas_pipeline.tracks.canvas.examples.everyday import Text, divergence, forms, language, ngrams, texts_of
from canvas_pipeline.tracks.canvas.examples.trajectory import synthesise
from canvas_pipeline.tracks.canvas.mock.canvas import MockCanvas
from canvas_pipeline_tests.tracks.canvas.examples.accounts import EMBEDDED, embedded_students


@pytest.mark.parametrize(
    ("text", "has"),
    [
        ("Add gym tomorrow from 3 to 5pm", {"a relative date", "a spoken time"}),
        ("what do I have next Tuesday", {"a relative date"}),
        ("anything in the next two weeks?", {"a relative date"}),
        ("my exam is on the 14th of March", {"a month by name"}),
        ("exam Mar 14 at half past three in the afternoon", {"a month by name", "a spoken time"}),
        ("List events on 2026-03-14", {"a date in digits"}),
        ("Delete ev41, I may be ill", {"an id"}),
        ("grades of course 4264", {"an id"}),
        ("I may march on", set()),
        ("exam on 3 may", {"a month by name"}),
        ("Hello there", set()),
    ],
)
def test_everyday_forms_are_found_where_they_are(text: str, has: set[str]) -> None:
    found = {name for name, share in forms([Text(text)]).items() if share}
    assert found == has


def test_a_course_a_follow_up_and_a_correction_are_told_by_the_conversation() -> None:
    texts = [
        Text("what is my grade in data structures?", ("data structures", "data 214")),
        Text("and DATA 214?", ("data structures", "data 214"), place=1),
        Text("no, the other one", place=1, correction=True),
        Text("hello"),
    ]
    shares = forms(texts)
    assert (shares["a course by code or name"], shares["a follow-up"], shares["a correction"]) == (0.5, 0.25, 0.25)


def test_ngrams_do_not_cross_texts_and_numbers_are_alike() -> None:
    assert ngrams(["In 3 days", "in 10 days?"], 2) == {("in", "#"): 2, ("#", "days"): 2, ("days", "?"): 1}


@given(st.lists(st.text("ab ", min_size=1), min_size=1), st.lists(st.text("bc ", min_size=1), min_size=1))
def test_the_distance_of_words_is_symmetric_and_zero_for_equal_texts(first: list[str], second: list[str]) -> None:
    a, b = ngrams(first, 1), ngrams(second, 1)
    assert 0 <= divergence(a, b) <= 1 and divergence(a, b) == pytest.approx(divergence(b, a))
    assert not a or divergence(a, a) == pytest.approx(0, abs=1e-6)


def test_coverage_counts_running_ngrams_of_the_reference() -> None:
    found = language([Text("show my grades")], ["show my grades", "show me"])
    assert found.covered["1"] == pytest.approx(4 / 5) and found.covered["2"] == pytest.approx(2 / 3)


def test_training_texts_have_every_everyday_form_in_at_least_8_of_100() -> None:
    rows = list(synthesise(embedded_students(), EMBEDDED, 7, MockCanvas.of))
    shares = forms(texts_of(rows))
    wanted = ("a relative date", "a spoken time", "a course by code or name", "a follow-up", "a correction")
    assert all(shares[name] >= 0.08 for name in wanted), shares
    kinds = {kind: sum(row.kind == kind for row in rows) / len(rows) for kind in ("several", "sequence")}
    assert kinds["several"] >= 0.25 and kinds["sequence"] >= 0.15


def test_no_training_text_is_a_prompt_that_people_wrote() -> None:
    shipped = Path(__file__).parents[4] / "canvas_pipeline/tracks/canvas/bench/human_prompts.jsonl"
    people = [json.loads(line)["text"] for line in shipped.read_text().splitlines()]
    rows = itertools.islice(synthesise(embedded_students(), EMBEDDED, 7, MockCanvas.of), 1000)
    texts = {text.text.casefold() for text in texts_of(rows)}
    assert people and not texts & {text.casefold() for text in people}
