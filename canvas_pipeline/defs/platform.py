"""Resources and executor of the code location."""

import os
from typing import Any

import dagster as dg

from canvas_pipeline.components.console import console
from canvas_pipeline.components.resource import Line

SETTINGS = {"CANVAS_PROFILE": "profile", "CANVAS_DATA": "root", "CANVAS_DEPLOY": "deploy", "CANVAS_BASE_MODEL": "base_model",
            "CANVAS_TEACHER_ENDPOINT": "teacher_endpoint", "CANVAS_TEACHER_MODEL": "teacher_model"}  # fmt: skip
"""Environment variable → the line's setting that it is the default of; the launch pad overrides it for one run."""


@dg.definitions
def platform() -> dg.Definitions:
    given: dict[str, Any] = {field: os.environ[name] for name, field in SETTINGS.items() if os.environ.get(name)}
    line = Line(**given)
    return dg.Definitions(
        resources={"line": line, "pipes": dg.PipesSubprocessClient()},
        executor=dg.in_process_executor,
        loggers={"console": console},
    )
