"""Forgetting a contributor deletes their partition, runs and materialisations from Dagster, and no others."""

from __future__ import annotations

from collections.abc import Iterator

import dagster as dg
import pytest

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
