"""The best-of-8 baseline on the good line: sampled, judged, guarded, trained, and a row of the matrix."""

from __future__ import annotations

import json
from pathlib import Path

import msgspec
import pytest

from canvas_pipeline.errors import GateClosed
from canvas_pipeline.pipeline import facts, training
from canvas_pipeline.pipeline.context import build_stage
from canvas_pipeline.pipeline.workspace import Workspace
from canvas_pipeline.records import Message, read_jsonl
from canvas_pipeline.tracks.canvas.data.samples import judgements
from canvas_pipeline.tracks.canvas.examples.best_of import failed
from canvas_pipeline.tracks.canvas.rows import FeedbackExample, Sample, Trajectory
from canvas_pipeline.tracks.canvas.tools.calls import CALLS
from canvas_pipeline_tests.pipeline.good_line import BASE, SHARES, Workshop, copy_of, rewrite

DATA = ("bon_samples", "bon_rows", "bon_split")


@pytest.fixture(scope="module")
def sampled(good_line: Path, tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """A good line with the data of bon."""
    ws = copy_of(good_line, tmp_path_factory.mktemp("bon") / "line")
    made = [build_stage(ws, name, launch(ws)) for name in DATA]
    assert not [verdict for stage in made for verdict in stage.verdicts if not verdict.passed]
    return ws


def launch(ws: Workspace) -> Workshop:
    return Workshop(ws.root / BASE, SHARES["sft"])


def test_it_samples_what_the_greedy_completion_fails_and_prompts_of_the_eval_part(sampled: Workspace) -> None:
    source, greedy = sampled.store.get("trajectory_split"), sampled.store.get("sft_samples")
    missed = {(point.trajectory.id, point.at) for point in failed(judgements(sampled, greedy, source))}
    held_out = {row.id for row in read_jsonl(source.path("eval.jsonl"), Trajectory)}
    asked = [(row.parents[0], row.at) for row in read_jsonl(sampled.store.get("bon_samples").path(), Sample)]
    assert missed and {place for place in asked if place[0] not in held_out} == missed
    assert any(place[0] in held_out for place in asked)
    assert {asked.count(place) for place in asked[:5]} == {sampled.profile.samples_a_prompt}


def test_its_rows_lie_in_the_parts_of_their_trajectories(sampled: Workspace) -> None:
    source, split = sampled.store.get("trajectory_split"), sampled.store.get("bon_split")
    for part in ("train", "eval"):
        known = {row.id for row in read_jsonl(source.path(f"{part}.jsonl"), Trajectory)}
        rows = list(read_jsonl(split.path(f"{part}.jsonl"), FeedbackExample))
        assert rows and {row.parents[0] for row in rows} <= known and all(row.label for row in rows)


def test_it_is_trained_after_its_guards_and_stands_in_the_matrix(sampled: Workspace, tmp_path: Path) -> None:
    ws = copy_of(sampled.root, tmp_path / "line")
    spec = build_stage(ws, "bon_run_spec", launch(ws))
    assert all(verdict.passed for verdict in spec.verdicts)
    assert {verdict.guard for verdict in spec.verdicts} == {f"g{n}" for n in range(1, 14)} - {"g1", "g9"}
    for name in ("bon_checkpoint", "bon_bench", "method_matrix"):
        build_stage(ws, name, launch(ws))
    matrix = json.loads(ws.store.get("method_matrix").path("matrix.json").read_bytes())
    assert {"sft", "dpo", "bon"} <= {row["method"] for row in matrix["rows"]}


def test_a_row_with_a_tool_that_does_not_exist_keeps_it_from_training(sampled: Workspace, tmp_path: Path) -> None:
    ws = copy_of(sampled.root, tmp_path / "line")
    rows = list(read_jsonl(ws.store.get("bon_split").path("train.jsonl"), FeedbackExample))
    at, row = next((n, row) for n, row in enumerate(rows) if CALLS.call_open in row.completion[0].content)
    made_up = row.completion[0].content.replace("call:", "call:canvas.no_such_", 1)
    rows[at] = msgspec.structs.replace(row, completion=(Message(role="assistant", content=made_up),))
    rewrite(ws, "bon_split", {"train.jsonl": rows})
    failing = {verdict.guard for verdict in build_stage(ws, "bon_run_spec", launch(ws)).verdicts if not verdict.passed}
    assert "g7" in failing
    with pytest.raises(GateClosed, match="g7_tools_exist"):
        training.admitted_spec(ws, "bon")


def test_too_few_rows_keep_it_from_training(sampled: Workspace, tmp_path: Path) -> None:
    ws = copy_of(sampled.root, tmp_path / "line")
    rows = list(read_jsonl(ws.store.get("bon_split").path("train.jsonl"), FeedbackExample))
    rewrite(ws, "bon_split", {"train.jsonl": rows[: ws.profile.min_bon_rows - 1]})
    verdicts = build_stage(ws, "bon_run_spec", launch(ws)).verdicts
    assert "g12" in {verdict.guard for verdict in verdicts if not verdict.passed}


def test_the_cards_of_another_method_do_without_its_data(sampled: Workspace) -> None:
    about = {key for key in facts.data_facts(sampled, "dpo", ()) if "bon" in key}
    assert about <= {"allowance.bon_rows"}
    assert {"rows.bon.train", "funnel.bon_rows.kept"} <= facts.data_facts(sampled, "bon", ()).keys()
