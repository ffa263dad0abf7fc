"""List and remove the versions of all stages in a store, superseded ones included."""

from __future__ import annotations

from pathlib import Path

from canvas_pipeline.storage.atomic import discard
from canvas_pipeline.storage.digests import MANIFEST
from canvas_pipeline.storage.store import Stage, Store, load, points_at


def versions(store: Store) -> list[Stage]:
    """Return all complete versions, ordered by stage name and fingerprint.

    A folder with an unreadable manifest is no version; ``provenance.residue`` scans its files."""
    stages = []
    for path in sorted(store.root.rglob(MANIFEST)):
        if path.parent.parent.is_symlink() or path.parent.is_symlink() or _hidden(path.relative_to(store.root)):
            continue
        stage = load(path.parent)
        if stage is not None and path.parent == store.home(stage.manifest.stage) / path.parent.name:
            stages.append(stage)
    return stages


def is_current(stage: Stage) -> bool:
    """Return whether readers of the stage get this version."""
    return points_at(stage.folder.with_name("current"), stage.folder)


def remove(folder: Path) -> None:
    """Remove one version's folder, and the link ``current`` to it first, so that no reader gets a folder without files."""
    link = folder.with_name("current")
    if points_at(link, folder):
        link.unlink()
    if folder.is_dir():
        discard(folder)
    if folder.parent.is_dir() and not any(folder.parent.iterdir()):
        folder.parent.rmdir()


def _hidden(path: Path) -> bool:
    return any(part.startswith(".") for part in path.parts)
