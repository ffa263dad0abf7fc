"""``canvas-data``: the data stages from the command line, over the functions that the assets call.

A track adds its own commands in ``tracks/<track>/commands/app.py``."""

from __future__ import annotations

import typer

from canvas_pipeline.cli import audit, lineage, registry
from canvas_pipeline.cli.failure import run
from canvas_pipeline.errors import EXIT_CODES
from canvas_pipeline.pipeline.track import track_commands

app = typer.Typer(
    name="canvas-data",
    no_args_is_help=True,
    rich_markup_mode="markdown",
    pretty_exceptions_enable=False,
    help="Contributed data → anonymised corpus → conversations, preference pairs, splits, bench cases.\n\n"
    "Start with: `canvas-data synthesize --contributors 2 --courses 4 --assignments 12 --seed 1 --out /tmp/collab` and "
    "`canvas-data validate /tmp/collab/*.jsonl`.\n\n" + EXIT_CODES,
)
for commands in (*track_commands(), audit, lineage, registry):
    commands.register(app)


def main() -> None:
    """Console entry point."""
    run(app, "canvas-data")


if __name__ == "__main__":
    main()
