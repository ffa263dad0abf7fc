"""Canaries are told apart from all else, are found however they stand, and share nothing with what the recogniser learns from."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest

from canvas_pipeline.privacy.name_model import fillers as person_fillers
from canvas_pipeline.privacy.name_model import samples as person_samples
from canvas_pipeline.privacy.name_model.names import is_for_training
from canvas_pipeline.privacy.name_model.templates import shares, training, wordings
from canvas_pipeline.tracks.canvas.intake.synthetic.canaries import SHARES, canaries, decoys, odd, rate
from canvas_pipeline.tracks.canvas.intake.synthetic.canary_search import Search
from canvas_pipeline.tracks.canvas.intake.synthetic.canary_templates import DECOYS, FRAMES, TEMPLATES

COUNT = 400


@pytest.fixture(scope="module")
def planted() -> list[Any]:
    return canaries(COUNT, 7, ("grace", "hall"))


def test_the_same_seed_plants_the_same_and_another_seed_does_not(planted: list[Any]) -> None:
    assert canaries(COUNT, 7, ("grace", "hall")) == planted
    assert [c.value for c in canaries(60, 8)] != [c.value for c in canaries(60, 7)]


def test_another_process_plants_the_same() -> None:
    code = (
        "from canvas_pipeline.tracks.canvas.intake.synthetic.canaries import canaries; "
        "print([(c.text, c.needles) for c in canaries(400, 7)])"
    )
    texts = [
        subprocess.run(
            [sys.executable, "-c", code], env={**os.environ, "PYTHONHASHSEED": seed}, capture_output=True, check=True
        ).stdout
        for seed in ("1", "2")
    ]
    assert texts[0] == texts[1] and len(texts[0]) > 10_000


def test_every_type_is_planted_by_its_share_and_no_needle_belongs_to_two(planted: list[Any]) -> None:
    counts = Counter(canary.type for canary in planted)
    assert set(counts) == set(SHARES) and all(abs(counts[t] - share * COUNT) <= 12 for t, share in SHARES.items())
    owners = Counter(needle for canary in planted for needle in set(canary.needles))
    assert all(canary.needles for canary in planted) and set(owners.values()) == {1}


def test_every_canary_is_found_in_its_wording_and_in_a_row_and_nowhere_else(planted: list[Any]) -> None:
    search = Search(planted)
    for canary in planted:
        assert search.found(canary.text) == {canary.number}, canary
        assert canary.number in search.found(json.dumps({"x": canary.text}, ensure_ascii=False).upper()), canary
    for text in ("Homework 3: Hash Tables", "@PERSON402915 and @COURSE12345678", "2026-03-01T04:59:59Z", "Grace Hall"):
        assert search.found(text) == set()


def test_digits_within_an_id_or_a_placeholder_are_no_trace(planted: list[Any]) -> None:
    phone = next(canary for canary in planted if canary.type == "PHONE")
    local = phone.needles[0].removeprefix("#")
    search = Search(planted)
    assert search.found(f"item f3a{local}c01b, @COURSE{local}5") == set()
    assert search.found(f"item f3ac01b7d9e2 540{local}") == {phone.number}


def test_no_value_shows_in_a_repr(planted: list[Any]) -> None:
    shown = repr(planted) + repr(Search(planted))
    assert not [canary for canary in planted if canary.value in shown and len(canary.value) > 5]


def test_each_type_has_sixty_wordings_with_one_hole_each_at_all_positions() -> None:
    for type_, texts in TEMPLATES.items():
        assert len(set(texts)) >= 60 and all(text.count("{x}") == 1 for text in texts), type_
        ends = Counter("start" if t.startswith("{x}") else "end" if t.endswith("{x}") else "inside" for t in texts)
        assert len(ends) == 3 or type_ not in ("PERSON", "ROOM", "EMAIL", "PHONE", "COURSE"), type_


def test_ten_thousand_decoys_differ_and_are_drawn_by_the_seed() -> None:
    found = decoys(10_000, 7)
    assert len({decoy.text for decoy in found}) == 10_000 == len(found) and {d.family for d in found} == set(DECOYS)
    assert sum(map(len, DECOYS.values())) > 200 and len(FRAMES) > 40
    assert decoys(50, 7) == found[:50] != decoys(50, 8)


def test_names_are_of_the_half_that_is_kept_for_tests(planted: list[Any]) -> None:
    names = [part for c in planted if c.type == "PERSON" for part in c.value.split() if not part.endswith(".")]
    assert len(names) > 100 and all(map(odd, names))


def test_a_rate_has_wilsons_interval() -> None:
    found = rate(98, 100)
    assert (round(found.low, 4), round(found.high, 4)) == (0.93, 0.9945) and rate(0, 0).high == 1.0
    assert rate(0, 600).high < 0.0065


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        yield from (text for pair in value.items() for part in pair for text in _texts(part))
    elif isinstance(value, (list, tuple, set, frozenset)):
        yield from (text for part in value for text in _texts(part))


def _bones(text: str) -> str:
    """A wording without its holes, case, digits and punctuation."""
    return " ".join(re.findall(r"[a-z]+", re.sub(r"\{[^}]*\}|\[[^\]]*\]", " ", text).casefold()))


def test_no_wording_of_the_canaries_is_one_that_the_recogniser_is_trained_on() -> None:
    tables = [training(), wordings(), shares()["held-out"].templates, vars(person_fillers), vars(person_samples)]
    learnt = {
        _bones(text)
        for table in tables
        for name, value in table.items()
        if not name.startswith("__")
        for text in _texts(value)
    }
    mine = {_bones(text) for texts in TEMPLATES.values() for text in texts if len(_bones(text).split()) > 1}
    assert len(learnt) > 1000 and mine & learnt == set()


def test_no_name_of_the_canaries_is_one_that_training_may_draw(planted: list[Any]) -> None:
    parts = [part for c in planted if c.type == "PERSON" for part in c.value.split() if not part.endswith(".")]
    assert [part for part in parts if is_for_training(part)] == []
