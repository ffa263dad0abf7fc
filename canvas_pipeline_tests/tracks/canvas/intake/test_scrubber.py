"""The scrubber's promises: order does not matter, twice is once, record sets never meet, people of course names, workers."""

from __future__ import annotations

import multiprocessing
import random
import re
from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from canvas_pipeline.errors import BadConfig, ServiceUnavailable
from canvas_pipeline.privacy.identities import patterns
from canvas_pipeline.privacy.identities.pii import Finding, Scrubber, instructors, resolve
from canvas_pipeline.privacy.identities.recognisers import Span
from canvas_pipeline.tracks.canvas.intake.markup import scrub_rows
from canvas_pipeline_tests.tracks.canvas.intake.identity_cases import identities, others

KEY = b"a key for tests only"
TEXT = "Dr. Okonjo, a@x.edu @ROOM123456 (540) 555-0143, Larkspur Hall 12 ... 987-65-4321 @PERSON402915 end"
_SPANS = st.lists(
    st.builds(
        lambda start, length, type_: Span(start, min(len(TEXT), start + length), type_),
        st.integers(0, len(TEXT) - 1), st.integers(1, 40), st.sampled_from(patterns.TYPES),
    ),
    max_size=8,
)  # fmt: skip


def rows(count: int, seed: int) -> list[str]:
    return [case.row for case in (*identities(seed, count), *others(seed, count))]


@given(_SPANS, st.randoms(use_true_random=False))
def test_overlapping_spans_in_any_order_give_one_answer(spans: list[Span], rng: random.Random) -> None:
    answer = resolve(TEXT, spans)
    shuffled = rng.sample([*spans, *spans[:2]], k=len(spans) + len(spans[:2]))
    assert resolve(TEXT, shuffled) == answer


@given(_SPANS)
def test_resolved_spans_do_not_overlap_spare_placeholders_and_leave_no_letter_of_a_finding(spans: list[Span]) -> None:
    answer = resolve(TEXT, spans)
    assert all(a.end <= b.start for a, b in zip(answer, answer[1:], strict=False))
    taken = {at for span in answer for at in range(span.start, span.end)}
    placeholders = {at for m in re.finditer(r"@(?:ROOM|PERSON)\d{6}", TEXT) for at in range(m.start(), m.end())}
    assert not taken & placeholders
    found = {at for span in spans for at in range(span.start, span.end) if TEXT[at].isalnum()}
    assert found <= taken | placeholders


def test_every_hard_case_scrubbed_twice_is_scrubbed_once() -> None:
    once = scrub_rows(rows(200, seed=7), Scrubber(KEY, "zed"))
    assert scrub_rows(once, Scrubber(KEY, "zed")) == once


def test_any_order_and_any_batches_give_the_same_placeholders() -> None:
    texts = rows(120, seed=8)
    together = dict(zip(texts, scrub_rows(texts, Scrubber(KEY, "zed")), strict=True))
    shuffled = random.Random(1).sample(texts, k=len(texts))
    in_pieces = Scrubber(KEY, "zed")
    for at in range(0, len(shuffled), 37):
        part = shuffled[at : at + 37]
        assert scrub_rows(part, in_pieces) == [together[text] for text in part]


def test_two_record_sets_never_share_a_placeholder() -> None:
    texts = rows(120, seed=9)
    first, second = (
        {mark for row in scrub_rows(texts, Scrubber(KEY, name)) for mark in re.findall(r"@[A-Z_]+\d{6}",
        row)} for name in ("zed-001", "zed-0011")
    )  # fmt: skip
    assert len(first) > 100 and not first & second


def test_a_short_key_is_refused_without_being_shown() -> None:
    with pytest.raises(BadConfig, match="16 bytes") as error:
        Scrubber(b"short secret", "zed")
    assert "secret" not in str(error.value)


def test_whom_course_names_reveal_is_masked_wherever_else_they_stand() -> None:
    people = instructors(
        ["Music Theory - Grzybowski", "Prof. Umarov – Calculus", "Organic Chemistry (Honors)", "Fiction (Wolverton)"]
    )
    assert people == {"Grzybowski", "Umarov", "Wolverton"}
    scrubber = Scrubber(KEY, "zed", people=people)
    texts = [
        "notes_grzybowski_final",
        "umarov quiz 3",
        "GRZYBOWSKI’S handout",
        "lab for Wolverton 2",
        "honors quiz",
    ]
    masked = [re.sub(r"\d{6}", "", r.text) for r in scrubber.scrub(texts)]
    assert masked == [
        "notes_@PERSON_final",
        "@PERSON quiz 3",
        "@PERSON’S handout",
        "lab for @PERSON 2",
        "honors quiz",
    ]
    assert Scrubber(KEY, "zed", people=frozenset({"Home"})).scrub(["Homework 3"])[0].text == "Homework 3"
    assert len({scrubber.placeholder("PERSON", name) for name in ("Grzybowski", "grzybowski", "GRZYBOWSKI")}) == 1


class Says:
    """A model with one opinion on every text."""

    def __init__(self, *findings: Finding) -> None:
        self.findings = findings

    def __call__(self, texts: Sequence[str]) -> list[list[Finding]]:
        return [list(self.findings) for _ in texts]


def test_the_patterns_find_the_same_whatever_a_model_says() -> None:
    texts = [case.row for case in identities(seed=10, count=200)]
    silent = scrub_rows(texts, Scrubber(KEY, "zed", Says()))
    assert silent == scrub_rows(texts, Scrubber(KEY, "zed"))
    loud = Scrubber(KEY, "zed", Says(Finding(0, 1, "B-PER"), Finding(-5, 10**6, "O"), Finding(3, 2, "PER")))
    result = loud.scrub(["x to jo@x.edu, call (540) 555-0143"])[0]
    assert [span.type for span in result.spans] == ["PERSON", "EMAIL", "PHONE"]


@pytest.mark.parametrize("label", ("B-HOROSCOPE", "LABEL_0", "MISC", ""))
def test_a_label_nobody_mapped_stops_the_scrub(label: str) -> None:
    with pytest.raises(ServiceUnavailable, match="MODEL_LABELS"):
        Scrubber(KEY, "zed", Says(Finding(0, 1, label))).scrub(["some text"])


def masked_by_a_worker(texts: list[str]) -> list[str]:
    return [result.text for result in Scrubber(KEY, "zed").scrub(texts)]


def test_a_spawned_worker_masks_as_the_parent_does() -> None:
    texts = ["Ask Dr. Okonjo, a@x.edu", "call 5405550143", "Larkspur Hall 12 at 7 PM", "Homework 3: Recursion"]
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        assert pool.apply(masked_by_a_worker, (texts,)) == masked_by_a_worker(texts)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.sampled_from(rows(30, seed=11)) | st.text(max_size=20), max_size=6))
def test_spans_and_text_belong_together(texts: list[str]) -> None:
    scrubber = Scrubber(KEY, "zed")
    for text, result in zip(texts, scrubber.scrub(texts), strict=True):
        rebuilt, at = "", 0
        for span in result.spans:
            rebuilt += text[at : span.start] + scrubber.placeholder(span.type, text[span.start : span.end])
            at = span.end
        assert rebuilt + text[at:] == result.text
