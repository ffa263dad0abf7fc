"""The guards of every track: G2 G5 G6 G9 G10 G11 G12, and ``base_guard`` for a track's G3.

They are pure functions of their evidence. A reason names rows by id and never quotes their text. G5's bound and G11's length come
from the method table, G12's minimum from the profile.
"""

from __future__ import annotations

import math
from collections.abc import Iterable

from canvas_pipeline.guardrails.guard import (
    BOTH_PARTS,
    NOTHING_TO_EVALUATE,
    BaseEvidence,
    Bound,
    FunnelEvidence,
    Guard,
    ImageEvidence,
    Measured,
    RowsEvidence,
    TrainingEvidence,
)
from canvas_pipeline.guardrails.verdict import Allowance, Number, Verdict

MIN_RETAINED = 0.7
"""The least share of its rows that a stage must keep (G6)."""
FLOOR = 0.25
"""An allowance to keep less than this share is named as such in the release log and on the data card."""


def recorded(allowance: Allowance) -> str:
    """Return an allowance as the verdict of G6 records it: ``stage>=number: reason``."""
    return f"{allowance.stage}>={min(MIN_RETAINED, allowance.minimum_retained):g}: {allowance.reason}"


def remarks(allowance: Allowance, verdicts: Iterable[Verdict]) -> tuple[str, ...]:
    """List what a reader should know of an allowance: that it goes below ``FLOOR``, that none of the verdicts needed it."""
    low = (f"below the floor of {FLOOR:.0%}",) if allowance.minimum_retained < FLOOR else ()
    needed = any(recorded(allowance) in (verdict.allowance or "") for verdict in verdicts)
    return low if needed else (*low, "nothing needed it")


def _disjoint(e: RowsEvidence) -> Measured:
    """Check that the eval set is not empty and shares neither items nor rows with the training set. A row without items cannot be
    shown to be disjoint and counts against it."""
    train, evaluation = e.parts
    items = [{item for row in part for item in row.item_ids} for part in e.parts]
    ids = [{row.id for row in part} for part in e.parts]
    without = [f"row {row.id}" for row in e.rows if not row.item_ids]
    shared = sorted(items[0] & items[1])
    numbers: dict[str, Number] = {
        "train_rows": len(train), "eval_rows": len(evaluation), "train_items": len(items[0]), "eval_items": len(items[1]),
        "shared_items": len(shared), "shared_rows": len(ids[0] & ids[1]), "rows_without_items": len(without),
    }  # fmt: skip
    return Measured(numbers, where=[f"item {item}" for item in shared] + without)


def _dry_run(e: TrainingEvidence) -> Measured:
    """Check that one step's gradient norm is usable beside those of single rows at the same weights, no value in the model is
    NaN or infinite, and every loss mask covers the assistant's turns. The largest logit is informative (KTO once reached 1e8)."""
    numbers: dict[str, Number] = {
        "grad_norm": _shown(e.grad_norm), "row_norm": _shown(e.row_norm),
        "norm_share": _shown(e.grad_norm / e.row_norm if e.row_norm > 0 else math.inf),
        "nonfinite_activations": e.nonfinite_activations,
        "nonfinite_logits": e.nonfinite_logits, "masks_wrong": e.masks_wrong,
        "largest_logit": None if e.largest_logit is None else _shown(e.largest_logit),
    }  # fmt: skip
    return Measured(numbers, {"max_norm_share": e.max_norm_share})


def _shrinkage(e: FunnelEvidence) -> Measured:
    """Check that each stage keeps enough of its rows, or as many as its allowance demands. Allowances that were needed are recorded
    with their number and reason. Raises ``RowsUnaccounted`` where a funnel does not add up."""
    permits = {a.stage: a for a in e.allowances}
    numbers: dict[str, Number] = {"stages": len(e.funnels)}
    limits: dict[str, Number] = {"min_retained": MIN_RETAINED}
    below: list[str] = []
    used: list[str] = []
    for funnel in e.funnels:
        retained = funnel.check().retained
        permit = permits.get(funnel.stage)
        minimum = MIN_RETAINED
        if retained < MIN_RETAINED and permit is not None:
            minimum = min(MIN_RETAINED, permit.minimum_retained)
            limits[f"minimum/{funnel.stage}"] = minimum
            used.append(recorded(permit))
        numbers[f"retained/{funnel.stage}"] = round(retained, 4)
        numbers[f"rows_in/{funnel.stage}"] = funnel.rows_in
        if retained < minimum:
            below.append(f"{funnel.stage} ({retained:.1%} of {funnel.rows_in} rows kept)")
    numbers["stages_below"] = len(below)
    numbers["rows_unaccounted"] = sum(e.unaccounted.values())
    below += [
        f"{stage}: {count} rows of its files or inputs are not in its funnel" for stage, count in e.unaccounted.items()
    ]
    return Measured(numbers, limits, below, "; ".join(used) or None)


def _margins(e: TrainingEvidence) -> Measured:
    """Check that the reward margin of every axis of the training rows grew in a mini-train, by more than its own noise; and that
    enough of the rejected sides are what the policy could say, or there is nothing to unlearn."""
    by_axis = {m.axis: m for m in e.margins}
    missing = sorted(axis for axis in set(e.axes) if axis not in by_axis or by_axis[axis].rows < 1)
    wrong = sorted(
        m.axis for m in e.margins if not (math.isfinite(m.before) and math.isfinite(m.after) and m.after > m.before)
    )
    lost = sorted(
        m.axis for m in e.margins
        if m.axis not in wrong and m.noise is not None and not m.after - m.before > ONE_SIDED_95 * m.noise
    )  # fmt: skip
    numbers: dict[str, Number] = {
        "axes": len(by_axis), "axes_missing": len(missing), "axes_wrong": len(wrong), "axes_in_noise": len(lost),
    }  # fmt: skip
    limits: dict[str, Number] = {}
    if e.sayable is not None:
        numbers["sayable"], limits["min_sayable"] = e.sayable, e.min_sayable
    for margin in e.margins:
        numbers[f"moved/{margin.axis}"] = _shown(margin.after - margin.before)
        numbers[f"noise/{margin.axis}"] = None if margin.noise is None else _shown(margin.noise)
        numbers[f"rows/{margin.axis}"] = margin.rows
    where = [f"axis {axis}: the wrong way" for axis in wrong] + [f"axis {axis}: not measured" for axis in missing]
    where += [f"axis {axis}: not above its noise" for axis in lost]
    return Measured(numbers, limits, where)


def _image(e: ImageEvidence) -> Measured:
    """Check that the training image builds, its check exits 0 and no command collides with the entry point. ``how`` is whether a
    container engine built it or the files were parsed."""
    numbers: dict[str, Number] = {
        "how": e.how, "engine": e.engine, "build_exit_code": e.build_exit_code, "help_exit_code": e.help_exit_code,
        "collisions": len(e.collisions),
    }  # fmt: skip
    return Measured(numbers, where=e.collisions)


def _lengths(e: TrainingEvidence) -> Measured:
    """Check that few rows are longer than the method's ``max_length``, encoded as its trainer will read them."""
    total = len(e.lengths)
    over = sum(length > e.max_length for length in e.lengths)
    ordered = sorted(e.lengths)
    numbers: dict[str, Number] = {
        "rows": total,
        "rows_over": over,
        "share_over": over / total if total else None,
        "longest": ordered[-1] if ordered else None,
        "p99": ordered[max(0, math.ceil(0.99 * total) - 1)] if ordered else None,
    }
    return Measured(numbers, {"max_length": e.max_length})


def _enough(e: RowsEvidence) -> Measured:
    """Check that the training file has the profile's minimum of rows."""
    numbers: dict[str, Number] = {"rows": sum(1 for _ in e.rows), "profile": e.profile.name}
    return Measured(numbers, {"min_rows": e.dataset.min_rows(e.profile)})


def _shown(value: float) -> Number:
    """Return NaN and infinities as text, since JSON has none; no bound accepts text as a number."""
    return value if math.isfinite(value) else str(value)


ONE_SIDED_95 = 1.645
"""Standard errors that a mean must be above zero to be positive with 95 % confidence (normal distribution)."""
_B = Bound


def base_guard(number: str, minimum: float, what: str) -> Guard:
    """Make a track's G3: its base model is right often enough and, where the project trained the base itself, not too often.

    ``number`` names the measured share and ``minimum`` is its least value: 0 for a track whose base should fail everything."""

    def base(e: BaseEvidence) -> Measured:
        return Measured({number: e.right, "cases": e.cases}, {"maximum": e.maximum})

    return Guard(
        "g3", "g3_base_not_empty", what, "line", ("base_model", "bench_cases"), BaseEvidence, base,
        (_B("cases", ">=", "min_cases", 1, "bench the base model on at least one case that expects a call"),
         _B(number, ">=", "minimum", minimum, "suspect the harness before the model: system prompt, "
            "special tokens kept when decoding, stop tokens"),
         _B(number, "<=", "maximum", None, "the base is so good that fine-tuning shows nothing; train "
            "the embedded base for fewer steps", optional=True)),
    )  # fmt: skip


GUARDS: tuple[Guard, ...] = (
    Guard("g2", "g2_eval_disjoint", "the eval set is not empty and shares no item with the training set",
          "dataset", BOTH_PARTS, RowsEvidence, _disjoint,
          (_B("train_rows", ">=", "min_rows", 1, NOTHING_TO_EVALUATE),
           _B("eval_rows", ">=", "min_rows", 1, "hold out more components (eval_fraction)"),
           _B("shared_items", "<=", "max_shared", 0, "split by connected components of shared items"),
           _B("shared_rows", "<=", "max_shared", 0, "the same row stands on both sides; split again"),
           _B("rows_without_items", "<=", "max_rows_without_items", 0, "a row that names no item cannot be shown "
              "to be disjoint; give it its student's items"))),
    Guard("g5", "g5_dry_run", "one training step: the gradient norm is finite and below its share of what single rows give",
          "method", ("{dataset}_train", "{start}"), TrainingEvidence, _dry_run,
          (_B("grad_norm", ">", "above", 0.0, "the step has no usable gradient: look at the loss mask and for NaN"),
           _B("norm_share", "<", "max_norm_share", None, "lower the learning signal's scale (beta, batch) or raise "
              "the number of rows; do not raise the bound"),
           _B("nonfinite_activations", "<=", "max_nonfinite", 0, "NaN or infinity inside the model: check dtype "
              "and weights"),
           _B("nonfinite_logits", "<=", "max_nonfinite", 0, "NaN or infinity in the logits: see the weights"),
           _B("masks_wrong", "<=", "max_masks_wrong", 0, "a row's loss mask does not decode to exactly the "
              "assistant's turns and their stops: see the chat template"))),
    Guard("g6", "g6_shrinkage", "every stage keeps at least 70 % of its rows, or a recorded allowance permits less",
          "dataset", BOTH_PARTS, FunnelEvidence, _shrinkage,
          (_B("stages", ">=", "min_stages", 1, "give the funnels of the stages that made this data set"),
           _B("stages_below", "<=", "max_stages_below", 0, "see the stage's refusals by reason; if the loss is "
              "meant, give --allow-shrinkage STAGE=NUMBER:REASON"),
           _B("rows_unaccounted", "<=", "max_rows_unaccounted", 0, "rows vanished or appeared between two stages; "
              "materialise the stage again"))),
    # Not for SFT, which reads no pairs: new pairs must not make it train again.
    Guard("g9", "g9_margins_move", "in a mini-train the reward margin grows on every axis, by more than its noise",
          "method", ("{dataset}_train", "{start}"), TrainingEvidence, _margins,
          (_B("axes", ">=", "min_axes", 1, "measure margins per axis before and after the mini-train"),
           _B("axes_missing", "<=", "max_missing", 0, "every axis of the data set needs rows in the mini-train"),
           _B("axes_wrong", "<=", "max_wrong", 0, "the objective pushes the wrong way: look for swapped sides and "
              "at the sign of the loss"),
           _B("axes_in_noise", "<=", "max_in_noise", 0, "the margin moves less than chance would move it: a learning rate or beta "
              "too small, updates that short numbers swallow, or rows that contradict each other"),
           _B("sayable", ">=", "min_sayable", None, "too few rejected sides are what the policy could say (sum of "
              "log-probabilities above -5 nats): sample more prompts, make fewer mutations", optional=True)),
          lambda method: method.objective != "sft"),
    Guard("g10", "g10_training_image", "the training image answers canvas-train --check-install; commands fit its entry",
          "line", ("deploy/Dockerfile.training", "deploy/compose.yaml"), ImageEvidence, _image,
          (_B("collisions", "<=", "max_collisions", 0, "let compose's command hold options only"),
           _B("build_exit_code", "<=", "max_exit_code", 0, "the image does not build"),
           _B("build_exit_code", ">=", "min_exit_code", 0, "the image's build was killed"),
           _B("help_exit_code", "<=", "max_exit_code", 0, "canvas-train --check-install must exit 0, as installed from a wheel"),
           _B("help_exit_code", ">=", "min_exit_code", 0, "canvas-train --check-install was killed"))),
    Guard("g11", "g11_lengths", "fewer than 1 % of the rows are longer than the method's max_length",
          "method", (*BOTH_PARTS, "base_model"), TrainingEvidence, _lengths,
          (_B("rows", ">=", "min_rows", 1, NOTHING_TO_EVALUATE),
           _B("share_over", "<", "max_share_over", 0.01, "shorten tool results or raise the method's max_length; "
              "the trainer would cut these rows without a word"))),
    Guard("g12", "g12_enough_rows", "the training set has at least the profile's minimum number of rows",
          "dataset", ("{dataset}_train",), RowsEvidence, _enough,
          (_B("rows", ">=", "min_rows", None, "make more rows: small sets are numerically unstable (KTO at N=146 "
              "had a gradient norm of 290)"),)),
)  # fmt: skip
