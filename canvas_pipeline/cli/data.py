"""``canvas-data``: the data stages from the command line, over the functions that the assets call."""

from __future__ import annotations

import typer

from canvas_pipeline.cli import (
    data_audit,
    data_examples,
    data_import,
    data_intake,
    data_lineage,
    data_registry,
    data_scrub,
    data_validate,
)
from canvas_pipeline.cli.failure import EXIT_CODES, run

app = typer.Typer(
    name="canvas-data",
    no_args_is_help=True,
    rich_markup_mode="markdown",
    pretty_exceptions_enable=False,
    help="Contributed Canvas data → anonymised corpus → trajectories, preference pairs, splits, bench cases.\n\n"
    "Start with: `canvas-data synthesize --contributors 2 --courses 4 --assignments 12 --seed 1 --out /tmp/collab` and "
    "`canvas-data validate /tmp/collab/*.jsonl`.\n\n" + EXIT_CODES,
)
data_intake.register(app)
data_import.register(app)
data_scrub.register(app)
data_validate.register(app)
data_examples.register(app)
data_audit.register(app)
data_lineage.register(app)
data_registry.register(app)


def main() -> None:
    """Console entry point."""
    run(app, "canvas-data")


if __name__ == "__main__":
    main()
