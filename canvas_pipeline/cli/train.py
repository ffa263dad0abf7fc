"""``canvas-train``: from splits to checkpoints, with every guardrail asked first. Thin over the functions the assets call."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from canvas_pipeline.cli.failure import EXIT_CODES, run
from canvas_pipeline.errors import CanvasPipelineError, GateClosed
from canvas_pipeline.guardrails.table import GUARDS, guards_for
from canvas_pipeline.guardrails.verdict import Verdict
from canvas_pipeline.line import bench, training
from canvas_pipeline.line.processes import subprocess_launch
from canvas_pipeline.line.workspace import DEPLOY, Launch, Workspace, allowance_of, workspace
from canvas_pipeline.training.methods import METHODS, method

out = Console(highlight=False)
app = typer.Typer(
    name="canvas-train", add_completion=False, pretty_exceptions_enable=False, rich_markup_mode="markdown"
)


@app.command(
    help="Train one method, or all nine in their order, on the current splits.\n\n"
    "Examples: `canvas-train --method dpo`; `canvas-train --check` (all guardrails, every failure, nothing trained); "
    "`canvas-train --method all --profile gb10 --base-model /models/gemma-4-E2B-it`.\n\n" + EXIT_CODES
)
def train(
    name: Annotated[str, typer.Option("--method", help=f"one of: {', '.join(METHODS)}, or all")] = "all",
    check: Annotated[bool, typer.Option("--check", help="only run the guardrails and report every failure")] = False,
    profile: Annotated[str, typer.Option(help="embedded (runs anywhere) or gb10")] = "embedded",
    root: Annotated[Path, typer.Option(help="the data folder, with its artefacts")] = Path("data"),
    base_model: Annotated[str, typer.Option(help="instead of the profile's base: a local folder or a hub id")] = "",
    seed: Annotated[int, typer.Option(help="of data order and initialisation")] = 7,
    allow_shrinkage: Annotated[
        list[str] | None, typer.Option(help="STAGE=SHARE:REASON: what a stage may lose in this run; several allowed")
    ] = None,
    deploy: Annotated[Path, typer.Option(help="folder of the training image's Dockerfile and compose file")] = DEPLOY,
) -> None:
    names = list(METHODS) if name == "all" else [method(name).name]
    ws = workspace(
        root,
        profile,
        base_model=base_model,
        seed=seed,
        allowances=tuple(map(allowance_of, allow_shrinkage or ())),
        deploy=deploy,
        say=lambda text: out.print(text, markup=False),
    )
    launch = subprocess_launch(ws.say)
    prepare(ws, launch)
    if check:
        raise typer.Exit(3 if report_checks(ws, names, launch) else 0)
    for each in names:
        train_one(ws, each, launch)


def prepare(ws: Workspace, launch: Launch) -> None:
    """What every method's verdicts rest on."""
    training.base_model(ws, launch)
    training.training_image(ws, launch)
    bench.base_bench(ws, launch)


def train_one(ws: Workspace, name: str, launch: Launch) -> None:
    """A method and what it starts from: SFT first, then the shared reference, then the method."""
    row = method(name)
    if row.start == "checkpoint/sft":
        train_one(ws, "sft", launch)
    refuse(name, training.row_verdicts(ws, name))
    if row.dataset == "preference":
        training.reference_logprobs(ws, launch)
    refuse(name, training.run_spec(ws, name, launch).verdicts)
    made = training.checkpoint(ws, name, launch)
    out.print(f"[green]{name}[/green]: {made.stage.folder}")


def refuse(name: str, verdicts: tuple[Verdict, ...]) -> None:
    """Raise ``GateClosed`` with every failed verdict, or return where there is none."""
    failed = [v for v in verdicts if not v.passed]
    if failed:
        raise GateClosed(f"{name} may not train:" + "".join(f"\n  - {v.name}: {v.reason}" for v in failed))


def report_checks(ws: Workspace, names: list[str], launch: Launch) -> int:
    """Print all guards for some methods; returns how many did not pass. A method that cannot be measured counts too."""
    found: dict[tuple[str, str | None], Verdict] = {}
    problems: dict[str, str] = {}
    for name in names:
        try:
            if method(name).dataset == "preference":
                training.reference_logprobs(ws, launch)
            found.update(
                {(v.guard, v.subject): v for v in training.run_spec(ws, name, launch, measure_anyway=True).verdicts}
            )
        except CanvasPipelineError as error:
            problems[name] = str(error)
    table = Table("guard", "about", "verdict", "why", title="Guardrails")
    for guard in GUARDS.values():
        own = [v for (guard_id, _), v in sorted(found.items(), key=str) if guard_id == guard.id]
        for v in own:
            table.add_row(
                guard.name, v.subject or "", "[green]passed[/green]" if v.passed else "[red]FAILED[/red]", v.reason
            )
        if not own and any(guard in guards_for(name) for name in names):
            table.add_row(guard.name, "", "[red]NOT JUDGED[/red]", guard.what)
    out.print(table)
    for name, why in problems.items():
        out.print(f"{name}: {why}", style="red", markup=False)
    return sum(not v.passed for v in found.values()) + len(problems)


def main() -> None:
    run(app, "canvas-train")


if __name__ == "__main__":
    main()
