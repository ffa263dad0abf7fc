"""Asset of the way out: a contributor leaves."""

import dagster as dg
from pydantic import Field

from canvas_pipeline.orchestration.outcome import Result
from canvas_pipeline.orchestration.partition import departed
from canvas_pipeline.orchestration.resource import Line
from canvas_pipeline.orchestration.track import asset_key, attributes


class Leaver(dg.Config):
    contributor: str = Field(description="who leaves: the stem of their file; they are asked nothing more")
    rebuild: str = Field(
        default="data", description="none, data (the rows), or all (models too: hours on a real machine)"
    )


@dg.asset(key=asset_key("departures"), **attributes("report", "intake"))
def departures(context: dg.AssetExecutionContext, config: Leaver, line: Line) -> Result:
    """Remove a contributor everywhere, rebuild what depended on them, say which models and releases had seen them."""
    return departed(context, line.workspace(context), config.contributor, config.rebuild)
