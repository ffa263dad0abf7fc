"""``canvas-data canaries``: measure masking with planted identities. The report never holds one."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import msgspec
import typer
from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from canvas_pipeline.errors import BadConfig, BadInput
from canvas_pipeline.pipeline.options import ProfileName, Root, Seed
from canvas_pipeline.pipeline.settings import from_environment
from canvas_pipeline.records import dumps
from canvas_pipeline.storage.atomic import whole_file
from canvas_pipeline.tracks.canvas.track import TRACK

HELP = """Plant invented identities in a copy of the inputs, run the data half, and count what survives after each stage.

Also plants as many decoys (terms, standards, theorems, versions …) and counts those that were masked by mistake. The copy is
removed at the end; the workspace and its registry are not touched. With `--checkpoint`, the model's answers to the copy's bench
cases are searched too. The report is JSON, with a page (.md) and a picture (.png) beside it.

Example: `canvas-data canaries --count 600 --root data --out canaries.json`

Exit codes: 0 every figure is reached; 1 one is not (each is named), or bad input; 2 the detector or Faker is not available."""
_CONSOLE = Console(stderr=True)


def canaries(
    count: Annotated[int, typer.Option(min=20, help="Canaries, and as many decoys.")] = 10_000,
    seed: Seed = None,
    out: Annotated[Path | None, typer.Option("--out", help="Report (JSON); .md and .png are put beside it.")] = None,
    root: Root = None,
    profile: ProfileName = None,
    checkpoint: Annotated[Path | None, typer.Option(help="Also search this checkpoint's answers.")] = None,
) -> None:
    from canvas_pipeline.pipeline.processes import subprocess_launch
    from canvas_pipeline.tracks.canvas.data import canaries as canary_run
    from canvas_pipeline.tracks.canvas.data.canary_report import picture, table

    if out is not None:  # checked first, since the run takes long
        _refuse_foreign_files(out)
    with Progress(
        SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn(), console=_CONSOLE, transient=True
    ) as bar:
        task = bar.add_task("planting")

        def log(text: str) -> None:
            bar.update(task, description=text)

        ws, _ = from_environment(TRACK, log, root=root, profile=profile, seed=seed)
        ask = canary_run.answers_of(checkpoint, subprocess_launch(log)) if checkpoint else None
        found = canary_run.run(ws, count, ws.seed, ask=ask)
    page = table(found)
    typer.echo(page)
    if out is not None:
        pictured = picture(found)
        for path, raw in (
            (out, msgspec.json.format(dumps(found))),
            (out.with_suffix(".md"), page.encode()),
            (out.with_suffix(".png"), pictured),
        ):
            with whole_file(path) as temporary:
                temporary.write_bytes(raw)
    if found.shortfalls():
        raise typer.Exit(1)


def _refuse_foreign_files(out: Path) -> None:
    beside = [out.with_suffix(suffix) for suffix in (".md", ".png")]
    if out in beside:
        raise BadConfig(
            f"{out}: the report is JSON, and its page and picture take its name; give --out a name in .json"
        )
    if not out.exists() and (existing := [path for path in beside if path.exists()]):
        raise BadInput(f"{existing[0]} is there and belongs to no report; give --out another name")


def register(app: typer.Typer) -> None:
    """Add ``canaries`` to ``canvas-data``."""
    app.command("canaries", help=HELP)(canaries)
