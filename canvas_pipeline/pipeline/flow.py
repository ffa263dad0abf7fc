"""Judges and shows the rows that went into a stage and came out of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from canvas_pipeline.datasets.spec import PARTS
from canvas_pipeline.evaluation.charts import funnel_png
from canvas_pipeline.evaluation.statistics import wilson
from canvas_pipeline.guardrails.verdict import Verdict
from canvas_pipeline.pipeline import audits, verdicts
from canvas_pipeline.pipeline.context import BuildContext
from canvas_pipeline.pipeline.shares import share
from canvas_pipeline.pipeline.workspace import StageResult
from canvas_pipeline.storage.store import Stage

PICTURE = "rows in and out"


def filtered(
    context: BuildContext, stage: Stage, reused: bool, *, facts: Mapping[str, Any] = {}, own: Iterable[Verdict] = ()
) -> StageResult:
    """The result of a stage that keeps some of its rows: G6, its ``own`` verdicts and the audit; its notes and ``facts``."""
    found = stage.manifest.funnel
    assert found is not None, "a stage that filters writes its funnel"
    ws = context.workspace
    kept = share("rows kept", wilson(found.kept + found.merged, found.rows_in))
    return StageResult(
        stage, reused, (verdicts.of_funnel(ws, stage), *own, audits.of_stage(ws, stage)), {**stage.manifest.notes, **facts},
        {PICTURE: funnel_png([found])}, (found,), {"rows": found.kept, **kept},
    )  # fmt: skip


def divided(
    context: BuildContext, dataset: str, stage: Stage, reused: bool, *, parts: Sequence[str] = PARTS,
    facts: Mapping[str, Any] = {}, own: Iterable[Verdict] = (),
) -> StageResult:  # fmt: skip
    """The result of a data set's split: G6, the guards over its rows, its ``own`` verdicts and the audit; its notes and ``facts``.

    The figures are the rows of the ``parts``."""
    ws = context.workspace
    funnels = verdicts.funnels(ws, dataset)
    return StageResult(
        stage, reused, (*verdicts.of_split(ws, dataset), *own, audits.of_stage(ws, stage)), {**stage.manifest.notes, **facts},
        {PICTURE: funnel_png(funnels)}, tuple(funnels),
        {f"rows in {part}": stage.manifest.files[f"{part}.jsonl"].rows or 0 for part in parts},
    )  # fmt: skip
