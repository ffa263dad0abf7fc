"""Estimate the chance that one of k samples is right, without bias (Chen et al. 2107.03374, eq. 1)."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence

from canvas_pipeline.errors import BadConfig


def pass_at_k(samples: int, right: int, k: int) -> float:
    """Return 1 - C(n - c, k) / C(n, k) for n ``samples`` of which c are ``right``.

    Raises ``BadConfig`` for k above n or below 1."""
    if not 1 <= k <= samples:
        raise BadConfig(
            f"pass@{k} needs at least {max(1, k)} samples a case, there are {samples}; sample more or lower k"
        )
    return 1.0 - math.comb(samples - right, k) / math.comb(samples, k)


def mean_pass_at_k(right: Sequence[int], samples: int, k: int) -> float | None:
    """Return the mean over cases of which so many samples are right; None without cases."""
    return statistics.fmean(pass_at_k(samples, count, k) for count in right) if right else None
