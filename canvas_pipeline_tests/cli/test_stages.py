"""The table of a command's stages: the event log in 80 columns and 24 lines."""

import dagster as dg
import pytest
from rich.console import Console

from canvas_pipeline.cli.demo import results
from canvas_pipeline.cli.stage_table import rendered
from canvas_pipeline.cli.stages import (
    BLOCKED,
    FAILED,
    MADE,
    MEMORY,
    REUSED,
    RUNNING,
    STOPPED,
    WAITS,
    Stage,
    Stages,
    figure_of,
)
from canvas_pipeline.tracks.canvas.bench.benchmark import BENCHMARK
from canvas_pipeline.tracks.canvas.bench.score import report


@dg.asset
def fresh(context: dg.AssetExecutionContext) -> dg.MaterializeResult:
    context.log.info('{"event": "progress", "done": 3, "total": 9, "loss": 0.25}')
    return dg.MaterializeResult(metadata={"reused": False, "dagster/row_count": 1234})


@dg.asset(deps=[fresh])
def old() -> dg.MaterializeResult:
    return dg.MaterializeResult(metadata={"reused": True})


@dg.asset(deps=[old])
def broken(context: dg.AssetExecutionContext) -> None:
    context.log.info('{"event": "error", "text": "no such base"}')
    raise ValueError("broken")


@dg.asset(deps=[broken])
def behind() -> None: ...


STEPS = ["fresh", "old", "broken", "behind"]


@pytest.fixture(scope="module")
def events() -> list[dg.EventLogEntry]:
    """The events of a run of the four."""
    job = dg.Definitions(assets=[fresh, old, broken, behind], jobs=[dg.define_asset_job("four")])
    with dg.DagsterInstance.ephemeral() as instance:
        found = job.resolve_job_def("four").execute_in_process(instance=instance, raise_on_error=False)
        return list(instance.all_logs(found.run_id))


def read(events: list[dg.EventLogEntry], *, stopping: bool = False) -> Stages:
    stages = Stages()
    stages.begin(list(STEPS))
    stages.stopping = stopping
    for entry in events:
        stages.read(entry)
    stages.end(at=0.0)
    return stages


def test_states_and_figures_are_those_of_the_event_log(events: list[dg.EventLogEntry]) -> None:
    stages = read(events)
    assert [stage.state for stage in stages.all] == [MADE, REUSED, FAILED, BLOCKED]
    assert stages.all[0].figure == "1,234 rows" and stages.all[2].errors == ["no such base"]


def test_progress_of_a_process_moves_the_bar_of_its_stage(events: list[dg.EventLogEntry]) -> None:
    stages = Stages()
    stages.begin(list(STEPS))
    for entry in events:
        stages.read(entry)
        if stages.all[0].total:
            break
    assert (stages.all[0].done, stages.all[0].total, stages.all[0].figure) == (3, 9, "loss 0.25")
    assert stages.all[0].state == RUNNING and stages.all[1].state == WAITS


def test_what_breaks_off_because_the_command_was_told_to_end_has_not_failed(events: list[dg.EventLogEntry]) -> None:
    assert [stage.state for stage in read(events, stopping=True).all] == [MADE, REUSED, STOPPED, WAITS]


@pytest.mark.parametrize(
    "facts, figure",
    [
        ({"last loss": 0.31251, "rows": 9}, "loss 0.313"),
        ({"tool selection (%)": 89.6, "cases": 840}, "tools 89.6 %"),
        ({"chosen": "dpo"}, "dpo"),
        ({"passed": 6, "of": 6}, "6 of 6 passed"),
        ({}, ""),
    ],
)
def test_a_finished_stage_has_one_figure(facts: dict[str, object], figure: str) -> None:
    assert figure_of(facts) == figure


@pytest.mark.parametrize("height", [10, 24, 60])
def test_the_table_fits_the_terminal_and_shows_who_is_running(height: int) -> None:
    stages = Stages()
    stages.all = [Stage(f"stage/{n}", MADE if n % 2 else REUSED, 0.0, 9.0, figure="840 rows") for n in range(14)]
    stages.all += [Stage("apo-zero_checkpoint", RUNNING, 0.0, None, 30, 90, "loss 0.4")]
    stages.all += [Stage("bench/a-very-long-name-of-a-method", MEMORY), *(Stage(f"later/{n}") for n in range(14))]
    console = Console(width=80, height=height, record=True, force_terminal=True)
    console.print(rendered(stages, 5000.0, height))
    lines = console.export_text().splitlines()
    assert len(lines) < height and all(len(line.rstrip()) <= 80 for line in lines)
    assert any("apo-zero_checkpoint" in line and "1:23:20" in line for line in lines)
    assert any(MEMORY in line for line in lines)
    assert any("more are done: " in line for line in lines) is (height < 60)


def test_the_results_fit_80_columns_with_no_number_broken() -> None:
    empty = report([], [])
    console = Console(width=80, record=True)
    console.print(results(BENCHMARK, dict.fromkeys(("base", "sft", "apo-zero"), empty)))
    text = console.export_text()
    assert all(len(line) <= 80 for line in text.splitlines()) and "apo-zero" in text and "n/a" in text
