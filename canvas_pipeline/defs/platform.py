"""Resources and executor of the code location, and an asset that shows who holds the machine's memory."""

import os
from collections.abc import Mapping
from typing import Any

import dagster as dg

from canvas_pipeline.errors import BadConfig
from canvas_pipeline.gb10.executor import gb10_executor
from canvas_pipeline.gb10.gauge import bar_png, markdown
from canvas_pipeline.gb10.uma import UmaCap
from canvas_pipeline.orchestration.console import console
from canvas_pipeline.orchestration.metadata import picture
from canvas_pipeline.orchestration.resource import PipelineResource
from canvas_pipeline.orchestration.track import OWNERS


@dg.asset(
    group_name="platform", owners=OWNERS, tags={"kind": "report"}, kinds={"report"},
    description="Who holds and who waits for this machine's memory, now. Look at the table, then at the bar.",
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


SETTINGS = {"CANVAS_PROFILE": "profile", "CANVAS_DATA": "root", "CANVAS_DEPLOY": "deploy", "CANVAS_BASE_MODEL": "base_model",
            "CANVAS_TEACHER_ENDPOINT": "teacher_endpoint", "CANVAS_TEACHER_MODEL": "teacher_model",
            "CANVAS_TEACHER_IDENTITY": "teacher_identity"}  # fmt: skip
"""Environment variable → the pipeline's setting that it is the default of; the launch pad overrides it for one run."""


OPTIONS = "CANVAS_OPTIONS"
"""Environment variable of the settings that only a track knows: ``NAME=VALUE``, several with semicolons between them."""


def settings_of(environ: Mapping[str, str]) -> dict[str, Any]:
    """The pipeline's settings that an environment gives. Raises ``BadConfig`` for an option without a value."""
    options: dict[str, str] = {}
    for text in filter(None, (part.strip() for part in environ.get(OPTIONS, "").split(";"))):
        name, given, value = text.partition("=")
        if not given:
            raise BadConfig(f"{OPTIONS} holds {text!r}; write NAME=VALUE, several with semicolons between them")
        options[name.strip()] = value.strip()
    found: dict[str, Any] = {field: environ[name] for name, field in SETTINGS.items() if environ.get(name)}
    return {**found, **({"options": options} if options else {})}


@dg.definitions
def platform() -> dg.Definitions:
    given: dict[str, Any] = dict(settings_of(os.environ))
    return dg.Definitions(
        assets=[uma_status],
        resources={"pipeline": PipelineResource(**given), "pipes": dg.PipesSubprocessClient(), "uma": UmaCap()},
        executor=gb10_executor,
        loggers={"console": console},
    )
