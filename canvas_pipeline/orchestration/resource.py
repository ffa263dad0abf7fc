"""The pipeline's settings as a Dagster resource: filled in on the launch pad, given to stage functions as a ``Workspace``."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import dagster as dg
from pydantic import Field

from canvas_pipeline.gb10.dagster_compat import DagsterPipesExecutionError
from canvas_pipeline.pipeline.processes import ended_badly
from canvas_pipeline.pipeline.track import Track
from canvas_pipeline.pipeline.workspace import DEPLOY, Launch, Log, Workspace, allowance_of, workspace

Context = dg.AssetExecutionContext | dg.OpExecutionContext
REPOSITORY = Path(__file__).resolve().parents[2]


class PipelineResource(dg.ConfigurableResource[Any]):
    """Where the data lies and how large the pipeline runs; nothing else in the code location knows paths or profiles."""

    root: str = Field(default=str(REPOSITORY / "data"), description="folder with collab/, sessions/ and the artefacts")
    profile: str = Field(default="embedded", description="embedded (runs anywhere) or gb10 (a DGX Spark)")
    seed: int = 7
    base_model: str = Field(default="", description="instead of the profile's base: a local folder or a hub id")
    teacher_endpoint: str = Field(default="", description="OpenAI-compatible URL; empty: the embedded urgency teacher")
    teacher_model: str = ""
    teacher_identity: str = Field(
        default="",
        description="whose weights the teacher has, where its server does not report them; recorded as stated",
    )
    allow_shrinkage: list[str] = Field(
        default=[], description="STAGE=SHARE:REASON each: lets G6 pass for this run, and is recorded with its reason"
    )
    deploy: str = Field(default=str(DEPLOY), description="folder of the training image's Dockerfile and compose file")

    options: dict[str, str] = Field(default={}, description="settings that only the track knows, see its page in docs")

    def workspace(self, context: Context, track: Track) -> Workspace:
        """The workspace of a step; its log is the run's."""
        return self.here(track, context.log.info)

    def here(self, track: Track, log: Log | None = None) -> Workspace:
        """Outside of a step: a schedule, a sensor, a command."""
        return workspace(
            Path(self.root),
            self.profile,
            track,
            seed=self.seed,
            base_model=self.base_model,
            teacher_endpoint=self.teacher_endpoint,
            teacher_model=self.teacher_model,
            teacher_identity=self.teacher_identity,
            allowances=tuple(map(allowance_of, self.allow_shrinkage)),
            deploy=Path(self.deploy),
            options=self.options,
            **({"log": log} if log else {}),
        )


def pipes_launch(context: Context, pipes: dg.PipesSubprocessClient) -> Launch:
    """A ``Launch`` that runs the command under Dagster Pipes, so that its progress stands in the run's log. A command that ends
    badly is an error of the kind that its exit code says."""

    def launch(command: Sequence[str], env: Mapping[str, str]) -> None:
        try:
            pipes.run(context=context, command=list(command), env=dict(env))
        except DagsterPipesExecutionError as error:
            code = re.search(r"with code (-?\d+)", str(error))
            raise ended_badly(command, int(code[1]) if code else 1) from None

    return launch
