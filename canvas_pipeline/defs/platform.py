"""Resources and executor of the code location, and an asset that shows who holds the machine's memory."""

import os

import dagster as dg

from canvas_pipeline.components.console import console
from canvas_pipeline.components.outcome import picture
from canvas_pipeline.components.resource import Line
from canvas_pipeline.gb10.executor import gb10_executor
from canvas_pipeline.gb10.gauge import bar_png, markdown
from canvas_pipeline.gb10.uma import UmaCap


@dg.asset(group_name="platform", description="Who holds and who waits for this machine's memory, now.")
def uma_status(uma: UmaCap) -> dg.MaterializeResult[None]:
    found = uma.status()
    return dg.MaterializeResult(
        metadata={
            "who": dg.MetadataValue.md(markdown(found)),
            "bar": picture(bar_png(found)),
            "ledger": dg.MetadataValue.path(uma.path),
            **found.facts(),
        }
    )


@dg.definitions
def platform() -> dg.Definitions:
    line = Line(profile=os.environ.get("CANVAS_PROFILE", "embedded"))
    return dg.Definitions(
        assets=[uma_status],
        resources={"line": line, "pipes": dg.PipesSubprocessClient(), "uma": UmaCap()},
        executor=gb10_executor,
        loggers={"console": console},
    )
