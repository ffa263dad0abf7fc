"""The contributor sensor on a real folder: partitions added and deleted, runs requested; and the nightly's request."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest

from canvas_pipeline.automation.arrivals import AT_ONCE
from canvas_pipeline.automation.nightly import EVERYTHING, NOTHING
from canvas_pipeline.defs.automation import CHANGED, INPUTS, every_night
from canvas_pipeline.defs.canvas.arrivals import contributors
from canvas_pipeline.orchestration.resource import PipelineResource
from canvas_pipeline.tracks.canvas.intake.synthetic.synthesize import synthesize

LONG_AGO = 60.0


class Folder:
    """A contributors' folder, and the sensor's cursor and requests so far."""

    def __init__(self, root: Path, instance: dg.DagsterInstance) -> None:
        self.root, self.instance, self.cursor = root, instance, None
        (root / "collab").mkdir()

    def put(self, name: str, text: str, age_s: float = LONG_AGO) -> None:
        path = self.root / "collab" / f"{name}.jsonl"
        path.write_text(text)
        os.utime(path, (time.time() - age_s,) * 2)

    def tick(self) -> list[str]:
        """Evaluate the sensor once and carry out its requests as the daemon does; return the partitions that get a run."""
        context = dg.build_sensor_context(
            instance=self.instance, cursor=self.cursor, resources={"pipeline": PipelineResource(root=str(self.root))}
        )
        result = contributors(context)
        assert isinstance(result, dg.SensorResult)
        for request in result.dynamic_partitions_requests or ():
            if isinstance(request, dg.AddDynamicPartitionsRequest):
                self.instance.add_dynamic_partitions("contributors", list(request.partition_keys))
            else:
                for key in request.partition_keys:
                    self.instance.delete_dynamic_partition("contributors", key)
        self.cursor = result.cursor or self.cursor
        asked = [request.partition_key for request in result.run_requests or ()]
        assert all(name in self.partitions for name in asked)
        return [name for name in asked if name]

    @property
    def partitions(self) -> list[str]:
        return sorted(self.instance.get_dynamic_partitions("contributors"))


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Folder]:
    with dg.DagsterInstance.ephemeral() as instance:
        yield Folder(tmp_path, instance)


def test_a_new_file_gets_a_partition_and_one_run(folder: Folder) -> None:
    folder.put("ada", "{}\n")
    assert (folder.tick(), folder.partitions) == (["ada"], ["ada"])
    assert (folder.tick(), folder.partitions) == ([], ["ada"])


def test_a_changed_file_runs_again_and_its_neighbour_does_not(folder: Folder) -> None:
    folder.put("ada", "{}\n")
    folder.put("bo", "{}\n")
    folder.tick()
    folder.put("ada", "{}\n{}\n")
    assert folder.tick() == ["ada"]


def test_a_file_that_returns_to_earlier_content_runs_again(folder: Folder) -> None:
    for text in ("old\n", "new\n", "old\n"):
        folder.put("ada", text)
        assert folder.tick() == ["ada"]


def test_a_touched_file_with_the_same_bytes_does_not_run(folder: Folder) -> None:
    folder.put("ada", "{}\n")
    folder.tick()
    folder.put("ada", "{}\n", age_s=30)
    assert folder.tick() == []


def test_a_file_that_is_still_being_written_waits(folder: Folder) -> None:
    folder.put("ada", '{"half', age_s=0)
    assert (folder.tick(), folder.partitions) == ([], [])
    folder.put("ada", "{}\n")
    assert folder.tick() == ["ada"]


def test_a_known_contributor_keeps_the_partition_while_the_file_is_being_replaced(folder: Folder) -> None:
    folder.put("ada", "{}\n")
    folder.tick()
    folder.put("ada", '{"half', age_s=0)
    assert (folder.tick(), folder.partitions) == ([], ["ada"])


def test_a_renamed_file_deletes_one_partition_and_adds_another(folder: Folder) -> None:
    folder.put("ada", "{}\n")
    folder.tick()
    (folder.root / "collab" / "ada.jsonl").rename(folder.root / "collab" / "ada-001.jsonl")
    assert (folder.tick(), folder.partitions) == (["ada-001"], ["ada-001"])


def test_a_removed_file_loses_its_partition_and_gets_a_run_when_it_returns(folder: Folder) -> None:
    folder.put("ada", "{}\n")
    folder.tick()
    (folder.root / "collab" / "ada.jsonl").unlink()
    assert (folder.tick(), folder.partitions) == ([], [])
    folder.put("ada", "{}\n")
    assert (folder.tick(), folder.partitions) == (["ada"], ["ada"])


def test_a_missing_folder_removes_no_partition(folder: Folder) -> None:
    folder.put("ada", "{}\n")
    folder.tick()
    (folder.root / "collab").rename(folder.root / "elsewhere")
    assert (folder.tick(), folder.partitions) == ([], ["ada"])


def test_hidden_files_and_other_kinds_are_ignored(folder: Folder) -> None:
    folder.put(".ada", "{}\n")
    (folder.root / "collab" / "notes.txt").write_text("x")
    assert (folder.tick(), folder.partitions) == ([], [])


def test_skipped_files_are_named_with_what_to_do(folder: Folder, caplog: pytest.LogCaptureFixture) -> None:
    for name in ("ok-2.JSONL", "ok-3.json", "grades.csv", "my export.jsonl"):
        (folder.root / "collab" / name).write_text("{}\n")
    (folder.root / "collab" / "sub").mkdir()
    context = dg.build_sensor_context(
        instance=folder.instance, resources={"pipeline": PipelineResource(root=str(folder.root))}
    )
    result = contributors(context)
    assert isinstance(result, dg.SensorResult) and result.skip_reason is not None
    told = str(result.skip_reason)
    assert all(f"{name}: " in told for name in ("ok-2.JSONL", "ok-3.json", "grades.csv", "my export.jsonl", "sub"))
    assert "rename it" in told and "canvas-data import" in told
    folder.put("ada", "{}\n")
    assert folder.tick() == ["ada"]


def test_many_new_files_get_partitions_at_once_and_runs_in_portions(folder: Folder) -> None:
    names = [f"c{n:03}" for n in range(200)]
    for name in names:
        folder.put(name, "{}\n")
    asked = folder.tick()
    assert (len(asked), folder.partitions) == (AT_ONCE, names)
    for name in asked:
        folder.instance.create_run_for_job(demo_of_intake, tags={"dagster/partition": name})
    assert folder.tick() == [], "as many wait as may wait"
    for run in folder.instance.get_runs():
        folder.instance.report_run_failed(run)
    rounds = [folder.tick() for _ in range(8)]
    assert sorted(asked + [name for found in rounds for name in found]) == names


@dg.job(name="intake")
def demo_of_intake() -> None:
    """Represent a waiting intake run in the run storage: the sensor counts runs by the job's name."""


@pytest.fixture
def line(tmp_path: Path) -> PipelineResource:
    synthesize(2, 1, 2, 7, tmp_path / "collab")
    return PipelineResource(root=str(tmp_path))


def requested(instance: dg.DagsterInstance, line: PipelineResource) -> dict[str, str]:
    with dg.build_schedule_context(instance=instance, resources={"pipeline": line}) as context:
        request = every_night(context)
    assert isinstance(request, dg.RunRequest)
    return dict(request.tags)


@dg.job(name="nightly")
def empty_night() -> None:
    """Represent a nightly in the run storage."""


def test_the_nightlys_tags_name_what_changed_since_the_last_success(line: PipelineResource) -> None:
    with dg.DagsterInstance.local_temp() as instance:
        first = requested(instance, line)
        assert first[CHANGED] == EVERYTHING
        run = instance.create_run_for_job(empty_night, tags=first)
        instance.report_run_failed(run)
        assert requested(instance, line)[CHANGED] == EVERYTHING, "a failed nightly is no success"
        assert empty_night.execute_in_process(instance=instance, tags=first).success
        assert requested(instance, line)[CHANGED] == NOTHING
        with (Path(line.root) / "collab" / "ada-001.jsonl").open("a") as file:
            file.write("{}\n")
        assert requested(instance, line)[CHANGED] == "contributors"
        assert requested(instance, line)[INPUTS] != first[INPUTS]
