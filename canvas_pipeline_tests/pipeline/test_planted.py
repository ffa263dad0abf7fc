"""In a copy with canaries a failed audit stops no data stage, so that survivors can be counted; nothing is trained or released."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import pytest

from canvas_pipeline.errors import GateClosed
from canvas_pipeline.pipeline import audits, training
from canvas_pipeline.pipeline.context import build_stage, context_of
from canvas_pipeline.pipeline.workspace import PLANTED, Launch, Workspace
from canvas_pipeline.tracks.canvas.data.canary_planting import copy_inputs
from canvas_pipeline.tracks.canvas.track import TRACK
from canvas_pipeline_tests.pipeline.good_line import copy_of, line_at

STEPS: dict[str, Callable[[Workspace, Launch], object]] = {
    "reference": lambda ws, launch: build_stage(ws, "reference_logprobs", launch),
    "run spec": lambda ws, launch: build_stage(ws, "dpo_run_spec", launch),
    "run spec, measured anyway": lambda ws, launch: training.run_spec(
        context_of(ws, "sft_run_spec", launch), measure_anyway=True
    ),
    "admission": lambda ws, _: training.admitted_spec(ws, "sft"),
    "training": lambda ws, launch: build_stage(ws, "sft_checkpoint", launch),
    "current checkpoint": lambda ws, _: training.current_checkpoint(ws, "dpo"),
    "quants": lambda ws, launch: build_stage(ws, "dpo_gguf", launch),
    "cards": lambda ws, launch: build_stage(ws, "cards", launch),
    "release log": lambda ws, launch: build_stage(ws, "release_log", launch),
    "release": lambda ws, launch: build_stage(ws, "release", launch),
}


def never(command: Sequence[str], env: Mapping[str, str]) -> None:
    raise AssertionError(f"started {command}")


def flagged(ws: Workspace) -> Workspace:
    return dataclasses.replace(ws, planted=True)


def reopened(ws: Workspace) -> Workspace:
    (ws.root / PLANTED).touch()
    return line_at(ws.root)


def made(ws: Workspace) -> list[str]:
    """Return everything in the store except audit verdicts, which any entry point may write."""
    names = (path.relative_to(ws.store.root).as_posix() for path in ws.store.root.rglob("*"))
    return sorted(name for name in names if not name.startswith("audits"))


@pytest.mark.parametrize("known", [flagged, reopened])
def test_a_pipeline_that_may_train_and_release_may_do_neither_after_canaries_were_planted(
    known: Callable[[Workspace], Workspace], good_line: Path, tmp_path: Path
) -> None:
    ws = copy_of(good_line, tmp_path / "line")
    training.current_checkpoint(ws, "dpo")  # without canaries the pipeline is good
    copy = known(ws)
    before = made(copy)
    for name, step in STEPS.items():
        with pytest.raises(GateClosed, match="canaries"):
            step(copy, never)
            pytest.fail(f"{name} went on")
    assert made(copy) == before
    assert not (copy.root / "releases").exists()


def test_a_planted_copy_is_recognised_when_it_is_opened_later(good_line: Path, tmp_path: Path) -> None:
    copy_inputs(line_at(good_line), tmp_path / "kept")
    kept = Workspace(track=TRACK, profile=TRACK.profiles["embedded"], root=tmp_path / "kept")
    assert not kept.planted and kept.holds_canaries
    with pytest.raises(GateClosed, match="canaries"):
        audits.refuse_canaries(kept)
    assert not line_at(good_line).holds_canaries
