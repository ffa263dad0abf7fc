"""Decide whether the run continues after the base and after SFT, and whether the SFT or the DPO model is published.

Each decision is a record with the hashes of the previous one and of the reports it is based on. The model to publish is chosen on
the selection items; results on the test items are only reported.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from canvas_pipeline.errors import GateClosed
from canvas_pipeline.evaluation.charts import forest_png
from canvas_pipeline.evaluation.decision import Decision, require
from canvas_pipeline.evaluation.statistics import OVERALL, PairedComparison, comparison_table, percent
from canvas_pipeline.guardrails.verdict import Verdict
from canvas_pipeline.pipeline import evaluation, training
from canvas_pipeline.pipeline.context import BuildContext
from canvas_pipeline.pipeline.shares import gain, share
from canvas_pipeline.pipeline.workspace import StageResult, Workspace
from canvas_pipeline.records import Row
from canvas_pipeline.release.gate import ReleaseItem
from canvas_pipeline.storage.code_version import root_of
from canvas_pipeline.storage.store import Stage, Writer
from canvas_pipeline.tracks.instruct.benchmark import paired
from canvas_pipeline.tracks.instruct.guards import BANDS, decide_at, decide_dpo

POINTS = ("base", "sft", "dpo")
RECORD = "decision.json"
THREE_WAYS = (("base", "sft"), ("sft", "dpo"), ("base", "dpo"))
PUBLISHABLE = 0.01
"""SFT's gain over the base counts as ready for publication if its p value is below this."""
LENGTH_CHANGE = 0.20
"""Largest relative change of the mean answer length from SFT to DPO that counts as unchanged."""


class Comparison(Row, frozen=True, kw_only=True):
    """Base, SFT and DPO compared on the same test items. ``length_change``: mean words of DPO's answers / SFT's - 1."""

    rows: tuple[PairedComparison, ...]
    publishable: bool
    length_change: float | None
    length_kept: bool


def base_decision(context: BuildContext) -> StageResult:
    """Decide by the base's accuracy whether there is room for training to improve it (S3): GO, REVIEW or STOP."""
    return _decide_rate(context, "base", context.input("base_bench"))


def sft_decision(context: BuildContext) -> StageResult:
    """Decide by the SFT model's accuracy whether to sample answers from it: INVESTIGATE, CAUTION or GO."""
    ws = context.workspace
    require_decision(ws, "base")
    training.current_checkpoint(ws, "sft")
    return _decide_rate(context, "sft", context.input("sft_bench"))


def _decide_rate(context: BuildContext, point: str, benched: Stage) -> StageResult:
    ws = context.workspace
    chain, rate = _before(ws, point), evaluation.read_report(ws, benched).accuracy
    acknowledged = ws.options.get(f"acknowledge/{point}", "")

    def build(writer: Writer) -> None:
        inputs = {benched.manifest.stage: benched.sha256}
        writer.json(decide_at(point, rate, inputs, chain, acknowledged), RECORD)

    return _decided(ws, point, *context.make(build, _inputs(chain, benched), {"acknowledged": acknowledged}))


def dpo_decision(context: BuildContext) -> StageResult:
    """Decide by the selection items whether DPO is better than SFT: COMPLETE, IMPROVED or NO_GAIN (S13)."""
    ws = context.workspace
    require_decision(ws, "sft")
    chain = _before(ws, "dpo")
    benches = [context.input(f"{name}_bench") for name in ("sft", "dpo")]

    def build(writer: Writer) -> None:
        reports = {
            name: evaluation.read_report(ws, stage, "report-selection.json")
            for name, stage in zip(("sft", "dpo"), benches, strict=True)
        }
        inputs = {stage.manifest.stage: stage.sha256 for stage in benches}
        writer.json(decide_dpo(paired(reports, [("sft", "dpo")])[0], inputs, chain), RECORD)

    return _decided(ws, "dpo", *context.make(build, _inputs(chain, *benches)))


def release_items(ws: Workspace) -> Sequence[ReleaseItem]:
    """Ask of a release that every decision lets the run go on; without that about the supervised model nothing is measured."""
    chain = chain_of(ws)
    measured = any(decision.point == "sft" for decision in chain)
    return (
        ReleaseItem(
            name="decisions that let the run go on", value=sum(d.open for d in chain) / len(chain) if measured else None,
            n=len(chain), op=">=", bound=1.0, advice="see the stages base_decision, sft_decision and dpo_decision",
        ),
    )  # fmt: skip


def read_decision(stage: Stage) -> Decision:
    """Read the record of a decision stage."""
    return msgspec.json.decode(stage.path(RECORD).read_bytes(), type=Decision)


def chain_of(ws: Workspace) -> list[Decision]:
    """Read the decisions made so far, in order."""
    found = [ws.store.find(f"{point}_decision") for point in POINTS]
    return [read_decision(stage.verify()) for stage in found if stage is not None]


def require_decision(ws: Workspace, point: str) -> str:
    """Return the hash of a decision stage.

    Raises ``GateClosed`` unless it and the decisions before it let the run continue and are based on the current reports."""
    stage = ws.store.get(f"{point}_decision")
    chain = [read_decision(ws.store.get(f"{name}_decision").verify()) for name in _up_to(point)]
    for decision in chain:
        for name, sha256 in decision.inputs.items():
            if ws.store.get(name).sha256 != sha256:
                raise GateClosed(
                    f"decision {decision.point} was made about another {name} than the current one; materialise "
                    f"{decision.point}_decision again"
                )
    require(chain, point, BANDS)
    return stage.sha256


def decision_verdicts(ws: Workspace) -> tuple[Verdict, ...]:
    """Return the verdicts of S3 and S13 on the model and cases of the current reports.

    A decision that is missing, or was made about another report or model, gives no verdict."""
    found = []
    for point, guard, model in (("base", "s3", "base_model"), ("sft", "s13", "sft_checkpoint")):
        stage = ws.store.find(f"{point}_decision")
        if stage is None:
            continue
        decision, benched = read_decision(stage.verify()), ws.store.get(f"{point}_bench")
        if decision.inputs != {f"{point}_bench": benched.sha256}:
            continue  # made about another report; a missing verdict is not a pass
        inputs, folder = benched.manifest.recipe.inputs, training.start_folder(ws, model)
        # A bench names a checkpoint by its stage, a run spec by its files, the report of the machine among them.
        asked = ws.store.digests.path(folder) if model == "base_model" else ws.store.get(model).sha256
        if inputs["model"] != asked:
            continue
        about = {model: ws.store.digests.path(folder), "bench_cases": inputs["bench_cases"]}
        found.append(ws.track.guards.guards[guard].verdict(decision, about))
    return tuple(found)


def _up_to(point: str) -> tuple[str, ...]:
    return POINTS[: POINTS.index(point) + 1]


def _before(ws: Workspace, point: str) -> list[Decision]:
    return [read_decision(ws.store.get(f"{name}_decision").verify()) for name in _up_to(point)[:-1]]


def _inputs(chain: Sequence[Decision], *benches: Stage) -> dict[str, str]:
    """Return the hashes of the reports and of the previous decision."""
    before = {"previous": chain[-1].sha256} if chain else {}
    return {**{stage.manifest.stage: stage.sha256 for stage in benches}, **before}


def _decided(ws: Workspace, point: str, stage: Stage, reused: bool) -> StageResult:
    found = read_decision(stage)
    figures: dict[str, Any] = {"chosen": found.verdict, **share("accuracy", found.rate)}
    facts = {
        "effect": found.effect, "a threshold lies inside the interval": found.fragile, "record": found.sha256,
        "acknowledged": found.acknowledged or "no",
    }  # fmt: skip
    verdicts = tuple(v for v in decision_verdicts(ws) if v.guard == {"base": "s3", "sft": "s13"}.get(point))
    return StageResult(stage, reused, verdicts, facts, figures=figures)


def comparison(context: BuildContext) -> StageResult:
    """Compare base, SFT and DPO on the test items, overall and by type (S12)."""
    benches = {name: context.input(f"{name}_bench") for name in POINTS}

    def build(writer: Writer) -> None:
        reports = {name: evaluation.read_report(context.workspace, stage) for name, stage in benches.items()}
        rows = paired(reports, THREE_WAYS)
        gain = next(row for row in rows if row.group == OVERALL and row.baseline == "base")
        before, after = (reports[name].mean_words for name in ("sft", "dpo"))
        change = after / before - 1 if before and after is not None else None
        found = Comparison(
            rows=rows, publishable=gain.test.p < PUBLISHABLE and gain.gained > gain.lost, length_change=change,
            length_kept=change is not None and abs(change) <= LENGTH_CHANGE,
        )  # fmt: skip
        writer.json(found, "comparison.json")
        writer.text(comparison_table(rows) + "\n", "comparison.md")
        types = {name: reports[name].by_type for name in POINTS}
        shown = {f"{kind}: {name}": types[name][kind] for kind in types["base"] for name in POINTS}
        writer.path("comparison.png").write_bytes(forest_png(shown, "accuracy by type: base, SFT, DPO"))

    inputs = {stage.manifest.stage: stage.sha256 for stage in benches.values()}
    stage, reused = context.make(build, inputs, runs=(root_of(context.track.benchmark.score),))
    found = read_comparison(stage)
    figures: dict[str, Any] = {}
    for row in found.rows:
        if row.group == OVERALL:
            figures |= gain(f"{row.baseline} to {row.candidate}", row)
    change = "not measured" if found.length_change is None else f"{found.length_change:+.0%}"
    facts = {
        "ready for publication": found.publishable, "DPO's answers are longer or shorter by": change,
        "their length is kept": found.length_kept, "table": stage.path("comparison.md").read_text(encoding="utf-8"),
    }  # fmt: skip
    pictures = {"base, SFT and DPO": stage.path("comparison.png").read_bytes()}
    return StageResult(stage, reused, facts=facts, pictures=pictures, figures=figures)


def read_comparison(stage: Stage) -> Comparison:
    """Read the result of ``comparison``."""
    return msgspec.json.decode(stage.path("comparison.json").read_bytes(), type=Comparison)


def descriptions(chain: Sequence[Decision]) -> Mapping[str, str]:
    """Return each decision as one line, by its point."""
    return {found.point: f"{found.verdict} at {percent(found.rate)}" for found in chain}
