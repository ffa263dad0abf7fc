"""The statistics give published figures, and a comparison joins items by their ids."""

from __future__ import annotations

import random

import pytest

from canvas_pipeline.errors import BadInput
from canvas_pipeline.evaluation.statistics import (
    benjamini_hochberg,
    cohens_h,
    compare,
    comparison_table,
    mcnemar_test,
    paired_bootstrap,
    wilson,
)

PAIRS = (("base", "sft"), ("sft", "dpo"), ("base", "dpo"))


@pytest.mark.parametrize(
    ("gained", "lost", "form", "p"),
    [
        (10, 2, "exact", 0.038574),
        (0, 0, "exact", 1.0),
        (0, 6, "exact", 0.03125),
        (1, 9, "exact", 0.021484),
        (14, 10, "exact", 0.541256),
        (15, 10, "corrected", 0.423711),
        (40, 20, "corrected", 0.014171),
    ],
)
def test_mcnemar_is_exact_under_25_discordant_items_and_corrected_from_there(
    gained: int, lost: int, form: str, p: float
) -> None:
    found = mcnemar_test(gained, lost)

    assert found.form == form
    assert found.p == pytest.approx(p, abs=1e-5)


def test_the_corrected_statistic_is_the_published_one() -> None:
    assert mcnemar_test(40, 20).statistic == pytest.approx(6.0167, abs=1e-4)


def test_effect_sizes_intervals_and_adjusted_values_are_the_published_ones() -> None:
    p = [0.001, 0.008, 0.039, 0.041, 0.042, 0.06, 0.074, 0.205, 0.212, 0.216, 0.222, 0.251]
    rate = wilson(180, 240)

    assert cohens_h(0.30, 0.80) == pytest.approx(1.05502, abs=1e-5)
    assert cohens_h(0.15, 0.75) == pytest.approx(1.29900, abs=1e-5)
    assert (rate.low, rate.high) == (pytest.approx(0.6916, abs=1e-4), pytest.approx(0.8006, abs=1e-4))
    assert benjamini_hochberg(p)[:3] == [pytest.approx(0.012), pytest.approx(0.048), pytest.approx(0.1008)]
    assert sum(q <= 0.10 for q in benjamini_hochberg(p)) == 2
    assert benjamini_hochberg([]) == []


def _verdicts(seed: int, count: int = 240) -> tuple[dict[str, dict[str, bool]], dict[str, str]]:
    rng = random.Random(seed)
    groups = {f"i{n:03}": f"type{n % 12:02}" for n in range(count)}
    shares = {"base": 0.1, "sft": 0.7, "dpo": 0.75}
    return {model: {item: rng.random() < share for item in groups} for model, share in shares.items()}, groups


def test_three_models_are_compared_overall_and_by_type() -> None:
    verdicts, groups = _verdicts(1)

    rows = compare(verdicts, groups, PAIRS)

    assert len(rows) == 3 * 13
    overall = rows[0]
    assert (overall.baseline, overall.candidate, overall.group) == ("base", "sft", "overall")
    assert overall.difference == pytest.approx(
        sum(verdicts["sft"].values()) / 240 - sum(verdicts["base"].values()) / 240
    )
    assert overall.low < overall.difference < overall.high
    assert overall.significant
    assert all(row.p_adjusted >= row.test.p - 1e-12 for row in rows)
    assert comparison_table(rows).count("\n") == 3 * 13 + 1


def test_the_order_of_the_items_does_not_matter() -> None:
    verdicts, groups = _verdicts(2)
    shuffled = {
        model: dict(random.Random(model).sample(list(rights.items()), len(rights)))
        for model, rights in verdicts.items()
    }

    assert compare(shuffled, dict(reversed(groups.items())), PAIRS) == compare(verdicts, groups, PAIRS)


def test_a_missing_item_is_an_error_that_names_it() -> None:
    verdicts, groups = _verdicts(3)
    del verdicts["dpo"]["i007"]

    with pytest.raises(BadInput, match="dpo.*i007"):
        compare(verdicts, groups, PAIRS)


def test_equal_models_have_no_difference_and_no_interval_around_it() -> None:
    assert paired_bootstrap([True, False] * 20, [True, False] * 20, seed=0) == (0.0, 0.0)


def test_the_bootstrap_interval_is_near_the_normal_one_and_the_same_for_a_seed() -> None:
    before, after = [False] * 60 + [True] * 40, [False] * 30 + [True] * 70
    low, high = paired_bootstrap(before, after, seed=4)

    assert (low, high) == (pytest.approx(0.21, abs=0.02), pytest.approx(0.39, abs=0.02))
    assert paired_bootstrap(before, after, seed=4) == (low, high)
