"""Describe in one sentence how a version of a stage differs from the previous one.

Inputs that may be named after a person (a contributor, a session) are counted, not named.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from canvas_pipeline.storage.digests import MANIFEST
from canvas_pipeline.storage.store import Manifest, Recipe, Stage, load

NAMED = 4
"""Maximum number of inputs that are named; the rest are counted."""


def what_changed(stage: Stage, reused: bool, named: Collection[str]) -> str:
    """Describe whether a stage was reused, and what differs from the previous version. ``named``: inputs that may be named."""
    if reused:
        return "reused: nothing that it is made from has changed"
    before = previous(stage)
    if before is None:
        return "made: there was no version before this one"
    differs = _differences(before.recipe, stage.manifest.recipe, named)
    same = before.content_sha256 == stage.sha256
    result = "same result" if same else "other result"
    if not differs:
        return f"made again from the same inputs; {result}"
    return f"made again ({', '.join(differs)} changed); {result}"


def previous(stage: Stage) -> Manifest | None:
    """Return the manifest of the newest other version that is still kept."""
    versions = [
        path for path in stage.folder.parent.glob(f"*/{MANIFEST}") if _other(path.parent.name, stage.folder.name)
    ]
    for path in sorted(versions, key=lambda path: path.stat().st_mtime_ns, reverse=True):
        older = load(path.parent)
        if older is not None:
            return older.manifest
    return None


def _other(name: str, own: str) -> bool:
    return name not in ("current", own) and not name.startswith(".")


def _differences(old: Recipe, new: Recipe, named: Collection[str]) -> list[str]:
    inputs = _changed(old.inputs, new.inputs)
    known = [name for name in inputs if name in named]
    other = len(inputs) - len(known[:NAMED])
    names = known[:NAMED] + (
        [f"{other} other input{'s' if other > 1 else ''}" if known else _inputs(other)] if other else []
    )
    names += ["the code"] if old.code_version != new.code_version else []
    names += [f"the setting {name}" for name in _changed(old.config, new.config)]
    return names + [f"the library {name}" for name in _changed(old.libraries, new.libraries)]


def _inputs(count: int) -> str:
    return "one input" if count == 1 else f"{count} inputs"


def _changed(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[str]:
    return sorted(name for name in {*old, *new} if old.get(name) != new.get(name))
