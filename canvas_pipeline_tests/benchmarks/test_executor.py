"""What a step costs under ``gb10_executor``, beside the stock one on the same graph; and how soon a step past its cap is gone."""

from __future__ import annotations

import json
import time
from pathlib import Path

import dagster as dg

from canvas_pipeline_tests.gb10 import jobs
from canvas_pipeline_tests.gb10.runs import QUIET, Sandbox, open_sandbox

STEPS = 40


def seconds_a_step(sandbox: Sandbox, job: str, config: dict[str, object] | None = None) -> float:
    """Wall time of the run over its steps, two at a time."""
    settings = {**QUIET, "execution": {"config": {"max_concurrent": 2, **(config or {})}}}
    began = time.monotonic()
    with dg.execute_job(dg.reconstructable(getattr(jobs, job)), sandbox.instance, run_config=settings) as result:
        assert result.success
    return (time.monotonic() - began) / STEPS


def test_a_step_costs_at_most_seven_tenths_of_the_stock_executors(tmp_path: Path) -> None:
    with open_sandbox(tmp_path) as sandbox:
        ours = [seconds_a_step(sandbox, "forty_gb10")]
        stock = seconds_a_step(sandbox, "forty_stock")
        served = seconds_a_step(sandbox, "forty_stock", {"start_method": {"forkserver": {}}})
        ours.append(seconds_a_step(sandbox, "forty_gb10"))
    mean = sum(ours) / len(ours)
    print(
        f"\nseconds a step, {STEPS} steps, two at a time: stock spawn {stock:.3f}, stock forkserver {served:.3f}, "
        f"gb10 {ours[0]:.3f} before and {ours[1]:.3f} after; ratio {mean / stock:.2f} (forkserver {mean / served:.2f})"
    )
    assert mean <= 0.7 * stock


def test_a_step_past_its_cap_is_gone_within_a_second(tmp_path: Path) -> None:
    """The step writes down what it holds, by the measure of the cap; a second after it held its reservation it writes no more."""
    with open_sandbox(tmp_path) as sandbox:
        for _ in range(5):
            found = sandbox.run("diary", config={"retries": {"disabled": {}}})
            (failure,) = found.of("keeps_a_diary", "STEP_FAILURE")
            assert failure.step_failure_data.user_failure_data is not None
            lines = [json.loads(line) for line in (tmp_path / "diary.jsonl").read_text().splitlines()]
            # What the runs before have taught it to reserve is more than what it declares.
            reserved = found.reserved_mib("keeps_a_diary")[-1]
            # Where it was ended before it could write that it had crossed, what it wrote last is when it did.
            crossed = next((line for line in lines if line["mib"] >= reserved), lines[-1])
            seconds, last = lines[-1]["at"] - crossed["at"], lines[-1]["mib"]
            print(f"\n{reserved:.0f} MiB reserved, {last} MiB when last heard of, {seconds:.2f} s after crossing")
            assert last >= 0.8 * reserved and seconds < 1.0
            (tmp_path / "diary.jsonl").unlink()
