"""The model half of a track as one component: from run specs to a gated release, made from the method table.

In: a YAML with the track's methods. Out: assets ``run_spec/<method>``,
``checkpoint/<method>``, ``bench/<method>``, ``gguf/<method>`` and what they share. What must hold: assets only call the stage
functions of ``line`` and show what those return.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import timedelta

import dagster as dg
from pydantic import Field

from canvas_pipeline.components.outcome import Result, check_specs, outcome
from canvas_pipeline.components.resource import Line, pipes_launch
from canvas_pipeline.gb10.demand import TAG, THREADS, table
from canvas_pipeline.guardrails.table import CHECKS, guards_for
from canvas_pipeline.line import bench, release, training
from canvas_pipeline.line.workspace import Launch, Made, Workspace
from canvas_pipeline.methods import METHODS, method

Step = Callable[[Workspace, Launch], Made]

FRESH = dg.FreshnessPolicy.time_window(warn_window=timedelta(hours=26), fail_window=timedelta(hours=50))
"""Of the release: a warning when a night was missed, a failure when two were. A night that changes nothing counts as fresh."""

SPEAKS: Mapping[str, float] = {"embedded": 3.0, "gb10": 16.0}
"""GiB by profile of a step that loads a model to answer with it (an estimate for gb10; peaks are learned)."""


class Track(dg.Component, dg.Model, dg.Resolvable):
    """The model half of the line. ``methods`` are rows of the method table (all of them where none is named)."""

    methods: list[str] = Field(default_factory=lambda: list(METHODS), description="rows of the method table")

    def build_defs(self, context: dg.ComponentLoadContext) -> dg.Definitions:
        return dg.Definitions(assets=list(self._assets()))

    def _assets(self) -> Iterator[dg.AssetsDefinition]:
        yield _asset(["base_model"], [], "training", training.base_model, "The base that every method descends from.")
        yield _asset(
            ["training_image"], [], "training", training.training_image, "Whether the training image starts.", ["g10"]
        )
        yield _asset(
            ["base_bench"],
            [["base_model"], ["bench_cases"]],
            "bench",
            bench.base_bench,
            "The base on the bench, before any training.",
            ["g3"],
            uma_gib=SPEAKS,
        )
        yield _asset(
            ["reference_logprobs"],
            [["checkpoint", "sft"], ["splits", "preference"]],
            "training",
            training.reference_logprobs,
            "Log-probabilities of the frozen SFT reference, shared by the five preference losses.",
            uma_gib=next(row.uma_gib for row in METHODS.values() if row.reference),
        )
        for name in self.methods:
            yield from self._of_method(name)
        yield from self._release()

    def _of_method(self, name: str) -> Iterator[dg.AssetsDefinition]:
        row = method(name)
        start = [row.start] if row.start == "base_model" else row.start.split("/")
        reference = [["reference_logprobs"]] if row.reference else []
        reads = [["splits", row.dataset], ["splits", "trajectory"], ["base_bench"], ["training_image"], *reference]
        yield _asset(
            ["run_spec", name],
            [start, *_unique(reads)],
            "training",
            _of(name, training.run_spec),
            f"Inputs, numbers and the verdicts of every guard for {name}, bound to the inputs' hashes.",
            [guard.id for guard in guards_for(row)],
            uma_gib=row.uma_gib,
        )
        yield _asset(
            ["checkpoint", name],
            [["run_spec", name], start, ["splits", row.dataset], *reference],
            "training",
            _of(name, training.checkpoint),
            f"Weights trained with {name}.",
            kinds={"pytorch"},
            uma_gib=row.uma_gib,
        )
        yield _asset(
            ["bench", name],
            [["checkpoint", name], ["bench_cases"]],
            "bench",
            _of(name, bench.method_bench),
            f"{name} on the bench, with intervals.",
            uma_gib=SPEAKS,
        )
        yield _asset(
            ["gguf", name],
            [["checkpoint", name], ["bench", name]],
            "release",
            _of(name, release.gguf),
            f"{name} in six quantisations, each loaded, asked and benched.",
            kinds={"gguf"},
            uma_gib=SPEAKS,
        )

    def _release(self) -> Iterator[dg.AssetsDefinition]:
        benches = [["bench", name] for name in self.methods]
        yield _asset(
            ["method_matrix"], benches, "bench", bench.method_matrix, "All methods side by side, with paired tests."
        )
        yield _asset(
            ["production_checkpoint"],
            [["method_matrix"]],
            "bench",
            bench.production_checkpoint,
            "The checkpoint with the best macro accuracy whose every tool is above the floor.",
        )
        yield _asset(
            ["scenarios"],
            [["production_checkpoint"]],
            "bench",
            bench.scenarios,
            "Six calendar scenarios, end to end through the agent loop.",
            uma_gib=SPEAKS,
        )
        yield _asset(
            ["gguf", "production"],
            [["production_checkpoint"]],
            "release",
            release.production_gguf,
            "The production checkpoint in six quantisations.",
            kinds={"gguf"},
            uma_gib=SPEAKS,
        )
        yield _asset(
            ["cards"],
            [["gguf", "production"], ["method_matrix"], ["scenarios"], ["corpus"]],
            "release",
            release.cards,
            "Model card, data card and Modelfile, from measured artefacts only.",
            ["audit"],
        )
        yield _asset(
            ["release_log"],
            [["cards"]],
            "release",
            release.release_log,
            "RELEASE-LOG.md: every item, ticked or with its reason.",
            ["audit"],
        )
        yield _asset(
            ["release"],
            [["release_log"]],
            "release",
            release.release,
            "The release, in a local folder.",
            ["audit"],
            fresh=FRESH,
        )


def _of(name: str, step: Callable[[Workspace, str, Launch], Made]) -> Step:
    def of_method(ws: Workspace, launch: Launch) -> Made:
        return step(ws, name, launch)

    return of_method


def _unique(keys: Sequence[Sequence[str]]) -> list[list[str]]:
    return [list(key) for key in dict.fromkeys(tuple(key) for key in keys)]


def _asset(
    key: Sequence[str],
    deps: Sequence[Sequence[str]],
    group: str,
    step: Step,
    description: str,
    guards: Sequence[str] = (),
    kinds: set[str] | None = None,
    fresh: dg.FreshnessPolicy | None = None,
    uma_gib: Mapping[str, float] | None = None,
) -> dg.AssetsDefinition:
    """``uma_gib`` by profile marks a step that computes on every core in a process of its own; the rest reserve the default."""
    asset_key = dg.AssetKey(list(key))

    @dg.asset(
        key=asset_key,
        deps=[dg.AssetKey(list(dep)) for dep in _unique(deps)],
        group_name=group,
        description=description,
        kinds=kinds or set(),
        freshness_policy=fresh,
        op_tags={TAG: table(uma_gib), THREADS: "all"} if uma_gib else {},
        check_specs=check_specs(asset_key, [guard for guard in CHECKS if guard in guards]),
    )
    def asset(context: dg.AssetExecutionContext, line: Line, pipes: dg.PipesSubprocessClient) -> Result:
        return outcome(step(line.workspace(context), pipes_launch(context, pipes)), guards)

    return asset
