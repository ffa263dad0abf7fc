"""Asset of the way out: a contributor leaves."""

import dagster as dg
from pydantic import Field

from canvas_pipeline.orchestration.outcome import Result
from canvas_pipeline.orchestration.partition import removed
from canvas_pipeline.orchestration.resource import PipelineResource
from canvas_pipeline.orchestration.track import asset_key, attributes
from canvas_pipeline.tracks.canvas.track import TRACK


class Leaver(dg.Config):
    contributor: str = Field(description="who leaves: the stem of their file; they are asked nothing more")
    rebuild: str = Field(
        default="data", description="none, data (the rows), or all (models too: hours on a real machine)"
    )


@dg.asset(key=asset_key("removals", TRACK.name), **attributes(TRACK.name, "report", "intake"))
def removals(context: dg.AssetExecutionContext, config: Leaver, pipeline: PipelineResource) -> Result:
    """Remove a contributor everywhere, rebuild what depended on them, say which models and releases had seen them."""
    return removed(context, pipeline.workspace(context, TRACK), config.contributor, config.rebuild)
