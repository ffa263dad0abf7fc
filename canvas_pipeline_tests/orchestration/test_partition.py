"""Forgetting a contributor deletes their partition, runs and materialisations from Dagster, and no others."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest
from dagster._core.definitions.run_request import InstigatorType
from dagster._core.remote_origin import GrpcServerCodeLocationOrigin, RemoteInstigatorOrigin, RemoteRepositoryOrigin
from dagster._core.scheduler.instigation import (
    InstigatorState,
    InstigatorStatus,
    SensorInstigatorData,
    TickData,
    TickStatus,
)

from canvas_pipeline.automation.arrivals import Sighting, from_cursor, to_cursor
from canvas_pipeline.dagster_instance.contributor_traces import rename_in_run
from canvas_pipeline.defs.canvas.intake import CONTRIBUTORS
from canvas_pipeline.orchestration.partition import CONTRIBUTORS_NAME, forget_partition


@dg.asset(partitions_def=CONTRIBUTORS)
def taken_in() -> None:
    """Stands for the intake of one contributor."""


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.ephemeral() as found:
        found.add_dynamic_partitions(CONTRIBUTORS_NAME, ["ada", "bo"])
        for name in ("ada", "bo"):
            assert dg.materialize([taken_in], instance=found, partition_key=name).success
        yield found


def partitions(instance: dg.DagsterInstance) -> set[str]:
    return set(instance.get_materialized_partitions(dg.AssetKey("taken_in")))


def test_their_partition_and_runs_are_deleted_and_others_stay(instance: dg.DagsterInstance) -> None:
    assert forget_partition(instance, "ada") == 1
    assert instance.get_dynamic_partitions(CONTRIBUTORS_NAME) == ["bo"]
    assert [run.tags["dagster/partition"] for run in instance.get_runs()] == ["bo"]
    assert partitions(instance) == {"bo"}


def test_a_contributor_without_a_partition_is_no_error(instance: dg.DagsterInstance) -> None:
    assert forget_partition(instance, "nobody") == 0
    assert partitions(instance) == {"ada", "bo"}


def configured(instance: dg.DagsterInstance, name: str, value: str) -> str:
    """A finished run with a configuration that names somebody, as the launch pad writes it."""

    @dg.op(name=name, config_schema={"contributor": str, "rebuild": str})
    def removes() -> None:
        """Stands for a removal."""

    @dg.job(name=f"{name}_job")
    def removal() -> None:
        removes()

    config = {"ops": {name: {"config": {"contributor": value, "rebuild": "none"}}}}
    return removal.execute_in_process(instance=instance, run_config=config).run_id


def test_runs_that_name_them_in_their_configuration_go_too(instance: dg.DagsterInstance) -> None:
    hers, his = configured(instance, "leave", "ada"), configured(instance, "leave", "bo")
    assert forget_partition(instance, "ada") == 2
    left = [run.run_id for run in instance.get_runs()]
    assert hers not in left and his in left


def test_the_run_that_removes_them_keeps_its_events_and_not_their_name(instance: dg.DagsterInstance) -> None:
    run = configured(instance, "leave", "ada")
    instance.add_run_tags(run, {"asked by": "ada"})
    forget_partition(instance, "bo", current=run, pseudonym="nobody")
    kept = instance.get_run_by_id(run)
    assert kept is not None and kept.run_config["ops"]["leave"]["config"]["contributor"] == "ada"
    rename_in_run(instance, run, "ada", "f00d")
    kept = instance.get_run_by_id(run)
    assert kept is not None and kept.is_success and kept.tags["asked by"] == "f00d"
    assert kept.run_config["ops"]["leave"]["config"] == {"contributor": "f00d", "rebuild": "none"}
    assert [run.run_id for run in instance.get_runs(dg.RunsFilter(tags={"asked by": "ada"}))] == []
    assert instance.all_logs(run)


def test_an_asset_shows_the_latest_run_that_is_left(instance: dg.DagsterInstance) -> None:
    assert dg.materialize([taken_in], instance=instance, partition_key="ada").success
    forget_partition(instance, "ada")
    last = instance.get_latest_materialization_event(dg.AssetKey("taken_in"))
    assert last and last.asset_materialization and last.asset_materialization.partition == "bo"
    forget_partition(instance, "bo")
    assert instance.get_latest_materialization_event(dg.AssetKey("taken_in")) is None


def put_sensor(instance: dg.DagsterInstance, cursor: str, requested: tuple[str, ...]) -> None:
    """A sensor with a cursor, as the daemon leaves it, and a finished tick for each partition that it asked for."""
    location = GrpcServerCodeLocationOrigin(host="localhost", port=1, location_name="here")
    origin = RemoteInstigatorOrigin(RemoteRepositoryOrigin(location, "repository"), CONTRIBUTORS_NAME)
    data = SensorInstigatorData(cursor=cursor, min_interval=30)
    instance.add_instigator_state(InstigatorState(origin, InstigatorType.SENSOR, InstigatorStatus.RUNNING, data))
    for number, name in enumerate(requested, 1):
        instance.create_tick(
            TickData(
                instigator_origin_id=origin.get_id(), instigator_name=CONTRIBUTORS_NAME, instigator_type=InstigatorType.SENSOR,
                selector_id=origin.get_selector().get_id(), status=TickStatus.SUCCESS, timestamp=float(number), run_ids=[],
                run_keys=[name],
            )
        )  # fmt: skip


def test_ticks_and_the_cursor_of_the_sensor_name_them_no_more(tmp_path: Path) -> None:
    with dg.DagsterInstance.local_temp(str(tmp_path)) as instance:
        cursor = to_cursor({name: Sighting("1/2/3", 0.0, "ab", "ab/cd") for name in ("ada", "bo")})
        put_sensor(instance, cursor, ("ada", "bo"))
        forget_partition(instance, "ada")
        (state,) = instance.all_instigator_state()
        assert set(from_cursor(state.instigator_data.cursor)) == {"bo"}  # type: ignore[union-attr]
        ticks = instance.get_ticks(state.instigator_origin_id, state.selector_id)
        assert [tick.run_keys for tick in ticks] == [["bo"]]
        assert not any(b"ada" in path.read_bytes() for path in tmp_path.rglob("*.db"))
