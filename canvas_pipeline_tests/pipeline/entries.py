"""Shared by the tests of the gate at every entry point: a pipeline to start from, the configuration of a launch, the reasons in a
failed run's events, and whether anything was trained."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from canvas_pipeline.cli import train as command
from canvas_pipeline.orchestration.assets import asset_key
from canvas_pipeline.pipeline.workspace import Workspace
from canvas_pipeline_tests.pipeline.good_line import BASE, copy_of

SPEC, CHECKPOINT = asset_key("dpo_run_spec", "canvas"), asset_key("dpo_checkpoint", "canvas")


def untrained(good_line: Path, root: Path) -> Workspace:
    """Copy the good pipeline without the trained dpo: its run spec and everything before it are there."""
    ws = copy_of(good_line, root)
    shutil.rmtree(ws.store.home("dpo_checkpoint"))
    return ws


def config(ws: Workspace) -> dict[str, Any]:
    """Return the launch pad's configuration for a pipeline in another folder."""
    settings = {"root": str(ws.root), "base_model": str(ws.root / BASE), "deploy": str(ws.deploy)}
    return {"resources": {"pipeline": {"config": settings}}}


def canvas_train(*arguments: str) -> int:
    """Run ``canvas-train`` in this process; return its exit code."""
    before = sys.argv
    sys.argv = ["canvas-train", *arguments]
    try:
        with pytest.raises(SystemExit) as ended:
            command.main()
    finally:
        sys.argv = before
    return int(ended.value.code or 0)


def nothing_was_trained(ws: Workspace) -> bool:
    """Return whether there is no checkpoint and no training process was started."""
    return ws.store.find("dpo_checkpoint") is None and not any((ws.root / "work").glob("*"))


def events_say(events: Iterable[dg.DagsterEvent]) -> str:
    """Return why a run failed, from its events: failed checks by name, and errors with their causes."""
    words: list[str] = []
    for event in events:
        if event.event_type_value == "ASSET_CHECK_EVALUATION":
            evaluation: Any = event.event_specific_data
            words += [] if evaluation.passed else [f"{evaluation.check_name}: {evaluation.description}"]
        if event.is_step_failure:
            error = event.step_failure_data.error
            while error is not None:
                words.append(error.message)
                error = error.cause
    return "\n".join(words)
