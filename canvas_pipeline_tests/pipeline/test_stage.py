"""What the declarations of stages say about each other."""

from __future__ import annotations

import pytest

from canvas_pipeline.pipeline.stage import made_by_models, upstream
from canvas_pipeline.pipeline.track import Track, track_named, track_names
from canvas_pipeline.tracks.canvas.datasets import ROUNDS
from canvas_pipeline.tracks.canvas.track import TRACK as CANVAS
from canvas_pipeline.tracks.instruct.track import TRACK as INSTRUCT

SAMPLED = {
    "canvas": {
        *("sft_samples", "onpolicy_pairs", "feedback_examples", "preference_split", "feedback_split"),
        *("bon_samples", "bon_rows", "bon_split"),
        *(f"{name}_{made}" for name in ROUNDS for made in ("samples", "pairs", "split")),
    },
    "instruct": {"candidates", "pairs", "preference_split"},
}


@pytest.mark.parametrize("track", (CANVAS, INSTRUCT), ids=lambda track: track.name)
def test_rows_that_a_model_made_come_after_it_and_are_built_with_what_is_trained_on_them(track: Track) -> None:
    stages = track.stages()
    assert made_by_models(stages) == SAMPLED[track.name]
    others = (
        set(upstream(stages, ["kto_checkpoint", "bon_checkpoint", "sppo_checkpoint"])) if track is CANVAS else set()
    )
    assert set(upstream(stages, ["dpo_checkpoint"])) | others >= SAMPLED[track.name]
    assert not {"corpus", "trajectories", "trajectory_split"} & set(upstream(stages, ["dpo_checkpoint"]))


@pytest.mark.parametrize("track", map(track_named, track_names()), ids=lambda track: track.name)
def test_the_supervised_method_reads_nothing_that_a_model_said(track: Track) -> None:
    stages = track.stages()
    reached, rest = set[str](), ["sft_checkpoint"]
    while rest:
        name = rest.pop()
        if name not in reached and name in stages:
            reached.add(name)
            rest += stages[name].inputs
    assert not reached & made_by_models(stages)
