"""Give the texts and facts of the instruct track for its cards and its Modelfile."""

from __future__ import annotations

from typing import TYPE_CHECKING

from canvas_pipeline.errors import GateClosed
from canvas_pipeline.evaluation.statistics import OVERALL
from canvas_pipeline.pipeline.facts import TrackCard, source
from canvas_pipeline.pipeline.shares import points
from canvas_pipeline.release.cards import CardTemplate, Fact
from canvas_pipeline.release.modelfile import SystemPrompt, requests
from canvas_pipeline.tracks.instruct.decisions import (
    POINTS,
    chain_of,
    descriptions,
    read_comparison,
    read_decision,
    require_decision,
)
from canvas_pipeline.tracks.instruct.guard_table import TABLE
from canvas_pipeline.tracks.instruct.guards import chosen_method
from canvas_pipeline.tracks.instruct.rows import INSTRUCTION, RESPONSE

if TYPE_CHECKING:
    from canvas_pipeline.pipeline.workspace import Workspace

TEMPLATE = CardTemplate(
    guards=TABLE,
    tags=("instruction-following", "preference-optimisation"),
    benchmark="Held-out verifiable instructions",
    benchmark_id="instruct-bench",
    metrics=("accuracy",),
    required={"data": ("data.items",), "model": ("data.decision_sft",)},
    texts={
        "Benchmark": (
            "Greedy answers to held-out instructions of all types, in wordings that training never saw, each judged by a program. "
            "A share stands with its Wilson interval; *few* marks a share of too few cases to compare."
        ),
        "Use and limits": (
            "Made to show what supervised and preference training add to a base model. It follows short instructions of the "
            "benchmark's types, in English, over a small invented world; it knows little else, can be wrong at the rates measured "
            "above, and its refusals are no safety measure."
        ),
        "Privacy": "All rows are drawn by a program from lists of common words; no person contributed and none is described.",
    },
)


def facts(ws: Workspace) -> dict[str, Fact]:
    """Collect the decisions, verified as a chain, the comparison, and the number of items.

    Raises ``GateClosed`` where a record was edited, stops the run, or names another model than the one chosen."""
    require_decision(ws, "sft")
    chain, cases = chain_of(ws), ws.store.get("bench_cases")
    found = {
        "data.items": Fact(value=cases.manifest.files["rows.jsonl"].rows or 0, source=source(cases, "rows.jsonl")),
        "privacy.contributors": Fact(value="none: every row is drawn by a program", source="the track instruct"),
    }  # fmt: skip
    for point, text in descriptions(chain).items():
        stage = ws.store.get(f"{point}_decision")
        found[f"data.decision_{point}"] = Fact(
            value=f"{text}, record {read_decision(stage).sha256[:12]}", source=source(stage, "decision.json")
        )
    compared = ws.store.find("comparison")
    if chain[-1].point != POINTS[-1] or compared is None:
        return found
    require_decision(ws, POINTS[-1])
    _agrees(ws, chosen_method(chain))
    for row in read_comparison(compared).rows:
        if row.group == OVERALL:
            found[f"data.gain_{row.baseline}_to_{row.candidate}"] = Fact(
                value=f"{points(row)}, McNemar p {row.test.p:.2g}", source=source(compared, "comparison.json")
            )
    return found


def _agrees(ws: Workspace, method: str) -> None:
    from canvas_pipeline.pipeline.evaluation import production_method

    chosen = production_method(ws)
    if chosen in POINTS and chosen != method:
        raise GateClosed(
            f"the decisions name {method} and the production checkpoint is {chosen}; materialise both again"
        )


def system_prompt(ws: Workspace) -> SystemPrompt:
    """Return a prompt without system message that places a request where training has the instruction."""
    return requests(INSTRUCTION, RESPONSE, reply=" ")


CARD = TrackCard(
    template=TEMPLATE,
    data_name="instruct-verifiable",
    data_licence="cc-by-4.0",
    inputs=("sft_decision", "dpo_decision", "comparison"),
    facts=facts,
    system_prompt=system_prompt,
)
