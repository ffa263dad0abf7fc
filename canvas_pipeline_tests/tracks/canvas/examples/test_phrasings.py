from __future__ import annotations

import itertools
import random
import re
from collections.abc import Iterator

import pytest

from canvas_pipeline.tracks.canvas.examples.phrasings.dialogue import JOINERS, REMARKS
from canvas_pipeline.tracks.canvas.examples.phrasings.plain import PLAIN
from canvas_pipeline.tracks.canvas.examples.phrasings.steps import STEPS
from canvas_pipeline.tracks.canvas.examples.phrasings.wording import (
    ALTERNATIVES,
    PREFIXES,
    SLOT,
    SUFFIXES,
    Wording,
    fill,
    polite,
    wordings,
)
from canvas_pipeline.tracks.canvas.examples.requests import WORDINGS, phrase
from canvas_pipeline.tracks.canvas.tools.tool_table import TOOLS, validate
from canvas_pipeline_tests.tracks.canvas.examples.accounts import embedded_students


def every_wording() -> Iterator[Wording]:
    for table in (WORDINGS, STEPS, REMARKS, PLAIN):
        yield from itertools.chain.from_iterable(table.values())
    yield from JOINERS


def expansions(wording: Wording) -> set[str]:
    """Return all texts of a wording, slots still open."""
    parts = [part.split("|") if index % 2 else [part] for index, part in enumerate(ALTERNATIVES.split(wording.text))]
    return {" ".join("".join(combination).split()) for combination in itertools.product(*parts)}


def normalised(text: str) -> str:
    """Normalise a text for comparison: slots, case, punctuation and spaces do not count."""
    return " ".join(re.sub(r"[^a-z#]+", " ", SLOT.sub("#", text).lower()).split())


def test_all_18_tools_have_at_least_14_training_and_5_bench_wordings() -> None:
    assert list(WORDINGS) == list(TOOLS)
    for tool, table in WORDINGS.items():
        roles = [wording.role for wording in table]
        assert roles.count("train") >= 14, tool
        assert roles.count("bench") >= 5, tool


def test_every_wording_has_its_own_id() -> None:
    ids = [wording.id for wording in every_wording()]
    assert len(set(ids)) == len(ids)


def test_no_training_wording_can_produce_the_words_of_a_bench_wording() -> None:
    texts: dict[str, set[str]] = {"train": set(), "bench": set()}
    for wording in every_wording():
        texts[wording.role].update(normalised(text) for text in expansions(wording))
    assert not texts["train"] & texts["bench"]


def test_politeness_does_not_turn_a_training_wording_into_a_bench_wording() -> None:
    """A bench core is no training core with a shared prefix or suffix around it."""
    around = sorted({normalised(text) for text in (*PREFIXES, *SUFFIXES)}, key=len, reverse=True)

    def bare(text: str) -> str:
        for words in around:
            text = text.removeprefix(words + " ").removesuffix(" " + words)
        return text

    texts: dict[str, set[str]] = {"train": set(), "bench": set()}
    for wording in every_wording():
        texts[wording.role].update(bare(normalised(text)) for text in expansions(wording) if bare(normalised(text)))
    assert not texts["train"] & texts["bench"]


@pytest.mark.parametrize("tool", list(TOOLS))
def test_every_wording_of_a_tool_makes_a_valid_call_that_its_text_states(tool: str) -> None:
    for number, (account, wording) in enumerate(itertools.product(embedded_students()[:6], WORDINGS[tool])):
        request = phrase(account, tool, wording, random.Random(number))
        assert validate(request.call) == (), wording.id
        assert "{" not in request.text and "[" not in request.text and "  " not in request.text
        stated = set(wording.sets)
        if wording.slots:
            assert request.call.arguments, wording.id
        else:
            assert set(request.call.arguments) == stated, wording.id
        for name, value in request.call.arguments.items():
            if name not in stated:
                assert _is_stated(value, request.text), (wording.id, name)


def _is_stated(value: object, text: str) -> bool:
    """Tell whether a text states a value: an id or title as it is, an instant as date and clock time, an enum in plain words."""
    if isinstance(value, list):
        return all(_is_stated(part, text) for part in value)
    if isinstance(value, dict):
        return all(_is_stated(part, text) for part in value.values())
    text_of_value = str(value)
    if text_of_value.endswith("Z") and text_of_value[10:11] == "T":
        return text_of_value[:10] in text and text_of_value[11:16] in text
    return text_of_value in text or text_of_value.split("_")[0] in text


def test_alternatives_and_empty_ones_expand_to_clean_texts() -> None:
    (wording,) = wordings("x", ["[Move|Shift] [event|] {event_id} now"], [])
    assert expansions(wording) == {
        "Move event {event_id} now", "Move {event_id} now", "Shift event {event_id} now", "Shift {event_id} now",
    }  # fmt: skip
    assert {wording.choose(random.Random(n)) for n in range(40)} == expansions(wording)
    assert (wording.id, wording.slots) == ("x/00", ("event_id",))


def test_a_value_that_looks_like_a_slot_is_not_filled_again() -> None:
    assert fill("Add {title}", {"title": "{day} [a|b]"}) == "Add {day} [a|b]"


def test_a_slot_without_a_value_is_an_error() -> None:
    with pytest.raises(KeyError):
        fill("Add {title}", {})


def test_politeness_never_changes_a_text_that_begins_with_a_value() -> None:
    for seed in range(200):
        assert "Lab 3 or Essay 2" in polite("Lab 3 or Essay 2, which first?", random.Random(seed), cased=False)
