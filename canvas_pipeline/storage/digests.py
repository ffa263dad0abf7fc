"""Content hashes of files and folders, as manifests, run specs and releases write them.

Apart from ``artifacts``, so that what only hashes a file does not depend on how stages are stored.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path

from canvas_pipeline.errors import MissingInput
from canvas_pipeline.records import digest

MANIFEST = "manifest.json"
"""The file in a stage's folder that lists the others; it is no part of the content."""


def sha256_file(path: Path) -> str:
    """sha256 hex of a file's bytes, streaming."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def content_sha256(files: Mapping[str, str]) -> str:
    """One hash over named files: sorted ``name → sha256``."""
    return digest(*(part for name in sorted(files) for part in (name, files[name])))


def sha256_path(path: Path) -> str:
    """The content hash of a file, or of a folder over names and bytes of its files (a stage's folder gives the hash in
    its manifest). Raises ``MissingInput`` where nothing is there."""
    if path.is_file():
        return sha256_file(path)
    if not path.is_dir():
        raise MissingInput(f"{path}: no such file or folder; materialise the stage that writes it first")
    files = (p for p in sorted(path.rglob("*")) if p.is_file() and p.relative_to(path).as_posix() != MANIFEST)
    return content_sha256({p.relative_to(path).as_posix(): sha256_file(p) for p in files})
