"""Measure how much of a set of pairs is about what the policy does: the share of rejected sides that it could say.

Mistakes that the policy never makes (made-up ones mostly are) leave nothing to unlearn: the objective's push then goes elsewhere,
into the likelihood of right sides among others (arXiv:2410.08847). The share predicts this before a training."""

from __future__ import annotations

from collections.abc import Iterable

LEAST_NATS = -5.0
"""A completion with a summed log-probability above this is said about once in 150 samples or more often."""


def sayable_share(rejected: Iterable[float]) -> float | None:
    """Return the share of summed log-probabilities (nats) above ``LEAST_NATS``; None without any."""
    found = [value > LEAST_NATS for value in rejected]
    return sum(found) / len(found) if found else None
