"""Figures and subjects out of WordNet: found as they are written in titles, and no name of anybody's among them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from canvas_pipeline.privacy.identities import name_gates, vocabulary, wordnet
from canvas_pipeline.privacy.identities.persons import in_phrase
from canvas_pipeline.privacy.name_model.wordnet_source import entries, nouns, phrases


@pytest.mark.parametrize(
    "title",
    (
        "Gregorian chant",
        "GREGORIAN CHANT",
        "Punic Wars",
        "Bhagavad Gita",
        "Bhagavad-Gita",
        "Mary Magdalene",
        "film noir",
    ),
)
def test_a_subject_is_found_in_any_case_with_or_without_a_hyphen_and_in_the_plural(title: str) -> None:
    assert wordnet.phrases_in(f"Quiz on {title}, part 2") == [(8, 8 + len(title))]


@pytest.mark.parametrize("text", ("Gregorian", "Mary, then Magdalene", "chant Gregorian", ""))
def test_parts_and_other_orders_are_no_phrase(text: str) -> None:
    assert wordnet.phrases_in(text) == []


@pytest.mark.parametrize("name", ("John Brown", "Mary Baker"))
def test_a_figure_whose_name_many_bear_may_be_a_person_one_meets(name: str) -> None:
    assert not in_phrase(f"Essay by {name}", 9, 9 + len(name))


@given(st.text(max_size=200))
def test_what_is_found_lies_in_the_text_in_order_and_apart(text: str) -> None:
    found = wordnet.phrases_in(text)
    assert all(0 <= start < end <= len(text) for start, end in found)
    assert all(a[1] <= b[0] for a, b in zip(found, found[1:], strict=False))


def test_frames_have_the_slots_of_their_kind_and_no_other() -> None:
    assert all("{p}" in text and "{pl}" not in text for text in wordnet.frames("person"))
    assert all("{pl}" in text and "{p}" not in text for text in wordnet.frames("place"))
    assert not any("{" in text for text in wordnet.frames("plain"))


def test_an_entry_of_wordnets_files_becomes_figure_surname_word_and_frame(tmp_path) -> None:  # type: ignore[no-untyped-def]
    rows = {
        "noun": '10000001 18 n 02 Ada_Quill 0 Quill 0 001 @i 09000000 n 0000 | a poet; "she asked him about it"\n'
        "10000002 04 n 01 Ink_War 0 001 @i 01000000 n 0000 | a war\n",
        "verb": '20000001 30 v 01 scribble 0 000 00 | write; "he lives in the city"\n',
        "adj": "",
        "adv": "",
    }
    for part, text in rows.items():
        (tmp_path / f"data.{part}").write_text(f"  1 the licence\n{text}", "latin-1")
    made = set(entries(tmp_path))
    assert {("figure", "Ada Quill"), ("surname", "Quill"), ("subject", "Ink War"), ("word", "scribble")} <= made
    assert {("person", "{p} asked {p} about it"), ("place", "he lives in {pl}")} <= made


def test_nouns_of_wordnets_files_are_told_from_verbs_and_things_from_the_rest(tmp_path) -> None:  # type: ignore[no-untyped-def]
    rows = {
        "data.noun": "11 08 n 01 quillbone 0 000 | a bone\n"
        "12 13 n 01 quillpie 0 000 | a dish\n13 08 n 01 quill_bone 0 000 | same\n",
        "data.verb": "",
        "data.adj": "",
        "data.adv": "",
        "index.noun": "quillbone n 1 0 1 0 11\nquillpie n 1 0 1 0 12\nquillrun n 1 0 1 0 11\nquillish n 1 0 1 0 11\n",
        "index.verb": "quillrun v 1 0 1 0 21\n",
        "index.adj": "quillish a 1 0 1 0 31\n",
        "index.adv": "",
    }
    for name, text in rows.items():
        (tmp_path / name).write_text(f"  1 the licence\n{text}", "latin-1")
    assert set(nouns(tmp_path)) == {("thing", "quillbone"), ("noun", "quillpie"), ("thing", "quillishs")}
    assert list(phrases(tmp_path)) == [("phrase", "quill bone")]


def test_things_are_known_in_the_plural_and_what_is_done_is_no_noun() -> None:
    assert wordnet.is_thing("corpuscles") and wordnet.is_noun("maxims") and wordnet.is_genus("Homo")
    assert not wordnet.is_thing("birthday") and not wordnet.is_noun("wants") and not wordnet.is_genus("Maria")


@pytest.mark.parametrize(("left", "right"), (("Popq", "uiz"), ("Fatigu", "eCracks"), ("POPQ", "UIZ")))
def test_a_blank_that_slipped_by_one_letter_is_seen(left: str, right: str) -> None:
    assert vocabulary.looks_shifted(left, right)


@pytest.mark.parametrize(("left", "right"), (("Mount", "Smeets"), ("to", "Amat"), ("Pop", "Quiz"), ("Dr", "Oyelaran")))
def test_words_in_their_place_did_not_slip(left: str, right: str) -> None:
    assert not vocabulary.looks_shifted(left, right)


def test_a_capital_in_running_text_stands_out_and_one_in_a_title_does_not() -> None:
    assert name_gates.holds_one_that_stands_out("we took the bus to Strand and back")
    assert not name_gates.holds_one_that_stands_out("Bus To Strand And Back")
    assert not name_gates.holds_one_that_stands_out("we study in the Library on days like this")
