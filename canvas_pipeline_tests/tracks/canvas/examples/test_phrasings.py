from __future__ import annotations

import itertools
import random
import re
from collections.abc import Iterator

import pytest

from canvas_pipeline.tracks.canvas.examples.fillers import nameable
from canvas_pipeline.tracks.canvas.examples.phrasings.continued import CONTINUED
from canvas_pipeline.tracks.canvas.examples.phrasings.corrected import CORRECTED
from canvas_pipeline.tracks.canvas.examples.phrasings.dialogue import JOINERS, REMARKS
from canvas_pipeline.tracks.canvas.examples.phrasings.plain import PLAIN
from canvas_pipeline.tracks.canvas.examples.phrasings.steps import STEPS
from canvas_pipeline.tracks.canvas.examples.phrasings.wording import (
    ALTERNATIVES,
    CLOSERS,
    OPENERS,
    SLOT,
    VERBS,
    Wording,
    fill,
    mistyped,
    of_role,
    polite,
    wordings,
)
from canvas_pipeline.tracks.canvas.examples.requests import REFERRING, WORDINGS, ask, phrase, played
from canvas_pipeline.tracks.canvas.mock.canvas import MockCanvas
from canvas_pipeline.tracks.canvas.tools.tool_table import TOOLS, validate
from canvas_pipeline_tests.tracks.canvas.examples.accounts import embedded_students


def every_wording() -> Iterator[Wording]:
    for table in (WORDINGS, STEPS, REMARKS, PLAIN, CONTINUED, CORRECTED):
        yield from itertools.chain.from_iterable(table.values())
    yield from JOINERS


def expansions(wording: Wording) -> set[str]:
    """Return all texts of a wording, slots still open."""
    parts = [part.split("|") if index % 2 else [part] for index, part in enumerate(ALTERNATIVES.split(wording.text))]
    return {" ".join("".join(combination).split()) for combination in itertools.product(*parts)}


def normalised(text: str) -> str:
    """Normalise a text for comparison: slots, case, punctuation and spaces do not count."""
    return " ".join(re.sub(r"[^a-z#]+", " ", SLOT.sub("#", text).lower()).split())


def test_every_tool_has_hundreds_of_training_wordings_and_at_least_15_lines_of_the_benchmark() -> None:
    assert list(WORDINGS) == list(TOOLS)
    for tool, table in WORDINGS.items():
        assert len(of_role(table, "bench")) >= 15, tool
        assert sum(len(expansions(wording)) for wording in of_role(table, "train")) >= 180, tool


def test_every_reason_not_to_call_has_dozens_of_wordings_in_each_role() -> None:
    for subject, table in PLAIN.items():
        assert sum(len(expansions(wording)) for wording in of_role(table, "train")) >= 60, subject
        assert len(of_role(table, "bench")) >= 12, subject


def test_verbs_openers_and_closers_of_the_two_roles_differ() -> None:
    for name, words in VERBS["train"].items():
        assert not set(words.split("|")) & set(VERBS["bench"][name].split("|"))
    assert not set(OPENERS["train"]) & set(OPENERS["bench"])
    assert not set(CLOSERS["train"]) & set(CLOSERS["bench"])


def test_every_wording_has_its_own_id() -> None:
    ids = [wording.id for wording in every_wording()]
    assert len(set(ids)) == len(ids)


def test_no_training_wording_can_produce_the_words_of_a_bench_wording() -> None:
    texts: dict[str, set[str]] = {"train": set(), "bench": set()}
    for wording in every_wording():
        texts[wording.role].update(normalised(text) for text in expansions(wording))
    assert not texts["train"] & texts["bench"]


def test_openers_and_closers_do_not_turn_a_training_wording_into_a_bench_wording() -> None:
    """A bench line is no training line with an opener or closer of either role around it."""
    words = (normalised(text) for table in (OPENERS, CLOSERS) for texts in table.values() for text in texts)
    around = sorted({text for text in words if text}, key=len, reverse=True)

    def bare(text: str) -> str:
        for words in around:
            text = text.removeprefix(words + " ").removesuffix(" " + words)
        return text

    texts: dict[str, set[str]] = {"train": set(), "bench": set()}
    for wording in every_wording():
        texts[wording.role].update(bare(normalised(text)) for text in expansions(wording) if bare(normalised(text)))
    assert not texts["train"] & texts["bench"]


@pytest.mark.parametrize("tool", list(TOOLS))
def test_every_wording_of_a_tool_makes_a_valid_call_with_the_arguments_of_its_slots(tool: str) -> None:
    for number, (account, wording) in enumerate(itertools.product(embedded_students()[:3], WORDINGS[tool])):
        request = phrase(account, tool, wording, random.Random(number))
        assert validate(request.call) == (), wording.id
        assert "{" not in request.text and "[" not in request.text and "  " not in request.text
        if wording.slots:
            assert set(request.call.arguments) > set(wording.sets), wording.id
        else:
            assert request.call.arguments == wording.sets, wording.id
        for name, value in request.call.arguments.items():
            if name in ("course_id", "event_id", "title", "item_a", "item_b", "query", "rationale", "description"):
                assert str(value) in request.text, (wording.id, name)


@pytest.mark.parametrize("tool", REFERRING)
def test_a_course_that_is_named_is_looked_up_and_its_id_stands_nowhere_in_the_request(tool: str) -> None:
    asked = 0
    for number, account in enumerate(embedded_students() * 3):
        request = ask(account, tool, "train", random.Random(number), named=True)
        if request is None:
            assert not nameable(account)
            continue
        found = played([request.plan], MockCanvas.of(account))
        assert found is not None
        look_up, then = (step.calls[0] for step in found.steps)
        assert look_up.name == "canvas.list_courses" and then.name == tool and validate(then) == ()
        ids = then.arguments.get("course_ids", [then.arguments.get("course_id")])
        assert set(ids) <= {course.id for course in account.courses}
        assert not any(str(course_id) in request.text for course_id in ids)
        asked += 1
    assert asked > 5


def test_alternatives_and_empty_ones_expand_to_clean_texts() -> None:
    (wording,) = wordings("x", ["[Move|Shift] [event|] {event_id} now"], [])
    assert expansions(wording) == {
        "Move event {event_id} now", "Move {event_id} now", "Shift event {event_id} now", "Shift {event_id} now",
    }  # fmt: skip
    assert {wording.choose(random.Random(n)) for n in range(200)} >= expansions(wording)
    assert (wording.id, wording.slots) == ("x/00", ("event_id",))


def test_a_value_that_looks_like_a_slot_is_not_filled_again() -> None:
    assert fill("Add {title}", {"title": "{day} [a|b]"}) == "Add {day} [a|b]"


def test_a_slot_without_a_value_is_an_error() -> None:
    with pytest.raises(KeyError):
        fill("Add {title}", {})


def test_politeness_never_changes_a_text_that_begins_with_a_value() -> None:
    for seed in range(200):
        assert "Lab 3 or Essay 2" in polite("Lab 3 or Essay 2, which first?", "train", random.Random(seed), cased=False)


def test_a_typing_error_changes_one_word_and_never_a_slot() -> None:
    for seed in range(200):
        text = mistyped("Show me the grade for {course_of_mine}", random.Random(seed))
        assert text.endswith("{course_of_mine}")
        assert (
            sum(a != b for a, b in zip(text.split(), "Show me the grade for {course_of_mine}".split(), strict=True))
            <= 1
        )
    assert mistyped("Go to {day}", random.Random(0)) == "Go to {day}"
