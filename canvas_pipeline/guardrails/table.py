"""The 13 guards as one table: what each looks at, whom it concerns, which files it binds to, which bounds must hold.

In: numbers measured by ``data`` and ``run``. Out: a ``Verdict``. What must hold: ``passed`` is exactly "every bound of
the guard's row holds for these numbers and thresholds", so that ``gate`` can work it out again and notice an edited
one; a number that is missing, no number, or NaN breaks its bound; nothing passes on empty data.

Sources: the failures that the guards encode are those of the training pipeline's retrospective (G1–G13 of the design);
G5's bound per method and G11's length per method come from the method table, G4's and G12's minimums from the profile.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, TypeGuard

from canvas_pipeline.errors import BadConfig
from canvas_pipeline.guardrails.verdict import Number, Verdict
from canvas_pipeline.methods import Method

_OPERATORS: Mapping[str, Callable[[float, float], bool]] = {
    ">=": operator.ge, "<=": operator.le, "<": operator.lt, ">": operator.gt,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Bound:
    """``number op threshold``. ``value`` is the shipped threshold; ``None`` where the caller gives it (profile, method
    table). ``advice`` says what to do when it does not hold."""

    number: str
    op: str
    threshold: str
    value: float | None
    advice: str
    optional: bool = False

    def holds(self, numbers: Mapping[str, Number], thresholds: Mapping[str, Number]) -> bool:
        """Whether it holds; a missing or non-finite number never does. An optional threshold of None asks nothing."""
        limit = thresholds.get(self.threshold)
        if limit is None and self.optional:
            return True
        measured = numbers.get(self.number)
        if not _is_number(measured) or not _is_number(limit):
            return False
        return _OPERATORS[self.op](float(measured), float(limit))


def _is_number(value: Number) -> TypeGuard[int | float]:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)


@dataclass(frozen=True, slots=True)
class Guard:
    """One row. ``per`` says for what a verdict speaks: the whole ``line``, a ``dataset``, a ``method``. ``binds`` are
    the names of the inputs whose hashes it must carry; ``{dataset}`` is the method's data set, ``{start}`` the weights
    it starts from. ``applies_to`` says which methods may not train without it."""

    id: str
    name: str
    what: str
    kind: Literal["data", "run"]
    per: Literal["line", "dataset", "method"]
    binds: tuple[str, ...]
    bounds: tuple[Bound, ...]
    applies_to: Callable[[Method], bool] = lambda method: True

    def inputs(self, method: Method) -> tuple[str, ...]:
        """The names this guard's verdict must carry for a method."""
        return tuple(name.format(dataset=method.dataset, start=method.start) for name in self.binds)

    def subject(self, method: Method) -> str | None:
        """The ``subject`` of the verdict that speaks for a method."""
        return {"line": None, "dataset": method.dataset, "method": method.name}[self.per]


_B = Bound
_BOTH = ("{dataset}_train", "{dataset}_eval")
_NOT_EMPTY = "there is nothing to judge; materialise the data set first"

# Why `applies_to` differs: a method is blocked by the guards over everything its weights descend from. Preference and
# feedback methods start from the SFT checkpoint, so the trajectories' balance (G4) and repetition (G13) concern them
# too; SFT does not read preference pairs, so G1 and G9 do not, and a new pair does not make SFT train again.
GUARDS: Mapping[str, Guard] = {
    guard.id: guard
    for guard in (
        Guard("g1", "g1_tool_calls_in_preferences", "at least 80 % of chosen and of rejected sides contain a tool call",
              "data", "line", ("preference_train", "preference_eval"),
              (_B("pairs", ">=", "min_pairs", 1, _NOT_EMPTY),
               _B("chosen_with_call", ">=", "min_share", 0.8, "chosen sides must show calls, not prose about them"),
               _B("rejected_with_call", ">=", "min_share", 0.8, "rejected sides must be wrong calls; make fewer pairs "
                  "of the format and termination axes, which hold none")),
              lambda method: method.objective == "pairwise"),
        Guard("g2", "g2_eval_disjoint", "the eval set is not empty and shares no item with the training set",
              "run", "dataset", _BOTH,
              (_B("train_rows", ">=", "min_rows", 1, _NOT_EMPTY),
               _B("eval_rows", ">=", "min_rows", 1, "hold out more components (eval_fraction)"),
               _B("shared_items", "<=", "max_shared", 0, "split by connected components of shared items"),
               _B("shared_rows", "<=", "max_shared", 0, "the same row stands on both sides; split again"),
               _B("rows_without_items", "<=", "max_rows_without_items", 0, "a row that names no item cannot be shown "
                  "to be disjoint; give it its student's items"))),
        Guard("g3", "g3_base_not_empty", "the base model selects the right tool in at least 20 % of bench cases",
              "run", "line", ("base_model", "bench_cases"),
              (_B("cases", ">=", "min_cases", 1, "bench the base model on at least one case that expects a call"),
               _B("tool_selection", ">=", "minimum", 0.2, "suspect the harness before the model: system prompt, "
                  "special tokens kept when decoding, stop tokens"),
               _B("tool_selection", "<=", "maximum", None, "the base is so good that fine-tuning shows nothing; train "
                  "the embedded base for fewer steps", optional=True))),
        Guard("g4", "g4_tool_balance", "each of the 18 tools occurs often enough, and about equally often",
              "data", "line", ("trajectory_train",),
              (_B("fewest", ">=", "min_occurrences", None, "synthesise more trajectories of the rare tools"),
               _B("cv", "<=", "max_cv", None, "level the quotas per tool"))),
        Guard("g5", "g5_dry_run", "one training step: the gradient norm is finite and below the method's bound",
              "run", "method", ("{dataset}_train", "{start}"),
              (_B("grad_norm", ">", "above", 0.0, "the step has no usable gradient: look at the loss mask and for NaN"),
               _B("grad_norm", "<", "max_grad_norm", None, "lower the learning signal's scale (beta, batch) or raise "
                  "the number of rows; do not raise the bound"),
               _B("nonfinite_activations", "<=", "max_nonfinite", 0, "NaN or infinity inside the model: check dtype "
                  "and weights"),
               _B("nonfinite_logits", "<=", "max_nonfinite", 0, "NaN or infinity in the logits: see the weights"),
               _B("masks_wrong", "<=", "max_masks_wrong", 0, "a row's loss mask does not decode to exactly the "
                  "assistant's turns and their stops: see the chat template"))),
        Guard("g6", "g6_shrinkage", "every stage keeps at least 70 % of its rows, or a recorded allowance permits less",
              "data", "dataset", _BOTH,
              (_B("stages", ">=", "min_stages", 1, "give the funnels of the stages that made this data set"),
               _B("stages_below", "<=", "max_stages_below", 0, "see the stage's refusals by reason; if the loss is "
                  "meant, give --allow-shrinkage STAGE=NUMBER:REASON"))),
        Guard("g7", "g7_tools_exist", "every tool name in the data set exists in the registry",
              "data", "dataset", _BOTH,
              (_B("rows", ">=", "min_rows", 1, _NOT_EMPTY),
               _B("unknown_names", "<=", "max_unknown", 0, "correct the names; only the rejected side of the "
                  "tool-selection axis may hold made-up ones"))),
        Guard("g8", "g8_round_trip", "every call in every row survives parse and serialise unchanged",
              "data", "dataset", _BOTH,
              (_B("calls", ">=", "min_calls", 1, _NOT_EMPTY),
               _B("broken", "<=", "max_broken", 0, "write calls with CALLS.serialise, results with response_text "
                  "and text from outside with escape"))),
        Guard("g9", "g9_margins_move", "in a mini-train the reward margin grows on every axis",
              "run", "method", ("{dataset}_train", "{start}"),
              (_B("axes", ">=", "min_axes", 1, "measure margins per axis before and after the mini-train"),
               _B("axes_missing", "<=", "max_missing", 0, "every axis of the data set needs rows in the mini-train"),
               _B("axes_wrong", "<=", "max_wrong", 0, "the objective pushes the wrong way: look for swapped sides and "
                  "at the sign of the loss")),
              lambda method: method.objective != "sft"),
        Guard("g10", "g10_training_image", "the training image answers canvas-train --help; commands fit its entry",
              "run", "line", ("deploy/Dockerfile.training", "deploy/compose.yaml"),
              (_B("collisions", "<=", "max_collisions", 0, "let compose's command hold options only"),
               _B("build_exit_code", "<=", "max_exit_code", 0, "the image does not build"),
               _B("build_exit_code", ">=", "min_exit_code", 0, "the image's build was killed"),
               _B("help_exit_code", "<=", "max_exit_code", 0, "canvas-train --help must exit 0"),
               _B("help_exit_code", ">=", "min_exit_code", 0, "canvas-train --help was killed"))),
        Guard("g11", "g11_lengths", "fewer than 1 % of the rows are longer than the method's max_length",
              "data", "method", (*_BOTH, "base_model"),
              (_B("rows", ">=", "min_rows", 1, _NOT_EMPTY),
               _B("share_over", "<", "max_share_over", 0.01, "shorten tool results or raise the method's max_length; "
                  "the trainer would cut these rows without a word"))),
        Guard("g12", "g12_enough_rows", "the training set has at least the profile's minimum number of rows",
              "run", "dataset", ("{dataset}_train",),
              (_B("rows", ">=", "min_rows", None, "make more rows: small sets are numerically unstable (KTO at N=146 "
                  "had a gradient norm of 290)"),)),
        Guard("g13", "g13_no_repetition", "no tool is called more than three times in one trajectory",
              "data", "line", ("trajectory_train",),
              (_B("trajectories", ">=", "min_rows", 1, _NOT_EMPTY),
               _B("most_repeats", "<=", "max_repeats", 3, "drop or shorten the trajectory: it teaches looping"))),
    )
}  # fmt: skip

# No guard of the training: it judges a stage's files, and whoever reads the stage asks for it (see ``line.audits``).
AUDIT = Guard(
    "audit", "audit", "a second, independent reader finds no identity and no key of the private registry in the files",
    "data", "line", (),
    (_B("strings", ">=", "min_strings", 1, "there is nothing to look at; materialise the stage again"),
     _B("unreadable_files", "<=", "max_unreadable", 0, "a file cannot be read, so nobody knows what is in it"),
     _B("identities", "<=", "max_identities", 0, "find where it was not masked (canvas-data audit names file, line and field), "
        "mend that, and materialise from there")),
)  # fmt: skip
CHECKS: Mapping[str, Guard] = {**GUARDS, AUDIT.id: AUDIT}
"""Everything that answers with a verdict."""


def guards_for(method: Method) -> tuple[Guard, ...]:
    """The guards that must have passed before a method may train, in order."""
    return tuple(guard for guard in GUARDS.values() if guard.applies_to(method))


def inputs_for(method: Method) -> tuple[str, ...]:
    """The names of all inputs whose sha256 the gate needs for a method, without repeats, in table order."""
    return tuple(dict.fromkeys(name for guard in guards_for(method) for name in guard.inputs(method)))


def broken_bounds(guard: Guard, numbers: Mapping[str, Number], thresholds: Mapping[str, Number]) -> list[Bound]:
    """The bounds that do not hold."""
    return [bound for bound in guard.bounds if not bound.holds(numbers, thresholds)]


def judge(
    guard_id: str,
    numbers: Mapping[str, Number],
    inputs: Mapping[str, str],
    thresholds: Mapping[str, Number] | None = None,
    subject: str | None = None,
    allowance: str | None = None,
    where: Sequence[str] = (),
) -> Verdict:
    """A verdict from numbers. ``thresholds`` adds those the table leaves to the caller (the shipped ones stay as they
    are); ``where`` are row ids, stages or axes to look at first (never text of a row). Raises ``BadConfig`` where a
    threshold is missing: a guard without its threshold must not answer."""
    guard = CHECKS[guard_id]
    limits: dict[str, Number] = dict(thresholds or {})
    limits.update({b.threshold: b.value for b in guard.bounds if b.value is not None})
    for bound in guard.bounds:
        if limits.setdefault(bound.threshold, None) is None and not bound.optional:
            raise BadConfig(
                f"{guard.name} needs a threshold {bound.threshold}; it comes from the profile or method table"
            )
    broken = broken_bounds(guard, numbers, limits)
    reasons = [
        f"{b.number} is {_show(numbers.get(b.number))}, must be {b.op} {_show(limits[b.threshold])}: {b.advice}"
        for b in broken
    ]
    if reasons and where:
        reasons.append("look first at " + ", ".join(where[:5]))
    return Verdict(
        guard=guard.id, name=guard.name, passed=not broken, numbers=dict(numbers), thresholds=limits,
        reason="; ".join(reasons), inputs=dict(inputs), allowance=allowance, subject=subject,
    )  # fmt: skip


def _show(value: Number) -> str:
    return f"{value:.4g}" if isinstance(value, float) else "not measured" if value is None else str(value)
