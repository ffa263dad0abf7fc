"""Real runs: steps in processes of their own, admitted, measured, stopped, learned from; and all that the stock executor can do."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest

from canvas_pipeline.gb10.admission import Claim, Headroom
from canvas_pipeline.gb10.ledger import Ledger, since_boot
from canvas_pipeline.gb10.owner import owner
from canvas_pipeline.gb10.peaks import Key, Peaks
from canvas_pipeline_tests.gb10.runs import Sandbox, open_sandbox

GIB = 1 << 30


def gives_back_when_somebody_has_waited(path: Path, for_s: float = 1.5) -> None:
    ledger = Ledger(path)
    while not any(e.state == "waiting" and since_boot() - e.since > for_s for e in ledger.entries()):
        time.sleep(0.1)
    ledger.release("theirs")
    ledger.close()


@pytest.fixture
def sandbox(tmp_path: Path) -> Iterator[Sandbox]:
    with open_sandbox(tmp_path) as opened:
        yield opened


def test_a_step_past_its_reservation_is_stopped_and_its_neighbour_finishes(sandbox: Sandbox) -> None:
    found = sandbox.run("greedy_beside_a_neighbour", config={"retries": {"disabled": {}}})
    assert not found.success
    assert found.of("neighbour", "STEP_SUCCESS")
    failure = found.failure("greedy")
    reason, facts = failure.user_failure_data, failure.user_failure_data.metadata
    assert "was stopped at" in failure.error.message and "Raise its reservation" in reason.description
    # Stopped at once, its peak may round to the reservation itself; the rule shows that it was crossed.
    assert facts["reserved_gib"].value == 0.2 and 0.2 <= facts["peak_gib"].value < 0.45
    assert facts["rule"].value == "cap" and "pid" in facts["largest_process"].value
    assert not sandbox.lives("greedy"), "a child in a session of its own outlived its step"
    assert sandbox.entries() == []


def test_a_stopped_step_starts_once_more_with_twice_as_much_and_the_next_run_knows(sandbox: Sandbox) -> None:
    first = sandbox.run("underestimates")
    assert first.success and len(first.of("underestimated", "STEP_UP_FOR_RETRY")) == 1
    assert first.reserved_mib("underestimated") == [256, 512]
    second = sandbox.run("underestimates")
    (reserved,) = second.reserved_mib("underestimated")
    assert second.success and reserved > 400  # MiB: the learned peak with its margin
    assert "declared 256 MiB, learned peak" in second.log("underestimated")


def test_a_step_larger_than_the_budget_fails_at_once_and_others_go_on(sandbox: Sandbox) -> None:
    found = sandbox.run("one_impossible")
    assert not found.success and found.of("number", "STEP_SUCCESS")
    failure = found.failure("impossible")
    assert "was not started: it needs 100000.0 GiB and the whole budget is" in failure.error.message
    assert not found.of("impossible", "STEP_START")


def test_two_steps_that_do_not_fit_together_run_one_after_the_other_and_log_what_they_wait_for(
    sandbox: Sandbox,
) -> None:
    found = sandbox.run("two_large", config={"uma": {"budget": 1.1, "default_gib": 0.3}})
    assert found.success
    waited = [step for step in ("large_a", "large_b") if "Waiting for memory for" in found.log(step)]
    assert (
        len(waited) == 1
        and "(held: large_" in found.log(waited[0])
        and "Admitted after waiting" in found.log(waited[0])
    )


def test_two_runs_share_one_budget(sandbox: Sandbox) -> None:
    """What another run holds counts here, and this run's step starts when it is given back."""
    ledger = Ledger(sandbox.ledger_path)
    headroom = Headroom(budget=GIB, available=100 * GIB, floor=0)
    ledger.request(Claim(token="theirs", size=GIB, since=since_boot(), name="theirs"), "other", owner(), headroom, 60.0)
    giver = threading.Thread(target=gives_back_when_somebody_has_waited, args=(sandbox.ledger_path,))
    giver.start()
    found = sandbox.run("leaving_a_child", config={"uma": {"budget": 1.5}, "uma_gib": {"leaves_a_child": 0.6}})
    assert found.success and "held: theirs" in found.log("leaves_a_child")
    giver.join()
    ledger.close()


def test_what_a_step_leaves_behind_is_ended_and_logged(sandbox: Sandbox) -> None:
    found = sandbox.run("leaving_a_child")
    assert found.success and not sandbox.lives("left")
    assert "1 process(es) it left behind were ended" in found.log("leaves_a_child")


def test_a_retry_policy_counts_as_in_the_stock_executor(sandbox: Sandbox) -> None:
    found = sandbox.run("retrying")
    assert found.success and len(found.of("third_time", "STEP_UP_FOR_RETRY")) == 2


def test_dynamic_steps_fan_out_and_are_collected(sandbox: Sandbox) -> None:
    assert sandbox.run("mapped").success
    assert (sandbox.home / "total").read_text() == "30"


def test_a_failed_run_is_taken_up_where_it_failed(sandbox: Sandbox) -> None:
    first = sandbox.run("failing")
    assert not first.success and not first.of("add", "STEP_START")
    (sandbox.home / "go").touch()
    again = sandbox.run("failing", reexecution=dg.ReexecutionOptions.from_failure(first.run_id, sandbox.instance))
    assert again.success and again.of("add", "STEP_SUCCESS") and not again.of("number", "STEP_START")


def test_the_launch_pad_may_reserve_more_for_one_step(sandbox: Sandbox) -> None:
    found = sandbox.run("leaving_a_child", config={"uma_gib": {"leaves_a_child": 1.5}})
    assert "Admitted with 1.50 GiB (configured 1.50 GiB" in found.log("leaves_a_child")


def test_a_step_that_did_its_work_does_not_fail_because_the_ledger_does(sandbox: Sandbox) -> None:
    found = sandbox.run("spoiling")
    assert found.success and "could not be recorded" in found.log("spoils_what_was_learned")
    assert "uma.sqlite" in found.log("spoils_what_was_learned") and sandbox.entries() == []


def test_what_a_step_takes_is_learned_from_its_work_and_not_from_finding_it_done(sandbox: Sandbox) -> None:
    assert sandbox.run("reusing").success
    peaks = Peaks(sandbox.ledger_path)
    assert peaks.learned(Key(step="number")) is not None
    assert peaks.learned(Key(step="finds_its_work_done")) is None
