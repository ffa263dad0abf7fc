"""Define the guards of the code track beside the standard ones: R8 (contamination) and R12 (references that were run)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from canvas_pipeline.guardrails.guard import NOTHING_TO_EVALUATE, Bound, Guard, Measured
from canvas_pipeline.guardrails.standard import base_guard
from canvas_pipeline.guardrails.table import GuardTable
from canvas_pipeline.tracks.code.datasets import DATASETS
from canvas_pipeline.tracks.contamination import contamination_guard
from canvas_pipeline.verifiers.sandbox.session import REQUIRED

PARTS = ("trajectory_train", "trajectory_eval")
PASSED_LEAST = 0.98


@dataclass(frozen=True, slots=True)
class ReferenceEvidence:
    """How the references of the rows of a split did. ``states``: row id → state; a row that was never run has ``not_run``.

    ``barriers`` confined the programs."""

    states: Mapping[str, str]
    barriers: int


def _references(e: ReferenceEvidence) -> Measured:
    """Measure the share of rows whose program passes its own tests."""
    passed = sum(state == "passed" for state in e.states.values())
    numbers = {
        "rows": len(e.states), "passed_share": passed / len(e.states) if e.states else None, "sandbox_barriers": e.barriers,
    }  # fmt: skip
    return Measured(numbers, where=[f"row {row}: {state}" for row, state in e.states.items() if state != "passed"])


_B = Bound
R12 = Guard(
    "r12", "r12_reference_runs", "every reference program was run behind two barriers and passes its own tests",
    "line", PARTS, ReferenceEvidence, _references,
    (_B("rows", ">=", "min_rows", 1, NOTHING_TO_EVALUATE),
     _B("passed_share", ">=", "min_passed", PASSED_LEAST, "a program that fails its tests teaches mistakes; refuse these rows"),
     _B("sandbox_barriers", ">=", "min_barriers", REQUIRED, "programs are run behind two barriers only")),
)  # fmt: skip
R8 = contamination_guard(PARTS)
TABLE = GuardTable(
    (base_guard("pass_at_1", 0.0, "the base was asked every case before any training"), R8, R12), DATASETS
)
"""All guards of the track, standard ones included."""
