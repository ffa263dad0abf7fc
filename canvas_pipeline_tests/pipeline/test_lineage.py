"""Trace rows up and down a small pipeline whose every link is known."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner, Result

from canvas_pipeline.cli import lineage as lineage_commands
from canvas_pipeline.errors import BadConfig, CanvasPipelineError, MissingInput
from canvas_pipeline.pipeline.workspace import Workspace
from canvas_pipeline.provenance.exposure import exposure, exposure_of_row
from canvas_pipeline.provenance.lineage import Lineage
from canvas_pipeline.records import digest
from canvas_pipeline_tests.pipeline.small_pipeline import put, rows_of, small_pipeline, version

ESSAY, QUIZ, LAB = (digest(name)[:12] for name in ("essay", "quiz", "lab"))


@pytest.fixture
def ws(tmp_path: Path) -> Workspace:
    return small_pipeline(tmp_path / "data")


def run(ws: Workspace, *arguments: str) -> Result:
    app = typer.Typer()
    lineage_commands.register(app)
    return CliRunner().invoke(app, ["lineage", *arguments, "--root", str(ws.root)])


def test_a_feedback_row_is_traced_up_to_its_file_and_line(ws: Workspace) -> None:
    with Lineage(ws.store) as index:
        walk = index.walk("f-essay", up=True)
    assert walk.edges["f-essay"] == tuple(sorted((ESSAY, "t-essay")))
    assert walk.edges["t-essay"] == tuple(sorted((ESSAY, "st-a")))
    assert walk.edges["st-a"] == tuple(sorted((ESSAY, QUIZ)))
    assert walk.sources == {
        "ada:aaaaaaaaaaa1": "ada.jsonl:1",
        "ada:aaaaaaaaaaa2": "ada.jsonl:2",
        "bo:bbbbbbbbbbb1": "bo.jsonl:1",
    }


def test_a_source_row_is_traced_down_to_every_row_made_from_it_and_no_other(ws: Workspace) -> None:
    with Lineage(ws.store) as index:
        walk = index.walk("ada:aaaaaaaaaaa1", up=False)
    ids = {walk.id, *(id_ for near in walk.edges.values() for id_ in near)}
    assert ids == {"ada:aaaaaaaaaaa1", ESSAY, "st-a", "t-essay", "f-essay"}
    assert {place.stage for place in walk.places["t-essay"]} == {"trajectories", "trajectory_split"}


@pytest.mark.parametrize("row_id", ["t-lab", "st-a", QUIZ, "bo:bbbbbbbbbbb2", "f-lab"])
def test_rows_of_every_stage_can_be_traced(row_id: str, ws: Workspace) -> None:
    assert run(ws, row_id).exit_code == 0
    found = json.loads(run(ws, row_id, "--json").stdout)
    assert found["id"] == row_id and (found["up"]["edges"] or found["down"]["edges"])


def test_up_and_down_are_the_same_links_read_from_both_ends(ws: Workspace) -> None:
    with Lineage(ws.store) as index:
        ids = [
            id_ for (id_,) in index.db.execute("SELECT DISTINCT id FROM row UNION SELECT parent FROM edge").fetchall()
        ]
        down = {(a, b) for id_ in ids for a, near in index.walk(id_, up=False).edges.items() for b in near}
        up = {(b, a) for id_ in ids for a, near in index.walk(id_, up=True).edges.items() for b in near}
    assert down == up and len(down) > 10


@pytest.mark.parametrize(
    ("row_id", "models"),
    [
        ("ada:aaaaaaaaaaa1", {"sft_checkpoint", "sft_gguf", "release"}),
        ("bo:bbbbbbbbbbb2", {"sft_checkpoint", "kto_checkpoint", "sft_gguf", "kto_gguf", "release"}),
        ("f-lab", {"kto_checkpoint", "kto_gguf", "release"}),
        ("f-essay", set()),
    ],
)
def test_the_models_trained_on_a_row_are_listed(row_id: str, models: set[str], ws: Workspace) -> None:
    with Lineage(ws.store) as index:
        found = exposure_of_row(index, ws.track, row_id, ws.root / "releases")
    assert {e.stage for e in found.exposures if e.kind in ("model", "release") and e.seen == "yes"} == models


def test_the_models_exposed_to_a_contributor_are_those_trained_on_their_rows(ws: Workspace) -> None:
    with Lineage(ws.store) as index:
        found = exposure(index, ws.track, "ada", ws.root / "releases")
    seen = {(e.stage, e.seen) for e in found.exposures if e.kind in ("model", "release")}
    assert {("sft_checkpoint", "yes"), ("sft_gguf", "yes"), ("kto_checkpoint", "no"), ("kto_gguf", "no")} <= seen
    assert {e.version: e.seen for e in found.exposures if e.kind == "release"} == {
        version(ws, "sft"): "yes", version(ws, "kto"): "no",
    }  # fmt: skip
    rows = {e.stage: e.rows for e in found.exposures if e.kind == "rows"}
    assert rows == {"collab/ada": 2, "collab/bo": 0, "corpus": 2, "trajectories": 2, "feedback_examples": 1,
                    "trajectory_split": 2, "feedback_split": 1}  # fmt: skip


def test_an_item_that_two_contributed_is_exposed_only_where_both_went_in(ws: Workspace) -> None:
    """The corpus from before ada's file contains the quiz too, but not from her."""
    (ws.collab / "ada.jsonl").rename(ws.root / "ada.jsonl")
    rows_of(ws)
    with Lineage(ws.store) as index:
        found = exposure(index, ws.track, "ada", ws.root / "releases")
    corpora = {e.current: e.seen for e in found.exposures if e.stage == "corpus"}
    assert corpora == {True: "no", False: "yes"}


def test_what_was_made_from_a_pruned_version_is_unknown_and_not_clean(ws: Workspace) -> None:
    shutil.rmtree(ws.store.get("feedback_split").folder)
    with Lineage(ws.store) as index:
        found = exposure(index, ws.track, "ada", ws.root / "releases")
    assert {e.stage: e.seen for e in found.of("model")}["kto_checkpoint"] == "unknown"
    assert {e.version: e.seen for e in found.of("release")}[version(ws, "kto")] == "unknown"


def test_only_current_versions_are_walked_unless_asked(ws: Workspace) -> None:
    put(ws, "trajectories", {"corpus": "another"}, rows=[])

    def stages(*options: str) -> set[str]:
        return {
            place["stage"] for place in json.loads(run(ws, "t-lab", "--json", *options).stdout)["up"]["places"]["t-lab"]
        }

    assert stages() == {"trajectory_split"}
    assert stages("--all-versions") == {"trajectory_split", "trajectories"}


def test_an_unknown_id_is_a_clear_error_with_exit_code_1(ws: Workspace) -> None:
    error = run(ws, "no-such-row").exception
    assert isinstance(error, MissingInput) and "no row of the store has this id" in str(error) and error.exit_code == 1


@pytest.mark.parametrize("arguments", [(), ("t-lab", "--contributor", "ada")])
def test_a_row_and_a_contributor_together_are_refused(arguments: tuple[str, ...], ws: Workspace) -> None:
    if arguments:
        assert isinstance(run(ws, *arguments).exception, BadConfig)
    else:
        assert run(ws).exit_code == 1


def test_the_models_exposed_to_a_contributor_are_listed_as_a_table_and_as_json(ws: Workspace) -> None:
    text = run(ws, "--contributor", "ada").stdout
    assert version(ws, "sft") in text and "sft_checkpoint" in text and "kto_checkpoint" not in text
    found = json.loads(run(ws, "--contributor", "ada", "--json").stdout)
    assert {e["stage"] for e in found["exposures"] if e["kind"] == "model"} == {"sft_checkpoint", "sft_gguf"}
    assert isinstance(run(ws, "--contributor", "nobody").exception, CanvasPipelineError)


def test_a_tree_shows_each_row_s_stage_and_no_row_s_text(ws: Workspace) -> None:
    text = run(ws, QUIZ).stdout
    assert "bo:bbbbbbbbbbb1  [bo.jsonl:1]" in text and "t-essay  [trajectories, trajectory_split train.jsonl]" in text
    assert "about" not in text
    assert "… 1 more" in run(ws, QUIZ, "--limit", "1").stdout


def test_the_index_deletes_its_files(ws: Workspace) -> None:
    before = sorted(ws.root.rglob("*"))
    with Lineage(ws.store) as index:
        folder = index._folder
        assert folder.exists()
    assert not folder.exists() and sorted(ws.root.rglob("*")) == before


def test_a_released_candidate_descends_from_the_training_that_kept_it(ws: Workspace) -> None:
    path = ws.root / "releases" / version(ws, "sft") / "release.json"
    bound = json.loads(path.read_text()) | {"checkpoint": "c" * 64, "data": {}}
    for candidate_of, seen in (({"candidate_of": ws.store.get("sft_checkpoint").sha256}, "yes"), ({}, "unknown")):
        path.write_text(json.dumps(bound | candidate_of))
        with Lineage(ws.store) as index:
            found = exposure(index, ws.track, "ada", ws.root / "releases")
        assert {e.version: e.seen for e in found.of("release")}[version(ws, "sft")] == seen
