"""What the example commands share: options, written rows, refusals counted on standard error."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from canvas_pipeline.errors import BadInput
from canvas_pipeline.records import Refusal, write_jsonl
from canvas_pipeline.storage.atomic import whole_file
from canvas_pipeline.tracks.canvas.profiles import PROFILES

CONSOLE = Console(stderr=True)

Out = Annotated[Path, typer.Option("--out", help="File to write; it appears whole or not at all.")]
ProfileName = Annotated[
    str, typer.Option("--profile", envvar="CANVAS_PROFILE", help=f"Sizes and prompts: {' or '.join(PROFILES)}.")
]


def write_rows(out: Path, rows: Iterable[Any], what: str) -> None:
    """Write rows, whole or not at all. Raises ``BadInput`` where there are none."""
    with whole_file(out) as path:
        count = write_jsonl(path, rows)
        if not count:
            raise BadInput(f"the input gives no {what}, so nothing was written to {out}")
    CONSOLE.print(f"{count} {what} → {out}", markup=False)


def show_refusals(refusals: Iterable[Refusal]) -> None:
    """Count refused rows by reason on standard error."""
    for reason, count in sorted(Counter(refusal.reason for refusal in refusals).items()):
        CONSOLE.print(f"  refused {count}: {reason}", markup=False)
