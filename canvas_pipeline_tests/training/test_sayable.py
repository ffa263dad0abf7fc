"""The share of rejected sides that a policy could say."""

from __future__ import annotations

from canvas_pipeline.training.sayable import sayable_share


def test_the_share_counts_sums_above_five_nats_of_surprise() -> None:
    assert sayable_share([-0.1, -4.9, -5.0, -80.0]) == 0.5
    assert sayable_share([]) is None
