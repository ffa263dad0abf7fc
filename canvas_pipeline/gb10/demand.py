"""Compute how much memory a step reserves: max(declared, learned peak × margin).

The declared size comes from the run's configuration, the step's tag ``canvas/uma_gib``, or the default. A learned peak alone never
raises a reservation above the budget.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

import msgspec

from canvas_pipeline.errors import BadConfig
from canvas_pipeline.gb10.host import GIB, gib
from canvas_pipeline.gb10.peaks import Learned

TAG = "canvas/uma_gib"
THREADS = "canvas/threads"
"""Tag of a step that uses every core ("all"): such steps slow each other down even if there is enough memory."""
GRANULE = 1 << 20
RETRY_FACTOR = 2.0


class Demand(msgspec.Struct, frozen=True, kw_only=True):
    """Bytes to reserve, bytes declared, and the learned peak if there is one."""

    size: int
    declared: int
    learned: Learned | None = None
    source: str = "declared"

    def __str__(self) -> str:
        parts = [f"{self.source} {gib(self.declared)}"]
        if self.learned is not None:
            kind = "learned peak" if self.learned.exact else "peak of another version or input size"
            parts.append(f"{kind} {'at least ' if self.learned.stopped else ''}{gib(self.learned.peak)}")
        return ", ".join(parts)


def declared(
    step: str, tags: Mapping[str, str], profile: str, default_gib: float, configured: Mapping[str, float]
) -> tuple[int, str]:
    """Return the bytes that a step declares and their source: ``configured`` (by the run), ``declared`` (by the tag), ``default``.

    A tag is a number of GiB, or one per profile: ``embedded=3 gb10=36``. Raises ``BadConfig`` naming a tag it cannot read."""
    if step in configured:
        return round(configured[step] * GIB), "configured"
    text = tags.get(TAG, "").strip()
    if not text:
        return round(default_gib * GIB), "default"
    try:
        if "=" not in text:
            return round(_positive(text) * GIB), "declared"
        table = {name: _positive(number) for name, _, number in (part.partition("=") for part in text.split())}
        return round(table[profile] * GIB), "declared"
    except (ValueError, KeyError):
        raise BadConfig(
            f"{step}: the tag {TAG} is {text!r}; write a number of GiB, or one for each profile, as in "
            f"'embedded=3 gb10=36' (the profile of this run is {profile!r})"
        ) from None


def demand(minimum: int, source: str, learned: Learned | None, margin: float, budget: int) -> Demand:
    """Return max(declared, learned × margin), where the learned part is at most the budget."""
    size = minimum
    if learned is not None:
        size = max(minimum, min(_rounded(learned.peak * margin), budget))
    return Demand(size=size, declared=minimum, learned=learned, source=source)


def retry_demand(demand: Demand, peak: int, margin: float, budget: int) -> Demand | None:
    """Return the demand for the retry of a step that was stopped at its cap: max(2 × its size, its peak × margin).

    At most the budget; None if it already had the whole budget."""
    size = min(budget, max(_rounded(demand.size * RETRY_FACTOR), _rounded(peak * margin)))
    if size <= demand.size:
        return None
    return msgspec.structs.replace(demand, size=size, learned=Learned(peak=peak, stopped=True))


def _rounded(size: float) -> int:
    return math.ceil(size / GRANULE) * GRANULE


def _positive(text: str) -> float:
    number = float(text)
    if not (math.isfinite(number) and number > 0):
        raise ValueError(text)
    return number


def table(by_profile: Mapping[str, float]) -> str:
    """Return the tag's text for a number of GiB per profile."""
    return " ".join(f"{name}={number:g}" for name, number in by_profile.items())
