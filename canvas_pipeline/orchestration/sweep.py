"""A job that trains and benches one method with several settings: ``canvas-train --sweep``."""

from pathlib import Path
from typing import Any

import dagster as dg
from pydantic import Field

from canvas_pipeline.dagster_instance.local_run import LANE, MODELS
from canvas_pipeline.gb10.demand import TAG, THREADS, table
from canvas_pipeline.orchestration.guardrails import largest
from canvas_pipeline.orchestration.metadata import picture
from canvas_pipeline.orchestration.resource import PipelineResource, pipes_launch
from canvas_pipeline.pipeline import sweep
from canvas_pipeline.pipeline.track import Track


class Swept(dg.Config):
    """Which file of settings is swept."""

    file: str = Field(description="YAML with a method and its named settings, see docs/training.md")


def sweep_job(track: Track) -> dg.JobDefinition:
    """Several settings of one of a track's methods, each trained and benched, and their matrix."""

    @dg.op(name=f"{track.name}_settings", tags={TAG: table(largest(track)), THREADS: "all"})
    def settings(
        context: dg.OpExecutionContext, config: Swept, pipeline: PipelineResource, pipes: dg.PipesSubprocessClient
    ) -> dg.Output[Any]:
        ws = pipeline.workspace(context, track)
        made = sweep.sweep(ws, sweep.read_sweep(Path(config.file), ws), pipes_launch(context, pipes))
        pictures = {name: picture(png) for name, png in made.pictures.items()}
        where = dg.MetadataValue.path(str(made.stage.folder))
        metadata: dict[str, Any] = {"matrix": dg.MetadataValue.md(made.facts["table"]), "folder": where, **pictures}
        return dg.Output(None, metadata=metadata)

    @dg.job(
        name=f"{track.name}_sweep", tags={LANE: MODELS},
        description="One method trained and benched with several settings (canvas-train --sweep).",
    )  # fmt: skip
    def swept() -> None:
        settings()

    return swept
