"""Decide which steps may start, as pure functions of numbers.

Invariants:

- after every admission, the sum of all reservations and of the standing reservation (the teacher) is at most the budget;
- reserved memory that is not used yet still counts: a step starts only if the memory available now, less the floor, covers it
  and the step's own reservation;
- no starvation: once a claim has waited for ``patience`` seconds, no later claim is admitted before it. It starts at the latest
  when every step that ran then, and every older claim, has ended. A claim that could not start even if all our steps
  ended (another program holds the memory) blocks nobody.

Sizes are bytes, times are seconds of one clock.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Literal

import msgspec

from canvas_pipeline.gb10.host import gib

Rule = Literal["budget", "memory", "queue"]


class Claim(msgspec.Struct, frozen=True, kw_only=True):
    """A step's request for memory. It has waited since ``since``."""

    token: str
    size: int
    since: float
    name: str = ""


class Reservation(msgspec.Struct, frozen=True, kw_only=True):
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

    ``standing`` is reserved beside the steps (the teacher); ``pinned`` is the part of it that is never released."""

    budget: int
    available: int
    floor: int
    standing: int = 0
    pinned: int = 0
    standing_name: str = ""


class Admitted(msgspec.Struct, frozen=True, kw_only=True):
    """The step may start; its reservation is made."""

    waited: float


class Queued(msgspec.Struct, frozen=True, kw_only=True):
    """The step may not start yet: the rule that blocks it, and the reason as a sentence."""

    rule: Rule
    reason: str
    waited: float


class Refused(msgspec.Struct, frozen=True, kw_only=True):
    """The step can never start under this budget."""

    reason: str


Decision = Admitted | Queued | Refused


def decide(
    claim: Claim,
    queue: Iterable[Claim],
    reservations: Sequence[Reservation],
    headroom: Headroom,
    patience: float,
    now: float,
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
        and could_start(other, reservations, headroom)
    ]
    if older:
        oldest = min(older, key=lambda other: (other.since, other.token))
        return Queued(
            rule="queue",
            waited=waited,
            reason=f"{oldest.name or oldest.token} ({gib(oldest.size)}) has waited for {now - oldest.since:.0f} s and goes first",
        )
    reserved = sum(reservation.size for reservation in reservations)
    if reserved + headroom.standing + claim.size > headroom.budget:
        return Queued(rule="budget", waited=waited, reason=_budget_reason(claim, reservations, headroom, reserved))
    to_come = sum(max(0, reservation.size - reservation.used) for reservation in reservations)
    if to_come + claim.size > headroom.available - headroom.floor:
        return Queued(
            rule="memory",
            waited=waited,
            reason=f"it needs {gib(claim.size)}; of {gib(headroom.available)} available {gib(headroom.floor)} stay free"
            + (f" and {gib(to_come)} are promised to running steps" if to_come else ""),
        )
    return Admitted(waited=waited)


def could_start(claim: Claim, reservations: Iterable[Reservation], headroom: Headroom) -> bool:
    """Return whether the claim could start if all our steps ended; only then may it block younger claims.

    Reservations estimate the memory that would come back: measured use may have grown since it was measured."""
    back = sum(reservation.size for reservation in reservations)
    return (
        claim.size + headroom.standing <= headroom.budget and claim.size <= headroom.available + back - headroom.floor
    )


def victim(reservations: Iterable[Reservation], missing: int) -> Reservation | None:
    """Choose the step to end when the floor is touched: the one furthest over its reservation, the youngest among equals.

    A step that uses less than a tenth of ``missing`` is chosen only when there is no other."""
    living = [reservation for reservation in reservations if reservation.used > 0]
    useful = [reservation for reservation in living if reservation.used * 10 >= missing] or living
    return max(
        useful, key=lambda reservation: (max(0, reservation.used - reservation.size), reservation.started), default=None
    )


def _budget_reason(claim: Claim, reservations: Sequence[Reservation], headroom: Headroom, reserved: int) -> str:
    largest = sorted(reservations, key=lambda reservation: -reservation.size)[:3]
    held = ", ".join(f"{reservation.name or reservation.token} {gib(reservation.size)}" for reservation in largest)
    more = f" and {len(reservations) - 3} more" if len(reservations) > 3 else ""
    standing = f"; {headroom.standing_name or 'standing'} {gib(headroom.standing)}" if headroom.standing else ""
    free = max(0, headroom.budget - reserved - headroom.standing)
    of_what = f"{gib(free)} of the {gib(headroom.budget)} budget are free"
    return f"it needs {gib(claim.size)} and {of_what} (held: {held or 'nothing'}{more}{standing})"
