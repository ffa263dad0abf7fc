"""The arithmetic of admission: what fits, what is still to come, who goes first, who has to go."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from canvas_pipeline.gb10.admission import Admitted, Claim, Headroom, Queued, Refused, Reservation, decide, victim

HEADROOM = Headroom(budget=100, available=120, floor=10)
SIZES = st.integers(1, 100)


def claim(size: int, since: float = 0.0, token: str = "me") -> Claim:
    return Claim(token=token, size=size, since=since)


def held(size: int, used: int = 0, started: float = 0.0, token: str = "other") -> Reservation:
    return Reservation(token=token, size=size, used=used, started=started)


def test_a_step_larger_than_the_budget_is_refused_with_both_numbers() -> None:
    found = decide(claim(101 << 30), (), (), Headroom(budget=100 << 30, available=1 << 40, floor=0), 60, 0)
    assert isinstance(found, Refused) and "101.0 GiB" in found.reason and "100.0 GiB" in found.reason


def test_a_step_waits_for_the_budget_and_names_who_holds_it() -> None:
    found = decide(claim(60), (), [Reservation(token="t", size=50, name="checkpoint__sft")], HEADROOM, 60, 7)
    assert (
        isinstance(found, Queued) and found.rule == "budget" and found.waited == 7 and "checkpoint__sft" in found.reason
    )


def test_a_standing_reservation_takes_its_place_in_the_budget() -> None:
    headroom = Headroom(budget=100, available=1000, floor=0, standing=60, standing_name="the teacher's slot")
    found = decide(claim(50), (), (), headroom, 60, 0)
    assert isinstance(found, Queued) and "the teacher's slot" in found.reason
    assert isinstance(decide(claim(40), (), (), headroom, 60, 0), Admitted)


def test_what_is_reserved_and_not_used_yet_is_still_to_come() -> None:
    headroom = Headroom(budget=100, available=70, floor=10)
    assert isinstance(decide(claim(40), (), [held(40, used=40)], headroom, 60, 0), Admitted)
    found = decide(claim(40), (), [held(40, used=10)], headroom, 60, 0)
    assert isinstance(found, Queued) and found.rule == "memory" and "promised" in found.reason


def test_an_older_claim_that_has_waited_for_its_patience_goes_first() -> None:
    older = Claim(token="older", size=90, since=0.0, name="checkpoint__dpo")
    reservations = [held(50, used=50)]
    assert isinstance(decide(claim(10, since=5), [older], reservations, HEADROOM, 60, 59), Admitted)
    found = decide(claim(10, since=5), [older], reservations, HEADROOM, 60, 60)
    assert isinstance(found, Queued) and found.rule == "queue" and "checkpoint__dpo" in found.reason


def test_an_older_claim_that_could_not_start_even_without_our_steps_blocks_nobody() -> None:
    headroom = Headroom(budget=100, available=40, floor=10)  # somebody outside holds the rest
    assert isinstance(decide(claim(10, since=5), [claim(90, token="older")], (), headroom, 60, 600), Admitted)


def test_the_floor_takes_the_largest_overdraft_then_the_youngest() -> None:
    steps = [held(10, 10, started=1, token="old"), held(10, 10, started=9, token="young")]
    assert (found := victim(steps, 5)) and found.token == "young"
    assert (found := victim([*steps, held(10, 12, started=2, token="over")], 5)) and found.token == "over"
    assert (found := victim([*steps, held(10, 13, 0, token="over"), held(10, 13, 3, token="over, young")], 5))
    assert found.token == "over, young"
    assert victim([held(10, 0)], 5) is None


def test_a_step_that_would_bring_nothing_back_is_spared() -> None:
    tiny, large = held(10, 1, started=9, token="tiny"), held(2000, 900, started=1, token="large")
    assert (found := victim([tiny, large], 500)) and found.token == "large"
    assert (found := victim([tiny], 500)) and found.token == "tiny"


@given(
    size=SIZES,
    others=st.lists(st.tuples(SIZES, SIZES)),
    budget=st.integers(1, 300),
    available=st.integers(0, 400),
    floor=st.integers(0, 50),
    standing=st.integers(0, 100),
)
def test_admitted_means_that_it_fits_both_the_budget_and_the_memory(
    size: int, others: list[tuple[int, int]], budget: int, available: int, floor: int, standing: int
) -> None:
    reservations = [held(reserved, used) for reserved, used in others]
    headroom = Headroom(budget=budget, available=available, floor=floor, standing=standing)
    found = decide(claim(size), (), reservations, headroom, 60, 0)
    if isinstance(found, Admitted):
        assert sum(h.size for h in reservations) + standing + size <= budget
        assert size + sum(max(0, h.size - h.used) for h in reservations) <= available - floor
    elif isinstance(found, Refused):
        assert size > budget
