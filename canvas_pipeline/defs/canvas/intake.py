"""Assets of the door: one partition for each contributor, one corpus."""

import dagster as dg

from canvas_pipeline.components.outcome import Result, check_specs, outcome
from canvas_pipeline.components.resource import Line
from canvas_pipeline.line import intake

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
    check_specs=check_specs(dg.AssetKey("corpus"), ["g6"]),
)
def corpus(context: dg.AssetExecutionContext, line: Line) -> Result:
    """All contributors' items, merged and deduplicated by normalised title and course."""
    return outcome(intake.corpus(line.workspace(context)))
