"""The toy track: a base model learns to greet whoever comes ashore."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from canvas_pipeline.datasets.spec import DatasetSpec
from canvas_pipeline.guardrails.audit import AUDIT
from canvas_pipeline.guardrails.standard import base_guard
from canvas_pipeline.guardrails.table import GuardTable
from canvas_pipeline.pipeline.facts import TrackCard
from canvas_pipeline.pipeline.stage import StageSpec
from canvas_pipeline.pipeline.track import Track
from canvas_pipeline.pipeline.workspace import Workspace
from canvas_pipeline.profiles import Profile
from canvas_pipeline.release.cards import CardTemplate, Fact
from canvas_pipeline.release.modelfile import SystemPrompt
from canvas_pipeline.tracks.toy import data
from canvas_pipeline.tracks.toy.rows import Greeting
from canvas_pipeline.tracks.toy.scorer import BENCHMARK


class ToyProfile(Profile, frozen=True, kw_only=True):
    """``rows`` in all three splits."""

    rows: int


DATASETS: Mapping[str, DatasetSpec] = {
    "trajectory": DatasetSpec(
        name="trajectory", title="Greetings", row_type=Greeting, sources=(), funnels=("trajectory_split",),
        min_rows=lambda profile: profile.rows // 2,
    )
}  # fmt: skip
GUARDS = GuardTable([base_guard("answered", 0.0, "the base model answers, however badly")], DATASETS)


def _stages() -> Iterator[StageSpec]:
    yield StageSpec(
        name="trajectory_split", inputs=(), build=data.split, kind="rows", group="data",
        checks=(*GUARDS.of_split("trajectory"), AUDIT), description="Greetings in three parts that share no name.",
    )  # fmt: skip
    yield StageSpec(
        name="bench_cases", inputs=(), build=data.bench_cases, kind="rows", group="data",
        description="Greetings of names that training never saw.",
    )  # fmt: skip


def _facts(ws: Workspace) -> Mapping[str, Fact]:
    return {"privacy.names": Fact(value="invented", source="bench_cases")}


TRACK = Track(
    name="toy",
    profiles={
        "embedded": ToyProfile(
            name="embedded", family_name="plain-qwen3", family_licence="apache-2.0", base_model="embedded", rows=700
        )
    },
    datasets=DATASETS,
    guards=GUARDS,
    methods=("sft",),
    benchmark=BENCHMARK,
    card=TrackCard(
        template=CardTemplate(
            guards=GUARDS, tags=("greeting",), benchmark="Held-out greetings", benchmark_id="greetings", metrics=("answered",),
            texts={"Use and limits": "Made to greet.", "Privacy": "All names are invented."},
        ),
        data_name="toy-greetings", data_licence="cc-by-4.0", inputs=(), facts=_facts,
        system_prompt=lambda ws: SystemPrompt(text="You greet whoever comes ashore."),
    ),
    data_stages=_stages,
    shipped_base=lambda: Path(__file__).parent / "base",
)  # fmt: skip
