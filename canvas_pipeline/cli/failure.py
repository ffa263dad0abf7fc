"""Run a command so that a known error ends it with one sentence on standard error and a documented exit code."""

from __future__ import annotations

import sys
from collections.abc import Callable

import typer

from canvas_pipeline.errors import CanvasPipelineError


def run(app: Callable[[], None], name: str) -> None:
    """Run a typer app. Known errors and a full disk become one line and an exit code."""
    try:
        app()
    except CanvasPipelineError as error:
        typer.secho(f"{name}: {error}", err=True, fg="red")
        sys.exit(error.exit_code)
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        typer.secho(
            f"{name}: {where}{error.strerror or 'input/output error'}; nothing half-written is left", err=True, fg="red"
        )
        sys.exit(1)
