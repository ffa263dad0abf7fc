"""A DAGSTER_HOME with the shipped dagster.yaml, and small jobs to fill it."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import dagster as dg
import pytest

ROOT = Path(__file__).resolve().parents[2]
QUIET = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}


@contextmanager
def instance_at(
    home: Path, monkeypatch: pytest.MonkeyPatch, configuration: Path = ROOT / "dagster.yaml"
) -> Iterator[dg.DagsterInstance]:
    """The instance of a folder, configured as shipped."""
    home.mkdir(exist_ok=True)
    shutil.copy(configuration, home / "dagster.yaml")
    monkeypatch.setenv("DAGSTER_HOME", str(home))
    with dg.DagsterInstance.from_config(str(home)) as instance:
        yield instance


def chain(length: int) -> dg.JobDefinition:
    """A job of so many assets, one after the other, that do nothing."""

    def nth(number: int) -> dg.AssetsDefinition:
        @dg.asset(name=f"a{number}", deps=[f"a{number - 1}"] if number else [])
        def one() -> dg.MaterializeResult:
            return dg.MaterializeResult(metadata={"number": number}, data_version=dg.DataVersion(str(number)))

        return one

    job = dg.define_asset_job("chain", executor_def=dg.in_process_executor)
    return dg.Definitions(assets=[nth(n) for n in range(length)], jobs=[job]).resolve_job_def("chain")


def run(instance: dg.DagsterInstance, length: int = 2) -> str:
    """Run a chain to its end; returns the run's id."""
    result = chain(length).execute_in_process(instance=instance, run_config=QUIET)
    assert result.success
    return result.run_id
