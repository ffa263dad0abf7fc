"""Hash the content of files and folders, as manifests, run specs and releases record it.

Separate from ``store``, so that code that only hashes a file does not depend on how stages are stored.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from pathlib import Path

from canvas_pipeline.errors import MissingInput
from canvas_pipeline.records import digest

MANIFEST = "manifest.json"
"""The file in a stage's folder that lists the others; it does not count as content."""


def sha256_file(path: Path) -> str:
    """Return the sha256 of a file's bytes as hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def content_sha256(files: Mapping[str, str]) -> str:
    """Return one hash over named files, given ``name → sha256``."""
    return digest(*(part for name in sorted(files) for part in (name, files[name])))


def sha256_path(path: Path, of_file: Callable[[Path], str] = sha256_file) -> str:
    """Return the content hash of a file, or of a folder over the names and bytes of its files.

    For a stage's folder without reports this is the hash in its manifest. ``of_file`` hashes one file.
    Raises ``MissingInput`` if nothing is there."""
    if path.is_file():
        return of_file(path)
    if not path.is_dir():
        raise MissingInput(f"{path}: no such file or folder; materialise the stage that writes it first")
    files = (p for p in sorted(path.rglob("*")) if p.is_file() and p.relative_to(path).as_posix() != MANIFEST)
    return content_sha256({p.relative_to(path).as_posix(): of_file(p) for p in files})
