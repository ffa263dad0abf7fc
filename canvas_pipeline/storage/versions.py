"""Every version of every stage that is still on the disk, the superseded ones too.

In: a store. Out: ``Stage`` rows, and their removal. What must hold: a version that is removed is gone for every reader at once
(it is renamed before its files are unlinked), a ``current`` that named it names nothing, and what crashed writers left goes too.
"""

from __future__ import annotations

import os
from pathlib import Path

import msgspec

from canvas_pipeline.storage.atomic import discard
from canvas_pipeline.storage.digests import MANIFEST
from canvas_pipeline.storage.store import Manifest, Stage, Store


def versions(store: Store) -> list[Stage]:
    """All complete versions, in the order of their stages' names and fingerprints; a folder whose manifest cannot
    be read is no version (what it holds is found by ``traces.mentions``)."""
    found = []
    for path in sorted(store.root.rglob(MANIFEST)):
        if path.parent.parent.is_symlink() or path.parent.is_symlink() or _hidden(path.relative_to(store.root)):
            continue
        try:
            manifest = msgspec.json.decode(path.read_bytes(), type=Manifest)
        except (OSError, msgspec.DecodeError):
            continue
        if path.parent == store.home(manifest.stage) / path.parent.name:
            found.append(Stage(folder=path.parent, manifest=manifest))
    return found


def is_current(stage: Stage) -> bool:
    """Whether this version is the one that readers of the stage are given."""
    link = stage.folder.with_name("current")
    return link.is_symlink() and os.readlink(link) == stage.folder.name


def remove(folder: Path) -> None:
    """Remove one version's folder. A link ``current`` to it goes first: no reader is handed a folder without files."""
    link = folder.with_name("current")
    if link.is_symlink() and os.readlink(link) == folder.name:
        link.unlink()
    if folder.is_dir():
        discard(folder)
    if folder.parent.is_dir() and not any(folder.parent.iterdir()):
        folder.parent.rmdir()


def _hidden(path: Path) -> bool:
    return any(part.startswith(".") for part in path.parts)
