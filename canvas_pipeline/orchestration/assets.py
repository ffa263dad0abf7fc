"""Give assets their keys, groups, owners, tags and kinds."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from typing import TypedDict

import dagster as dg

VERSION_TAG = "dagster/data_version"
OWNERS = [owner.strip() for owner in (os.environ.get("CANVAS_OWNERS") or "team:canvas-pipeline").split(",")]
"""Owners of all assets, from ``CANVAS_OWNERS``: teams (``team:NAME``) or e-mail addresses, separated by commas."""
KINDS: Mapping[str, str] = {"rows": "jsonl", "model": "pytorch", "report": "report", "spec": "json"}
"""Stage kind → the asset's kind in the web UI, for stages that name no tools."""


class Attributes(TypedDict):
    """Keyword arguments for ``dg.asset``, as ``attributes`` returns them."""

    group_name: str
    owners: list[str]
    tags: dict[str, str]
    kinds: set[str]


def asset_key(name: str, track: str) -> dg.AssetKey:
    """Return a stage's asset key: the track, then the parts of the stage's name."""
    return dg.AssetKey([track, *name.split("/")])


def attributes(track: str, kind: str, group: str, method: str = "", tools: Iterable[str] = ()) -> Attributes:
    """Return an asset's group, owners, tags and kinds, by which the web UI groups and filters.

    A group is one method or one part of a track. The track's name precedes it, so groups of two tracks stay separate."""
    return {
        "group_name": f"{track}_{group}".replace("-", "_"),
        "owners": OWNERS,
        "tags": {"track": track, "kind": kind, **({"method": method} if method else {})},
        "kinds": set(tools) or {KINDS[kind]},
    }
