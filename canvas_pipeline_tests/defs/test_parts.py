"""Partitions of a track in a Dagster instance: one file or suite is made without the others, and the line makes what is missing."""

from __future__ import annotations

import json
import os
import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from canvas_pipeline.definitions import defs
from canvas_pipeline.evaluation.selection import Candidate
from canvas_pipeline.orchestration.assets import asset_key
from canvas_pipeline.orchestration.resource import PipelineResource
from canvas_pipeline.pipeline import evaluation
from canvas_pipeline.pipeline.candidates import Weights
from canvas_pipeline.pipeline.workspace import Workspace
from canvas_pipeline.storage.store import Recipe
from canvas_pipeline.tracks.math.profiles import PROFILES
from canvas_pipeline.tracks.math.track import TRACK
from canvas_pipeline.training.weights import MODEL

SOURCES, SUITES = "math_source", "math_suite"


class Line:
    """A data folder of the math track and an instance. A run is one of a job, to its end."""

    def __init__(self, root: Path, instance: dg.DagsterInstance) -> None:
        self.root, self.instance, self.cursor = root, instance, None
        self.ws = Workspace(root=root, track=TRACK, profile=PROFILES["embedded"])
        self.put("math/a.jsonl", 3)
        self.put("math/b.jsonl", 4)
        self.put("math/bench/own.jsonl", 2)

    def put(self, name: str, rows: int) -> None:
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        asked = (
            {"question": f"How many are {at} pears and {rows} figs?", "answer": f"#### {at + rows}"}
            for at in range(rows)
        )
        path.write_text("".join(json.dumps(row) + "\n" for row in asked))
        os.utime(path, (time.time() - 60,) * 2)

    def run(self, job: str, assets: str = "", part: str = "") -> dg.ExecuteInProcessResult:
        result = defs().resolve_job_def(job).execute_in_process(
            run_config={"resources": {"pipeline": {"config": {"root": str(self.root)}}}}, instance=self.instance,
            asset_selection=[asset_key(assets, "math")] if assets else None, partition_key=part or None,
        )  # fmt: skip
        assert result.success
        return result

    def made(self, stage: str) -> set[str]:
        return set(self.instance.get_materialized_partitions(asset_key(stage, "math")))

    def tick(self) -> list[tuple[str | None, str | None]]:
        """Evaluate the sensor once and carry out its requests; return job and partition of the runs that it asks for."""
        sensor = next(one for one in defs().sensors or () if one.name == "math_files")
        context = dg.build_sensor_context(
            instance=self.instance, cursor=self.cursor, resources={"pipeline": PipelineResource(root=str(self.root))}
        )
        result: Any = sensor(context)
        for request in result.dynamic_partitions_requests:
            if isinstance(request, dg.AddDynamicPartitionsRequest):
                self.instance.add_dynamic_partitions(request.partitions_def_name, list(request.partition_keys))
            else:
                for key in request.partition_keys:
                    self.instance.delete_dynamic_partition(request.partitions_def_name, key)
        self.cursor = result.cursor
        return [(request.job_name, request.partition_key) for request in result.run_requests]


@pytest.fixture
def line(tmp_path: Path) -> Iterator[Line]:
    (tmp_path / "instance").mkdir()
    with dg.DagsterInstance.local_temp(str(tmp_path / "instance")) as instance:
        yield Line(tmp_path / "data", instance)


def test_a_partition_makes_its_file_and_no_other_and_the_line_makes_and_reports_the_rest(line: Line) -> None:
    assert sorted(line.tick()) == [(SOURCES, "a.jsonl"), (SOURCES, "b.jsonl"), (SUITES, "own.jsonl")]
    line.run(SOURCES, part="a.jsonl")
    assert line.ws.store.find("source/b.jsonl") is None and line.made("source") == {"a.jsonl"}
    first = line.ws.store.get("source/a.jsonl")

    result = line.run("math_demo", assets="sources")
    assert line.made("source") == {"a.jsonl", "b.jsonl"}
    reported = [event.partition for event in result.all_events if event.is_step_materialization]
    assert reported == ["b.jsonl", None], "a.jsonl was reused and is not reported again"
    joined = line.ws.store.get("sources")
    assert joined.manifest.funnel is not None and joined.manifest.funnel.kept == 7
    assert joined.manifest.recipe.inputs["source/a.jsonl"] == first.sha256


def test_a_changed_file_asks_for_one_run_and_the_others_are_reused(line: Line) -> None:
    line.tick()
    line.run("math_demo", assets="sources")
    before = line.ws.store.get("source/a.jsonl").folder
    line.put("math/b.jsonl", 5)
    assert line.tick() == [(SOURCES, "b.jsonl")]
    line.run(SOURCES, part="b.jsonl")
    line.run("math_demo", assets="sources")
    assert line.ws.store.get("source/a.jsonl").folder == before
    assert line.ws.store.get("sources").manifest.files["rows.jsonl"].rows == 8


def test_a_removed_file_loses_its_partition_and_an_unmounted_folder_loses_none(line: Line) -> None:
    line.tick()
    (line.root / "math/b.jsonl").unlink()
    line.tick()
    assert line.instance.get_dynamic_partitions(SOURCES) == ["a.jsonl"]
    (line.root / "math").rename(line.root / "elsewhere")
    line.tick()
    assert line.instance.get_dynamic_partitions(SOURCES) == ["a.jsonl"]


def test_a_partition_without_a_file_says_that_it_can_be_removed(line: Line) -> None:
    line.instance.add_dynamic_partitions(SOURCES, ["gone.jsonl"])
    job = defs().resolve_job_def(SOURCES)
    config = {"resources": {"pipeline": {"config": {"root": str(line.root)}}}}
    failed = job.execute_in_process(
        run_config=config, instance=line.instance, partition_key="gone.jsonl", raise_on_error=False
    )
    (failure,) = [event.step_failure_data for event in failed.all_events if event.is_step_failure]
    assert failure.error and "there is no gone.jsonl now; its partition can be removed" in failure.error.to_string()


def test_a_suite_is_asked_alone_and_shown_beside_the_majority_answer(
    line: Line, monkeypatch: pytest.MonkeyPatch
) -> None:
    with line.ws.store.write(Recipe(stage="sft_checkpoint", code_version="by hand", inputs={})) as writer:
        shutil.copytree(TRACK.shipped_base(), writer.folder / MODEL)
    checkpoint = line.ws.store.get("sft_checkpoint")
    with line.ws.store.write(Recipe(stage="production_checkpoint", code_version="by hand", inputs={})) as writer:
        writer.json({}, "record.json")
    candidate = Candidate(method="sft", epoch=1.0, checkpoint_sha256=checkpoint.sha256)
    monkeypatch.setattr(evaluation, "production_weights", lambda ws: Weights(checkpoint, candidate, 1, MODEL))
    line.tick()
    line.run(SUITES, part="own.jsonl")
    asking = defs().resolve_implicit_global_asset_job_def()
    result = asking.get_subset(asset_selection={asset_key("suite_bench", "math")}).execute_in_process(
        run_config={"resources": {"pipeline": {"config": {"root": str(line.root)}}}}, instance=line.instance,
        partition_key="own.jsonl",
    )  # fmt: skip
    assert result.success and line.made("suite_bench") == {"own.jsonl"} and line.made("suite") == {"own.jsonl"}
    stage = line.ws.store.get("suite_bench/own.jsonl")
    assert stage.manifest.files["predictions.jsonl"].rows == 2
    (event,) = result.get_asset_materialization_events()
    shown = event.step_materialization_data.materialization.metadata
    assert "exact match of sft (%)" in shown and shown["exact match of majority answer (%)"].value == 50.0
    assert str(shown["beside the baselines"].value).startswith("![picture](data:image/png;base64,")
