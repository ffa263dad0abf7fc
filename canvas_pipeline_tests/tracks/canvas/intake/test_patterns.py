"""The patterns against hard cases: every identity of the strict types found, nothing that only looks alike; triggers are sound."""

from __future__ import annotations

import re
from collections.abc import Sequence

import pytest
import regex  # type: ignore[import-untyped]  # what Presidio compiles its patterns with
from hypothesis import given, settings
from hypothesis import strategies as st

from canvas_pipeline.privacy.identities import patterns, recognisers
from canvas_pipeline.privacy.identities.folding import LETTERS, fold
from canvas_pipeline.privacy.identities.pii import Scrubber
from canvas_pipeline.privacy.identities.recognisers import Span
from canvas_pipeline.tracks.canvas.intake.markup import change_strings, scrub_rows
from canvas_pipeline_tests.privacy.plain_presidio import analyzer
from canvas_pipeline_tests.tracks.canvas.intake.identity_cases import (
    OTHERS,
    STRICT,
    Case,
    identities,
    lookalikes,
    others,
)

KEY = b"a key for tests only"
_AROUND = ("5405550143", "2026-03-01T04:59:59Z")  # a number and a date that the wrappers hold and that stay


def missed(cases: Sequence[Case]) -> list[Case]:
    """Cases of whose identity a part is still there, or in which nothing of its type was masked."""
    left = []
    for case, after in zip(cases, scrub_rows([case.row for case in cases], Scrubber(KEY, "zed")), strict=True):
        rest = fold(re.sub(r"@[A-Z_]+\d{6}", " ", re.sub("|".join(_AROUND), " ", after))).text.casefold()
        if any(fold(trace).text.casefold() in rest for trace in case.traces) or not re.search(r"@[A-Z_]+\d{6}", after):
            left.append(case)
    return left


def test_every_hard_case_of_the_strict_types_is_found() -> None:
    cases = list(identities(seed=1, count=4000))
    assert {case.type for case in cases} == set(STRICT) and len({case.shape for case in cases}) >= 60
    assert missed(cases) == []


def test_every_hard_web_and_street_address_room_handle_and_hour_at_a_place_is_found() -> None:
    cases = list(others(seed=1, count=1000))
    assert {case.type for case in cases} == set(OTHERS)
    assert missed(cases) == []


def test_the_hard_cases_can_fail() -> None:
    hidden = Case("PHONE", "words", "five four oh, 5 5 5", ("5 5 5",))
    assert missed([hidden]) == [hidden]


def test_numbers_and_words_that_only_look_alike_stay() -> None:
    texts = lookalikes(seed=1, count=1500)
    assert [
        (text, r.text) for text, r in zip(texts, Scrubber(KEY, "zed").scrub(texts), strict=True) if r.text != text
    ] == []


@pytest.mark.parametrize("seed", range(2, 6))
def test_no_pattern_or_rule_masks_what_only_looks_alike(seed: int) -> None:
    recognisers.analyzer()
    texts = lookalikes(seed, count=700)
    assert [(text, found) for text in texts if (found := recognisers.certain(fold(text).text))] == []


def test_a_row_of_round_amounts_is_no_number_of_a_person() -> None:
    texts = ["100 20 3000", "500 230 7000", "1000 210 8000", "ids 100 20 3000 and 200 30 4000"]
    assert [r.text for r in Scrubber(KEY, "zed").scrub(texts)] == texts
    assert "@SSN" in Scrubber(KEY, "zed").scrub(["my social security is 100 20 3000"])[0].text
    assert "@PHONE" in Scrubber(KEY, "zed").scrub(["call 800 550 1000"])[0].text


def prose(count: int, seed: int) -> list[str]:
    """The folded texts in the generator's rows, look-alikes among them."""
    texts: list[str] = []

    def keep(text: str) -> str:
        texts.append(fold(text).text)
        return text

    change_strings([case.row for case in (*identities(seed, count), *others(seed, count // 2))], keep)
    return [*dict.fromkeys([*texts, *lookalikes(seed, count)])]


_LIKELY_CHARACTERS = st.text("0123456789-.()+ @/:#,aAtdoIDXxSsNn[]_'\n", max_size=40)
_LIKELY_PIECES = st.lists(
    st.sampled_from(
        ["SSN ", "call ", "Room ", "at ", " dot ", "edu", "@", "540", "555", "0143", "905123456", "-", " ", ".",
        "Hall", "Larkspur ",
         "12:30", " PM", "MWF ", "ID", ": ", "Box 4", "12 Oak St", "http://", "www.", "Dr. ", "Okonjo", "zoom.us",
         ", VA 24060", "+1"]
    ),
    max_size=8,
).map("".join)  # fmt: skip


def unsound(texts: Sequence[str]) -> list[tuple[str, str]]:
    """Rows of the table whose expression matches where their trigger, their cues or the prefilter do not."""
    compiled = [(row, regex.compile(row.regex)) for row in recognisers.ROWS]
    return [
        (row.name, text)
        for text in texts
        for row, expression in compiled
        if not may_match(row, text) and expression.search(text)
    ]


def may_match(row: patterns.Pattern, text: str) -> bool:
    words = set(LETTERS.findall(text.lower()))
    prefiltered = bool(recognisers._prefilter().search(text)) or not words.isdisjoint(recognisers._CUES)
    cued = not row.cues or not row.cues.isdisjoint(words)
    return prefiltered and cued and re.search(row.trigger, text) is not None


def test_no_trigger_skips_a_hard_case() -> None:
    assert unsound(prose(count=800, seed=3)) == []


@settings(max_examples=150, deadline=None)
@given(_LIKELY_CHARACTERS | _LIKELY_PIECES | st.text(max_size=30))
def test_no_trigger_skips_what_its_pattern_would_find(text: str) -> None:
    assert unsound([fold(text).text]) == []


def covered(spans: Sequence[Span]) -> set[int]:
    return {at for span in spans for at in range(span.start, span.end)}


def ours(text: str) -> set[int]:
    spans = recognisers.certain(text)
    if recognisers.may_name(text):
        spans = [*spans, *recognisers.names([text])[0]]
    if any(span.type in patterns.WHEREABOUTS for span in spans):
        spans = [*spans, *recognisers.clock_times(text)]
    return covered(spans)


def plain(text: str) -> set[int]:
    return covered(recognisers.above_threshold(analyzer().analyze(text, language="en")))


def test_the_fast_path_finds_what_plain_presidio_finds_in_hard_cases() -> None:
    texts = prose(count=100, seed=5)
    assert [text for text in texts if ours(text) != plain(text)] == []


@settings(max_examples=60, deadline=None)
@given(_LIKELY_PIECES | st.text(max_size=30))
def test_the_fast_path_finds_what_plain_presidio_finds(text: str) -> None:
    read = fold(text).text
    assert ours(read) == plain(read)
