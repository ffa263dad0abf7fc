"""Define a guard, its evidence, and how its numbers become a ``Verdict``.

``passed`` is exactly "every bound of the guard holds for these numbers and thresholds", so that ``gate`` can compute it again and
detect an edited verdict. A value that is missing, not a number, or NaN breaks its bound.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, TypeGuard

from canvas_pipeline.errors import BadConfig
from canvas_pipeline.guardrails.verdict import Number, Verdict
from canvas_pipeline.records import Row

if TYPE_CHECKING:
    from canvas_pipeline.datasets.spec import DatasetSpec
    from canvas_pipeline.guardrails.verdict import Allowance
    from canvas_pipeline.methods import Method
    from canvas_pipeline.records import Funnel

Hashes = Mapping[str, str]
"""The name of an input → its sha256."""
NOTHING_TO_EVALUATE = "there is nothing to check; materialise the data set first"
BOTH_PARTS = ("{dataset}_train", "{dataset}_eval")
OPERATORS: Mapping[str, Callable[[float, float], bool]] = {
    ">=": operator.ge, "<=": operator.le, "<": operator.lt, ">": operator.gt,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class RowsEvidence:
    """The rows of one data set: ``parts`` in the order of the guard's ``binds``; ``profile`` is the track's."""

    parts: tuple[Sequence[Any], ...]
    dataset: DatasetSpec
    profile: Any

    @property
    def rows(self) -> Iterator[Any]:
        """The rows of all parts."""
        return (row for part in self.parts for row in part)


@dataclass(frozen=True, slots=True)
class FunnelEvidence:
    """The row counts of some stages, and the allowances to keep fewer rows. ``unaccounted`` names each stage whose files or inputs
    contain another number of rows than its funnel, with the difference."""

    funnels: Sequence[Funnel]
    allowances: Sequence[Allowance]
    unaccounted: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class BaseEvidence:
    """The base model's share of right answers among ``cases``; ``maximum`` is the largest share allowed."""

    right: float
    cases: int
    maximum: float | None = None


class AxisMargin(Row, frozen=True, kw_only=True):
    """Mean reward margin (chosen minus rejected; for KTO desirable minus undesirable) of one axis before and after a
    mini-train, over ``rows`` rows. ``noise`` is the standard error of the change; None where there are too few rows for one."""

    axis: str
    before: float
    after: float
    rows: int
    noise: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingEvidence:
    """What the training process measured for one method, and the bounds from the method table.

    ``grad_norm`` is of one step, before clipping; ``row_norm`` is the mean norm that single rows give at the start weights (the
    gradient of the mean negative log-likelihood, of the difference of a pair's summed log-probabilities, or of one such sum), and
    ``max_norm_share`` how much of it a step may have; ``masks_wrong`` counts rows, ``nonfinite_*`` counts values; ``lengths`` are
    in tokens of whole rows (the longer side of a pair), train and eval together; ``axes`` are those of the training rows;
    ``sayable`` is the share of rejected sides that the start weights could say (pairs only), ``min_sayable`` the profile's
    least."""

    grad_norm: float
    row_norm: float
    max_norm_share: float
    nonfinite_activations: int
    nonfinite_logits: int
    largest_logit: float | None
    masks_wrong: int
    lengths: Sequence[int]
    max_length: int
    margins: Sequence[AxisMargin]
    axes: Sequence[str]
    sayable: float | None = None
    min_sayable: float | None = None


class ImageEvidence(Row, frozen=True, kw_only=True):
    """How the training image was examined: ``built`` with a container engine, or ``parsed`` without one. Exit codes are
    those of the build (0 where nothing was built) and of ``canvas-train --check-install``; ``collisions`` are the services whose
    command does not fit the entry point."""

    how: Literal["built", "parsed"]
    engine: str | None
    build_exit_code: int
    help_exit_code: int
    collisions: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Measured:
    """What a guard measured. ``thresholds`` are those without a shipped value; ``where`` are row ids, stages or axes to check first
    (never text of a row); ``allowance`` is the recorded exception that was needed."""

    numbers: Mapping[str, Number]
    thresholds: Mapping[str, Number] = field(default_factory=dict)
    where: Sequence[str] = ()
    allowance: str | None = None


@dataclass(frozen=True, slots=True)
class Bound:
    """``number op threshold``. ``value`` is the shipped threshold, or None where ``evaluate`` returns it (from the profile or the
    method table). ``advice`` is what to do if the bound does not hold."""

    number: str
    op: str
    threshold: str
    value: float | None
    advice: str
    optional: bool = False

    def holds(self, numbers: Mapping[str, Number], thresholds: Mapping[str, Number]) -> bool:
        """Tell whether it holds. A missing or non-finite number never does; an optional threshold of None always does."""
        limit = thresholds.get(self.threshold)
        if limit is None and self.optional:
            return True
        measured = numbers.get(self.number)
        if not _is_number(measured) or not _is_number(limit):
            return False
        return OPERATORS[self.op](float(measured), float(limit))


@dataclass(frozen=True, slots=True)
class Guard:
    """One guard. ``evaluate`` measures evidence of the type ``reads``.

    ``per`` is what a verdict is about: the whole pipeline (``line``), a ``dataset``, a ``method``. ``binds`` are the names of the
    inputs whose hashes a verdict must contain; ``{dataset}`` is the method's data set, ``{start}`` the weights it starts from.
    ``applies_to`` selects the methods that may not train without it."""

    id: str
    name: str
    what: str
    per: Literal["line", "dataset", "method"]
    binds: tuple[str, ...]
    reads: type
    evaluate: Callable[[Any], Measured]
    bounds: tuple[Bound, ...]
    applies_to: Callable[[Method], bool] = lambda method: True

    @property
    def recomputable(self) -> bool:
        """Tell whether it can be evaluated again from the files of rows that it binds to."""
        return self.reads is RowsEvidence

    def inputs_of(self, dataset: str, start: str = "") -> tuple[str, ...]:
        """Return the input names of its verdict for a data set, and for the weights that a method starts from."""
        return tuple(name.format(dataset=dataset, start=start) for name in self.binds)

    def inputs(self, method: Method) -> tuple[str, ...]:
        """Return the input names of its verdict for a method."""
        return self.inputs_of(method.dataset, method.start)

    def subject(self, method: Method) -> str | None:
        """Return the ``subject`` of the verdict that applies to a method."""
        return {"line": None, "dataset": method.dataset, "method": method.name}[self.per]

    def broken(self, numbers: Mapping[str, Number], thresholds: Mapping[str, Number]) -> list[Bound]:
        """Return the bounds that do not hold."""
        return [bound for bound in self.bounds if not bound.holds(numbers, thresholds)]

    def verdict(self, evidence: Any, inputs: Hashes, subject: str | None = None) -> Verdict:
        """Evaluate the evidence; ``inputs`` are the hashes of what it was taken from."""
        return self.verdict_of(self.evaluate(evidence), inputs, subject)

    def verdict_of(self, measured: Measured, inputs: Hashes, subject: str | None = None) -> Verdict:
        """Make the verdict from measured numbers.

        Shipped thresholds cannot be overridden. Raises ``BadConfig`` where a threshold is missing."""
        limits = {**measured.thresholds, **{b.threshold: b.value for b in self.bounds if b.value is not None}}
        for bound in self.bounds:
            if limits.setdefault(bound.threshold, None) is None and not bound.optional:
                raise BadConfig(
                    f"{self.name} needs a threshold {bound.threshold}; it comes from the profile or method table"
                )
        broken = self.broken(measured.numbers, limits)
        reasons = [
            f"{b.number} is {_show(measured.numbers.get(b.number))}, must be {b.op} {_show(limits[b.threshold])}: {b.advice}"
            for b in broken
        ]
        if reasons and measured.where:
            reasons.append("look first at " + ", ".join(measured.where[:5]))
        return Verdict(
            guard=self.id, name=self.name, passed=not broken, numbers=dict(measured.numbers), thresholds=limits,
            reason="; ".join(reasons), inputs=dict(inputs), allowance=measured.allowance, subject=subject,
        )  # fmt: skip


def order(guard_id: str) -> tuple[str, int]:
    """Return a key to sort guards by the letter of their id, then by the number."""
    return guard_id[0], int(guard_id[1:])


def _is_number(value: Number) -> TypeGuard[int | float]:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)


def _show(value: Number) -> str:
    return f"{value:.4g}" if isinstance(value, float) else "not measured" if value is None else str(value)
