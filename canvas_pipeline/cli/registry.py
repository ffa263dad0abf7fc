"""``canvas-data registry``: encrypt and decrypt the private course registry at rest.

The key is in ``CANVAS_REGISTRY_ENCRYPTION_KEY``. The file is replaced whole or not at all, and none of it is shown."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated

import typer

from canvas_pipeline.privacy.courses.registry_file import ENCRYPTION_VARIABLE, decrypt_file, encrypt_file

Target = Annotated[Path, typer.Argument(help="The registry, e.g. data/private/registry.jsonl.")]


def register(app: typer.Typer) -> None:
    """Add the ``registry`` commands to ``canvas-data``."""
    registry = typer.Typer(no_args_is_help=True, help="The private course registry at rest.")
    for name, convert, done in (("encrypt", encrypt_file, "encrypted"), ("decrypt", decrypt_file, "made plain")):
        registry.command(name, help=_help(name))(_command(convert, done))
    app.add_typer(registry, name="registry")


def _command(convert: Callable[[Path, Mapping[str, str]], int], done: str) -> Callable[[Path], None]:
    def command(path: Target) -> None:
        typer.echo(f"{convert(path, os.environ)} entries {done}: {path}")

    return command


def _help(name: str) -> str:
    return (
        f"{name.capitalize()} the registry in its place with the key in {ENCRYPTION_VARIABLE}.\n\n"
        f"Example: canvas-data registry {name} data/private/registry.jsonl\n\n"
        "Exit codes: 0 done, 1 wrong key or already so, 2 the cryptography library is not installed."
    )
