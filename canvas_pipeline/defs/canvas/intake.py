"""Define the intake assets: ``collab`` with one partition per contributor, and ``canaries``."""

import dagster as dg

from canvas_pipeline.orchestration.assets import asset_key, attributes
from canvas_pipeline.orchestration.checks import check_specs
from canvas_pipeline.orchestration.outcome import Result, outcome
from canvas_pipeline.orchestration.resource import PipelineResource
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
    """Anonymise one contributor's items and list the refused lines with reasons. Look at the share of rows kept."""
    made = intake.collab(pipeline.workspace(context, TRACK), context.partition_key)
    return outcome(made, CHECKED, next_act="materialise canvas/corpus when every contributor has been ingested")


class Planting(dg.Config):
    """Configure how many canaries, and as many decoys, are planted."""

    count: int = DEMO_COUNT


@dg.asset(key=asset_key("canaries", TRACK.name), deps=[collab], **attributes(TRACK.name, "report", "intake"))
def canaries(context: dg.AssetExecutionContext, pipeline: PipelineResource, config: Planting) -> Result:
    """Plant invented identities in a copy of the inputs and measure how many survive each stage, and how many decoys are masked
    by mistake. Look at the recall, then at "where"."""
    return outcome(canaries_asset(pipeline.workspace(context, TRACK), config.count))
