"""Define the code location's resources, executor and logger, and an asset that shows how the machine's memory is reserved."""

import os

import dagster as dg

from canvas_pipeline.gb10.executor import gb10_executor
from canvas_pipeline.gb10.gauge import bar_png, markdown
from canvas_pipeline.gb10.uma import UmaCap
from canvas_pipeline.orchestration.assets import OWNERS
from canvas_pipeline.orchestration.console import console
from canvas_pipeline.orchestration.metadata import picture
from canvas_pipeline.orchestration.resource import PipelineResource
from canvas_pipeline.pipeline.settings import given


@dg.asset(
    group_name="platform", owners=OWNERS, tags={"kind": "report"}, kinds={"report"},
    description="Shows which steps hold or wait for this machine's memory. Look at the table, then at the bar.",
)  # fmt: skip
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
    return dg.Definitions(
        assets=[uma_status],
        resources={
            "pipeline": PipelineResource(**given(os.environ)),
            "pipes": dg.PipesSubprocessClient(),
            "uma": UmaCap(),
        },
        executor=gb10_executor,
        loggers={"console": console},
    )
