"""The audit as a check: a planted identity fails exactly that check, the next stage refuses the rows, and nothing is audited
twice."""

from __future__ import annotations

from pathlib import Path

import dagster as dg
import msgspec
import pytest

from canvas_pipeline.definitions import defs
from canvas_pipeline.errors import GateClosed
from canvas_pipeline.orchestration.assets import asset_key
from canvas_pipeline.pipeline import audits
from canvas_pipeline.pipeline.context import build_stage
from canvas_pipeline.pipeline.workspace import StageResult, Workspace
from canvas_pipeline_tests.pipeline.good_line import BASE, SHARES, Workshop, copy_of, rewrite

PLANTED = "write to quill@x.example.edu"


@pytest.fixture
def ws(good_line: Path, tmp_path: Path) -> Workspace:
    return copy_of(good_line, tmp_path / "line")


def launch(ws: Workspace) -> Workshop:
    return Workshop(ws.root / BASE, SHARES["dpo"])


def plant(ws: Workspace, stage: str, file: str = "rows.jsonl") -> None:
    """Put the identity into one string of the stage's last row: a title, or the last turn of a conversation."""
    rows = [msgspec.json.decode(line) for line in ws.store.get(stage).path(file).read_bytes().splitlines()]
    last = rows[-1]
    if "title" in last:
        last["title"] = PLANTED
    else:
        turns = last.get("messages") or last.get("chosen") or last["completion"]
        turns[-1]["content"] += f" {PLANTED}"
    rewrite(ws, stage, {file: rows})


def red(made: StageResult) -> list[str]:
    return [verdict.name for verdict in made.verdicts if not verdict.passed]


STAGES = ("corpus", "trajectories", "labelled_pairs", "mutation_pairs", "feedback_examples")
DATASETS = ("trajectory", "preference", "feedback")


@pytest.mark.parametrize("stage", STAGES)
def test_a_planted_identity_fails_the_audit_alone_and_the_next_stage_refuses(stage: str, ws: Workspace) -> None:
    plant(ws, stage)
    made = build_stage(ws, stage)
    assert made.reused and red(made) == ["audit"]
    (verdict,) = (v for v in made.verdicts if v.guard == "audit")
    assert verdict.numbers["found EMAIL"] == 1 and ": EMAIL" in verdict.reason and "quill" not in repr(made)
    consumer = {"corpus": "trajectories", "trajectories": "mutation_pairs"}.get(stage)
    dataset = {"feedback_examples": "feedback"}.get(stage, "preference")
    with pytest.raises(GateClosed, match=rf"{stage} may not be read: its audit failed"):
        build_stage(ws, consumer or f"{dataset}_split")


@pytest.mark.parametrize("dataset", DATASETS)
def test_a_planted_identity_in_a_split_fails_the_audit_and_stops_the_training(dataset: str, ws: Workspace) -> None:
    plant(ws, f"{dataset}_split", "test.jsonl")
    made = build_stage(ws, f"{dataset}_split")
    assert red(made) == ["audit"]
    if dataset != "feedback":
        name = {"trajectory": "sft", "preference": "dpo"}[dataset]
        for step in ("run_spec", "checkpoint"):
            with pytest.raises(GateClosed, match=rf"{dataset}_split may not be read"):
                build_stage(ws, f"{name}_{step}", launch(ws))


def test_a_planted_identity_in_the_cards_fails_the_audit_and_stops_the_release(ws: Workspace) -> None:
    reasons = {"README.md": [], "DATA_CARD.md": [], "note": [PLANTED]}
    rewrite(ws, "cards", {"reasons.json": reasons})
    made = build_stage(ws, "cards", launch(ws))
    assert made.reused and red(made) == ["audit"]
    with pytest.raises(GateClosed, match="cards may not be read"):
        build_stage(ws, "release_log", launch(ws))


def test_a_planted_identity_in_a_file_to_be_published_stops_the_release_before_it_is_written(ws: Workspace) -> None:
    method = "dpo"
    stage = ws.store.get(f"{method}_gguf")
    path = next(stage.path(name) for name in stage.manifest.files if name.endswith(".gguf"))
    verdict = audits.of_files(ws, "release", {path.name: path}, {path.name: "0"}, {"release": "0"})
    assert verdict.passed
    text = path.read_text()
    path.unlink()
    path.write_text(f"{text} {PLANTED}")
    spoiled = audits.of_files(ws, "release", {path.name: path}, {path.name: "1"}, {"release": "1"})
    assert not spoiled.passed and "EMAIL" in spoiled.reason and "quill" not in spoiled.reason
    with pytest.raises(GateClosed):
        audits.require(spoiled)


def test_unchanged_files_are_not_audited_again_until_the_registry_has_a_new_entry(ws: Workspace) -> None:
    told: list[str] = []
    from canvas_pipeline_tests.pipeline.good_line import line_at

    again = line_at(ws.root, log=told.append)
    build_stage(again, "corpus")
    assert not [line for line in told if line.endswith(": audited")]
    registry = again.registry()[1]
    raw = registry.read_bytes()
    registry.unlink()
    registry.write_bytes(raw + raw.splitlines(keepends=True)[-1])
    build_stage(again, "corpus")
    assert [line for line in told if line.endswith(": audited")] == ["corpus: audited"]


def test_in_dagster_the_failed_check_blocks_downstream_assets(ws: Workspace) -> None:
    plant(ws, "corpus")
    settings = {"resources": {"pipeline": {"config": {"root": str(ws.root)}}}}
    chosen = [asset_key("corpus", "canvas"), asset_key("item_pairs", "canvas")]
    with dg.DagsterInstance.ephemeral() as instance:
        job = defs().resolve_job_def("nightly")
        result = job.execute_in_process(
            run_config=settings, instance=instance, asset_selection=chosen, raise_on_error=False
        )
        checks = {e.check_name: e.passed for e in result.get_asset_check_evaluations()}
        log = "\n".join(repr(entry) for entry in instance.all_logs(result.run_id))
    assert not result.success and checks == {"audit": False, "g6_shrinkage": True}
    assert [event.asset_key for event in result.get_asset_materialization_events()] == [asset_key("corpus", "canvas")]
    assert "quill" not in log
