"""The commands that the code track adds to ``canvas-data``: ``code validate`` and ``code synthesize``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from canvas_pipeline.errors import EXIT_CODES
from canvas_pipeline.records import Funnel, Refusal, dumps
from canvas_pipeline.tracks.code.execution import Runner
from canvas_pipeline.tracks.code.formats import read_tasks
from canvas_pipeline.tracks.code.references import check_rows
from canvas_pipeline.tracks.code.synthetic import SEED, write_files
from canvas_pipeline.verifiers.sandbox.session import barrier_line, open_sandbox

_ERR = Console(stderr=True)
_CODE = typer.Typer(
    no_args_is_help=True, help="Files of programming tasks: what would be refused, and an invented data set."
)


@_CODE.command(
    help="Read files of tasks as the track does, run each reference twice in the sandbox, and list what would be refused, by file, "
    "line and reason.\n\nThe format of each row is told by its keys: opc-sft-stage2, HumanEval or MBPP. No text of a file is "
    "shown.\n\nExample: `canvas-data code validate data/code/*.jsonl`\n\n" + EXIT_CODES
)
def validate(
    files: Annotated[list[Path], typer.Argument(help="JSON lines, JSON arrays or Parquet, packed with gzip or not.")],
) -> None:
    refused: list[Refusal] = []
    funnels: list[Funnel] = []
    with Runner(open_sandbox()) as runner:
        for path in files:
            checked = check_rows(list(read_tasks(path)), runner, path.name)
            refused += checked.refusals
            funnels.append(checked.funnel)
    for refusal in refused:
        typer.echo(dumps(refusal))
    _ERR.print(_table(funnels))
    _ERR.print(barrier_line())
    if refused:
        raise typer.Exit(1)


def _table(funnels: list[Funnel]) -> Table:
    table = Table("file", "objects", "rows", "refused")
    for found in funnels:
        reasons = ", ".join(f"{reason} {count}" for reason, count in found.refused.items())
        table.add_row(found.stage, str(found.rows_in), str(found.kept), reasons or "-")
    return table


@_CODE.command(
    help="Write an invented data set in the form of opc-sft-stage2, with broken lines and the reason for each in truth/.\n\n"
    "Example: `canvas-data code synthesize --out /tmp/code`\n\n" + EXIT_CODES
)
def synthesize(
    out: Annotated[Path, typer.Option("--out", help="Folder to write to.")],
    seed: Annotated[int, typer.Option("--seed", help="The same seed gives the same bytes.")] = SEED,
) -> None:
    for path in write_files(out, seed):
        typer.echo(path)


def register(app: typer.Typer) -> None:
    """Add ``code`` with its commands to ``canvas-data``."""
    app.add_typer(_CODE, name="code")
