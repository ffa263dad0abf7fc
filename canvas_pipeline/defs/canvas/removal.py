"""Define the asset ``removals``, which removes a contributor."""

import dagster as dg
from pydantic import Field

from canvas_pipeline.orchestration.assets import asset_key, attributes
from canvas_pipeline.orchestration.outcome import Result
from canvas_pipeline.orchestration.partition import removed
from canvas_pipeline.orchestration.resource import PipelineResource
from canvas_pipeline.tracks.canvas.track import TRACK


class RemovalConfig(dg.Config):
    """Configure who is removed and what is rebuilt."""

    contributor: str = Field(description="who is removed: the stem of their file")
    rebuild: str = Field(
        default="data", description="none, data (the rows), or all (models too: hours on a real machine)"
    )


@dg.asset(key=asset_key("removals", TRACK.name), **attributes(TRACK.name, "report", "intake"))
def removals(context: dg.AssetExecutionContext, config: RemovalConfig, pipeline: PipelineResource) -> Result:
    """Remove a contributor everywhere, rebuild what depended on them, and list the models and releases trained on their rows."""
    return removed(context, pipeline.workspace(context, TRACK), config.contributor, config.rebuild)
