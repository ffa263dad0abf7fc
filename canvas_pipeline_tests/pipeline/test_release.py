"""The end of the pipeline: what was broken after the release log was written is still detected."""

from __future__ import annotations

from pathlib import Path

import pytest

from canvas_pipeline.errors import GateClosed, MissingInput
from canvas_pipeline.pipeline import evaluation, training
from canvas_pipeline.pipeline.context import build_stage
from canvas_pipeline.pipeline.workspace import Workspace
from canvas_pipeline.tracks.canvas.guards import TABLE
from canvas_pipeline_tests.pipeline.breaks import BREAKS
from canvas_pipeline_tests.pipeline.good_line import BASE, SHARES, Workshop, copy_of, release_half

STALE = ("preference_train", "preference_eval", "trajectory_train", "deploy/compose.yaml")


@pytest.fixture
def ws(good_line: Path, tmp_path: Path) -> Workspace:
    return copy_of(good_line, tmp_path / "line")


def launch(ws: Workspace) -> Workshop:
    return Workshop(ws.root / BASE, SHARES["dpo"])


def test_the_good_pipeline_is_released(ws: Workspace) -> None:
    made = build_stage(ws, "release", launch(ws))
    assert (ws.root / "releases" / "current" / "RELEASE-LOG.md").read_text().count("[x]") == 9
    assert made.figures["folder name"] == (ws.root / "releases" / "current").resolve().name


@pytest.mark.parametrize("guard", BREAKS)
def test_a_pipeline_with_one_guard_broken_is_not_released(guard: str, ws: Workspace) -> None:
    BREAKS[guard](ws)
    with pytest.raises(GateClosed) as closed:
        build_stage(ws, "release", launch(ws))
    assert TABLE.guards[guard].name in str(closed.value) or any(name in str(closed.value) for name in STALE)
    assert not (ws.root / "releases").exists()


@pytest.mark.parametrize("guard", ["g1", "g3", "g9", "g13"])
def test_nor_is_it_after_everything_was_materialised_again(guard: str, ws: Workspace) -> None:
    """The broken pipeline's new specs record that the guard failed, and the old weights were not trained by them."""
    BREAKS[guard](ws)
    for name in ("sft", "dpo"):
        build_stage(ws, f"{name}_run_spec", launch(ws))
    with pytest.raises((GateClosed, MissingInput)) as closed:
        list(release_half(ws))
        build_stage(ws, "release", launch(ws))
    assert TABLE.guards[guard].name in str(closed.value) or "sft is" in str(closed.value)
    assert not (ws.root / "releases").exists()


def test_weights_trained_on_older_data_are_refused_under_the_specs_of_newer_data(ws: Workspace) -> None:
    """Another seed gives other data: its specs are valid, but the weights were not trained by them."""
    from canvas_pipeline_tests.pipeline.breaks import pairs

    pairs(ws, lambda found: [*found[1:], found[0]])
    build_stage(ws, "dpo_run_spec", launch(ws))
    with pytest.raises(GateClosed, match="dpo_checkpoint was trained on other inputs"):
        training.current_checkpoint(ws, "dpo")
    assert "dpo" in evaluation.current_benches(ws)[1]
    with pytest.raises(GateClosed):
        build_stage(ws, "release", launch(ws))
