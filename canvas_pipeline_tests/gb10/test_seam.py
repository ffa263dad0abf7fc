"""The contract with Dagster: this fails, and says what to read, when a new Dagster no longer fits ``gb10.seam``."""

from __future__ import annotations

import tomllib
from pathlib import Path

import dagster as dg
import pytest
from dagster._core.executor import multiprocess

from canvas_pipeline.errors import MissingTool
from canvas_pipeline.gb10 import seam

ROOT = Path(__file__).resolve().parents[2]
READ = "Dagster changed where gb10_executor is joined to it: read canvas_pipeline/gb10/seam.py, then adapt both"


def test_dagster_is_as_the_seam_expects_it() -> None:
    assert seam.misfits() == [], READ


def test_the_range_of_dagster_is_pinned_to_one_minor_version() -> None:
    dependencies = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["dependencies"]
    (pinned,) = [line for line in dependencies if line.startswith("dagster>")]
    major, minor = dg.__version__.split(".")[:2]
    assert f",<{major}.{int(minor) + 1}" in pinned, READ


def test_a_dagster_without_the_names_is_refused_before_a_run(monkeypatch: pytest.MonkeyPatch) -> None:
    def execute(self: object) -> None:
        """A loop that asks nobody."""

    monkeypatch.setattr(multiprocess.MultiprocessExecutor, "execute", execute)
    with pytest.raises(MissingTool, match=r"does not use ActiveExecution.*seam\.py"):
        seam.verify()
