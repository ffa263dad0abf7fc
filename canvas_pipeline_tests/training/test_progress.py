"""Progress events, metric rows, and the environment of child processes."""

from __future__ import annotations

import io
import json
from typing import Any

from canvas_pipeline.training.plots import plot_metrics
from canvas_pipeline.training.progress import Reporter, child_environment, metric_rows


class Clock:
    """Seconds that pass one by one."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        self.now += 1
        return self.now


class Pipes:
    """What an open Pipes session offers."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.log = self

    def info(self, line: str) -> None:
        self.lines.append(line)


def test_a_long_run_emits_about_fifty_lines_and_always_the_last() -> None:
    out = io.StringIO()
    report = Reporter(out, clock=Clock())
    for done in range(1, 1001):
        report.step("progress", done, 1000, loss=1.0)
    lines = [json.loads(line) for line in out.getvalue().splitlines()]
    assert 45 <= len(lines) <= 52 and lines[-1]["done"] == 1000


def test_work_of_another_kind_or_started_again_is_reported_again() -> None:
    out = io.StringIO()
    report = Reporter(out, clock=Clock())
    for event, total in (("reference", 10), ("reference", 5), ("progress", 2)):
        for done in range(1, total + 1):
            report.step(event, done, total)
    lines = [json.loads(line) for line in out.getvalue().splitlines()]
    assert [(line["event"], line["done"]) for line in lines if line["done"] == line["total"]] == [
        ("reference", 10), ("reference", 5), ("progress", 2)
    ]  # fmt: skip


def test_every_event_goes_to_an_open_pipes_session_instead_of_the_terminal() -> None:
    out, pipes = io.StringIO(), Pipes()
    Reporter(out, pipes).emit("rows", rows=3)
    assert out.getvalue() == "" and json.loads(pipes.lines[0]) == {"event": "rows", "rows": 3}


def test_metric_rows_contain_no_times() -> None:
    history: list[dict[str, Any]] = [
        {"loss": 1.0, "step": 1, "epoch": 0.1, "num_tokens": 5},
        {"eval_loss": 0.5, "eval_runtime": 3.0, "eval_samples_per_second": 2.0, "step": 2},
        {"train_runtime": 9.0, "train_loss": 1.0, "step": 2},
    ]
    assert metric_rows(history) == [{"loss": 1.0, "step": 1}, {"eval_loss": 0.5, "step": 2}]


def test_a_childs_threads_wait_passively_and_are_not_pinned() -> None:
    child = child_environment({"HOME": "/x"}, gpu=False)
    assert child["HOME"] == "/x" and child["OMP_WAIT_POLICY"] == "passive" and "OMP_PROC_BIND" not in child


def test_only_a_child_that_computes_on_the_processor_keeps_the_memory_it_frees() -> None:
    assert child_environment({}, gpu=False)["MALLOC_MMAP_MAX_"] == "0"
    assert not [name for name in child_environment({}, gpu=True) if name.startswith("MALLOC_")]


def test_plots_appear_for_what_was_measured_and_are_the_same_bytes_again() -> None:
    rows = [{"loss": 1.0, "grad_norm": 2.0, "step": 1}, {"loss": 0.5, "rewards/margins": 0.1, "step": 2}]
    pictures = plot_metrics(rows, "dpo")
    assert set(pictures) == {"loss", "grad_norm", "margins"} and pictures == plot_metrics(rows, "dpo")
    assert all(png.startswith(b"\x89PNG") for png in pictures.values())
