"""Assets of the door: one partition for each contributor, one corpus."""

import dagster as dg

from canvas_pipeline.components.outcome import Result, check_specs, outcome
from canvas_pipeline.components.resource import Line
from canvas_pipeline.line import intake
from canvas_pipeline.line.canaries import DEMO_COUNT, canaries_asset

CONTRIBUTORS = dg.DynamicPartitionsDefinition(name="contributors")


@dg.asset(
    partitions_def=CONTRIBUTORS,
    group_name="intake",
    kinds={"jsonl"},
    check_specs=check_specs(dg.AssetKey("collab"), ["g6"]),
)
def collab(context: dg.AssetExecutionContext, line: Line) -> Result:
    """One contributor's export, read line by line, quarantined with reasons, anonymised."""
    return outcome(intake.collab(line.workspace(context), context.partition_key))


@dg.asset(
    deps=[collab],
    group_name="intake",
    kinds={"jsonl"},
    check_specs=check_specs(dg.AssetKey("corpus"), ["g6", "audit"]),
)
def corpus(context: dg.AssetExecutionContext, line: Line) -> Result:
    """All contributors' items, merged and deduplicated by normalised title and course."""
    return outcome(intake.corpus(line.workspace(context)))


class Planting(dg.Config):
    """How many canaries and decoys to plant."""

    count: int = DEMO_COUNT


@dg.asset(deps=[collab], group_name="intake", kinds={"python"})
def canaries(context: dg.AssetExecutionContext, line: Line, config: Planting) -> Result:
    """Invented identities planted in a copy of the inputs: what survives each stage, and which decoys are masked by mistake."""
    return outcome(canaries_asset(line.workspace(context), config.count))
