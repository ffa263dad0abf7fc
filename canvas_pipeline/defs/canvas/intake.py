"""Assets that take contributors in: one partition for each contributor, and canaries."""

import dagster as dg

from canvas_pipeline.orchestration.outcome import Result, check_specs, outcome
from canvas_pipeline.orchestration.resource import Line
from canvas_pipeline.orchestration.track import asset_key
from canvas_pipeline.tracks.canvas.data import intake
from canvas_pipeline.tracks.canvas.data.canaries import DEMO_COUNT, canaries_asset

CONTRIBUTORS = dg.DynamicPartitionsDefinition(name="contributors")


@dg.asset(
    key=asset_key("collab"),
    partitions_def=CONTRIBUTORS,
    group_name="intake",
    kinds={"jsonl"},
    check_specs=check_specs(asset_key("collab"), ["g6"]),
)
def collab(context: dg.AssetExecutionContext, line: Line) -> Result:
    """One contributor's export, read line by line, quarantined with reasons, anonymised."""
    return outcome(intake.collab(line.workspace(context), context.partition_key))


class Planting(dg.Config):
    """How many canaries and decoys to plant."""

    count: int = DEMO_COUNT


@dg.asset(key=asset_key("canaries"), deps=[collab], group_name="intake", kinds={"python"})
def canaries(context: dg.AssetExecutionContext, line: Line, config: Planting) -> Result:
    """Invented identities planted in a copy of the inputs: what survives each stage, and which decoys are masked by mistake."""
    return outcome(canaries_asset(line.workspace(context), config.count))
