"""The job ``forget`` in an instance of its own: rows are rebuilt and reported, and the instance no longer names the contributor."""

from __future__ import annotations

from pathlib import Path

import dagster as dg

from canvas_pipeline.dagster_instance.contributor_traces import PARTITION_TAG
from canvas_pipeline.definitions import defs
from canvas_pipeline.orchestration.assets import asset_key
from canvas_pipeline.orchestration.partition import CONTRIBUTORS_NAME
from canvas_pipeline.tracks.canvas.data import intake
from canvas_pipeline_tests.pipeline.test_removal_rebuilds import ingested


def naming(folder: Path, contributor: str) -> list[str]:
    """Every file of an instance that holds a name: its databases are searched as bytes, deleted pages too."""
    return [path.name for path in folder.rglob("*") if path.is_file() and contributor.encode() in path.read_bytes()]


def test_the_job_removes_a_contributor_from_the_folder_and_the_instance(tmp_path: Path) -> None:
    ws = ingested(tmp_path / "line")
    first, leaver, last = sorted(intake.contributor_files(ws))
    line = {"resources": {"pipeline": {"config": {"root": str(ws.root)}}}}
    (tmp_path / "instance").mkdir()
    with dg.DagsterInstance.local_temp(str(tmp_path / "instance")) as instance:
        instance.add_dynamic_partitions(CONTRIBUTORS_NAME, [first, leaver, last])
        for name in (first, leaver):
            job = defs().resolve_job_def("intake")
            assert job.execute_in_process(run_config=line, instance=instance, partition_key=name).success
        result = (
            defs()
            .resolve_job_def("forget")
            .execute_in_process(
                run_config=line | {"ops": {"canvas__removals": {"config": {"contributor": leaver}}}},
                instance=instance,
            )
        )
        assert result.success
        told = {
            event.asset_key.path[-1]: event for event in result.get_asset_materialization_events() if event.asset_key
        }
        assert told.keys() == {"corpus", "removals"}
        metadata = told["removals"].step_materialization_data.materialization.metadata
        made = metadata["made again or reused"].value
        assert made == {f"collab/{first}": True, f"collab/{last}": True, "corpus": False}
        assert metadata["files that still name them"].value == 0
        assert sorted(instance.get_dynamic_partitions(CONTRIBUTORS_NAME)) == [first, last]
        assert instance.get_runs(dg.RunsFilter(tags={PARTITION_TAG: leaver})) == []
        assert len(instance.get_runs(dg.RunsFilter(tags={PARTITION_TAG: first}))) == 1
        version = instance.get_latest_materialization_event(asset_key("corpus", "canvas"))
        assert version and version.asset_materialization
        assert version.asset_materialization.tags is not None
        assert ws.store.get("corpus").sha256 in version.asset_materialization.tags.values()
        removing = instance.get_runs(dg.RunsFilter(job_name="forget"))[0]
        named = removing.run_config["ops"]["canvas__removals"]["config"]["contributor"]
        assert removing.is_success and named == metadata["record"].value
    assert naming(tmp_path / "instance", leaver) == []
    assert not (ws.collab / f"{leaver}.jsonl").exists() and ws.store.find(f"collab/{leaver}") is None
