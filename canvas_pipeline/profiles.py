"""What a profile says of any track: which base model. A track's own profiles add how much data, how long, how many at least.

``embedded`` runs everywhere (two cores, no GPU, a small model made by the project); ``gb10`` is what a DGX Spark runs at night.
Nothing else in the package asks where it runs.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

import msgspec

from canvas_pipeline.errors import BadConfig
from canvas_pipeline.records import digest, dumps


class Profile(msgspec.Struct, frozen=True, kw_only=True):
    """One profile of a track. A track's class adds its sizes."""

    name: str
    family_name: str  # what renders, stops and adapts the base model: a key of models.families
    family_licence: str  # licence identifier of the family's published models
    base_model: str  # "embedded", a local folder, or a hub id


P = TypeVar("P", bound=Profile)


def digest_of(profile: Profile) -> str:
    """Digest a profile's values: two profiles with one digest make the same."""
    return digest(dumps(profile).decode())


def profile_named(profiles: Mapping[str, P], name: str) -> P:
    """Look a track's profile up. Raises ``BadConfig`` naming those there are."""
    try:
        return profiles[name]
    except KeyError:
        raise BadConfig(f"there is no profile {name!r}; choose one of: {', '.join(profiles)}") from None
