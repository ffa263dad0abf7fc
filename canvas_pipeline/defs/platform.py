"""Resources and executor of the code location."""

import os

import dagster as dg

from canvas_pipeline.components.console import console
from canvas_pipeline.components.resource import Line


@dg.definitions
def platform() -> dg.Definitions:
    line = Line(profile=os.environ.get("CANVAS_PROFILE", "embedded"))
    return dg.Definitions(
        resources={"line": line, "pipes": dg.PipesSubprocessClient()},
        executor=dg.in_process_executor,
        loggers={"console": console},
    )
