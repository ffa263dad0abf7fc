"""A job that asks every guardrail and trains nothing: ``canvas-train --check``."""

import dagster as dg
import msgspec
from pydantic import Field

from canvas_pipeline.defs.automation import LANE
from canvas_pipeline.gb10.demand import TAG, THREADS, table
from canvas_pipeline.methods import METHODS
from canvas_pipeline.orchestration.resource import Line, pipes_launch
from canvas_pipeline.pipeline.every_guard import every_answer
from canvas_pipeline.pipeline.standard import ANSWERS

LARGEST = {profile: max([gib, *(row.uma_gib[profile] for row in METHODS.values())]) for profile, gib in ANSWERS.items()}


class Asked(dg.Config):
    """Which methods the guards are asked about."""

    methods: list[str] = Field(default=list(METHODS), description="rows of the method table")


@dg.op(tags={TAG: table(LARGEST), THREADS: "all"})
def every_guard(
    context: dg.OpExecutionContext, config: Asked, line: Line, pipes: dg.PipesSubprocessClient
) -> dg.Output[None]:
    answers = every_answer(line.workspace(context), config.methods, pipes_launch(context, pipes))
    records = [dg.TableRecord(msgspec.to_builtins(answer)) for answer in answers]
    return dg.Output(None, metadata={"guardrails": dg.MetadataValue.table(records=records)})


@dg.job(tags={LANE: "line"}, description="Every guardrail of some methods with its reason; trains nothing.")
def guardrails() -> None:
    every_guard()


@dg.definitions
def checking() -> dg.Definitions:
    return dg.Definitions(jobs=[guardrails])
