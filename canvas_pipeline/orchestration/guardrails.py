"""Define a track's job ``<track>_guardrails``, which evaluates every guard and trains nothing (``canvas-train --check``)."""

from collections.abc import Mapping
from typing import Any

import dagster as dg
import msgspec
from pydantic import Field

from canvas_pipeline.dagster_instance.local_run import LANE, MODELS
from canvas_pipeline.gb10.demand import TAG, THREADS, table
from canvas_pipeline.orchestration.resource import PipelineResource, pipes_launch
from canvas_pipeline.pipeline.every_guard import every_answer
from canvas_pipeline.pipeline.standard import ANSWERS
from canvas_pipeline.pipeline.track import Track


def largest(track: Track) -> Mapping[str, float]:
    """Return profile → GiB of a track's largest step."""
    of_methods = [track.memory(name) for name in track.methods]
    return {profile: max(gib, *(each[profile] for each in of_methods)) for profile, gib in ANSWERS.items()}


class GuardrailsConfig(dg.Config):
    """Configure for which methods the guards are evaluated."""

    methods: list[str] = Field(default=[], description="names from the method table; default: all methods of the track")


def guardrails_job(track: Track) -> dg.JobDefinition:
    """Return the job that evaluates the guards of some of a track's methods and lists each verdict with its reason."""

    @dg.op(name=f"{track.name}_every_guard", tags={TAG: table(largest(track)), THREADS: "all"})
    def every_guard(
        context: dg.OpExecutionContext,
        config: GuardrailsConfig,
        pipeline: PipelineResource,
        pipes: dg.PipesSubprocessClient,
    ) -> dg.Output[Any]:
        names = config.methods or track.methods
        answers = every_answer(pipeline.workspace(context, track), names, pipes_launch(context, pipes))
        records = [dg.TableRecord(msgspec.to_builtins(answer)) for answer in answers]
        return dg.Output(None, metadata={"guardrails": dg.MetadataValue.table(records=records)})

    @dg.job(
        name=f"{track.name}_guardrails", tags={LANE: MODELS},
        description="Every guardrail of some methods with its reason; trains nothing.",
    )  # fmt: skip
    def guardrails() -> None:
        every_guard()

    return guardrails
