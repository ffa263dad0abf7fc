"""``make demo``: run the whole pipeline of one track, or of several in turn, in the Dagster instance and print a summary.

``intake`` runs for each new or changed contributor, then the ``demo`` job for the assets of the chosen methods. ``make dev`` shows
these runs."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from canvas_pipeline.cli.failure import run
from canvas_pipeline.cli.session import Session, home_of, session
from canvas_pipeline.cli.stages import MADE
from canvas_pipeline.dagster_instance.local_run import RunResult
from canvas_pipeline.errors import EXIT_CODES, AnotherRun, CanvasPipelineError, RunFailed
from canvas_pipeline.evaluation.benchmark import Benchmark, Report
from canvas_pipeline.evaluation.statistics import Rate
from canvas_pipeline.methods import CHOICES, ancestry, method
from canvas_pipeline.orchestration.assets import asset_key
from canvas_pipeline.orchestration.track import demo_selection
from canvas_pipeline.pipeline import evaluation
from canvas_pipeline.pipeline.evaluation import read_report
from canvas_pipeline.pipeline.options import (
    BaseModel,
    Deploy,
    Numbers,
    Options,
    Overrides,
    ProfileName,
    Root,
    Seed,
)
from canvas_pipeline.pipeline.settings import from_environment
from canvas_pipeline.pipeline.track import ALL, DEFAULT, Track, track_names, tracks_named
from canvas_pipeline.pipeline.workspace import Workspace

app = typer.Typer(name="demo", add_completion=False, pretty_exceptions_enable=False, rich_markup_mode="markdown")


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to be made of one track: its workspace, methods, and the configuration of its runs."""

    ws: Workspace
    methods: tuple[str, ...]
    config: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Ended:
    """How the demo of one track ended after some ``seconds``: the folder name of its release, or the error."""

    track: str
    seconds: float
    release: str = ""
    error: CanvasPipelineError | None = None


@app.command(
    help="From contributor files to a GGUF that answers: the whole pipeline on this machine, offline.\n\n"
    "What did not change is reused and what was interrupted is resumed, so it can be stopped and started at any "
    "time. `make dev` shows its runs, `uma status` their memory.\n\n"
    "Several tracks (`math,router`, or `all`) are made one after another; a track that fails does not stop the others, "
    "and at the end a table says which were released. The exit code is then the highest of theirs.\n\n"
    "Examples: `make demo`; `make demo TRACK=instruct`; `make demo TRACK=all`; `make demo METHODS=sft`; "
    "`make demo METHODS=all V=1`; `CANVAS_SET='dpo.beta=0.1;dpo.epochs=2' make demo`.\n\n"
    "Its instance is that of DAGSTER_HOME, else `.dagster` beside the data folder.\n\n" + EXIT_CODES
)
def demo(
    methods: Annotated[
        str,
        typer.Option(
            envvar="METHODS",
            help=f"methods by name, with commas, or all; sft is always included: {', '.join(CHOICES)}",
            show_default="those of the track's demo",
        ),
    ] = "",
    track: Annotated[
        str,
        typer.Option(envvar="TRACK", help=f"tracks by name, with commas, or {ALL} of them: {', '.join(track_names())}"),
    ] = DEFAULT,
    profile: ProfileName = None,
    root: Root = None,
    base_model: BaseModel = None,
    seed: Seed = None,
    numbers: Numbers = None,
    overrides: Overrides = None,
    options: Options = None,
    deploy: Deploy = None,
    verbose: Annotated[
        bool, typer.Option("--verbose", "-v", help="show the whole log in the terminal, in place of the table")
    ] = False,
) -> None:
    plans: list[Plan] = []
    for chosen in tracks_named(track):
        ws, settings = from_environment(
            chosen, root=root, profile=profile, base_model=base_model, seed=seed, numbers=numbers, deploy=deploy,
            overrides=overrides, options=options,
        )  # fmt: skip
        plans.append(Plan(ws, methods_of(methods, chosen), {"resources": {"pipeline": {"config": settings}}}))
    first = plans[0].ws
    with session("demo", f"{first.track.name}_demo", home_of(os.environ, first.root), verbose=verbose) as current:
        ended = [run_plan(current, plan) for plan in plans] if len(plans) > 1 else [run_one(current, plans[0])]
        if len(plans) > 1:
            current.out.print(closing(ended))
    if failed := [one for one in ended if one.error]:
        names = ", ".join(one.track for one in failed)
        raise RunFailed(
            f"{len(failed)} of {len(ended)} tracks were not made to their end: {names}; the reasons stand above",
            max(one.error.exit_code for one in failed if one.error),
        )


def run_plan(current: Session, plan: Plan) -> Ended:
    """Make one of several tracks under a heading and a table of its own. An error is printed and returned; only another run that
    builds models, which would stop every track, is raised (``AnotherRun``)."""
    started = time.monotonic()
    current.table.begin_again()
    current.out.print(f"\n[bold]{plan.ws.track.name}[/bold]")
    try:
        return run_one(current, plan)
    except AnotherRun:
        raise
    except CanvasPipelineError as error:
        current.table.close()
        current.out.print(f"{plan.ws.track.name}: {error}", style="red", markup=False, soft_wrap=True)
        return Ended(plan.ws.track.name, time.monotonic() - started, error=error)


def run_one(current: Session, plan: Plan) -> Ended:
    """Make one track and print its summary. Raises ``RunFailed`` with every reason, or ``MissingTool`` before anything runs."""
    ws, started = plan.ws, time.monotonic()
    ws.track.needs()
    result = run_pipeline(current, ws, plan.methods, plan.config)
    if result is not None:
        raise current.failed(result, "not everything was made")
    current.table.close()
    summary(current.out, ws, plan.methods)
    seconds, stages = time.monotonic() - started, current.table.stages
    current.out.print(
        f"{seconds:.0f} s, largest stage {stages.peak_gib():.2f} GiB, {stages.count(MADE)} stages made anew"
    )
    return Ended(ws.track.name, seconds, released(ws))


def released(ws: Workspace) -> str:
    """Return the folder name of the track's release."""
    return ws.store.get("release").path("folder.txt").read_text(encoding="utf-8").strip()


def closing(ended: Sequence[Ended]) -> Table:
    """Return a table of the tracks: the release of each, or the first reason why there is none, and its seconds."""
    table = Table("track", "released", "seconds", title="Tracks", title_justify="left")
    for one in ended:
        table.add_row(one.track, one.release or f"no: {why_not(one.error)}", f"{one.seconds:.0f}")
    return table


def why_not(error: CanvasPipelineError | None) -> str:
    """Return the first reason of an error, and how many more there are."""
    text = str(error or "")
    reasons = error.reasons if isinstance(error, RunFailed) and error.reasons else (text,)
    return reasons[0].splitlines()[0] + (f" (and {len(reasons) - 1} more)" if len(reasons) > 1 else "")


def methods_of(text: str, track: Track) -> tuple[str, ...]:
    """Parse ``all`` or comma-separated names, sft first (the others start from it). Raises ``BadConfig`` for an unknown one."""
    named = [part.strip() for part in text.split(",") if part.strip()] or track.demo_methods
    chosen = {
        step.name for name in (track.methods if text.strip() == "all" else named) for step in ancestry(method(name))
    }
    return tuple(name for name in track.methods if name in chosen)


def run_pipeline(
    current: Session, ws: Workspace, methods: Sequence[str], config: Mapping[str, Any]
) -> RunResult | None:
    """Run intake where it is due, then the rest. Returns the run that failed, if any."""
    from canvas_pipeline.definitions import defs

    # The terminal shows which files are skipped and why, not only the log.
    with_console = replace(ws, log=lambda line: current.out.print(line, markup=False, soft_wrap=True))
    contributors = list(ws.track.contributors(with_console))
    current.instance.add_dynamic_partitions("contributors", contributors)
    seen = current.instance.get_materialized_partitions(asset_key("collab", ws.track.name))
    due = set(ws.track.due(ws))
    for contributor in contributors:
        if contributor in due or contributor not in seen:
            intake_run = current.run("intake", config=config, partition=contributor)
            if not intake_run.success:
                return intake_run
    job = f"{ws.track.name}_demo" if {*methods} <= {*ws.track.demo_methods} else "nightly"
    keys = sorted(demo_selection(ws.track, methods).resolve(defs().resolve_asset_graph()))
    result = current.run(job, assets=keys, config=config)
    return None if result.success else result


def summary(out: Console, ws: Workspace, methods: Sequence[str]) -> None:
    """Print the results, the release's folder and the next commands. Fits 80 columns."""
    stages = {"base": "base_bench", **{name: f"{name}_bench" for name in methods}}
    benchmark = ws.track.benchmark
    out.print(results(benchmark, {name: read_report(ws, ws.store.get(stage)) for name, stage in stages.items()}))
    out.print(f"production checkpoint: {evaluation.production_method(ws)}")
    out.print(f"release: {ws.root / 'releases' / 'current'}", markup=False, soft_wrap=True)
    out.print("next: make dev                            every stage in the browser", markup=False)
    out.print("      canvas-release verify RELEASE       the release checked, offline", markup=False)
    out.print("      ollama create canvas -f RELEASE/Modelfile   the model, to talk to", markup=False)


def results(benchmark: Benchmark, reports: Mapping[str, Report]) -> Table:
    """Return a table of the models, base and SFT first, each rate with its interval."""
    drawn = [metric for metric in benchmark.metrics if metric.drawn]
    table = Table(
        "model", *(metric.title for metric in drawn),
        title="Bench: per cent of cases, with its 95 % interval", title_justify="left",
    )  # fmt: skip
    for name, report in reports.items():
        table.add_row(name, *(format_rate(report.rate(metric.name)) for metric in drawn))
    return table


def format_rate(rate: Rate) -> str:
    """Format a rate in twelve columns: ``89.6 (87-92)``."""
    if rate.share is None or rate.bounds is None:
        return "n/a"
    low, high = rate.bounds
    return f"{100 * rate.share:.1f} ({100 * low:.0f}-{100 * high:.0f})"


def main() -> None:
    """Console entry point."""
    run(app, "demo")


if __name__ == "__main__":
    main()
