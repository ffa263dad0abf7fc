"""The commands that the math track adds to ``canvas-data``: ``math validate`` and ``math synthesize``."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from canvas_pipeline.errors import EXIT_CODES
from canvas_pipeline.records import dumps
from canvas_pipeline.tracks.math.reader import FileRead, read_file
from canvas_pipeline.tracks.math.samples import ROWS, write_samples
from canvas_pipeline.verifiers.symbolic import SymbolicComparer

_ERR = Console(stderr=True)
_MATH = typer.Typer(
    no_args_is_help=True, help="Files of math problems: what a reader finds in them, and samples of all formats."
)


@_MATH.command(
    help="Read files of math problems as the track does, and list what would be refused, by file, line and reason.\n\n"
    "The format of each row is told by its keys: gsm8k, math, svamp, mawps, mathqa, aqua, mathx, mathbench or generic. No text "
    "of a file is shown.\n\n"
    "Example: `canvas-data math validate data/math/*.jsonl`\n\n" + EXIT_CODES
)
def validate(
    files: Annotated[list[Path], typer.Argument(help="JSON lines, JSON arrays or Parquet, packed with gzip or not.")],
    bench: Annotated[
        bool, typer.Option("--bench", help="They are benchmark suites: every row needs a gold answer.")
    ] = False,
) -> None:
    with SymbolicComparer() as comparer:
        found = [read_file(path, comparer, measured=bench) for path in files]
    for one in found:
        for refusal in one.refusals:
            typer.echo(dumps(refusal))
    _ERR.print(_table(found))
    if any(one.refusals for one in found):
        raise typer.Exit(1)


def _table(found: list[FileRead]) -> Table:
    table = Table("file", "format", "objects", "rows", "without gold", "refused")
    for one in found:
        reasons = Counter(refusal.reason for refusal in one.refusals)
        table.add_row(
            one.name, ", ".join(one.formats), str(one.objects), str(len(one.rows)), str(one.unlabelled),
            ", ".join(f"{reason} {count}" for reason, count in sorted(reasons.items())) or "-",
        )  # fmt: skip
    return table


@_MATH.command(
    help=f"Write invented problems in each format, {ROWS} good lines and ten broken ones a file, with what a reader must find in "
    "truth/.\n\nExample: `canvas-data math synthesize --seed 1 --out /tmp/math`\n\n" + EXIT_CODES
)
def synthesize(
    out: Annotated[Path, typer.Option("--out", help="Folder to write to.")],
    seed: Annotated[int, typer.Option("--seed", help="The same seed gives the same bytes.")] = 1,
) -> None:
    for path in write_samples(out, seed):
        typer.echo(path)


def register(app: typer.Typer) -> None:
    """Add ``math`` with its commands to ``canvas-data``."""
    app.add_typer(_MATH, name="math")
