"""Assets that take contributors in: one partition for each contributor, and canaries."""

import dagster as dg

from canvas_pipeline.orchestration.checks import check_specs
from canvas_pipeline.orchestration.outcome import Result, outcome
from canvas_pipeline.orchestration.resource import PipelineResource
from canvas_pipeline.orchestration.track import asset_key, attributes
from canvas_pipeline.tracks.canvas.data import intake
from canvas_pipeline.tracks.canvas.data.canaries import DEMO_COUNT, canaries_asset
from canvas_pipeline.tracks.canvas.track import TRACK

CHECKED = (TRACK.guards.guards["g6"],)
CONTRIBUTORS = dg.DynamicPartitionsDefinition(name="contributors")


@dg.asset(
    key=asset_key("collab", TRACK.name),
    partitions_def=CONTRIBUTORS,
    check_specs=check_specs(asset_key("collab", TRACK.name), CHECKED),
    **attributes(TRACK.name, "rows", "intake"),
)
def collab(context: dg.AssetExecutionContext, pipeline: PipelineResource) -> Result:
    """One contributor's items, anonymised, and the lines that were refused, with reasons. Look at the share of rows kept."""
    made = intake.collab(pipeline.workspace(context, TRACK), context.partition_key)
    return outcome(made, CHECKED, next_act="materialise canvas/corpus when every contributor is taken in")


class Planting(dg.Config):
    """How many canaries and decoys to plant."""

    count: int = DEMO_COUNT


@dg.asset(key=asset_key("canaries", TRACK.name), deps=[collab], **attributes(TRACK.name, "report", "intake"))
def canaries(context: dg.AssetExecutionContext, pipeline: PipelineResource, config: Planting) -> Result:
    """Invented identities planted in a copy of the inputs: what survives each stage, and which decoys are masked by mistake.
    Look at the recall, then at "where"."""
    return outcome(canaries_asset(pipeline.workspace(context, TRACK), config.count))
