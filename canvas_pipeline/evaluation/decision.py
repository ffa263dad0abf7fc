"""Decide by fixed thresholds whether a run continues, and record it so that thresholds cannot be changed afterwards.

Each record contains the hash of the previous record; ``require`` checks the whole chain and refuses one that was edited.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

from canvas_pipeline.errors import GateClosed
from canvas_pipeline.evaluation.statistics import Rate, percent
from canvas_pipeline.records import Row, digest, dumps

Effect = Literal["go", "ask", "stop"]
"""Continue; continue only with a recorded reason; stop in any case."""


class Band(Row, frozen=True, kw_only=True):
    """Values above ``above`` up to the next band, and their verdict. ``included``: the bound itself belongs to it."""

    above: float
    included: bool = False
    verdict: str
    effect: Effect


class Decision(Row, frozen=True, kw_only=True):
    """One decision. ``fragile``: a threshold lies inside the interval of the rate, so chance may have decided.

    ``inputs`` maps names of inputs to their sha256; ``acknowledged`` is the reason given to continue; ``previous`` is the hash of
    the previous record (empty for the first)."""

    point: str
    rate: Rate
    bands: tuple[Band, ...]
    verdict: str
    effect: Effect
    fragile: bool
    inputs: dict[str, str]
    acknowledged: str = ""
    previous: str = ""

    @property
    def sha256(self) -> str:
        """The hash that the next record and the release refer to."""
        return digest("decision", dumps(self).decode())

    @property
    def open(self) -> bool:
        """Tell whether the run may continue."""
        return self.effect == "go" or (self.effect == "ask" and bool(self.acknowledged.strip()))


def band_of(value: float, bands: Sequence[Band]) -> Band:
    """Find the band of a value. Bands are in ascending order; the first has no lower end."""
    matching = bands[0]
    for band in bands[1:]:
        if value > band.above or (band.included and value == band.above):
            matching = band
    return matching


def decide(
    point: str,
    rate: Rate,
    bands: Sequence[Band],
    inputs: Mapping[str, str],
    chain: Sequence[Decision] = (),
    acknowledged: str = "",
) -> Decision:
    """Decide by the bands of a rate. A rate without cases stops the run."""
    if rate.share is None or rate.low is None or rate.high is None:
        verdict: tuple[str, Effect] = ("NOT_MEASURED", "stop")
        fragile = False
    else:
        band = band_of(rate.share, bands)
        verdict = (band.verdict, band.effect)
        fragile = any(rate.low < other.above < rate.high for other in bands[1:])
    return decide_named(point, rate, verdict, fragile, inputs, chain, bands, acknowledged)


def decide_named(
    point: str,
    rate: Rate,
    verdict: tuple[str, Effect],
    fragile: bool,
    inputs: Mapping[str, str],
    chain: Sequence[Decision] = (),
    bands: Sequence[Band] = (),
    acknowledged: str = "",
) -> Decision:
    """Record a verdict that depends on more than a rate."""
    return Decision(
        point=point, rate=rate, bands=tuple(bands), verdict=verdict[0], effect=verdict[1], fragile=fragile,
        inputs=dict(sorted(inputs.items())), acknowledged=acknowledged, previous=chain[-1].sha256 if chain else "",
    )  # fmt: skip


def require(chain: Sequence[Decision], point: str, bands: Mapping[str, Sequence[Band]]) -> Decision:
    """Return the decision of a point if it and all decisions before it allow the run to continue.

    ``bands`` are the thresholds in force. Raises ``GateClosed`` where the decision is missing, an earlier or this one stops, the
    chain is broken, or a record's verdict does not follow from its rate and the thresholds in force."""
    previous = ""
    for decision in chain:
        if decision.previous != previous:
            raise GateClosed(
                f"decision {decision.point} does not follow the one before it; a record was edited: decide again"
            )
        _verify(decision, bands.get(decision.point))
        if not decision.open:
            hint = "give a reason with acknowledge" if decision.effect == "ask" else "it cannot be overridden"
            raise GateClosed(f"decision {decision.point} is {decision.verdict} at {percent(decision.rate)}; {hint}")
        if decision.point == point:
            return decision
        previous = decision.sha256
    raise GateClosed(f"there is no decision {point}; make it first")


def _verify(decision: Decision, bands: Sequence[Band] | None) -> None:
    if bands is None or decision.verdict == "NOT_MEASURED":
        return
    share = decision.rate.share
    if decision.bands != tuple(bands) or share is None or band_of(share, bands).verdict != decision.verdict:
        raise GateClosed(
            f"decision {decision.point} does not follow from its rate and the thresholds in force; decide again"
        )
    if band_of(share, bands).effect != decision.effect:
        raise GateClosed(f"decision {decision.point} has another effect than its thresholds say; decide again")
