"""Guards over measurements: G2 G3 G5 G9 G10 G12. Numbers that a run measured in, a ``Verdict`` out.

In: counts, accuracies, norms and margins as the training room, the bench and ``image`` measured them, and ``inputs``,
the sha256 of what was measured. Out: one verdict a guard. What must hold: nothing is measured here, so the same numbers
always give the same verdict; a quantity that is NaN, infinite or absent fails.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Literal

from canvas_pipeline.datasets.spec import DATASETS
from canvas_pipeline.errors import BadInput
from canvas_pipeline.guardrails.data import DataRow
from canvas_pipeline.guardrails.table import judge
from canvas_pipeline.guardrails.verdict import Number, Verdict
from canvas_pipeline.profiles import Profile
from canvas_pipeline.records import Row

Hashes = Mapping[str, str]


class AxisMargin(Row, frozen=True, kw_only=True):
    """Mean reward margin (chosen minus rejected; for KTO desirable minus undesirable) of one axis before and after a
    mini-train, over ``rows`` rows."""

    axis: str
    before: float
    after: float
    rows: int


class ImageEvidence(Row, frozen=True, kw_only=True):
    """How the training image was examined: ``built`` with a container engine, or ``parsed`` without one. Exit codes are
    those of the build (0 where nothing was built) and of ``canvas-train --help``; ``collisions`` say which service's
    command does not fit the entry point."""

    how: Literal["built", "parsed"]
    engine: str | None
    build_exit_code: int
    help_exit_code: int
    collisions: tuple[str, ...]


def g2(train: Iterable[DataRow], evaluation: Iterable[DataRow], inputs: Hashes, dataset: str) -> Verdict:
    """G2: the eval set is not empty and shares neither items nor rows with the training set. A row that names no item
    cannot be shown to be disjoint and counts against it."""
    items: tuple[set[str], set[str]] = (set(), set())
    ids: tuple[set[str], set[str]] = (set(), set())
    rows = [0, 0]
    without: list[str] = []
    for side, group in enumerate((train, evaluation)):
        for row in group:
            rows[side] += 1
            items[side].update(row.item_ids)
            ids[side].add(row.id)
            if not row.item_ids:
                without.append(f"row {row.id}")
    shared = sorted(items[0] & items[1])
    numbers: dict[str, Number] = {
        "train_rows": rows[0], "eval_rows": rows[1], "train_items": len(items[0]), "eval_items": len(items[1]),
        "shared_items": len(shared), "shared_rows": len(ids[0] & ids[1]), "rows_without_items": len(without),
    }  # fmt: skip
    return judge("g2", numbers, inputs, subject=dataset, where=[f"item {i}" for i in shared] + without)


def g3(tool_selection: float, cases: int, inputs: Hashes, maximum: float | None = None) -> Verdict:
    """G3: the base model's tool selection (0..1) on the bench cases that expect a call is at least 20 %; where the
    project trained the base itself (the embedded profile) ``maximum`` says how good it may be at most."""
    numbers: dict[str, Number] = {"tool_selection": tool_selection, "cases": cases}
    return judge("g3", numbers, inputs, {"maximum": maximum})


def g5(
    method: str,
    grad_norm: float,
    max_grad_norm: float,
    nonfinite_activations: int,
    nonfinite_logits: int,
    inputs: Hashes,
    largest_logit: float | None = None,
    masks_wrong: int = 0,
) -> Verdict:
    """G5: one optimiser step's gradient norm (before clipping) is finite, above 0 and below the method's bound; no NaN
    or infinity among activations and logits (counts of values); every row's loss mask covers the assistant's turns (count of
    rows where it does not). ``largest_logit`` is shown (KTO once reached 1e8)."""
    numbers: dict[str, Number] = {
        "grad_norm": _shown(grad_norm), "nonfinite_activations": nonfinite_activations,
        "nonfinite_logits": nonfinite_logits, "masks_wrong": masks_wrong,
        "largest_logit": None if largest_logit is None else _shown(largest_logit),
    }  # fmt: skip
    return judge("g5", numbers, inputs, {"max_grad_norm": max_grad_norm}, method)


def g9(method: str, margins: Sequence[AxisMargin], expected_axes: Iterable[str], inputs: Hashes) -> Verdict:
    """G9: in a mini-train the reward margin of every axis in ``expected_axes`` grew."""
    by_axis = {m.axis: m for m in margins}
    missing = sorted(axis for axis in set(expected_axes) if axis not in by_axis or by_axis[axis].rows < 1)
    wrong = sorted(
        m.axis for m in margins if not (math.isfinite(m.before) and math.isfinite(m.after) and m.after > m.before)
    )
    numbers: dict[str, Number] = {"axes": len(by_axis), "axes_missing": len(missing), "axes_wrong": len(wrong)}
    for margin in margins:
        numbers[f"moved/{margin.axis}"] = _shown(margin.after - margin.before)
        numbers[f"rows/{margin.axis}"] = margin.rows
    where = [f"axis {axis}: the wrong way" for axis in wrong] + [f"axis {axis}: not measured" for axis in missing]
    return judge("g9", numbers, inputs, subject=method, where=where)


def g10(evidence: ImageEvidence, inputs: Hashes) -> Verdict:
    """G10: the training image builds, ``canvas-train --help`` exits 0, and no command collides with the entry point;
    the numbers say whether a container engine did it or the files were parsed."""
    numbers: dict[str, Number] = {
        "how": evidence.how, "engine": evidence.engine, "build_exit_code": evidence.build_exit_code,
        "help_exit_code": evidence.help_exit_code, "collisions": len(evidence.collisions),
    }  # fmt: skip
    return judge("g10", numbers, inputs, where=evidence.collisions)


def g12(rows: int, dataset: str, profile: Profile, inputs: Hashes) -> Verdict:
    """G12: a data set's training file has at least the profile's minimum of rows; the profile's name is in the numbers.
    Raises ``BadInput`` for a data set that no method reads."""
    if dataset not in DATASETS:
        raise BadInput(f"there is no data set {dataset!r}; choose one of: {', '.join(DATASETS)}")
    minimum = DATASETS[dataset].min_rows(profile)
    return judge("g12", {"rows": rows, "profile": profile.name}, inputs, {"min_rows": minimum}, dataset)


def _shown(value: float) -> Number:
    """JSON has no NaN or infinity: they are kept as text, which no bound accepts as a number."""
    return value if math.isfinite(value) else str(value)
