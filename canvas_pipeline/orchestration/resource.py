"""Define the resource with the pipeline's settings: filled in on the launch pad, passed to stages as a ``Workspace``."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

import dagster as dg
from pydantic import Field

from canvas_pipeline.gb10.dagster_compat import DagsterPipesExecutionError
from canvas_pipeline.pipeline.processes import ended_badly
from canvas_pipeline.pipeline.settings import SETTINGS, default, open_workspace
from canvas_pipeline.pipeline.track import Track
from canvas_pipeline.pipeline.workspace import Launch, Log, Workspace

Context = dg.AssetExecutionContext | dg.OpExecutionContext


def _setting(field: str) -> Any:
    return Field(default=default(field), description=f"{SETTINGS[field].help} ({SETTINGS[field].variable})")


class PipelineResource(dg.ConfigurableResource[Any]):
    """Where the data lies and how large the pipeline runs; nothing else in the code location knows paths or profiles.

    The fields are those of the table of settings, and its variables are their defaults."""

    root: str = _setting("root")
    profile: str = _setting("profile")
    seed: int = _setting("seed")
    base_model: str = _setting("base_model")
    teacher_endpoint: str = _setting("teacher_endpoint")
    teacher_model: str = _setting("teacher_model")
    deploy: str = _setting("deploy")
    overrides: str = _setting("overrides")
    numbers: list[str] = _setting("numbers")
    options: dict[str, str] = _setting("options")
    allow_shrinkage: list[str] = Field(
        default=[], description="STAGE=SHARE:REASON each: lets G6 pass for this run, and is recorded with its reason"
    )

    def workspace(self, context: Context, track: Track) -> Workspace:
        """Return the workspace of a step, which logs to the run."""
        return self.here(track, context.log.info)

    def here(self, track: Track, log: Log | None = None) -> Workspace:
        """Outside of a step: a schedule, a sensor, a command."""
        fields = {name: getattr(self, name) for name in (*SETTINGS, "allow_shrinkage")}
        return open_workspace(track, fields, log)


def pipes_launch(context: Context, pipes: dg.PipesSubprocessClient) -> Launch:
    """Return a ``Launch`` that runs a command under Dagster Pipes, so that its progress is in the run's log.

    A command that fails raises the error that its exit code stands for."""

    def launch(command: Sequence[str], env: Mapping[str, str]) -> None:
        try:
            pipes.run(context=context, command=list(command), env=dict(env))
        except DagsterPipesExecutionError as error:
            code = re.search(r"with code (-?\d+)", str(error))
            raise ended_badly(command, int(code[1]) if code else 1) from None

    return launch
