"""Who may start: the arithmetic of admission, as pure functions of numbers.

In: what is reserved, who waits since when, how much room there is. Out: ``Admitted``, ``Waits`` with its reason, or ``Refused``.
What must hold:

- the sum of reservations and of what stands (the teacher) is at most the budget after every admission;
- what is reserved and not yet used is still to come: a step starts only if the memory available now, less the floor, holds
  that and its own reservation;
- no starvation: once a claim has waited for ``patience`` seconds nobody who came later is admitted before it. It starts at the
  latest when all that was running at that moment, and every claim older than it, has ended. Claims that could not start even
  if everything of ours ended (something outside holds the memory) keep nobody waiting.

Sizes are bytes, times are seconds of one clock.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Literal

import msgspec

from canvas_pipeline.gb10.host import gib

Why = Literal["budget", "memory", "elder"]


class Claim(msgspec.Struct, frozen=True, kw_only=True):
    """One step's wish: its token, how much, since when it waits."""

    token: str
    size: int
    since: float
    name: str = ""


class Holding(msgspec.Struct, frozen=True, kw_only=True):
    """A reservation that is held, and how much of it was in use when last measured."""

    token: str
    size: int
    used: int = 0
    started: float = 0.0
    name: str = ""


class Cap(msgspec.Struct, frozen=True, kw_only=True):
    """The settings in bytes, and what they were made from. ``pinned`` is the part of the budget that no step ever gets."""

    total: int
    limit: str
    budget: int
    floor: int
    pinned: int = 0

    @property
    def for_steps(self) -> int:
        """The most that one step may ever have."""
        return self.budget - self.pinned


class Room(msgspec.Struct, frozen=True, kw_only=True):
    """What there is: the budget of all reservations together, what stands beside them (and how much of that for
    ever), what is available, what must stay free."""

    budget: int
    available: int
    floor: int
    standing: int = 0
    pinned: int = 0
    standing_name: str = ""


class Admitted(msgspec.Struct, frozen=True, kw_only=True):
    """It may start; the reservation is made."""

    waited: float


class Waits(msgspec.Struct, frozen=True, kw_only=True):
    """It may not start yet: which rule says so, and in words."""

    why: Why
    reason: str
    waited: float


class Refused(msgspec.Struct, frozen=True, kw_only=True):
    """It can never start under this budget."""

    reason: str


Decision = Admitted | Waits | Refused


def decide(
    claim: Claim, queue: Iterable[Claim], holdings: Sequence[Holding], room: Room, patience: float, now: float
) -> Decision:
    """Whether ``claim`` may start now, given the others that wait and those that hold."""
    if claim.size > room.budget - room.pinned:
        less = f", of which {room.standing_name or 'standing'} has {gib(room.pinned)} for good" if room.pinned else ""
        return Refused(reason=f"it needs {gib(claim.size)} and the whole budget is {gib(room.budget)}{less}")
    waited = now - claim.since
    elders = [
        other
        for other in queue
        if (other.since, other.token) < (claim.since, claim.token)
        and now - other.since >= patience
        and within_reach(other, holdings, room)
    ]
    if elders:
        eldest = min(elders, key=lambda other: (other.since, other.token))
        return Waits(
            why="elder",
            waited=waited,
            reason=f"{eldest.name or eldest.token} ({gib(eldest.size)}) has waited for {now - eldest.since:.0f} s and goes first",
        )
    reserved = sum(holding.size for holding in holdings)
    if reserved + room.standing + claim.size > room.budget:
        return Waits(why="budget", waited=waited, reason=_budget_reason(claim, holdings, room, reserved))
    to_come = sum(max(0, holding.size - holding.used) for holding in holdings)
    if to_come + claim.size > room.available - room.floor:
        return Waits(
            why="memory",
            waited=waited,
            reason=f"it needs {gib(claim.size)}; of {gib(room.available)} available {gib(room.floor)} stay free"
            + (f" and {gib(to_come)} are promised to running steps" if to_come else ""),
        )
    return Admitted(waited=waited)


def within_reach(claim: Claim, holdings: Iterable[Holding], room: Room) -> bool:
    """Whether it could start if everything of ours ended: only then may it keep younger ones waiting.

    What would come back is reckoned by reservations: what is in use was measured a moment ago, and may be more by now."""
    back = sum(holding.size for holding in holdings)
    return claim.size + room.standing <= room.budget and claim.size <= room.available + back - room.floor


def victim(holdings: Iterable[Holding], missing: int) -> Holding | None:
    """Who goes when the floor is touched though every step keeps its cap: the largest overdraft, the youngest among equals.

    A step whose memory would not bring back a tenth of what is missing goes only when there is no other."""
    living = [holding for holding in holdings if holding.used > 0]
    useful = [holding for holding in living if holding.used * 10 >= missing] or living
    return max(useful, key=lambda holding: (max(0, holding.used - holding.size), holding.started), default=None)


def _budget_reason(claim: Claim, holdings: Sequence[Holding], room: Room, reserved: int) -> str:
    largest = sorted(holdings, key=lambda holding: -holding.size)[:3]
    held = ", ".join(f"{holding.name or holding.token} {gib(holding.size)}" for holding in largest)
    more = f" and {len(holdings) - 3} more" if len(holdings) > 3 else ""
    standing = f"; {room.standing_name or 'standing'} {gib(room.standing)}" if room.standing else ""
    free = max(0, room.budget - reserved - room.standing)
    of_what = f"{gib(free)} of the {gib(room.budget)} budget are free"
    return f"it needs {gib(claim.size)} and {of_what} (held: {held or 'nothing'}{more}{standing})"
