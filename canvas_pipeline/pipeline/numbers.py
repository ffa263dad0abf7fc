"""Compare a run's hyperparameters with those of the method table."""

from __future__ import annotations

from typing import Any

import msgspec

from canvas_pipeline.methods import Hyperparameters


def differences(changed: Hyperparameters, table: Hyperparameters) -> str:
    """Say what differs from the table, as ``beta 0.3 -> 0.1, epochs 1 -> 2``; empty where nothing does."""
    before, after = msgspec.structs.asdict(table), msgspec.structs.asdict(changed)
    return ", ".join(f"{n} {_shown(before[n])} -> {_shown(after[n])}" for n in before if before[n] != after[n])


def _shown(value: Any) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)
