"""Drawn tasks are right, tell near misses apart, and those of the benchmark are not trained on."""

from __future__ import annotations

import random
import re

import pytest

from canvas_pipeline.errors import BadConfig
from canvas_pipeline.tracks.code import data, tasks
from canvas_pipeline.verifiers.programs import Program, run_programs
from canvas_pipeline.verifiers.sandbox.session import open_sandbox


def test_every_part_computes_what_its_expression_says() -> None:
    found = {
        task.name: task
        for names in zip(
            [*tasks.FILTERS] * 7, [*tasks.MAPS] * 7, [name for name in tasks.REDUCTIONS for _ in range(8)], strict=True
        )
        for task in [tasks.draw(names, random.Random("-".join(names)))]
    }
    results = run_programs([task.program for task in found.values()], open_sandbox())
    assert {name: result.state for name, result in zip(found, results, strict=True) if result.state != "passed"} == {}


@pytest.mark.parametrize(
    ("old", "new"), [("> 5", ">= 5"), ("> 5", "> 6"), ("> 5", "> 4"), ("+ 3", "+ 4"), ("sum", "len")]
)
def test_tests_tell_a_near_miss_apart(old: str, new: str) -> None:
    drawn = (tasks.draw(("greater", "add", "sum"), random.Random(seed)) for seed in range(500))
    task = next(task for task in drawn if task.constants == (5, 3))
    wrong = Program(code=task.program.code.replace(old, new), tests=task.program.tests)
    assert run_programs([wrong], open_sandbox())[0].state != "passed"


def test_the_same_seed_draws_the_same_and_another_seed_others() -> None:
    assert tasks.tasks("train", 20, 1) == tasks.tasks("train", 20, 1)
    assert tasks.tasks("train", 20, 1) != tasks.tasks("train", 20, 2)


def test_held_out_triples_are_never_trained_on() -> None:
    trained = {task.triple for task in tasks.tasks("train", 600, 7)}
    assert trained == set(tasks.SEEN) and len(tasks.SEEN) == len(tasks.TRIPLES) - 90
    for use in ("test", "selection"):
        held = {task.triple for task in tasks.tasks(use, 40, 7) if task.structure == "held out"}
        assert held and held <= tasks.HELD_OUT[use] and not held & trained
    assert not tasks.HELD_OUT["test"] & tasks.HELD_OUT["selection"]


def test_no_program_of_a_case_is_drawn_for_training() -> None:
    cases = data.drawn_cases("test", 60, 7)
    rows = data.drawn_rows(500, 1, 7, [case.code for case in cases])
    assert not {case.code for case in cases} & {row.code for row in rows}
    assert {case.group for case in cases} == {"seen", "held out"}


def test_more_tasks_than_there_are_is_an_error() -> None:
    every = [task.program.code for task in tasks.tasks("selection", 100, 7)]
    with pytest.raises(BadConfig, match="ask for fewer"):
        tasks.tasks("test", 3, 7, without=type("Everything", (list,), {"__contains__": lambda *_: True})(every))


def test_each_use_has_wordings_of_its_own_and_all_name_the_constants() -> None:
    forms = [form for use in tasks.OPENINGS.values() for form in use]
    assert len(set(forms)) == len(forms)
    rng = random.Random(0)
    for task in tasks.tasks("train", 100, 3):
        text = tasks.worded(task, "train", rng)
        numbers = {int(found) for found in re.findall(r"\d+", task.program.code)} - {0, 1, 2}
        assert numbers <= {int(found) for found in re.findall(r"\d+", text)}, text
