"""Define the guards of the math track beside the standard ones: R8 (contamination) and R10 (gold answers)."""

from __future__ import annotations

from canvas_pipeline.guardrails.guard import Bound, Guard, Measured
from canvas_pipeline.guardrails.standard import base_guard
from canvas_pipeline.guardrails.table import GuardTable
from canvas_pipeline.records import Row
from canvas_pipeline.tracks.contamination import contamination_guard
from canvas_pipeline.tracks.math.datasets import DATASETS

PARTS = ("trajectory_train", "trajectory_eval")
LABELLED_LEAST = 0.95


class GoldEvidence(Row, frozen=True, kw_only=True):
    """How good the gold answers are. ``cases`` are the benchmark's; ``unlabelled`` were refused from it for lack of a gold answer.

    ``checked`` counts training rows whose solution, as it is trained, ends with an answer; ``failed`` are the ids of those whose
    answer the verifier does not accept as the gold one."""

    cases: int
    unlabelled: int
    rows: int
    checked: int
    failed: tuple[str, ...]


def _gold(e: GoldEvidence) -> Measured:
    """Report the share of labelled cases, and whether each training row's own text is right by its gold answer."""
    asked = e.cases + e.unlabelled
    return Measured(
        {
            "cases": e.cases, "labelled_share": e.cases / asked if asked else None, "rows": e.rows, "checked": e.checked,
            "self_check": (e.checked - len(e.failed)) / e.checked if e.checked else None,
        },
        where=[f"row {row}" for row in e.failed],
    )  # fmt: skip


R8 = contamination_guard(PARTS)
R10 = Guard(
    "r10", "r10_gold", "the benchmark is labelled, and every training row is right by its own gold answer",
    "line", (*PARTS, "bench_cases"), GoldEvidence, _gold,
    (Bound("cases", ">=", "min_cases", 1, "make the benchmark's cases first"),
     Bound("labelled_share", ">=", "min_labelled", LABELLED_LEAST, "give the missing gold answers, or leave the suite out"),
     Bound("checked", ">=", "min_checked", 1, "no training row has a gold answer"),
     Bound("self_check", ">=", "min_self_check", 1.0, "a row's solution ends with another answer than its gold one")))  # fmt: skip

TABLE = GuardTable(
    (base_guard("exact_match", 0.0, "the base was asked every case before any training"), R8, R10), DATASETS
)
"""All guards of the track, standard ones included."""
