from __future__ import annotations

import msgspec
import pytest

from canvas_pipeline.models.gemma4.wire import ToolCall, serialise
from canvas_pipeline.records import dumps
from canvas_pipeline.tracks.canvas.bench.scenarios import SCENARIOS, Scenario, ScenarioResult, run_scenario
from canvas_pipeline_tests.tracks.canvas.bench.scripted import ScriptedBackend


def test_there_are_the_six_scenarios_of_the_design() -> None:
    assert [scenario.id for scenario in SCENARIOS] == [
        "semester_planning", "spaced_study", "several_exams", "illness", "deadline_triage", "free_block",
    ]  # fmt: skip


def test_the_scripted_right_behaviour_passes_all_six() -> None:
    results = [run_scenario(scenario, ScriptedBackend(scenario.script)) for scenario in SCENARIOS]
    assert [(result.scenario, result.reason) for result in results if not result.passed] == []
    assert len(results) == 6
    for result in results:
        assert msgspec.json.decode(dumps(result), type=ScenarioResult) == result


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.id)
def test_a_model_that_only_talks_fails_with_a_reason(scenario: Scenario) -> None:
    result = run_scenario(scenario, ScriptedBackend(("I have done it. Lab 3, 2026-03-10.",)))
    assert not result.passed and result.reason == "no tool call worked"


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.id)
def test_a_model_that_makes_an_invalid_call_on_the_way_fails(scenario: Scenario) -> None:
    bad = serialise(ToolCall("canvas.list_assignments"))
    result = run_scenario(scenario, ScriptedBackend((bad, *scenario.script)))
    assert not result.passed and result.reason == "a call was unknown_tool"


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.id)
def test_a_model_that_breaks_off_before_the_last_call_fails(scenario: Scenario) -> None:
    *_, answer = scenario.script
    result = run_scenario(scenario, ScriptedBackend((serialise(ToolCall("canvas.list_courses")), answer)))
    assert not result.passed and result.reason


def test_a_block_too_close_to_another_event_fails_the_booking() -> None:
    scenario = SCENARIOS[5]
    close = serialise(
        ToolCall("calendar.create_event", {
            "title": "Study Lab 3", "start_iso": "2026-03-02T16:30Z", "end_iso": "2026-03-02T17:50Z"})
    )  # fmt: skip
    result = run_scenario(scenario, ScriptedBackend((scenario.script[0], close, "Booked.")))
    assert result.reason == "a block lies less than 15 minutes from another event"


def test_a_backend_that_is_down_is_a_failed_result_and_no_error() -> None:
    result = run_scenario(SCENARIOS[0], ScriptedBackend(()))
    assert not result.passed and result.reason == "no answer (backend_failed)"
