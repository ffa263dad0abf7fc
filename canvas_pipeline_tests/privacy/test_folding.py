"""Folded texts: one form for digits, dashes, blanks; and each span finds its way back to the source."""

from __future__ import annotations

import unicodedata

from hypothesis import given
from hypothesis import strategies as st

from canvas_pipeline.privacy.identities.folding import fold

INVISIBLE = "\u00ad\u200b\u200c\u200d\u2060\ufeff\u200e\u202e"
_TEXTS = st.text(
    st.characters()
    | st.sampled_from(INVISIBLE + "５４０٠١\u2013\u2212\u00a0\u3000\u2019\uff20\uff0e")
    | st.sampled_from("a1-. "),
    max_size=40,
)


@given(_TEXTS, st.data())
def test_a_span_of_the_folded_text_is_the_same_characters_of_the_source(text: str, data: st.DataObject) -> None:
    folded = fold(text)
    visible = [c for c in text if fold(c).text]
    assert len(folded.text) == len(visible)
    if not visible:
        return
    start = data.draw(st.integers(0, len(visible) - 1))
    end = data.draw(st.integers(start + 1, len(visible)))
    first, last = folded.back(start, end)
    source = text[first:last]
    assert fold(source).text == folded.text[start:end]
    assert fold(source[0]).text and fold(source[-1]).text, "no invisible character at the ends"
    assert [c for c in source if fold(c).text] == visible[start:end]


@given(_TEXTS)
def test_folding_twice_is_folding_once(text: str) -> None:
    once = fold(text).text
    assert fold(once).text == once


def test_every_decimal_digit_of_unicode_is_an_ascii_one() -> None:
    digits = [chr(code) for code in range(0x110000) if unicodedata.category(chr(code)) == "Nd"]
    assert len(digits) > 600
    assert fold("".join(digits)).text == "".join(str(unicodedata.digit(digit)) for digit in digits)


@given(st.text(st.characters(max_codepoint=127), max_size=40))
def test_ascii_stays_as_it_is(text: str) -> None:
    assert fold(text).text == text and fold(text).places is None


def test_a_number_in_pieces_and_wide_digits_is_read_as_the_number() -> None:
    assert fold("(５４０)\u00a0５５５\u20130\u200b143").text == "(540) 555-0143"
