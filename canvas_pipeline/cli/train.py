"""``canvas-train``: train checkpoints on the splits, guardrails first, as a run of the Dagster instance."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from canvas_pipeline.cli.failure import run
from canvas_pipeline.errors import EXIT_CODES, CanvasPipelineError, GateClosed
from canvas_pipeline.methods import CHOICES, method, rounds
from canvas_pipeline.pipeline import evaluation, training
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
from canvas_pipeline.pipeline.settings import METHOD, from_environment
from canvas_pipeline.pipeline.sweep import read_sweep
from canvas_pipeline.pipeline.track import DEFAULT, Track, track_named
from canvas_pipeline.pipeline.workspace import DEPLOY, Workspace

if TYPE_CHECKING:
    from canvas_pipeline.cli.session import Session

app = typer.Typer(
    name="canvas-train", add_completion=False, pretty_exceptions_enable=False, rich_markup_mode="markdown"
)


@app.command(
    help="Train one method, or all of the track in their order, on the current splits.\n\n"
    "Examples: `canvas-train --method dpo`; `canvas-train --check` (all guardrails, every failure, nothing trained); "
    "`canvas-train --method dpo --set dpo.beta=0.1 --set dpo.epochs=2`; "
    "`canvas-train --track router --bench --option thresholds=mine.yaml` (exit 3 where the model misses a bound); "
    "`canvas-train --method all --profile gb10 --base-model /models/my-base`.\n\n"
    "It is a run of the Dagster instance in DAGSTER_HOME (else in `.dagster` beside the data folder): `make dev` shows it, "
    "`uma status` its memory. An interrupted run is resumed when started again.\n\n" + EXIT_CODES
)
def train(
    track: TrackName = DEFAULT,
    name: Annotated[
        str, typer.Option("--method", envvar=METHOD, show_envvar=True, help=f"one of: {', '.join(CHOICES)}, or all")
    ] = "all",
    check: Annotated[bool, typer.Option("--check", help="only run the guardrails and report every failure")] = False,
    check_install: Annotated[
        bool, typer.Option("--check-install", help="only check that this installation is whole, and print its version")
    ] = False,
    bench: Annotated[
        bool,
        typer.Option(
            "--bench", help="also bench the methods, choose one, and judge it by what the track asks of a release"
        ),
    ] = False,
    sweep: Annotated[
        Path | None,
        typer.Option(help="YAML of a method and named settings: train and bench each, and compare them in a matrix"),
    ] = None,
    profile: ProfileName = None,
    root: Root = None,
    base_model: BaseModel = None,
    seed: Seed = None,
    numbers: Numbers = None,
    overrides: Overrides = None,
    options: Options = None,
    allow_shrinkage: Annotated[
        list[str] | None, typer.Option(help="STAGE=SHARE:REASON: what a stage may lose in this run; several allowed")
    ] = None,
    deploy: Deploy = None,
    verbose: Annotated[
        bool, typer.Option("--verbose", "-v", help="show the whole log in the terminal, in place of the table")
    ] = False,
) -> None:
    if check_install:
        from canvas_pipeline.cli.check_install import report

        report(deploy or DEPLOY, {"overrides": overrides})
        return
    chosen_track = track_named(track)
    names = list(chosen_track.methods) if name == "all" else [chosen_track.method(name).name]
    ws, settings = from_environment(
        chosen_track, root=root, profile=profile, base_model=base_model, seed=seed, numbers=numbers, deploy=deploy,
        overrides=overrides, options=options, allow_shrinkage=allow_shrinkage or [],
    )  # fmt: skip
    if sweep is not None:
        read_sweep(sweep, ws)  # refused before a run is started
    job = "sweep" if sweep is not None else "guardrails" if check else "train"
    # Imported here: --help needs no Dagster, which takes seconds to load.
    from canvas_pipeline.cli.session import home_of, session

    config = {"resources": {"pipeline": {"config": settings}}}
    with session("canvas-train", f"{track}_{job}", home_of(os.environ, ws.root), verbose=verbose) as current:
        if sweep is not None:
            compare(current, track, sweep.resolve(), config)
            return
        if check:
            raise typer.Exit(3 if report_checks(current, track, names, config) else 0)
        job = f"{track}_train"
        if bench:
            job = f"{track}_demo" if {*names} <= {*chosen_track.demo_methods} else "nightly"
        result = current.run(job, assets=keys_of(ws.track, names, bench), config=config)
        current.table.close()
        if not result.success:
            closed = result.exit_code == GateClosed.exit_code
            what = f"{', '.join(names)} may not train" if closed else "not everything was made"
            raise current.failed(result, what, refusals(ws, names) if closed else [])
        for each in names:
            current.out.print(f"{each}: {ws.store.get(f'{each}_checkpoint').folder}", markup=False, soft_wrap=True)
        if bench:
            judge(current, ws)


def judge(current: Session, ws: Workspace) -> None:
    """Print what the track asks of a release. Raises ``GateClosed`` where something does not hold or was not measured."""
    from rich.table import Table

    items, method = ws.track.release_items(ws), evaluation.production_method(ws)
    if not items:
        current.out.print(
            f"{method} is chosen; the track {ws.track.name} asks no more of a release than its guards do."
        )
        return
    table = Table("asked of a release", "measured", "bound", "", title=method)
    for item in items:
        state = "[green]holds[/green]" if item.holds else "[red]missed[/red]"
        table.add_row(item.name, item.shown().replace("[", "\\["), f"{item.op} {item.bound:g}", state)
    current.out.print(table)
    if missed := [item.name for item in items if not item.holds]:
        raise GateClosed(f"{len(missed)} of {len(items)} bounds are missed: {', '.join(missed)}")


def compare(current: Session, track: str, file: Path, config: dict[str, Any]) -> None:
    """Run a sweep, and print its matrix and where it lies."""
    settings = {"ops": {f"{track}_settings": {"config": {"file": str(file)}}}, **config}
    result = current.run(f"{track}_sweep", config=settings)
    current.table.close()
    if not result.success:
        raise current.failed(result, "not every setting was trained and benched")
    (found,) = [e.step_output_data.metadata for e in result.events if e.is_successful_output]
    for name in ("matrix", "folder"):
        current.out.print(str(found[name].value), markup=False, soft_wrap=True)


def keys_of(track: Track, names: list[str], bench: bool = False) -> list[Any]:
    """Return the assets that train some methods, and with ``bench`` those that measure, compare and choose."""
    from canvas_pipeline.definitions import defs
    from canvas_pipeline.orchestration.track import benching_selection, training_selection

    chosen = benching_selection if bench else training_selection
    return sorted(chosen(track, names).resolve(defs().resolve_asset_graph()))


def refusals(ws: Workspace, names: list[str]) -> list[str]:
    """List what the guards without measurements refuse: after a failed check Dagster skips the later ones."""
    reasons: list[str] = []
    for name in [step.name for each in names for step in rounds(method(each))]:
        try:
            reasons += [f"{v.name}: {v.reason}" for v in training.row_verdicts(ws, name) if not v.passed]
        except CanvasPipelineError as error:  # their evidence is missing; the run has failed for its own reason
            reasons.append(f"{name}: {error}")
    return reasons


def report_checks(current: Session, track: str, names: list[str], config: dict[str, Any]) -> int:
    """Print all guards' verdicts on some methods and return how many did not pass. A missing verdict counts too."""
    import dagster as dg
    from rich.markup import escape
    from rich.table import Table

    from canvas_pipeline.pipeline.every_guard import PASSED

    settings = {"ops": {f"{track}_every_guard": {"config": {"methods": names}}}, **config}
    result = current.run(f"{track}_guardrails", config=settings)
    current.table.close()
    if not result.success:
        raise current.failed(result, "the guardrails could not be evaluated")
    (verdicts,) = [e.step_output_data.metadata["guardrails"] for e in result.events if e.is_successful_output]
    assert isinstance(verdicts, dg.TableMetadataValue)
    rows = [dict(record.data) for record in verdicts.records]
    table = Table("guard", "about", "verdict", "why", title="Guardrails")
    for row in rows:
        style = "green" if row["verdict"] == PASSED else "red"
        verdict = f"[{style}]{row['verdict']}[/{style}]"
        table.add_row(str(row["guard"]), str(row["about"]), verdict, escape(str(row["why"])))
    current.out.print(table)
    return sum(row["verdict"] != PASSED for row in rows)


def main() -> None:
    """Console entry point."""
    run(app, "canvas-train")


if __name__ == "__main__":
    main()
