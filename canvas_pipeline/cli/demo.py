"""``make demo``: run the whole pipeline in the Dagster instance and print a summary.

``intake`` runs for each new or changed contributor, then the ``demo`` job for the assets of the chosen methods. ``make dev`` shows
these runs."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from canvas_pipeline.cli.failure import run
from canvas_pipeline.cli.session import Session, home_of, session
from canvas_pipeline.cli.stages import MADE
from canvas_pipeline.dagster_instance.local_run import RunResult
from canvas_pipeline.errors import EXIT_CODES
from canvas_pipeline.evaluation.benchmark import Benchmark, Report
from canvas_pipeline.evaluation.statistics import Rate
from canvas_pipeline.methods import CHOICES, ancestry, method
from canvas_pipeline.orchestration.track import asset_key, demo_selection
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
    TrackName,
)
from canvas_pipeline.pipeline.settings import from_environment
from canvas_pipeline.pipeline.track import DEFAULT, Track, track_named
from canvas_pipeline.pipeline.workspace import Workspace

app = typer.Typer(name="demo", add_completion=False, pretty_exceptions_enable=False, rich_markup_mode="markdown")


@app.command(
    help="From contributor files to a GGUF that answers: the whole pipeline on this machine, offline.\n\n"
    "What did not change is reused and what was interrupted is resumed, so it can be stopped and started at any "
    "time. `make dev` shows its runs, `uma status` their memory.\n\n"
    "Examples: `make demo`; `make demo TRACK=instruct`; `make demo METHODS=sft`; `make demo METHODS=all V=1`; "
    "`CANVAS_SET='dpo.beta=0.1;dpo.epochs=2' make demo`.\n\n"
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
    track: TrackName = DEFAULT,
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
    chosen_track = track_named(track)
    chosen = methods_of(methods, chosen_track)
    started = time.monotonic()
    ws, settings = from_environment(
        chosen_track, root=root, profile=profile, base_model=base_model, seed=seed, numbers=numbers, deploy=deploy,
        overrides=overrides, options=options,
    )  # fmt: skip
    home = home_of(os.environ, ws.root)
    with session("demo", f"{track}_demo", home, verbose=verbose) as current:
        ended = run_pipeline(current, ws, chosen, {"resources": {"pipeline": {"config": settings}}})
        if ended is not None:
            raise current.failed(ended, "not everything was made")
        current.table.close()
        summary(current.out, ws, chosen)
        stages = current.table.stages
        current.out.print(
            f"{time.monotonic() - started:.0f} s, largest stage {stages.peak_gib():.2f} GiB, {stages.count(MADE)} stages made anew"
        )


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
