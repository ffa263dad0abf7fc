"""``uma``: show which steps hold this machine's memory, how much, and which wait."""

from __future__ import annotations

import json
import time
from typing import Annotated

import typer
from rich.console import Console, Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from canvas_pipeline.cli.failure import run
from canvas_pipeline.errors import EXIT_CODES
from canvas_pipeline.gb10.gauge import COLUMNS, Status
from canvas_pipeline.gb10.uma import UmaCap

WIDTH = 72
app = typer.Typer(
    name="uma",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    help="The memory that all runs of this machine share. Every step of gb10_executor reserves its share here before it starts, is "
    f"stopped when it uses more, and releases it when it ends. {EXIT_CODES}",
)
out = Console(highlight=False)


@app.callback()
def about() -> None:
    """Make ``status`` a command of its own."""


@app.command(
    epilog="Examples: uma status; uma status --watch (until Ctrl-C); uma status --json | jq .free_gib. Settings: "
    "CANVAS_UMA_BUDGET (a segment up to 1, else GiB), "
    "CANVAS_UMA_FLOOR_GIB, CANVAS_UMA_TOTAL_GIB, CANVAS_UMA_TEACHER (endpoint or 'pinned'), "
    f"CANVAS_UMA_LEDGER. {EXIT_CODES}"
)
def status(
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object instead of a table.")] = False,
    watch: Annotated[bool, typer.Option("--watch", help="Refresh it every second.")] = False,
) -> None:
    """Show budget, reservations and waiting steps. "waiting": not started yet; "held": running; "returning": ended, but its memory
    is not free yet. "not for steps" is the floor and what the budget excludes."""
    cap = UmaCap()
    if as_json:
        current = cap.status()
        entries = [dict(zip(COLUMNS, row, strict=True)) for row in current.rows()]
        typer.echo(json.dumps({**current.facts(), "ledger": str(cap.path), "entries": entries}, indent=2))
        return
    if not watch:
        out.print(rendered(cap.status()))
        return
    with Live(rendered(cap.status()), console=out, refresh_per_second=2) as live:
        while True:
            time.sleep(1.0)
            live.update(rendered(cap.status()))


def rendered(status: Status) -> Group:
    """Return a sentence, a bar with its legend, and a table."""
    bar, legend = Text(), Text()
    for segment in status.segments():
        cells = round(WIDTH * segment.size / status.cap.total) if segment.size else 0
        bar.append("█" * cells, style=segment.colour)
        legend.append("■ ", style=segment.colour).append(f"{segment.name} {segment.size / (1 << 30):.1f}   ")
    table = Table(*COLUMNS)
    for row in status.rows():
        table.add_row(*row)
    rest = [table] if status.entries else [Text("No step holds or waits for memory.")]
    return Group(Text(status.sentence()), bar, legend, *rest)


def main() -> None:
    """Console entry point."""
    try:
        run(app, "uma")
    except KeyboardInterrupt:
        raise SystemExit(0) from None


if __name__ == "__main__":
    main()
