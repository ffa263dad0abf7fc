"""Define a profile: the base model of a track, to which the track's own profile class adds sizes.

``embedded`` runs everywhere (two cores, no GPU, a small model made by the project); ``gb10`` is for the nightly run on a DGX
Spark. No other code depends on the kind of machine.
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
    family_name: str  # the family that renders, stops and adapts the base model: a key of models.families
    family_licence: str  # licence identifier of the family's published models
    base_model: str  # "embedded", a local folder, or a hub id
    max_loss_to_base: float = (
        0.1  # release: how far a metric, or one of its groups, may be below the base model's share
    )
    min_sayable: float | None = None  # G9: least share of rejected sides that the policy could say (None: any)


P = TypeVar("P", bound=Profile)


def digest_of(profile: Profile) -> str:
    """Digest a profile's values. Profiles with the same digest give the same results."""
    return digest(dumps(profile).decode())


def profile_named(profiles: Mapping[str, P], name: str) -> P:
    """Look up a track's profile. Raises ``BadConfig`` that lists the profiles."""
    try:
        return profiles[name]
    except KeyError:
        raise BadConfig(f"there is no profile {name!r}; choose one of: {', '.join(profiles)}") from None
