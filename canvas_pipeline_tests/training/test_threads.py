"""How many threads a run computes with."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path

import pytest

from canvas_pipeline.errors import BadConfig
from canvas_pipeline.training.progress import Reporter
from canvas_pipeline.training.threads import calibrate, choose_threads, fixed


class Machine:
    """A clock and a step that takes so many seconds with so many threads."""

    def __init__(self, seconds: dict[int, float]) -> None:
        self.seconds, self.now, self.threads, self.steps = seconds, 0.0, 0, 0

    def use(self, threads: int) -> None:
        self.threads = threads

    def step(self) -> None:
        self.steps += 1
        self.now += self.seconds[self.threads]

    def clock(self) -> float:
        return self.now


@pytest.mark.parametrize(
    "seconds, chosen",
    [({1: 1.0, 4: 0.5}, 4), ({1: 1.0, 4: 0.95}, 1), ({1: 1.0, 4: 3.0}, 1), ({1: 1.0, 4: 0.9}, 4)],
)
def test_more_threads_are_taken_only_where_they_help(seconds: dict[int, float], chosen: int) -> None:
    machine = Machine(seconds)
    assert calibrate(machine.step, machine.use, 4, machine.clock)[0] == chosen == machine.threads


def test_on_one_core_nothing_is_measured() -> None:
    machine = Machine({1: 1.0})
    assert calibrate(machine.step, machine.use, 1, machine.clock) == (1, {}) and machine.steps == 0


@pytest.fixture
def unset(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CANVAS_THREADS")


@pytest.mark.usefixtures("unset")
def test_a_resumed_run_keeps_its_number(tmp_path: Path) -> None:
    record, machine, report = tmp_path / "threads", Machine({}), Reporter(io.StringIO())
    record.write_text("3")
    assert choose_threads(machine.step, machine.use, record, report) == 3 == machine.threads and machine.steps == 0


@pytest.mark.usefixtures("unset")
def test_the_choice_of_a_run_is_recorded_and_reported(tmp_path: Path) -> None:
    out, machine = io.StringIO(), Machine(dict.fromkeys(range(1, 1025), 1.0))
    chosen = choose_threads(machine.step, machine.use, tmp_path / "threads", Reporter(out))
    assert (tmp_path / "threads").read_text() == str(chosen) and f'"chosen": {chosen}' in out.getvalue()


def test_the_setting_fixes_the_number(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    machine: Machine = Machine({})
    monkeypatch.setenv("CANVAS_THREADS", "2")
    assert choose_threads(machine.step, machine.use, tmp_path / "threads", Reporter(io.StringIO())) == 2


@pytest.mark.parametrize("text", ["0", "two", "-1", "1.5", "99999"])
def test_a_setting_that_is_no_number_of_threads_is_named(text: str) -> None:
    with pytest.raises(BadConfig, match="CANVAS_THREADS is"):
        fixed({"CANVAS_THREADS": text})


def test_a_setting_that_is_not_there_fixes_nothing() -> None:
    read: Callable[[dict[str, str]], int | None] = fixed
    assert read({}) is None and read({"CANVAS_THREADS": ""}) is None
