"""The commands that the Canvas track adds to ``canvas-data``."""

from __future__ import annotations

import typer

from canvas_pipeline.tracks.canvas.commands import canaries, examples, imports, ingest, scrub, validate


def register(app: typer.Typer) -> None:
    """Add all of them."""
    for module in (ingest, imports, scrub, validate, examples, canaries):
        module.register(app)
