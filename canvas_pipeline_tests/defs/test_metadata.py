"""Asset metadata of a whole pipeline: figures that can be plotted, the most important first, hashes and folders last."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from canvas_pipeline.guardrails.audit import AUDIT
from canvas_pipeline.orchestration.outcome import outcome
from canvas_pipeline.tracks.canvas.track import TRACK
from canvas_pipeline_tests.pipeline.good_line import copy_of, data_half, model_half

LAST = ["reused", "sha256", "folder", "files"]


@pytest.fixture(scope="module")
def shown(good_line: Path, tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Mapping[str, Any]]:
    """Return stage → metadata of a copied pipeline, whose rows are reused."""
    ws = copy_of(good_line, tmp_path_factory.mktemp("shown") / "line")
    made = [*data_half(ws), *model_half(ws)]
    guards = {**TRACK.guards.guards, AUDIT.id: AUDIT}
    found = {
        stage.stage.manifest.stage: outcome(stage, [guards[v.guard] for v in stage.verdicts], next_act="go on")
        for stage in made
    }
    return {name: result.metadata or {} for name, result in found.items()}


def test_what_changed_and_the_next_step_precede_hashes_and_folders_which_come_last(
    shown: Mapping[str, Mapping[str, Any]],
) -> None:
    for name, metadata in shown.items():
        keys = list(metadata)
        assert keys[-4:] == LAST, name
        assert keys.index("next") == keys.index("what changed") + 1 and metadata["next"].value == "go on", name
    assert shown["corpus"]["what changed"].value == "reused: nothing that it is made from has changed"


def test_a_share_is_a_number_in_per_cent_that_the_web_ui_can_plot(shown: Mapping[str, Mapping[str, Any]]) -> None:
    shares = {
        (name, key): value for name, found in shown.items() for key, value in found.items() if key.endswith("(%)")
    }
    assert len(shares) > 20
    for where, value in shares.items():
        assert isinstance(value, dg.FloatMetadataValue) and 0.0 <= (value.value or 0.0) <= 100.0, where
    assert {key for name, key in shares if name == "dpo_bench"} >= {"tool selection (%)", "exact call (%)"}


def test_a_bench_begins_with_tool_selection_and_its_interval(shown: Mapping[str, Mapping[str, Any]]) -> None:
    found = shown["dpo_bench"]
    assert list(found)[:2] == ["tool selection (%)", "tool selection, 95 % interval"]
    low, high = (float(part) for part in found["tool selection, 95 % interval"].value.split(" (")[0].split(" to "))
    assert low < found["tool selection (%)"].value < high


def test_each_stage_shows_its_most_important_figure_first(shown: Mapping[str, Mapping[str, Any]]) -> None:
    first = {name: next(iter(found)) for name, found in shown.items()}
    assert first["dpo_run_spec"] == "guards passed" and first["dpo_checkpoint"] == "last loss"
    assert first["method_matrix"] == "tool selection of sft (%)" and first["production_checkpoint"] == "chosen"
    assert first["scenarios"] == "passed" and first["release_log"] == "reasons against a release"
    assert first["preference_split"] == "rows in train" and first["bench_cases"] == "test cases"


def test_the_scenarios_show_a_table_with_a_row_for_each(shown: Mapping[str, Mapping[str, Any]]) -> None:
    head, _, *rows = shown["scenarios"]["table"].value.splitlines()
    assert head == "| scenario | result | reason | broken rules of the policy |"
    assert len(rows) == shown["scenarios"]["of"].value == 12 and rows[0] == "| Semester planning | passed |  |  |"
