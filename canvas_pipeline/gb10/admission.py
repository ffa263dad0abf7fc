"""Decide which steps may start, as pure functions of numbers.

What must hold:

- after every admission, the sum of all reservations and of the standing reservation (the teacher) is at most the budget;
- reserved memory that is not used yet still counts: a step starts only if the memory available now, less the floor, covers it
  and the step's own reservation;
- no starvation: once a claim has waited for ``patience`` seconds, no later claim is admitted before it. It starts at the latest
  when every step that ran at that moment, and every older claim, has ended. A claim that could not start even if all our steps
  ended (another program holds the memory) blocks nobody.

Sizes are bytes, times are seconds of one clock.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Literal

import msgspec

from canvas_pipeline.gb10.host import gib

Why = Literal["budget", "memory", "queue"]


class Claim(msgspec.Struct, frozen=True, kw_only=True):
    """A step's request for memory: its token, its size, and since when it waits."""

    token: str
    size: int
    since: float
    name: str = ""


class Holding(msgspec.Struct, frozen=True, kw_only=True):
    """A reservation in force, and how much of it was in use when last measured."""

    token: str
    size: int
    used: int = 0
    started: float = 0.0
    name: str = ""


class Cap(msgspec.Struct, frozen=True, kw_only=True):
    """The settings in bytes. ``limit`` names what bounds ``total``; ``pinned`` is the part of the budget that no step can get."""

    total: int
    limit: str
    budget: int
    floor: int
    pinned: int = 0

    @property
    def for_steps(self) -> int:
        """The largest reservation that a step can get."""
        return self.budget - self.pinned


class Headroom(msgspec.Struct, frozen=True, kw_only=True):
    """The memory headroom: the budget of all reservations, the memory available now, and the floor that must stay free.

    ``standing`` is reserved beside the steps (the teacher); ``pinned`` is the part of it that is never given back."""

    budget: int
    available: int
    floor: int
    standing: int = 0
    pinned: int = 0
    standing_name: str = ""


class Admitted(msgspec.Struct, frozen=True, kw_only=True):
    """The step may start; its reservation is made."""

    waited: float


class Waits(msgspec.Struct, frozen=True, kw_only=True):
    """The step may not start yet: the rule that blocks it, and the reason as a sentence."""

    why: Why
    reason: str
    waited: float


class Refused(msgspec.Struct, frozen=True, kw_only=True):
    """The step can never start under this budget."""

    reason: str


Decision = Admitted | Waits | Refused


def decide(
    claim: Claim, queue: Iterable[Claim], holdings: Sequence[Holding], headroom: Headroom, patience: float, now: float
) -> Decision:
    """Decide whether ``claim`` may start now, given the waiting claims and the reservations in force."""
    if claim.size > headroom.budget - headroom.pinned:
        less = (
            f", of which {headroom.standing_name or 'standing'} has {gib(headroom.pinned)} for good"
            if headroom.pinned
            else ""
        )
        return Refused(reason=f"it needs {gib(claim.size)} and the whole budget is {gib(headroom.budget)}{less}")
    waited = now - claim.since
    older = [
        other
        for other in queue
        if (other.since, other.token) < (claim.since, claim.token)
        and now - other.since >= patience
        and could_start(other, holdings, headroom)
    ]
    if older:
        oldest = min(older, key=lambda other: (other.since, other.token))
        return Waits(
            why="queue",
            waited=waited,
            reason=f"{oldest.name or oldest.token} ({gib(oldest.size)}) has waited for {now - oldest.since:.0f} s and goes first",
        )
    reserved = sum(holding.size for holding in holdings)
    if reserved + headroom.standing + claim.size > headroom.budget:
        return Waits(why="budget", waited=waited, reason=_budget_reason(claim, holdings, headroom, reserved))
    to_come = sum(max(0, holding.size - holding.used) for holding in holdings)
    if to_come + claim.size > headroom.available - headroom.floor:
        return Waits(
            why="memory",
            waited=waited,
            reason=f"it needs {gib(claim.size)}; of {gib(headroom.available)} available {gib(headroom.floor)} stay free"
            + (f" and {gib(to_come)} are promised to running steps" if to_come else ""),
        )
    return Admitted(waited=waited)


def could_start(claim: Claim, holdings: Iterable[Holding], headroom: Headroom) -> bool:
    """Return whether the claim could start if all our steps ended; only then may it block younger claims.

    Reservations estimate the memory that would come back: measured use is a moment old and may have grown."""
    back = sum(holding.size for holding in holdings)
    return (
        claim.size + headroom.standing <= headroom.budget and claim.size <= headroom.available + back - headroom.floor
    )


def victim(holdings: Iterable[Holding], missing: int) -> Holding | None:
    """Choose the step to end when the floor is touched: the one furthest over its reservation, the youngest among equals.

    A step that uses less than a tenth of ``missing`` is chosen only when there is no other."""
    living = [holding for holding in holdings if holding.used > 0]
    useful = [holding for holding in living if holding.used * 10 >= missing] or living
    return max(useful, key=lambda holding: (max(0, holding.used - holding.size), holding.started), default=None)


def _budget_reason(claim: Claim, holdings: Sequence[Holding], headroom: Headroom, reserved: int) -> str:
    largest = sorted(holdings, key=lambda holding: -holding.size)[:3]
    held = ", ".join(f"{holding.name or holding.token} {gib(holding.size)}" for holding in largest)
    more = f" and {len(holdings) - 3} more" if len(holdings) > 3 else ""
    standing = f"; {headroom.standing_name or 'standing'} {gib(headroom.standing)}" if headroom.standing else ""
    free = max(0, headroom.budget - reserved - headroom.standing)
    of_what = f"{gib(free)} of the {gib(headroom.budget)} budget are free"
    return f"it needs {gib(claim.size)} and {of_what} (held: {held or 'nothing'}{more}{standing})"
