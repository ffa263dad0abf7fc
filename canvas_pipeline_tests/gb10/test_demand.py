"""What a step reserves: declared, configured, learned."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from canvas_pipeline.errors import BadConfig
from canvas_pipeline.gb10.demand import TAG, declared, demand, retry_demand, table
from canvas_pipeline.gb10.host import GIB
from canvas_pipeline.gb10.peaks import KEPT, Key, Learned, Peaks, size_class
from canvas_pipeline.methods import METHODS

KEY = Key(step="checkpoint__dpo", version="a", size_class=10)
SIZES = st.integers(1, 1 << 40)


def test_a_tag_is_a_number_or_a_table_by_profile() -> None:
    assert declared("s", {TAG: "2.5"}, "gb10", 1.0, {}) == (round(2.5 * GIB), "declared")
    assert declared("s", {TAG: "embedded=3 gb10=36"}, "gb10", 1.0, {}) == (36 * GIB, "declared")
    assert declared("s", {}, "gb10", 1.5, {}) == (round(1.5 * GIB), "default")
    assert declared("s", {TAG: "2"}, "gb10", 1.0, {"s": 4}) == (4 * GIB, "configured")


@pytest.mark.parametrize("text", ["many", "-1", "nan", "embedded=3", "gb10=", "0"])
def test_a_tag_that_cannot_be_read_names_the_step_and_itself(text: str) -> None:
    with pytest.raises(BadConfig, match=r"checkpoint__dpo.*canvas/uma_gib"):
        declared("checkpoint__dpo", {TAG: text}, "gb10", 1.0, {})


def test_every_methods_table_is_a_tag_that_can_be_read() -> None:
    for row in METHODS.values():
        for profile, number in row.uma_gib.items():
            assert declared("s", {TAG: table(row.uma_gib)}, profile, 1.0, {})[0] == round(number * GIB)


@given(minimum=SIZES, peak=SIZES, budget=SIZES)
def test_a_reservation_is_the_larger_of_declared_and_learned_and_learning_never_asks_for_more_than_there_is(
    minimum: int, peak: int, budget: int
) -> None:
    size = demand(minimum, "declared", Learned(peak=peak), 1.15, budget).size
    assert size >= minimum and size <= max(minimum, budget)
    assert size >= min(peak, budget)


def test_a_stopped_step_asks_for_twice_as_much_and_at_most_for_everything() -> None:
    first = demand(2 * GIB, "declared", None, 1.15, 10 * GIB)
    again = retry_demand(first, 2 * GIB + 1, 1.15, 10 * GIB)
    assert again is not None and again.size == 4 * GIB and "at least" in str(again)
    assert (most := retry_demand(first, 2 * GIB, 1.15, 3 * GIB)) and most.size == 3 * GIB
    assert retry_demand(first, 2 * GIB, 1.15, 2 * GIB) is None


@pytest.fixture
def peaks(tmp_path: Path) -> Peaks:
    return Peaks(tmp_path / "uma.sqlite")


def test_the_largest_of_the_last_peaks_counts_and_an_old_one_expires(peaks: Peaks) -> None:
    for peak in (900, 100, 200):
        peaks.record(KEY, peak)
    assert peaks.learned(KEY) == Learned(peak=900)
    for _ in range(KEPT):
        peaks.record(KEY, 150)
    assert peaks.learned(KEY) == Learned(peak=150)


def test_another_code_or_a_near_input_is_better_than_nothing_and_marked(peaks: Peaks) -> None:
    peaks.record(KEY, 500)
    other = Key(step=KEY.step, version="b", size_class=10)
    assert peaks.learned(other) == Learned(peak=500, exact=False)
    assert (
        peaks.learned(Key(step=KEY.step, version="b", size_class=14)) is None
    )  # far larger: a small peak proves nothing
    assert peaks.learned(Key(step="another", version="a", size_class=10)) is None


def test_a_stop_counts_as_at_least(peaks: Peaks) -> None:
    peaks.record(KEY, 500, stopped=True)
    assert peaks.learned(KEY) == Learned(peak=500, stopped=True)


def test_runs_without_work_and_failures_do_not_push_a_peak_out(peaks: Peaks) -> None:
    peaks.record(KEY, 900)
    for _ in range(3 * KEPT):
        peaks.record(KEY, 50, complete=False)
        peaks.record(KEY, 60, stopped=True, complete=False)
    assert peaks.learned(KEY) == Learned(peak=900)
    peaks.record(KEY, 950, complete=False)
    assert peaks.learned(KEY) == Learned(peak=950)


def test_a_step_that_never_did_its_work_has_no_peak(peaks: Peaks) -> None:
    peaks.record(KEY, 50, complete=False)
    assert peaks.learned(KEY) is None


def test_inputs_within_a_factor_of_two_share_a_class() -> None:
    assert size_class(0) == 0 and size_class(1000) == size_class(600) and size_class(1000) != size_class(2100)
