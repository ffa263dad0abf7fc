"""pass@k is the unbiased estimate, and asks for enough samples."""

from __future__ import annotations

import itertools
import statistics

import pytest

from canvas_pipeline.errors import BadConfig
from canvas_pipeline.evaluation.pass_at_k import mean_pass_at_k, pass_at_k


@pytest.mark.parametrize(
    ("samples", "right", "k", "expected"),
    [(5, 2, 2, 0.70), (10, 1, 5, 0.5), (4, 0, 4, 0.0), (3, 3, 2, 1.0), (10, 10, 10, 1.0)],
)
def test_it_is_the_published_estimate(samples: int, right: int, k: int, expected: float) -> None:
    assert pass_at_k(samples, right, k) == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize(("samples", "right", "k"), [(6, 2, 3), (7, 1, 2), (5, 4, 5)])
def test_it_is_the_share_of_draws_of_k_samples_with_a_right_one(samples: int, right: int, k: int) -> None:
    drawn = list(itertools.combinations([at < right for at in range(samples)], k))
    assert pass_at_k(samples, right, k) == pytest.approx(statistics.fmean(any(draw) for draw in drawn))


@pytest.mark.parametrize("k", [0, -1, 6])
def test_more_than_there_are_samples_is_refused(k: int) -> None:
    with pytest.raises(BadConfig, match="sample more or lower k"):
        pass_at_k(5, 2, k)


def test_the_mean_is_over_cases_and_nothing_is_not_zero() -> None:
    assert mean_pass_at_k([2, 0], 5, 2) == pytest.approx(0.35)
    assert mean_pass_at_k([], 5, 2) is None
