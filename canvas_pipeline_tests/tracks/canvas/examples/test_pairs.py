"""Sampling of item pairs: uniform, bounded, repeatable."""

from __future__ import annotations

import math
import random
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import chisquare

from canvas_pipeline.errors import BadConfig
from canvas_pipeline.tracks.canvas.examples.pairs import QUERIES, item_pair, sample_pairs, unrank
from canvas_pipeline_tests.tracks.canvas.examples.conversations import item


@given(st.integers(2, 60))
def test_unranking_lists_every_pair_once_in_order(n: int) -> None:
    pairs = [unrank(rank, n) for rank in range(math.comb(n, 2))]
    assert pairs == sorted(set(pairs))
    assert all(0 <= i < j < n for i, j in pairs)


@given(st.integers(2, 10**9), st.data())
def test_unranking_is_exact_for_any_number_of_items(n: int, data: st.DataObject) -> None:
    rank = data.draw(st.integers(0, math.comb(n, 2) - 1))
    i, j = unrank(rank, n)
    assert 0 <= i < j < n
    assert i * (2 * n - i - 1) // 2 + (j - i - 1) == rank


def test_a_rank_beyond_the_last_pair_is_refused() -> None:
    with pytest.raises(BadConfig, match="not one of the 3 pairs"):
        unrank(3, 3)


@given(st.integers(0, 25), st.integers(0, 400), st.integers(0, 2**32), st.booleans())
def test_pairs_are_distinct_and_as_many_as_there_can_be(count: int, n: int, seed: int, finished_too: bool) -> None:
    items = [item(k, submission_status="GRADED" if k % 3 else "NOT_SUBMITTED") for k in range(count)]
    pairs = list(sample_pairs(items, n, seed, finished_too=finished_too))
    to_do = sum(x.submission_status == "NOT_SUBMITTED" for x in items)
    possible = math.comb(count if finished_too else to_do, 2)
    assert len(pairs) == min(n, possible)
    assert len({frozenset((p.item_a.id, p.item_b.id)) for p in pairs}) == len(pairs)
    assert len({p.id for p in pairs}) == len(pairs)


def test_every_item_is_drawn_equally_often() -> None:
    """Older collections drew the first few items nearly always; here a chi-square test finds nothing."""
    items = [item(k) for k in range(40)]
    counts: Counter[str] = Counter()
    for seed in range(60):
        for pair in sample_pairs(items, 40, seed):
            counts.update((pair.item_a.id, pair.item_b.id))
    assert len(counts) == 40
    assert chisquare([counts[x.id] for x in items]).pvalue > 0.001


def test_every_pair_and_every_side_is_drawn_equally_often() -> None:
    items = [item(k) for k in range(6)]
    drawn = Counter((p.item_a.id, p.item_b.id) for seed in range(1500) for p in sample_pairs(items, 4, seed))
    assert len(drawn) == 30
    assert chisquare(list(drawn.values())).pvalue > 0.001


def test_pairs_hold_no_item_that_is_handed_in_or_graded_and_are_uniform_over_the_others() -> None:
    states = ("GRADED", "SUBMITTED", "NOT_SUBMITTED", None)
    items = [item(k, submission_status=states[k % 4]) for k in range(12)]
    drawn = Counter(p.parents for seed in range(1500) for p in sample_pairs(items, 5, seed))
    unordered: Counter[frozenset[str]] = Counter()
    for (a, b), count in drawn.items():
        unordered[frozenset((a, b))] += count
    to_do = {x.id for x in items if x.submission_status not in ("GRADED", "SUBMITTED")}
    assert set().union(*unordered) == to_do and len(unordered) == math.comb(6, 2)
    assert chisquare(list(unordered.values())).pvalue > 0.001


def test_the_order_of_the_items_changes_nothing() -> None:
    items = [item(k) for k in range(30)]
    shuffled = random.Random(3).sample(items, 30)
    assert list(sample_pairs(items, 50, 7)) == list(sample_pairs(shuffled + items, 50, 7))
    assert list(sample_pairs(items, 50, 7)) != list(sample_pairs(items, 50, 8))


def test_a_hundred_thousand_items_are_sampled_without_listing_their_pairs() -> None:
    rows = [item(k) for k in range(200)]
    many = [item(0, id=f"{k:012x}") for k in range(100_000)]
    # Five thousand million pairs: with a list of them this would not end.
    assert len(list(sample_pairs(many, 1000, 1))) == 1000
    assert len(list(sample_pairs(rows, 10, 1, ("only this",)))) == 10


def test_the_reference_instant_is_the_later_collection_whatever_its_offset() -> None:
    early = item(1, collected_at="2026-02-02T15:00:00+00:00")
    late = item(2, collected_at="2026-02-02T11:30:00-05:00")
    assert item_pair(early, late, QUERIES[0]).reference_instant == late.collected_at
    assert item_pair(late, early, QUERIES[0]).reference_instant == late.collected_at


def test_a_negative_number_and_no_wording_are_refused() -> None:
    with pytest.raises(BadConfig, match="cannot sample -1"):
        list(sample_pairs([], -1, 0))
    with pytest.raises(BadConfig, match="at least one query"):
        list(sample_pairs([], 1, 0, ()))
