"""Intervals and tests by cluster: equal to the plain ones without clusters, and honest where cases share a wording."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import bootstrap, permutation_test

from canvas_pipeline.evaluation.clusters import RESAMPLES, clustered, difference_interval, sign_flip
from canvas_pipeline.evaluation.statistics import compare, mcnemar_exact, paired_test, rate, wilson

VERDICTS = st.lists(st.tuples(st.booleans(), st.sampled_from("abcdefgh")), min_size=2, max_size=40)


def test_with_a_cluster_for_each_case_the_interval_is_that_of_the_plain_bootstrap() -> None:
    right = sorted(np.random.default_rng(1).random(80) < 0.7)
    plain = bootstrap(
        (np.asarray(right, float),), np.mean, n_resamples=RESAMPLES, method="percentile", rng=np.random.default_rng(0)
    ).confidence_interval
    found = clustered(right, [str(n) for n in range(80)])
    assert (found.low, found.high) == pytest.approx((plain.low, plain.high), abs=0.01)
    assert found.clusters == 80 and found.effective == pytest.approx(80, rel=0.05)


def test_where_all_cases_of_a_cluster_agree_the_interval_is_that_of_one_case_a_cluster() -> None:
    verdicts = [True] * 14 + [False] * 6
    one = clustered(verdicts, [str(n) for n in range(20)])
    five = clustered(verdicts * 5, [str(n) for n in range(20)] * 5)
    assert (five.low, five.high) == (one.low, one.high) and five.effective == pytest.approx(20, rel=0.05)
    assert (five.clusters, five.always_right, five.always_wrong) == (20, 14, 6)
    narrow = wilson(70, 100)
    assert narrow.low is not None and five.low < narrow.low - 0.05


def test_one_cluster_tells_as_much_as_one_case() -> None:
    found, one = clustered([True] * 30, ["w"] * 30), wilson(1, 1)
    assert (found.low, found.high, found.effective) == (pytest.approx(one.low), 1.0, 1.0)


@settings(max_examples=25, deadline=None)
@given(VERDICTS, st.randoms(use_true_random=False))
def test_neither_the_order_of_the_cases_nor_the_names_of_the_clusters_matter(
    verdicts: list[tuple[bool, str]], rng: object
) -> None:
    right, clusters = zip(*verdicts, strict=True)
    mixed = list(verdicts)
    rng.shuffle(mixed)  # type: ignore[attr-defined]
    other_right, other_clusters = zip(*((ok, name.upper()) for ok, name in mixed), strict=True)
    found = clustered(right, clusters)
    assert found == clustered(other_right, other_clusters)
    share = sum(right) / len(right)
    assert 0 <= found.low <= share + 1e-9 and share - 1e-9 <= found.high <= 1 and 0 < found.effective <= len(right)


@pytest.mark.parametrize(("shared", "least", "most"), [(0.0, 0.90, 1.0), (0.6, 0.90, 0.98)])
def test_the_interval_holds_the_true_share_in_about_95_of_100_draws_whatever_the_wordings_share(
    shared: float, least: float, most: float
) -> None:
    """Each case repeats its wording's verdict with chance ``shared``: the correlation within a wording is its square."""
    rng, true, draws = np.random.default_rng(3), 0.7, 300
    names = [str(n) for n in range(60) for _ in range(5)]
    covered = plain = 0
    for _ in range(draws):
        wording = np.repeat(rng.random(60) < true, 5)
        right = list(np.where(rng.random(300) < shared**0.5, wording, rng.random(300) < true))
        found, narrow = clustered(right, names), wilson(sum(right), 300)
        covered += found.low <= true <= found.high
        plain += narrow.low is not None and narrow.high is not None and narrow.low <= true <= narrow.high
    assert least <= covered / draws <= most
    assert (plain / draws < 0.85) == (shared > 0)


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 40), st.integers(0, 40))
def test_with_a_cluster_for_each_case_the_sign_flip_test_is_exact_mcnemar(gained: int, lost: int) -> None:
    assert sign_flip([1] * gained + [-1] * lost + [0] * 7) == pytest.approx(mcnemar_exact(gained, lost))


@pytest.mark.parametrize("net", [(3, 2, -1, 4), (5, 5, 5, -5, 1, 1), (1, -1)])
def test_the_sign_flip_test_is_the_permutation_test_of_paired_samples(net: tuple[int, ...]) -> None:
    asked = permutation_test((np.asarray(net, float),), np.sum, permutation_type="samples", n_resamples=np.inf)
    assert sign_flip(net) == pytest.approx(float(asked.pvalue))


def test_ten_gained_cases_of_one_wording_are_no_evidence_and_ten_of_ten_wordings_are() -> None:
    before, after = [False] * 10 + [True] * 10, [True] * 20
    one, ten = ["w"] * 10 + ["v"] * 10, [str(n) for n in range(20)]
    assert paired_test(before, after, one).p == 1.0 and paired_test(before, after, one).form == "clustered"
    assert paired_test(before, after, ten).p == pytest.approx(2 * 0.5**10)


def test_a_difference_is_less_sure_where_its_cases_share_wordings() -> None:
    rng = np.random.default_rng(5)
    change = [int(x) for x in np.repeat(rng.choice([-1, 0, 1], 30, p=[0.1, 0.5, 0.4]), 6)]
    low, high = difference_interval(change, [str(n // 6) for n in range(180)])
    few, many = difference_interval(change, [str(n) for n in range(180)])
    assert low < few < sum(change) / 180 < many < high


def test_a_comparison_by_wording_has_the_test_and_the_interval_of_the_wordings() -> None:
    items = [f"i{n}" for n in range(20)]
    verdicts = {"a": dict.fromkeys(items, False), "b": {item: n < 10 for n, item in enumerate(items)}}
    groups, clusters = dict.fromkeys(items, "t"), {item: str(n // 10) for n, item in enumerate(items)}
    by_wording = compare(verdicts, groups, [("a", "b")], clusters=clusters)[0]
    alone = compare(verdicts, groups, [("a", "b")])[0]
    assert alone.significant and not by_wording.significant and by_wording.test.form == "clustered"
    assert (by_wording.low, by_wording.high) == (0.0, 1.0) and alone.low > 0.2


def test_a_share_shows_the_wider_interval_and_keeps_wilsons() -> None:
    found = rate([True] * 14 + [False] * 6, ["a"] * 14 + ["b"] * 6)
    plain = wilson(14, 20)
    assert (found.low, found.high) == (plain.low, plain.high) and found.bounds == (0.0, 1.0)
    alone = rate([True, False], ["a", "b"])
    assert alone.clustered is None and alone.bounds == (wilson(1, 2).low, wilson(1, 2).high)
